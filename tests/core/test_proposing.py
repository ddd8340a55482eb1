"""Whoever reviews a change of the policy sees what it comes to; of other pull requests nothing is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from github_app.core import events as ev
from github_app.core.effects import ShowPolicy
from github_app.core.explanation import Explained, explain
from github_app.core.machine import decide
from github_app.core.messages import policies
from github_app.core.model import Annotation
from github_app.core.policy import POLICY_PATH, Floor, Policy
from github_app.core.policyfile import find_mistakes, parse_floor, parse_policy
from github_app.core.proposals import Mistake, Proposal
from tests.core.scene import ME, NEW, event, facts

PUSHED = event(ev.PullRequestPushed)
FLOOR = parse_floor({"limits": {"usd": 5}}, name="floor.yml")
DOCUMENT = {"limits": {"usd": 20, "steps": 40}, "verify": ["make test | tee `log`"]}
LINES = {("limits",): 1, ("limits", "usd"): 2, ("limits", "steps"): 3, ("verify",): 4}
USUAL = tuple(explain(Policy(), {}, FLOOR))
WANTED = tuple(explain(parse_policy(DOCUMENT, LINES), LINES, FLOOR))
PROPOSAL = Proposal(before=USUAL, after=WANTED)
WRONG = Proposal(mistakes=(Mistake(what="unknown key `limit`", line=3), Mistake(what="it is larger than 1 MB")))


def shown(proposal: Proposal, happened: ev.PullRequestPushed = PUSHED) -> ShowPolicy:
    [effect] = decide(None, happened, facts(proposal=proposal)).effects
    assert isinstance(effect, ShowPolicy)
    return effect


def test_a_pull_request_that_leaves_the_policy_alone_hears_nothing():
    decision = decide(None, PUSHED, facts())
    assert (decision.session, decision.effects) == (None, ())


def test_what_would_change_and_what_the_operator_cuts_is_told():
    said = shown(PROPOSAL)
    assert (said.head_sha, said.conclusion) == (NEW, "success")
    assert said.title == "Nothing wrong: 2 values in force would change"
    assert [line for line in said.summary.splitlines() if line.startswith(("| `", "- `"))] == [
        "| `limits.steps` | `100` | `40` | `line 3` |",
        "| `verify` | none | `make test ¦ tee 'log'` | `line 4` |",
        "- `limits.usd` stays `5`: `the operator's floor; the file has 20`",
    ]
    assert said.annotations == (
        Annotation(
            path=POLICY_PATH,
            line=2,
            level="warning",
            text="The operator of this Honk allows less: `limits.usd` would be 5.",
        ),
    )


def test_a_file_that_is_wrong_fails_at_its_lines():
    said = shown(WRONG)
    assert (said.conclusion, said.title) == ("failure", "2 mistakes: this policy would not be followed")
    assert [(each.line, each.level) for each in said.annotations] == [(3, "failure"), (1, "failure")]
    assert "- line 3: unknown key `limit`\n- it is larger than 1 MB" in said.summary


def test_whoever_proposes_it_is_told_be_it_us_or_a_bot():
    assert shown(PROPOSAL, replace(PUSHED, actor=ME)).annotations


def test_a_branch_on_which_no_policy_is_in_force_is_named():
    assert "goes into `v1`" in shown(PROPOSAL, replace(PUSHED, base_branch="v1")).summary
    assert "goes into" not in shown(PROPOSAL).summary


def test_a_file_that_changes_nothing_in_force_says_so():
    said = shown(Proposal(before=USUAL, after=USUAL))
    assert said.title == "Nothing wrong: no value in force would change"
    assert said.summary.startswith("No value in force would change.\n\nWork follows")


def test_a_file_that_mends_a_broken_one_is_told_whole():
    said = shown(Proposal(before=None, after=WANTED))
    assert said.title == "Nothing wrong: this policy would be followed again"
    assert said.summary.count("\n| `") == len(WANTED)


def test_values_are_shown_harmless_and_cut():
    long = Explained(key="verify", value="x" * 400 + " @ann", source="line 1", line=1)
    said = shown(Proposal(before=(replace(long, value=""),), after=(long,)))
    assert f"`{'x' * 300} …`" in said.summary
    said = shown(Proposal(before=(replace(long, value=""),), after=(replace(long, value="@ann /honk"),)))
    assert "@ann" not in said.summary


def test_the_policy_in_force_is_what_was_said_and_the_rest_folded_up():
    told = policies.in_force(WANTED, "")
    before, _, folded = told.partition("<details>")
    assert "| `limits.usd` | `5` |" in before
    assert "| `judge` |" not in before
    assert "| `judge` |" in folded
    assert policies.in_force(tuple(explain(Policy(), {}, Floor())), "").startswith("Neither `.github/honk.yml`")
    assert policies.in_force((), "it is wrong.") == "No work would start here: it is wrong."


@pytest.mark.parametrize(
    ("document", "lines"),
    [
        (DOCUMENT, []),
        (None, []),
        ([], [None]),
        ({"limit": 1, "limits": {"usd": "x", "step": 1}, "judge": "loud", "verify": []}, [7, 1, None]),
    ],
)
def test_each_part_of_a_file_tells_its_first_mistake(document: object, lines: list[int | None]):
    assert [each.line for each in find_mistakes(document, {("limit",): 7, ("limits",): 1})] == lines
