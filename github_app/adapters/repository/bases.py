"""The commit under a workspace, read from a mirror: nothing that ran in the workspace or beside it has a say in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from github_app.adapters.repository.git import Git
from github_app.adapters.repository.walks import mode_of
from github_app.core.errors import HonkError, ToolFailed
from github_app.core.model import ChangeSet, Mode

_PATHS_A_CALL = 500


@dataclass(frozen=True, kw_only=True)
class Base:
    """A commit. `mirror` gives a repository that has it. All calls block."""

    git: Git
    mirror: Callable[[], Path]
    sha: str

    def read(self, path: str, *, max_bytes: int) -> bytes | None:
        """A file's content; None if it is larger. Raises `ToolFailed` if it is not there."""
        name = f"{self.sha}:{path}"
        try:
            mirror = self.mirror()
            if int(self.git.run(mirror, ["cat-file", "-s", name])) > max_bytes:
                return None
            return self.git.run(mirror, ["cat-file", "blob", name])
        except HonkError as error:
            raise ToolFailed(f"{path!r} cannot be read at {self.sha[:7]}: {error}") from error

    def with_modes(self, changes: ChangeSet) -> ChangeSet:
        """The change set with what the commit has at each path, whatever it said of that itself."""
        paths = [change.path for change in changes.changes]
        modes = {path: mode for some in _pieces(paths) for path, mode in self._modes(some)}
        known = (replace(change, base_mode=modes.get(change.path)) for change in changes.changes)
        return replace(changes, changes=tuple(known))

    def _modes(self, paths: list[str]) -> Iterator[tuple[str, Mode | None]]:
        args = ["ls-tree", "-z", "--full-tree", self.sha, "--", *paths]
        # Names, not patterns: `:(exclude)x` is a file like any other.
        rows = self.git.run(self.mirror(), args, env={"GIT_LITERAL_PATHSPECS": "1"})
        for row in rows.split(b"\0")[:-1]:
            kind, _, name = row.partition(b"\t")
            yield os.fsdecode(name), mode_of(int(kind.split()[0], 8))


def _pieces(paths: list[str]) -> Iterator[list[str]]:
    return (paths[at : at + _PATHS_A_CALL] for at in range(0, len(paths), _PATHS_A_CALL))
