"""Runs again what a session's last published commit was verified with, and compares."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from github_app.agent.outlet import Outlet
from github_app.agent.verify import run_verifier
from github_app.core.errors import Refused
from github_app.core.policy import Policy
from github_app.core.ports import Workspace
from github_app.core.session import Session
from github_app.core.verdicts import Verdict
from github_app.engine.setup import set_up


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a verifier said then, and what the same command says now of the same files."""

    then: Verdict
    now: Verdict

    @property
    def agrees(self) -> bool:
        """Whether it came out the same: it passed or not, could run or not, and the same things failed."""
        return _outcome(self.then) == _outcome(self.now)


def _outcome(verdict: Verdict) -> tuple[bool, bool, frozenset[str]]:
    return verdict.exit_code == 0, verdict.could_not_run, frozenset(verdict.failures)


def published_verdicts(session: Session) -> tuple[str, tuple[Verdict, ...]]:
    """The commit that a session published last, and what was said of it. Raises `Refused` if that is not on record."""
    submission = session.submission
    if submission is None or not session.published:
        raise Refused(f"session {session.id} has published nothing that could be verified again")
    newest = session.published[-1]
    if (newest.title, newest.summary) != (submission.title, submission.summary):
        raise Refused(
            f"what session {session.id} handed in last is not published, and of earlier commits no verdicts are kept"
        )
    if not submission.verdicts:
        raise Refused(f"nothing was verified in session {session.id}: its repository does not say how it is tested")
    return newest.head_sha, submission.verdicts


async def verify_again(
    session: Session, policy: Policy, open_at: Callable[[str], Awaitable[Workspace]]
) -> AsyncIterator[Comparison]:
    """Each recorded verifier, run in a clean workspace over the commit, set up as then. `open_at` opens it; it is
    deleted afterwards. Raises `Refused` if the set-up fails, or if there is nothing to run again."""
    sha, verdicts = published_verdicts(session)
    workspace = await open_at(sha)
    try:
        if report := (await set_up(workspace, policy)).report:
            raise Refused(f"the set-up failed: {report[:1_000]}")
        outlet = Outlet(workspace=workspace, allowed=policy.network.turn)
        for then in verdicts:
            yield Comparison(then=then, now=await run_verifier(outlet, then.command))
    finally:
        await workspace.close(discard=True)
