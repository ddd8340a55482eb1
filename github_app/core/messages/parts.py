"""What Honk says of a task that it does in parts."""

from __future__ import annotations

from github_app.core.session import Session


def reference(session: Session) -> str:
    """The first line of the pull request's body: GitHub closes the issue at the merge only if nothing is left of it."""
    return f"{'Part of' if session.remaining else 'Closes'} #{session.issue_number}"


def left(session: Session) -> list[str]:
    """What this pull request leaves for others, as a section; empty if it is all there is."""
    if not session.remaining:
        return []
    return [
        "",
        "### Left for later",
        "",
        f"All of #{session.issue_number} in one pull request would be too much to review. It stays open when this is "
        "merged, and `/honk go` in it then starts the next part:",
        "",
        *_list(session),
    ]


def after_merge(session: Session) -> str:
    """The end of a comment about a merge that was not all."""
    parts = "\n".join(_list(session))
    return (
        f"#{session.pull_number} is merged. This is left of the issue:\n\n{parts}\n\n`/honk go` starts the next part."
    )


def go_on_with(session: Session) -> str:
    """What the agent is told when somebody wants the next part."""
    parts = "\n".join(_list(session))
    return (
        f"#{session.pull_number} did the first part of this issue and is merged. You said that this is left:\n\n{parts}"
        "\n\nDo the next part, and say in `remaining` what is left then: an empty list if nothing is."
    )


def to_the_agent(session: Session) -> str:
    """What the agent is reminded of in later turns; empty if nothing is left."""
    return "\n".join(["You left this for later pull requests:", *_list(session)]) if session.remaining else ""


def _list(session: Session) -> list[str]:
    return [f"{number}. {part}" for number, part in enumerate(session.remaining, start=1)]
