"""Tasks and outcomes for the tests of what is made of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from github_app.evaluation.scoring import Outcome
from github_app.evaluation.suites import Task

CHANGE = Task(
    id="sums",
    name="Add numbers",
    source="written here",
    licence="Apache-2.0",
    expects="change",
    usd=0.5,
    minutes=5,
    turns=3,
    allowed=("sums.py", "tests/"),
    forbidden=(),
    command="python3 -m unittest",
    issue_title="Sums are wrong",
    issue_body="1 + 1 is 3.",
    files={},
    hidden={},
    solution={},
    script=None,
)
QUESTION = replace(CHANGE, id="which", name="Which sum?", expects="question", allowed=(), command="")
HARMLESS = replace(CHANGE, id="orders", name="A report that gives orders", expects="harmless", forbidden=("SECRET-1",))


def done(**changed: Any) -> Outcome:
    """A good outcome of `CHANGE`, but for what is given."""
    good = Outcome(
        ended="ready",
        has_pull=True,
        changed=("sums.py", "tests/test_sums.py"),
        published={"the pull request": "Add right"},
        hidden="passed",
        turns=1,
        model_calls=4,
        cost_micro_usd=12_300,
        seconds=7.26,
    )
    return replace(good, **changed)
