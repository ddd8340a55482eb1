"""Errors are sorted by who must act."""

from __future__ import annotations

from github_app.core.errors import (
    Gone,
    HeadMoved,
    HonkError,
    LimitReached,
    PathRefused,
    RateLimited,
    Rejected,
    SandboxUnavailable,
    ToolFailed,
    Transient,
)


def test_errors_say_who_must_act_and_what_they_need_to_know():
    assert Rejected("no", http_status=401).http_status == 401
    assert LimitReached("spent", limit="money").limit == "money"
    assert RateLimited("slowly", retry_after_s=5).retry_after_s == 5
    assert HeadMoved("moved", head_sha="1" * 40).head_sha == "1" * 40
    assert Gone("gone", what="branch").what == "branch"
    assert issubclass(RateLimited, Transient)
    assert issubclass(PathRefused, ToolFailed)
    assert issubclass(SandboxUnavailable, HonkError)
