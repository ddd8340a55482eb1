"""`honk replay --verify`: runs again what a session's last commit was verified with, and says whether it agrees."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from github_app.app import build_hub, make_vault, open_store
from github_app.core.errors import Refused
from github_app.core.messages.proof import outcome
from github_app.core.ports import Unfenced, Workspace
from github_app.core.session import Session
from github_app.engine.policies import Policies, read_floor
from github_app.engine.replay import Comparison, verify_again
from github_app.settings import Settings, read_settings
from github_app.workshop import build_workspaces


def verify_session(session_id: str) -> int:
    """Print for each recorded verifier whether it comes out as it did then; 1 if any does not."""
    settings = read_settings()
    session = open_store(settings).session(session_id)
    if session is None:
        raise Refused(f"there is no session `{session_id}`; `honk sessions` lists them")
    return asyncio.run(_verify(settings, session))


async def _verify(settings: Settings, session: Session) -> int:
    hub = build_hub(settings, make_vault(settings), Unfenced())
    workspaces = build_workspaces(settings)
    policy = Policies(hub=hub, floor=read_floor(settings.policy_file, kept=timedelta(days=settings.keep_days))).at(
        session.repo, session.base_sha
    )

    async def open_at(sha: str) -> Workspace:
        key = f"{session.id}-replay"
        return await workspaces.open(session.repo, sha, key, auth=lambda: hub.git_auth(session.repo))

    different = 0
    async for each in verify_again(session, policy, open_at):
        different += not each.agrees
        print(line_of(each))
    print("It comes out as it did then." if not different else f"{different} came out another way.")
    return 1 if different else 0


def line_of(comparison: Comparison) -> str:
    """One verifier on one line of what a terminal can show: the command is the repository's."""
    then, now = outcome(comparison.then), outcome(comparison.now)
    word = "agrees " if comparison.agrees else "DIFFERS"
    command = comparison.then.command.encode("unicode_escape").decode()
    return f"{word}  {command}: {now}; then: {then}"
