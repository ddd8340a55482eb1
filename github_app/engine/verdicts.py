"""What verifiers said of trees, kept so that none runs again where it passed; and what they say of the tree before a
change, which they are run on in a clean workspace of its own, once, when somebody asks."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter

from github_app.agent.outlet import Outlet
from github_app.agent.verify import run_verifier
from github_app.core.errors import AccessDenied, Gone, Refused, Transient
from github_app.core.model import ChangeSet
from github_app.core.policy import Policy
from github_app.core.ports import Clock, Workspace
from github_app.core.session import Session
from github_app.core.verdicts import Before, Verdict
from github_app.engine import codec
from github_app.engine.database import DatabaseAway, text_of, transaction
from github_app.engine.setup import set_up

log = logging.getLogger(__name__)

T = TypeVar("T", Before, Verdict)
_BEFORE = TypeAdapter(Before)
_VERDICT = TypeAdapter(Verdict)


@dataclass(kw_only=True)
class StoredVerdicts:
    """The verdicts of one turn (`core.verification.Verdicts`). `open_base` opens a workspace, used by nobody else, over
    the commit that the session started from, `discard_base` deletes all of it. To be closed in the end."""

    database: sa.Engine
    clock: Clock
    session: Session
    policy: Policy
    open_base: Callable[[], Awaitable[Workspace]]
    discard_base: Callable[[], Awaitable[None]]
    _base: Workspace | None = field(default=None, init=False)

    async def recall(self, changes: ChangeSet, command: str) -> Verdict | None:
        """See `Verdicts`."""
        return await asyncio.to_thread(self._load, _VERDICT, self._key(_tree_of(changes), command))

    async def remember(self, changes: ChangeSet, verdict: Verdict) -> None:
        """Keep a pass. What failed is run again: what git ignores may be another by then (an installed package)."""
        if verdict.exit_code == 0:
            key = self._key(_tree_of(changes), verdict.command)
            await asyncio.to_thread(self._store, _VERDICT, key, verdict)

    async def before(self, command: str, *, timeout_s: float) -> Before | None:
        """See `Verdicts`. That it cannot be looked up is logged, and is no failure of the turn."""
        key = self._key(self.session.base_sha, command)
        known = await asyncio.to_thread(self._load, _BEFORE, key)
        if known is not None:
            return known
        try:
            found = await self._run(command, timeout_s)
        except DatabaseAway:
            raise
        except (Transient, Gone, AccessDenied, Refused) as error:
            log.warning("not verified before the change", extra={"session": self.session.id, "why": str(error)})
            return None
        if found is not None:
            await asyncio.to_thread(self._store, _BEFORE, key, found)
        return found

    async def close(self) -> None:
        """Delete what was written beside the session's own workspace."""
        if self._base is not None:
            await self._base.close(discard=True)
            await self.discard_base()
            self._base = None

    async def _run(self, command: str, timeout_s: float) -> Before | None:
        if self._base is None:
            self._base = await self.open_base()
        if (prepared := await set_up(self._base, self.policy)).report:
            log.warning(
                "not set up before the change", extra={"session": self.session.id, "why": prepared.report[:500]}
            )
            return None
        outlet = Outlet(workspace=self._base, allowed=self.policy.network.turn)
        verdict = await run_verifier(outlet, command, timeout_s=timeout_s)
        if verdict.could_not_run:
            return None
        return Before(exit_code=verdict.exit_code, duration_s=verdict.duration_s, failures=verdict.failures)

    def _key(self, tree: str, command: str) -> str:
        policy = self.policy
        named = [self.session.repo.id, tree, command, policy.setup, policy.network.setup, policy.network.turn]
        return hashlib.sha256(json.dumps(named).encode()).hexdigest()

    def _load(self, kind: TypeAdapter[T], key: str) -> T | None:
        with transaction(self.database, reads=True) as connection:
            query = sa.text("SELECT document FROM verdicts WHERE id = :id")
            text = connection.execute(query, {"id": key}).scalar()
        return None if text is None else kind.validate_json(text)

    def _store(self, kind: TypeAdapter[T], key: str, value: T) -> None:
        with transaction(self.database) as connection:
            connection.execute(
                sa.text("INSERT INTO verdicts (id, document, at) VALUES (:id, :d, :at) ON CONFLICT DO NOTHING"),
                {"id": key, "d": kind.dump_json(value).decode(), "at": text_of(self.clock.now())},
            )


def _tree_of(changes: ChangeSet) -> str:
    return hashlib.sha256(codec.dump_changes(changes)).hexdigest()
