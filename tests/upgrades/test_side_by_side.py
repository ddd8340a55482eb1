"""Workers of two versions on one database run what the other one has enqueued."""

from __future__ import annotations

import inspect

from tests.engine.conftest import open_stage  # noqa: F401 - a fixture
from tests.engine.stage import Open


def test_flows_keep_their_names_and_arguments(open_stage: Open):  # noqa: F811 - a fixture
    """A flow that takes more, or less, fails on the other version's workers: what is new goes into the flow's id."""
    known = vars(open_stage().engine.runtime._known)
    assert {name: list(inspect.signature(flow).parameters) for name, flow in known.items()} == {
        "intake": ["lane"],
        "turn": ["session_id", "turn_id"],
        "discard": ["session_id"],
    }
