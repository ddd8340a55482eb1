"""What people read of the audit: one line for each record, and nothing that breaks on a strange one."""

from __future__ import annotations

from typing import Any

import pytest

from github_app.core.record.audit import Link, canonical
from github_app.core.record.timeline import Line, lines_of


def line(kind: str, document: dict[str, Any]) -> Line:
    link = Link(chain="7-1-1", number=3, at="2026-01-02T03:04:05", kind=kind, document=canonical(document), hash="")
    (found,) = lines_of([link])
    assert (found.number, found.at, found.kind) == (3, "2026-01-02T03:04:05", kind)
    return found


ANN = {"id": 5, "login": "ann", "is_bot": False}


@pytest.mark.parametrize(
    ("kind", "document", "text", "detail", "is_bad"),
    [
        ("decision", {"kind": "IssueLabeled", "why": "she may", "actor": ANN, "permission": "write"},
         "issue labeled (ann, account 5, write access): she may", "", False),
        ("decision", {"kind": "IssueClosed", "why": "closed", "actor": ANN},
         "issue closed (ann, account 5): closed", "", False),
        ("decision", {"kind": "Ticked", "why": "time passed"}, "ticked: time passed", "", False),
        ("prompt", {"cause": "implement", "sources": [{"kind": "issue", "name": "#1"}, {"kind": "task", "name": ""}]},
         "a turn begins: implement", "issue #1, task", False),
        ("model", {"calls": [{"tool": "bash"}, {"tool": "edit"}], "cost_micro_usd": 20_000, "request": "req_1"},
         "the model calls bash, edit: $0.0200", "req_1", False),
        ("model", {"calls": [{"tool": "judge"}], "is": "judge", "cost_micro_usd": 200, "request": "req_2"},
         "a second look: $0.0002", "req_2", False),
        ("model", {"calls": []}, "the model calls no tool: $0.00", "", False),
        ("command", {"argv": ["sh", "-c", "true"], "exit_code": 0, "duration_ms": 1_234, "killed_by": ""},
         "a command ran 1.2 s: exit code 0", "true", False),
        ("command", {"argv": ["x"], "exit_code": 2, "duration_ms": 0}, "a command ran 0.0 s: exit code 2", "x", True),
        ("command", {"argv": ["x"], "exit_code": 137, "killed_by": "memory"},
         "a command ran 0.0 s: memory", "x", True),
        ("network", {"host": "evil.example", "port": 443, "is_allowed": False, "reason": "not on the list", "times": 2},
         "network refused, 2 ×: not on the list", "evil.example:443", True),
        ("network", {"host": "good.example", "port": 443, "is_allowed": True, "reason": "", "times": 1},
         "network allowed, 1 ×", "good.example:443", False),
        ("verifier", {"command": "make test", "exit_code": 0, "duration_ms": 500},
         "a verifier ran 0.5 s: exit code 0", "make test", False),
        ("verifier", {"command": "make test", "exit_code": 1}, "a verifier ran 0.0 s: exit code 1", "make test", True),
        ("change_set", {"is": "accepted", "sha256": "ab"}, "the change set is accepted", "ab", False),
        ("change_set", {"is": "held", "sha256": "ab"}, "the change set is held", "ab", True),
        ("lesson", {"is": "kept", "lesson": "9-1", "source": "/a/b"}, "lesson 9-1 is kept", "/a/b", False),
        ("lesson", {"is": "dropped", "lesson": "9-1", "by": ANN}, "lesson 9-1 is dropped by ann on a page", "", False),
        ("push", {"sha": "cd", "pull": 9}, "published in #9", "cd", False),
        ("doubt", {"seal": "x"}, "what stands above was not sealed by us", "", True),
        ("command", {"argv": 7}, "argv: 7", "", False),
        ("model", {"calls": [{}]}, "calls: [{}]", "", False),
        ("model", {"cost_micro_usd": "much"}, "cost_micro_usd: much", "", False),
        ("command", {"duration_ms": 10**400}, f"duration_ms: 1{'0' * 400}", "", False),
        ("command", {"argv": ["sh", "-c", "rm x # \u202eon\u200b"], "exit_code": 0},
         "a command ran 0.0 s: exit code 0", "rm x # \\u202eon\\u200b", False),
        ("decision", {"kind": "Ticked", "why": "\u202e"}, "ticked: \\u202e", "", False),
        ("news", {"b": 1, "a": 2}, "a: 2, b: 1", "", False),
    ],
)  # fmt: skip
def test_each_record_is_one_line(kind: str, document: dict[str, Any], text: str, detail: str, is_bad: bool):
    found = line(kind, document)
    assert (found.text, found.detail, found.is_bad) == (text, detail, is_bad)


def test_what_was_said_to_the_model_is_left_out():
    link = Link(chain="7-1-1", number=1, at="", kind="told", document="{}", hash="")
    assert lines_of([link]) == ()
