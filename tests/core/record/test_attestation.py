"""What is attested of a commit is told from the record alone."""

from __future__ import annotations

import pytest

from github_app.core import events as ev
from github_app.core.errors import Refused
from github_app.core.machine import decide
from github_app.core.model import NetworkDecision, Permission
from github_app.core.ports import ExecResult, Step
from github_app.core.record.attestation import statement_of
from github_app.core.record.audit import START, Link, Record, append, sealed
from github_app.core.record.records import of_command, of_decision, of_prompt, of_push, of_step
from github_app.core.session import Submission
from github_app.core.verdicts import Verdict
from tests.core.scene import BASE, CAROL, USAGE, event, facts, session

TURN = "7-12-1/turn-2"
ASKED = tuple(
    NetworkDecision(host=host, port=443, is_allowed=is_allowed, reason="")
    for host, is_allowed in (("b.example", True), ("a.example", True), ("evil.example", False))
)
RESULT = ExecResult(
    exit_code=0, output="", output_bytes=0, truncated=False, killed_by=None, duration_s=1.0, network=ASKED
)


def decided(happened, before) -> tuple[Record, ...]:
    known = facts(Permission.WRITE)
    return of_decision(happened, before, decide(before, happened, known), known)


def a_story(*, is_merged: bool = True) -> list[Link]:
    submission = Submission(title="t", summary="s", verdicts=(Verdict(command="pytest", exit_code=0, duration_s=1.0),))
    records = [
        *decided(event(ev.IssueLabeled), None),
        of_prompt(TURN, cause="implement", base_sha=BASE, sources=()),
        of_step(TURN, Step(number=0, role="user", content=())),
        of_step(TURN, Step(number=1, role="assistant", content=(), usage=USAGE, model="m")),
        *of_command(TURN, ["true"], RESULT),
        *decided(event(ev.TurnFinished, submission=submission), session()),
        of_push(event(ev.Published)),
        *decided(event(ev.ReviewSubmitted, actor=CAROL, state="approved"), session(pull_is_draft=False)),
    ]
    if is_merged:
        records += decided(event(ev.PullRequestClosed, is_merged=True, actor=CAROL), session())
    links: list[Link] = []
    head = sealed(b"k", "7-12-1", number=0, hash_=START)
    for record in records:
        links.append(append(head, "7-12-1", record, at="t"))
        head = sealed(b"k", "7-12-1", number=links[-1].number, hash_=links[-1].hash)
    return links


def test_a_statement_tells_who_asked_what_ran_and_who_looked_at_it():
    links = a_story()
    statement = statement_of(links, github_url="https://github.com")
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"] == [{"name": "https://github.com/acme/goose", "digest": {"gitCommit": "2" * 40}}]
    told = statement["predicate"]
    assert [(each["actor"]["login"], each["permission"]) for each in told["asked_by"]] == [
        ("alice", "write"),
        ("carol", "write"),
    ]
    assert told["turns"] == [{"turn": TURN, "cause": "implement", "base": BASE}]
    assert (told["models"], told["model_requests"], told["cost_micro_usd"], told["commands"]) == (["m"], 1, 2_000, 1)
    assert told["hosts"] == ["a.example", "b.example"]
    assert told["verifiers"] == [{"command": "pytest", "exit_code": 0}]
    assert [(each["actor"]["login"], each["about"]["state"]) for each in told["reviews"]] == [("carol", "approved")]
    assert told["merged_by"]["actor"]["login"] == "carol"
    assert told["audit"] == {"chain": "7-12-1", "number": len(links), "hash": links[-1].hash}


def test_before_the_merge_nobody_merged():
    told = statement_of(a_story(is_merged=False), github_url="https://github.com")["predicate"]
    assert told["merged_by"] is None


def test_without_a_commit_there_is_nothing_to_attest():
    links = a_story()
    for kept in ([], links[:3], [link for link in links if link.kind == "push"]):
        with pytest.raises(Refused, match="nothing: there is no commit"):
            statement_of(kept, github_url="https://github.com")
