"""A stage for tests of the GitHub adapter: a local GitHub, our app installed on one repository, and a hub that talks
to it over HTTP. The hub's time is the stage's own: it sleeps by moving its clock. GitHub's time is the real one."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from github_app.adapters.hub.github import GitHubHub
from github_app.core.model import ChangeSet, FileChange, Repo
from github_app.core.ports import Fence
from github_app.localhub.actions import ScriptedRunner
from github_app.localhub.hub import LocalHub
from github_app.localhub.judge import Judge
from github_app.localhub.people import Person
from github_app.localhub.registration import new_private_key
from github_app.localhub.server import Exchange
from github_app.localhub.values import Installation, Issue, Pull, Repository

APP_PERMISSIONS = {
    "actions": "write",
    "checks": "write",
    "contents": "write",
    "deployments": "read",
    "issues": "write",
    "metadata": "read",
    "pull_requests": "write",
    "statuses": "read",
    "workflows": "write",
}
EVENTS = ("issues", "issue_comment")

the_judge = cache(Judge)
PIN = "7-1-1@5:0123456789abcdef"

the_private_key = cache(new_private_key)


@dataclass
class Times:
    """The hub's clock. `slept` is what the hub waited, in seconds; nobody really waits."""

    ahead_s: float = 0.0
    slept: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def seconds(self) -> float:
        return time.time() + self.ahead_s

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.slept.append(seconds)
            self.ahead_s += seconds


class Stage:
    """Everything that a test of the hub needs. `repo` is what the hub is given, `place` the same at localhub."""

    def __init__(self, root: Path, *, permissions: dict[str, str] | None = None, pause_s: float = 0.0) -> None:
        self.times = Times()
        self.runner = ScriptedRunner()
        self.github = LocalHub(root, judge=the_judge(), runner=self.runner).start()
        new = self.github.create_app(
            "honk",
            permissions=APP_PERMISSIONS if permissions is None else permissions,
            events=EVENTS,
            private_key=the_private_key(),
        )
        self.app = new.app
        self.place: Repository = self.github.create_repository("acme/shop", {"README.md": "Shop\n", "run.sh": "true\n"})
        self.installation: Installation = self.github.install(self.app, "acme")
        self.maintainer: Person = self.github.grant(self.place, "mia", "maintain")
        self.pause_s = pause_s
        self.hubs: list[GitHubHub] = []
        self.hub = self.make_hub()

    def make_hub(self, *, fence: Fence | None = None) -> GitHubHub:
        """Another hub of the same app: it knows nothing yet."""
        hub = GitHubHub(
            app_id=str(self.app.id),
            private_key=the_private_key(),
            api_url=self.github.api_url,
            web_url=self.github.url,
            pause_s=self.pause_s,
            clock=self.times.seconds,
            sleep=self.times.sleep,
            fence=fence,
        )
        self.hubs.append(hub)
        return hub

    def share_the_clock(self) -> None:
        """From now on it is the same time at GitHub as here."""
        self.github.world.clock = lambda: datetime.fromtimestamp(self.times.seconds(), UTC)

    def close(self) -> None:
        for hub in self.hubs:
            hub.close()
        self.github.stop()

    @property
    def repo(self) -> Repo:
        return self.repo_of(self.place)

    def repo_of(self, place: Repository) -> Repo:
        return Repo(
            id=place.id,
            full_name=place.full_name,
            installation_id=self.installation.id,
            default_branch=place.default_branch,
        )

    @property
    def base(self) -> str:
        """The commit at the tip of `main`."""
        return self.tip("main")

    def tip(self, branch: str) -> str:
        sha = self.place.branch(branch)
        assert sha
        return sha

    def issue(self, title: str = "It breaks", *, labels: Sequence[str] = ()) -> Issue:
        return self.maintainer.open_issue(self.place, title, "body", labels=labels)

    def pull(self, branch: str = "honk/1-fix", *, draft: bool = True) -> Pull:
        """A pull request that somebody opened for a branch with one new commit."""
        self.maintainer.push(self.place, branch, {"fix.py": "a = 1\nb = 2\nc = 3\n"}, "Fix it")
        return self.maintainer.open_pull(self.place, "Fix it", head=branch, body="Please", draft=draft)

    def publish(
        self, content: str = "fixed\n", *, key: str = "turn-1", parent: str = "", branch: str = "honk/1-fix"
    ) -> str:
        parent_sha = parent or self.base
        changes = changed(parent_sha, {"fix.py": content.encode()})
        return self.hub.publish(
            self.repo, changes, parent_sha=parent_sha, branch=branch, message="Fix it", key=key, audit=PIN
        )

    def asked(self, pattern: str) -> list[Exchange]:
        """The requests so far whose `METHOD /path` contains this."""
        return [each for each in self.github.exchanges if pattern in f"{each.method} {each.path}"]


def changed(base_sha: str, files: dict[str, bytes | None]) -> ChangeSet:
    """A change set of plain files; None deletes."""
    changes = tuple(FileChange(path=p, mode="100644", content=c) for p, c in sorted(files.items()))
    return ChangeSet(base_sha=base_sha, changes=changes)
