"""Who may do what, for pages and the API: asked of GitHub, and remembered for a minute."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Protocol

from github_app.core.errors import AccessDenied, Gone
from github_app.core.model import Actor, Permission, Repo
from github_app.core.ports import Clock

_KNOWN_FOR = timedelta(minutes=1)
_AT_ONCE = 8
_KEPT = 10_000


class Permissions(Protocol):
    """GitHub, as far as it is asked here."""

    def permission(self, repo: Repo, actor: Actor) -> Permission:
        """What an account may do. Raises what `core.ports.Hub` raises."""


class Readers:
    """Remembers for a minute what GitHub said. Thread-safe."""

    def __init__(self, hub: Permissions, clock: Clock) -> None:
        self._hub, self._clock = hub, clock
        self._known: dict[tuple[int, int], tuple[datetime, Permission]] = {}
        self._lock = threading.Lock()

    def readable(self, actor: Actor, repos: Sequence[Repo]) -> list[Repo]:
        """Those that a person can read. A repository that GitHub does not show us is not shown to anybody. Raises
        `Transient`."""
        if len(repos) < 2:
            return [repo for repo in repos if self._known_permission(actor, repo)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = list(pool.map(lambda repo: self._known_permission(actor, repo), repos))
        return [repo for repo, permission in zip(repos, found, strict=True) if permission]

    def may_write_somewhere(self, actor: Actor, repos: Sequence[Repo]) -> bool:
        """Whether a person has write access to one of them at least. Raises `Transient`."""
        return any(self._known_permission(actor, repo) >= Permission.WRITE for repo in self.readable(actor, repos))

    def permission(self, actor: Actor, repo: Repo) -> Permission:
        """What a person may do, as GitHub says at this moment. Raises `Transient`."""
        try:
            return self._hub.permission(repo, actor)
        except (AccessDenied, Gone):
            return Permission.NONE

    def _known_permission(self, actor: Actor, repo: Repo) -> Permission:
        key, now = (actor.id, repo.id), self._clock.now()
        with self._lock:
            at, permission = self._known.get(key, (now - _KNOWN_FOR, Permission.NONE))
        if at + _KNOWN_FOR > now:
            return permission
        permission = self.permission(actor, repo)
        with self._lock:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[key] = (now, permission)
        return permission
