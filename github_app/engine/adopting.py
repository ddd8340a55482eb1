"""What is looked up about a pull request of others: before work on it begins, and for each turn of it."""

from __future__ import annotations

import logging
from dataclasses import replace

import sqlalchemy as sa

from github_app.core.background import Background, background_of
from github_app.core.errors import HonkError
from github_app.core.facts import Facts
from github_app.core.feedback import feedback_of_checks, open_threads
from github_app.core.model import BranchHold, Pull, Repo
from github_app.core.policy import Policy
from github_app.core.ports import Hub
from github_app.core.session import Session
from github_app.engine.database import transaction

log = logging.getLogger(__name__)


def with_pull(facts: Facts, repo: Repo, *, hub: Hub, database: sa.Engine) -> Facts:
    """The facts with what stands on and about the pull request in them; nothing more where its branch is elsewhere.

    Raises what `Hub` raises.
    """
    pull = facts.pull
    if pull is None or not pull.is_open or pull.head_repo_id != repo.id:
        return facts
    checks = hub.checks(repo, pull.head_sha)
    return replace(
        facts,
        checks=hub.checks(repo, pull.head_sha, with_logs=True) if checks.state == "failed" else checks,
        threads=hub.threads(repo, pull.number),
        branch=BranchHold(
            is_protected=hub.is_protected(repo, pull.head_branch), issue_number=_held_by(database, repo, pull)
        ),
    )


def _held_by(database: sa.Engine, repo: Repo, pull: Pull) -> int | None:
    """The issue of an open session that has this branch."""
    statement = sa.text(
        "SELECT issue_number FROM sessions WHERE repo_id = :r AND branch = :b AND status NOT IN ('merged', 'closed')"
    )
    with transaction(database, reads=True) as connection:
        return connection.execute(statement, {"r": repo.id, "b": pull.head_branch}).scalar()


def find_background(session: Session, policy: Policy, hub: Hub) -> Background | None:
    """What a turn is told of the pull request that it works on; None for one of ours. It only saves time, so the work
    goes on without where it cannot be had."""
    if session.adopted is None or session.pull_number is None:
        return None
    try:
        patches = hub.patches(session.repo, session.pull_number)
        threads = open_threads(
            hub.threads(session.repo, session.pull_number), me=hub.identity(), may_command=policy.may_command
        )
        checks = hub.checks(session.repo, session.head_sha, with_logs=True)
    except HonkError as error:
        log.warning("no background found", extra={"session": session.id, "why": str(error)})
        return Background()
    return background_of(patches, (*feedback_of_checks(checks), *threads), asked=session.feedback)
