"""5xx, cuts, silence and limits on every single call of the loop, before and after GitHub acted: always one end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from github_app.demo.stack import Stack
from tests.edge.cases import shows
from tests.edge.every_call import PROGRAM, calls_about, install, live_all, spread, worlds
from tests.story.conftest import running


@pytest.fixture(scope="module")
def impatient() -> Iterator[Stack]:
    """A Honk that does not wait long for answers."""
    with running(PROGRAM, HONK_TURNS="8") as it:
        yield it


@shows("W77")
@pytest.mark.timeout(600)
def test_each_call_fails_once_in_each_way_and_the_end_is_the_same(impatient: Stack) -> None:
    with ExitStack() as opened:
        (plain,) = worlds(impatient, ["no fault"], opened)
        stories = {"no fault": plain}
        assert live_all(stories, at_once=1) == {}
        calls = calls_about(impatient, plain.repo.full_name)
        assert len(calls) > 25, calls
        faulty = dict(spread(calls))
        made = dict(zip(faulty, worlds(impatient, list(faulty), opened), strict=True))
        left = {name: install(impatient, world, faulty[name]) for name, world in made.items()}
        odd = live_all({"no fault": worlds(impatient, ["again"], opened)[0], **made}, at_once=8)
        assert odd == {}, "\n\n".join(f"{name}\n{told}" for name, told in odd.items())
        unused = [f"{name}: {call}" for name, faults in left.items() for call, fault in faults.items() if fault.count]
        assert unused == []
