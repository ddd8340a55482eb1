"""What programs are told of a session."""

from __future__ import annotations

from dataclasses import replace

from github_app.core.record.summary import summary_of
from github_app.core.reports import Inquiry
from github_app.core.session import Cause
from tests.core.scene import NEEDS_HUMAN, first_turn, session


def test_a_session_is_told_without_what_no_redactor_has_seen():
    told = summary_of(session(NEEDS_HUMAN), github_url="https://github.com")
    assert told["pull_url"] == "https://github.com/acme/goose/pull/34"
    assert told["issue_url"] == "https://github.com/acme/goose/issues/12"
    assert (told["status"], told["is_over"]) == ("needs_human", False)
    assert "What shall it say?" not in str(told)
    assert summary_of(first_turn(), github_url="https://github.com")["pull_url"] is None
    assert told["kind"] == "change"
    read = replace(session(NEEDS_HUMAN), inquiry=Inquiry(pull_number=77), pull_number=None, turn_cause=Cause.REVIEW)
    about = summary_of(read, github_url="https://github.com")
    assert (about["kind"], about["pull_url"]) == ("review", "https://github.com/acme/goose/pull/77")
