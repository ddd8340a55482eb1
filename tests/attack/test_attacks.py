"""Each known attack on the sandbox and on git, run for real against the whole wall: nothing gets through, and no canary
shows in what it printed or would publish. `make attack` prints the table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.attack.arena import Arena, enter
from tests.attack.cases import ATTACKS, NOT_RUN, Attack


@pytest.mark.parametrize("attack", [pytest.param(each, id=each.id) for each in ATTACKS.values()])
async def test_attack_gets_nothing(
    attack: Attack, arena: Arena, record_property: Callable[[str, object], None]
) -> None:
    for name, told in (("attack", attack.id), ("name", attack.name), ("stopped_by", attack.stopped_by)):
        record_property(name, told)

    got = await attack.run(await enter(arena))

    assert got == ""
    assert await arena.leaks() == ""


async def test_a_canary_that_leaks_is_seen_in_each_of_its_disguises(arena: Arena) -> None:
    await enter(arena)
    assert await arena.leaks() == ""

    await arena.shell(f"echo {arena.canary} | rev; echo {arena.canary} | base64 > notes.txt")

    assert await arena.leaks() == "reversed, base64"


def test_what_is_not_run_says_why() -> None:
    assert not NOT_RUN.keys() & ATTACKS.keys()
    assert all(name and why for name, why in NOT_RUN.values())
