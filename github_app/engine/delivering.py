"""Looks for what CI made of a commit: what of it people are told, by the policy, with the checksums of its files."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass, replace

from github_app.core.builds import (
    LINK_LIFE,
    Artifact,
    Build,
    Builds,
    Delivered,
    Entry,
    Item,
    pick,
    pick_previews,
    wanted,
)
from github_app.core.errors import AccessDenied, Gone, Refused
from github_app.core.links import PageLinks
from github_app.core.model import Repo
from github_app.core.ports import Clock
from github_app.core.session import Session
from github_app.engine.policies import Policies

log = logging.getLogger(__name__)

MAX_LOOKED_INTO = 30
MAX_READ_BYTES = 100_000_000
MAX_READ_S = 30.0
"""So much of a build is read for its checksums: its issue waits meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Looks for builds. It changes nothing, so it may run twice."""

    builds: Builds
    policies: Policies
    links: PageLinks
    clock: Clock

    def deliver(self, effect_id: str, session: Session | None, head_sha: str) -> Delivered | None:
        """What CI made of a session's commit; None if there is nothing for people in it. Raises what `Hub` raises."""
        if session is None:
            return None
        deliver = self.policies.at(session.repo, session.base_sha).deliver
        artifacts = wanted(self.builds.artifacts(session.repo, head_sha), deliver)[:MAX_LOOKED_INTO]
        items, more = pick([(each, self._look_into(session.repo, each)) for each in artifacts], deliver)
        previews = pick_previews(self.builds.previews(session.repo, head_sha))
        if not items and not previews:
            return None
        ends_at = self.clock.now() + LINK_LIFE
        build = Build(
            head_sha=head_sha,
            items=self._with_sums(session.repo, items),
            previews=previews,
            more=more,
            url=self.links.of_build(session.id, head_sha, ends_at),
            ends_at=ends_at,
        )
        return Delivered(id=f"{effect_id}/delivered", session_id=session.id, build=build)

    def _look_into(self, repo: Repo, artifact: Artifact) -> tuple[Entry, ...] | None:
        try:
            return self.builds.look_into(repo, artifact)
        except (AccessDenied, Gone) as error:
            log.info("an artifact was not looked into", extra={"why": str(error)})
            return None

    def _with_sums(self, repo: Repo, items: tuple[Item, ...]) -> tuple[Item, ...]:
        """The items with their checksums, as far as they can be read in good time; what is not what its archive says is
        left out."""
        found, left, until = [], MAX_READ_BYTES, time.monotonic() + MAX_READ_S
        for item in items:
            if not item.sha256 and item.size_bytes <= left:
                left -= item.size_bytes
                try:
                    found.append(replace(item, sha256=self._sum(repo, item, until)))
                except (AccessDenied, Gone, Refused) as error:
                    log.warning("a file of a build is left out", extra={"why": str(error)})
            else:
                found.append(item)
        return tuple(found)

    def _sum(self, repo: Repo, item: Item, until: float) -> str:
        read = hashlib.sha256()
        for chunk in self.builds.read(repo, item):
            read.update(chunk)
            if time.monotonic() > until:
                return ""
        return read.hexdigest()
