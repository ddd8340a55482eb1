"""What the audit says of each thing that happens: who, with which permission, with which result, and no text whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.builds import Delivered
from github_app.core.commands import Command
from github_app.core.decisions import Decision, nothing
from github_app.core.effects import Publish, Say, Undo
from github_app.core.holds import Hold
from github_app.core.judgements import Judgement, Remark
from github_app.core.lessons import Lesson, reworded
from github_app.core.machine import decide
from github_app.core.model import Actor, NetworkDecision, Permission, Usage
from github_app.core.policy import Policy
from github_app.core.ports import ExecResult, Step
from github_app.core.record.audit import Record, canonical, digest
from github_app.core.record.records import (
    Hand,
    Source,
    of_command,
    of_decision,
    of_dropped,
    of_kept,
    of_opening,
    of_prompt,
    of_push,
    of_step,
)
from github_app.core.session import Submission
from github_app.core.shipments import Approvals, Shipping
from github_app.core.verdicts import Verdict
from tests.core.scene import (
    ALICE,
    AWAITING_REVIEW,
    BASE,
    BOB,
    CAROL,
    EVENT_KINDS,
    ME,
    MERGED,
    NEEDS_HUMAN,
    NOW,
    PROTECTED,
    SUBMISSION,
    USAGE,
    checks,
    command,
    event,
    facts,
    issue,
    pull,
    session,
)

SECRET = "words that are long gone when the transcripts are"


def told(happened: Any, before: Any, **more: Any) -> list[Record]:
    known = facts(**more)
    return list(of_decision(happened, before, decide(before, happened, known), known))


def test_the_start_of_a_session_says_who_asked_and_what_was_begun():
    [record] = told(event(ev.IssueLabeled), None, permission=Permission.WRITE)
    assert record.kind == "decision"
    document = record.document
    assert document["actor"] == {"id": ALICE.id, "login": "alice", "is_bot": False}
    assert document["permission"] == "write"
    assert document["about"] == {
        "issue": 12,
        "label": "honk",
        "author": {"id": BOB.id, "login": "bob", "is_bot": False},
    }
    assert document["opens"] == {
        "session": "7-12-1",
        "repo": {"id": 7, "name": "acme/goose"},
        "issue": 12,
        "branch": "honk/12-the-goose-is-silent",
        "base": BASE,
        "requested_by": {"id": ALICE.id, "login": "alice", "is_bot": False},
    }
    assert (document["before"], document["after"]) == ("", "working")
    assert document["effects"] == ["React", "ShowProgress", "RunTurn"]


def test_the_next_session_of_an_issue_is_opened_too():
    before = session(MERGED)
    after = session(id="7-12-2")
    happened = event(ev.IssueLabeled)
    [record] = of_decision(happened, before, Decision(session=after, why="again"), facts())
    assert record.document["opens"]["session"] == "7-12-2"


def test_a_refusal_is_on_record_though_there_is_no_session():
    [record] = told(event(ev.CommandIssued, actor=BOB), None, permission=Permission.READ)
    assert (record.document["actor"]["login"], record.document["permission"]) == ("bob", "read")
    assert (record.document["after"], record.document["head"]) == ("", "")


def test_what_was_not_looked_up_is_not_claimed():
    [record] = told(event(ev.PullRequestClosed, is_merged=True), session())
    assert record.document["about"] == {"pull": 34, "is_merged": True}
    assert record.document["actor"]["login"] == "alice"
    assert "permission" not in record.document


def test_an_approval_is_on_record_though_it_changes_nothing():
    [record] = told(event(ev.ReviewSubmitted, state="approved", body=""), session(AWAITING_REVIEW))
    assert record.document["about"]["state"] == "approved"
    assert record.document["permission"] == "write"


@pytest.mark.parametrize(
    "happened",
    [event(ev.Ticked), event(ev.ChecksChanged, head_sha="9" * 40), event(ev.BranchPushed, actor=ME)],
    ids=["a tick", "a check of another commit", "our own push"],
)
def test_what_changes_nothing_and_nobody_asked_for_is_no_record(happened):
    before = session(AWAITING_REVIEW)
    assert of_decision(happened, before, nothing(before, "nothing"), facts()) == ()


def test_who_is_a_stranger_to_no_session_leaves_no_record():
    assert of_decision(event(ev.IssueClosed), None, nothing(None, "no session"), facts()) == ()


def test_our_own_act_is_on_record_where_it_changes_something_and_claims_no_permission():
    before = session()
    happened = event(ev.IssueUnlabeled, actor=ME)
    [record] = of_decision(
        happened, before, Decision(session=before, effects=(Say(number=1, tag="t", body="b"),), why="w"), facts()
    )
    assert record.document["actor"]["id"] == ME.id
    assert "permission" not in record.document


def test_who_accepted_what_was_held_back_is_on_record():
    hold = Hold(turn_id="7-12-1/turn-1", change_set_id="blob", findings=(PROTECTED,))
    before = session(NEEDS_HUMAN, held=hold, stuck_on="approval")
    said = command("approve", "all")
    decision = decide(before, said, facts(Permission.ADMIN))
    decided, publishes = of_decision(said, before, decision, facts(Permission.ADMIN))
    assert decided.document["held"] == {
        "turn": "7-12-1/turn-1",
        "sha256": "blob",
        "found": [{"kind": "protected", "path": PROTECTED.path, "text": PROTECTED.text}],
        "accepted": [{"kind": "protected", "id": ALICE.id, "login": "alice"}],
    }
    assert publishes.document["sha256"] == "blob"


@pytest.mark.parametrize("kind", EVENT_KINDS, ids=lambda kind: kind.__name__)
def test_every_event_says_what_it_was_about_in_plain_values(kind):
    before = session()
    known = facts(pull=pull(is_merged=True, merged_by="carol"), checks=checks("passed"))
    made = of_decision(
        event(kind), before, Decision(session=before, effects=(Say(number=1, tag="", body=""),), why="w"), known
    )
    document = made[-1].document
    assert document["kind"] == kind.__name__
    assert json.loads(canonical(document)) == document
    assert document["about"] or kind is ev.Ticked


@pytest.mark.parametrize("kind", [ev.IssueClosed, ev.ChecksChanged], ids=lambda kind: kind.__name__)
def test_what_github_could_not_say_is_empty(kind):
    before = session()
    [record] = of_decision(event(kind), before, Decision(session=None, why="w"), facts())
    assert "" in record.document["about"].values()


@pytest.mark.parametrize(
    "happened",
    [
        event(ev.CommandIssued, command=Command(verb="do", text=SECRET)),
        event(ev.ReviewSubmitted, body=SECRET),
        event(ev.IssueEdited, issue=issue(body=SECRET)),
        event(ev.TurnAsked, question=SECRET),
    ],
    ids=lambda happened: type(happened).__name__,
)
def test_words_are_there_by_their_hash_only(happened):
    made = told(happened, session())
    assert SECRET not in canonical([dict(each.document, why="") for each in made])
    assert "sha256" in made[-1].document["about"]


def test_a_finished_turn_says_what_verified_it_and_what_goes_out():
    verdicts = (
        Verdict(command="pytest", exit_code=0, duration_s=1.25),
        Verdict(command="make", exit_code=2, duration_s=0.5),
    )
    submission = Submission(**{**vars(SUBMISSION), "verdicts": verdicts, "unverified_reason": "make is broken"})
    made = told(event(ev.TurnFinished, submission=submission), session())
    assert [each.kind for each in made] == ["verifier", "verifier", "decision", "change_set"]
    assert made[0].document == {"turn": "7-12-1/turn-2", "command": "pytest", "exit_code": 0, "duration_ms": 1250}
    assert made[1].document["exit_code"] == 2
    assert made[2].document["about"] == {"turn": "7-12-1/turn-2", "unverified": "make is broken"}
    assert made[3].document == {"turn": "7-12-1/turn-2", "sha256": "blob", "is": "accepted"}


@pytest.mark.parametrize(
    ("judgement", "told_of"),
    [
        (Judgement(missing="the model took too long"), "the model took too long"),
        (Judgement(), []),
        (Judgement(remarks=(Remark(doubt="scope", text="It renames."),)), [["scope", "It renames."]]),
    ],
)
def test_a_finished_turn_says_what_a_second_look_found(judgement, told_of):
    submission = Submission(**{**vars(SUBMISSION), "judgement": judgement})
    made = told(event(ev.TurnFinished, submission=submission), session())
    assert made[0].document["about"]["second_look"] == told_of


def test_what_a_judge_said_is_on_record_as_its_own():
    content = ({"type": "tool_use", "id": "t", "name": "judge", "input": {}},)
    made = of_step("t", Step(number=3, role="judge", content=content, model="cheap", about="ab"))
    assert (made.kind, made.document["is"], made.document["model"]) == ("model", "judge", "cheap")


def test_the_record_that_a_commit_names_is_the_last_of_its_decision():
    decision = Decision(session=session(), effects=(Publish(turn_id="t", change_set_id="blob"),), why="w")
    assert of_decision(event(ev.Ticked), session(), decision, facts())[-1].kind == "change_set"


def test_what_somebody_does_on_a_page_says_who_and_what_they_might():
    lesson = Lesson(repo_id=7, pull_number=5, number=1, text="x", kept_by="bob", kept_at=NOW, last_used_at=NOW)
    hand = Hand(actor=BOB, permission=Permission.WRITE)
    by = {"id": BOB.id, "login": BOB.login, "is_bot": False, "permission": "write"}
    again = reworded(lesson, "Be\n`brief`.", kept_by="cat", now=NOW)
    assert (again.text, again.kept_by, again.key) == ("Be 'brief'.", "cat", "5-1")
    assert of_kept(again, hand).document["by"] == by
    assert of_dropped(again.key, hand).document == {"is": "dropped", "lesson": "5-1", "by": by}
    assert "by" not in of_kept(again).document


def test_an_opening_and_a_push():
    assert of_opening(session()) == Record(kind="opened", document={"session": "7-12-1"})
    pushed = of_push(event(ev.Published))
    assert pushed == Record(kind="push", document={"turn": "7-12-1/turn-2", "sha": "2" * 40, "pull": 34})


def test_a_commit_that_is_taken_back_is_on_record_with_what_it_reverts():
    undo = Undo(commit_sha="a" * 40, head_sha="b" * 40, login="alice")
    decision = Decision(session=session(), effects=(undo,), why="w")
    change = of_decision(event(ev.Ticked), session(), decision, facts())[-1]
    assert (change.kind, change.document["reverts"]) == ("change_set", "a" * 40)
    undone = ev.Undone(
        id="u", session_id="7-12-1", commit_sha="a" * 40, head_sha="c" * 40, pull_number=34, login="alice"
    )
    assert of_push(undone).document == {"turn": "", "reverts": "a" * 40, "sha": "c" * 40, "pull": 34}


def test_what_is_shipped_is_on_record_with_who_did_it_and_who_had_approved():
    rules, rob = Policy(ship=Shipping(is_allowed=True)), Actor(id=9, login="rob")
    [record] = told(
        command("ship", actor=CAROL),
        session(AWAITING_REVIEW),
        permission=Permission.WRITE,
        policy=rules,
        pull=pull(is_draft=False),
        checks=checks("passed"),
        approvals=Approvals(approved_by=(rob,)),
    )
    assert (record.document["permission"], record.document["about"]["verb"]) == ("write", "ship")
    assert record.document["ships"] == {
        "pull": 34,
        "sha": "1" * 40,
        "method": "merge",
        "by": {"id": CAROL.id, "login": "carol", "is_bot": False},
        "approved_by": ["rob"],
    }


def test_a_build_is_on_record_by_what_people_may_download():
    (told,) = of_decision(event(Delivered), session(), decide(session(), event(Delivered), facts()), facts())
    item = {"artifact": 801, "name": "goose.apk", "sha256": "a1" * 32}
    assert told.document["about"] == {"sha": "1" * 40, "items": [item]}


def test_a_prompt_is_on_record_by_its_sources():
    issue = Source(kind="issue", name="#12", text=SECRET, author="bob", author_id=4, permission=Permission.READ)
    thread = Source(kind="thread", name="thread:1", text="Louder", author="alice")
    record = of_prompt(
        "t",
        cause="implement",
        base_sha=BASE,
        sources=[issue, thread, Source(kind="instructions", name="AGENTS.md", text="Honk.")],
    )
    assert SECRET not in canonical(record.document)
    assert record.document["base"] == BASE
    assert record.document["sources"] == [
        {
            "kind": "issue",
            "name": "#12",
            "sha256": digest(SECRET),
            "author": {"login": "bob", "id": 4},
            "permission": "read",
        },
        {"kind": "thread", "name": "thread:1", "sha256": digest("Louder"), "author": {"login": "alice"}},
        {"kind": "instructions", "name": "AGENTS.md", "sha256": digest("Honk.")},
    ]


def test_what_the_model_was_told_is_there_by_its_hash():
    content = ({"type": "text", "text": SECRET},)
    record = of_step("t", Step(number=0, role="user", content=content, consumed=("command:1",)))
    assert record == Record(
        kind="told",
        document={"turn": "t", "step": 0, "sha256": digest(canonical(list(content))), "feedback": ["command:1"]},
    )


def test_a_reply_says_which_request_it_was_what_it_cost_and_what_it_called():
    content = (
        {"type": "text", "text": SECRET},
        {"type": "tool_use", "id": "1", "name": "bash", "input": {"command": "ls"}},
    )
    usage = Usage(**{**vars(USAGE), "cache_read_tokens": 5})
    step = Step(
        number=1, role="assistant", content=content, usage=usage, model="m", request_id="req_1", stop_reason="tool_use"
    )
    record = of_step("t", step)
    assert record.kind == "model"
    assert SECRET not in canonical(record.document)
    assert {name: record.document[name] for name in ("model", "request", "stop_reason", "cost_micro_usd")} == {
        "model": "m",
        "request": "req_1",
        "stop_reason": "tool_use",
        "cost_micro_usd": 2_000,
    }
    assert record.document["calls"] == [{"tool": "bash", "sha256": digest('{"command":"ls"}')}]


def test_a_command_says_how_it_ended_and_is_cut():
    result = ExecResult(
        exit_code=137, output=SECRET, output_bytes=49, truncated=False, killed_by="memory", duration_s=2.5
    )
    [record] = of_command("t", ["sh", "-c", "x" * 500], result)
    assert record.kind == "command"
    assert record.document["argv"] == ["sh", "-c", "x" * 199 + "…"]
    assert (record.document["exit_code"], record.document["killed_by"]) == (137, "memory")
    assert (record.document["duration_ms"], record.document["output_bytes"]) == (2500, 49)
    assert SECRET not in canonical(record.document)


def test_what_a_command_asked_of_the_network_is_on_record():
    asked = NetworkDecision(host="evil.example" * 50, port=443, is_allowed=False, reason="not in the policy", times=3)
    result = ExecResult(
        exit_code=0, output="", output_bytes=0, truncated=False, killed_by=None, duration_s=0, network=(asked,)
    )
    _, record = of_command("t", ["curl"], result)
    assert record.kind == "network"
    assert record.document == {
        "turn": "t", "host": ("evil.example" * 50)[:199] + "…", "port": 443, "is_allowed": False,
        "reason": "not in the policy", "times": 3, "bytes_up": 0, "bytes_down": 0,
    }  # fmt: skip
