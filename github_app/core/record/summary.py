"""What a program is told of a session, by `honk show --json` and by the API. What the agent asks is not in it: that has
passed no redactor before it is posted."""

from __future__ import annotations

from typing import Any

from github_app.core.session import Session


def summary_of(session: Session, *, github_url: str) -> dict[str, Any]:
    """A session in the words of JSON."""
    repo = f"{github_url}/{session.repo.full_name}"
    pull = session.pull_number if session.inquiry is None else session.inquiry.pull_number
    return {
        "session": session.id,
        "kind": session.kind,
        "repository": session.repo.full_name,
        "title": session.issue_title,
        "issue_url": f"{repo}/issues/{session.issue_number}",
        "pull_url": f"{repo}/pull/{pull}" if pull is not None else None,
        "branch": session.branch,
        "head_sha": session.head_sha,
        "status": session.status.value,
        "is_over": session.status.is_terminal,
        "requested_by": session.requested_by.login,
        "turns": session.turns,
        "tokens": session.usage.total_tokens,
        "usd": session.usage.cost_micro_usd / 1e6,
    }
