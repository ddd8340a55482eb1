"""What a report needs of GitHub (which commit, and what a pull request changes: both may be anybody's), and which are
being made."""

from __future__ import annotations

import sqlalchemy as sa

from github_app.core.errors import Transient
from github_app.core.filediffs import PullDiff, bounded
from github_app.core.model import Repo
from github_app.core.ports import Hub
from github_app.core.session import Session
from github_app.engine.database import transaction


def commit_of(session: Session, hub: Hub) -> str:
    """The commit that a session's next turn stands on: what it knows, or the head of the pull request that it reads.

    Raises what `Hub` raises.
    """
    if session.inquiry is not None and session.inquiry.pull_number is not None:
        return hub.pull(session.repo, session.inquiry.pull_number).head_sha
    return session.head_sha or session.base_sha


def read_diff(session: Session, hub: Hub, sha: str) -> PullDiff | None:
    """What the pull request of an inquiry changes at its head `sha`; None where there is none.

    Raises `Transient` if others pushed meanwhile, and what `Hub` raises.
    """
    if session.inquiry is None or session.inquiry.pull_number is None:
        return None
    files = hub.patches(session.repo, session.inquiry.pull_number)
    pull = hub.pull(session.repo, session.inquiry.pull_number)
    if pull.head_sha != sha:
        raise Transient(f"#{pull.number} got new commits while it was read")
    return PullDiff(number=pull.number, base_branch=pull.base_branch, head_sha=sha, files=bounded(files))


def open_inquiries(database: sa.Engine, repo: Repo, number: int) -> tuple[str, ...]:
    """The sessions of reports that are being made at an issue or pull request (see `Session.place`). Raises
    `DatabaseAway`."""
    statement = sa.text(
        "SELECT id FROM sessions WHERE repo_id = :r AND issue_number = :i AND status = 'working' ORDER BY generation"
    )
    with transaction(database, reads=True) as connection:
        return tuple(connection.execute(statement, {"r": repo.id, "i": -number}).scalars())
