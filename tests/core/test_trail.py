"""What is logged can be found by what it was about."""

from __future__ import annotations

import asyncio

from github_app.core.trail import on_trail, trail


def test_ids_add_up_and_end_with_their_block() -> None:
    with on_trail(delivery="d"):
        with on_trail(session="7-1-1", turn=None):
            assert trail() == {"delivery": "d", "session": "7-1-1"}
        assert trail() == {"delivery": "d"}
    assert trail() == {}


def test_work_that_is_begun_meanwhile_keeps_them_and_work_beside_it_has_its_own() -> None:
    async def turn(key: str) -> list[str]:
        with on_trail(turn=key):
            await asyncio.sleep(0)
            return [trail()["turn"], await asyncio.to_thread(lambda: trail()["turn"])]

    async def both() -> list[list[str]]:
        return list(await asyncio.gather(turn("a"), turn("b")))

    assert asyncio.run(both()) == [["a", "a"], ["b", "b"]]
