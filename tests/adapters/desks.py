"""Workspaces over a real origin in a real sandbox, once with overlays and once without."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from github_app.adapters.repository.workspaces import LocalWorkspace, LocalWorkspaces
from github_app.adapters.sandbox.bubblewrap import Bubblewrap
from github_app.core.model import ChangeSet, Repo
from github_app.core.ports import ExecLimits, GitAuth
from tests.adapters.origins import LOCAL_GIT, File, Origin

REPO = Repo(id=1, full_name="o/r", installation_id=1, default_branch="main")
LIMITS = ExecLimits(timeout_s=60)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Opens workspaces; `sh` runs a script in one and shows its output when it fails."""

    origin: Origin
    workspaces: LocalWorkspaces
    keys: itertools.count[int] = field(default_factory=itertools.count)

    @classmethod
    def create(cls, path: Path, *, has_overlay: bool) -> Desk:
        """A desk below a path that a sandbox can reach."""
        sandbox = Bubblewrap.probe(state_dir=path)
        assert sandbox.has_overlay, "these tests want a bubblewrap with overlays: install honk[demo]"
        return cls(
            origin=Origin.create(path / "origin.git"),
            workspaces=LocalWorkspaces(
                root=path / "data", git=LOCAL_GIT, sandbox=replace(sandbox, has_overlay=has_overlay)
            ),
        )

    def auth(self) -> GitAuth:
        """How to fetch."""
        return self.origin.auth

    async def open(self, sha: str, *, key: str | None = None) -> LocalWorkspace:
        """Open a workspace; without a key, one that nobody had."""
        return await self.workspaces.open(REPO, sha, key or f"fresh-{next(self.keys)}", auth=self.auth)

    async def over(self, files: Mapping[str, File]) -> LocalWorkspace:
        """A fresh workspace over a new commit of these files."""
        return await self.open(self.origin.commit(files))


async def sh(workspace: LocalWorkspace, script: str) -> str:
    """Run a script that must succeed; what it printed."""
    result = await workspace.exec(["sh", "-ec", script], limits=LIMITS)
    assert result.exit_code == 0, result.output
    return result.output


def told(changes: ChangeSet) -> dict[str, tuple[str, bytes | None]]:
    """A change set in a form that is easy to compare."""
    assert [change.path for change in changes.changes] == sorted(change.path for change in changes.changes)
    return {
        change.path: (change.mode if change.content is not None else "gone", change.content)
        for change in changes.changes
    }
