"""Each known attack on the sandbox, on git and on the running app, run for real against the whole wall: nothing gets
through, and no canary shows in what it printed or would publish. `make attack` prints the table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.attack.arena import Arena, enter
from tests.attack.cases import ATTACKS, NOT_RUN, SCENE_ATTACKS, Attack, SceneAttack
from tests.attack.scene import Scene


@pytest.mark.parametrize("attack", [pytest.param(each, id=each.id) for each in ATTACKS.values()])
async def test_attack_gets_nothing(
    attack: Attack, arena: Arena, record_property: Callable[[str, object], None]
) -> None:
    _tell(attack, record_property)

    got = await attack.run(await enter(arena))

    assert got == ""
    assert await arena.leaks() == ""


@pytest.mark.parametrize("attack", [pytest.param(each, id=each.id) for each in SCENE_ATTACKS.values()])
@pytest.mark.timeout(300)  # some are floods
def test_attack_on_the_running_app_gets_nothing(
    attack: SceneAttack, scene: Scene, record_property: Callable[[str, object], None]
) -> None:
    _tell(attack, record_property)

    got = attack.run(scene)
    scene.world.rest()

    assert got == ""
    assert scene.leaks() == ""


def _tell(attack: Attack | SceneAttack, record_property: Callable[[str, object], None]) -> None:
    for name, told in (("attack", attack.id), ("name", attack.name), ("stopped_by", attack.stopped_by)):
        record_property(name, told)


async def test_a_canary_that_leaks_is_seen_in_each_of_its_disguises(arena: Arena) -> None:
    await enter(arena)
    assert await arena.leaks() == ""

    await arena.shell(f"echo {arena.canary} | rev; echo {arena.canary} | base64 > notes.txt")

    assert await arena.leaks() == "the canary (reversed), the canary (base64)"


def test_a_secret_that_shows_on_github_is_seen(scene: Scene) -> None:
    scene.obey("echo x > x.txt", words={"title": "Say it", "summary": "The key."})
    scene.world.ask_for()
    scene.world.wait_ready()
    assert scene.leaks() == ""

    canary = scene.stage.canaries["the neighbour's code"]
    pull = scene.world.wait_pull()
    pull.issue.body = f"{pull.issue.body}\n{canary[::-1]}"

    assert scene.leaks() == "the neighbour's code (reversed)"


def test_what_is_not_run_says_why() -> None:
    assert not NOT_RUN.keys() & (ATTACKS.keys() | SCENE_ATTACKS.keys())
    assert all(name and why for name, why in NOT_RUN.values())


def test_every_known_attack_is_here() -> None:
    known = {f"S{n:02}" for n in range(1, 38)} | {f"X{n:02}" for n in range(1, 73)}
    told = {id.rstrip("abcdef") for id in (*ATTACKS, *SCENE_ATTACKS, *NOT_RUN)}
    assert known - told == set()
