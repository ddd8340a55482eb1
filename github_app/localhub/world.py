"""The local GitHub as one value: who is there, which repositories, what was delivered, and what time it is.

Ids come from one counter, so an id of one kind never names another.
"""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from .values import App, Delivery, Installation, Job, Repository, Role, Token, User


def utc_now() -> datetime:
    """Return the wall clock's time."""
    return datetime.now(UTC)


@dataclass
class World:
    """All there is. `web` is where people and git go, `api` where REST is; `clock` may be replaced by a test."""

    root: Path
    clock: Callable[[], datetime] = utc_now
    web: str = "http://127.0.0.1:0"
    users: dict[str, User] = field(default_factory=dict)
    apps: dict[int, App] = field(default_factory=dict)
    grants: dict[str, tuple[App, User]] = field(default_factory=dict)  # code -> who signed in to which app
    conversions: dict[str, tuple[App, str]] = field(default_factory=dict)  # code -> a new app and its key
    installations: dict[int, Installation] = field(default_factory=dict)
    repositories: dict[int, Repository] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    emit: Callable[[str, Repository | None, dict[str, Any]], None] = lambda *_: None
    start_workflows: Callable[..., None] = lambda *_, **__: None
    rerun_workflow: Callable[..., None] = lambda *_, **__: None
    redeliver: Callable[[Delivery], None] = lambda _: None
    logs: dict[str, tuple[Job, datetime]] = field(default_factory=dict)
    archives: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)
    attachments: dict[str, bytes] = field(default_factory=dict)
    lent: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    meter: Any = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1001))

    @property
    def api(self) -> str:
        """Where REST is, without a slash at the end."""
        return f"{self.web}/api/v3"

    def now(self) -> datetime:
        """Return the time to the second, as GitHub records it."""
        return self.clock().replace(microsecond=0)

    def new_id(self) -> int:
        """Return an id that nothing else has."""
        return next(self._ids)

    def lend_log(self, job: Job) -> str:
        """Return an address that shows a job's log for a minute, to whoever has it."""
        key = secrets.token_urlsafe(18)
        self.logs[key] = (job, self.clock() + timedelta(minutes=1))
        return f"{self.web}/_local/logs/{key}"

    def lend_archive(self, content: bytes) -> str:
        """Return an address that gives an artifact's archive for a minute, whole or in parts, to whoever has it."""
        key = secrets.token_urlsafe(18)
        self.archives[key] = (content, self.clock() + timedelta(minutes=1))
        return f"{self.web}/_local/archives/{key}"

    def user(self, login: str, kind: Literal["User", "Bot", "Organization"] = "User") -> User:
        """Return the account of that name, made on first use."""
        key = login.lower()
        if key not in self.users:
            self.users[key] = User(self.new_id(), login, kind)
        return self.users[key]

    def repository(self, full_name: str) -> Repository | None:
        """Return a repository by `owner/name`, in any case."""
        wanted = full_name.lower()
        return next((r for r in self.repositories.values() if r.full_name.lower() == wanted), None)

    def installation_for(self, app: App, repo: Repository) -> Installation | None:
        """Return the app's installation that covers a repository, suspended or not."""
        for found in self.installations.values():
            covers = found.repository_ids is None or repo.id in found.repository_ids
            if found.app is app and found.account is repo.owner and covers:
                return found
        return None

    def role(self, user: User, repo: Repository) -> Role:
        """Return a person's role in a repository; on a public one everybody may read."""
        if user is repo.owner:
            return "admin"
        return repo.collaborators.get(user.id, "none" if repo.private else "read")
