"""What an agent changed, as values: a tree tells which paths it touched, this module reads them and makes a ChangeSet.

No policy is here, and git never looks at the tree. What cannot be a file of a commit (`.git` in any spelling, nested
repositories, sockets, devices, what lies in a submodule) is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from github_app.adapters.repository.ignores import IgnoreRules
from github_app.adapters.repository.walks import Touch
from github_app.adapters.sandbox.bubblewrap import BindMount, OverlayMount
from github_app.core.errors import ToolFailed
from github_app.core.model import ChangeSet, FileChange

# What GitHub refuses in a push, and what we are ready to hold in memory for one session.
MAX_FILE_BYTES = 100_000_000
MAX_TOTAL_BYTES = 200_000_000
MAX_FILES = 20_000


class Tree(Protocol):
    """An agent's writable files over a commit. For the host's use between two commands, never during one."""

    @property
    def mount(self) -> OverlayMount | BindMount:
        """How a sandbox sees it."""

    def read(self, path: str, *, max_bytes: int) -> bytes:
        """A regular file's content. Raises `PathRefused`, `ToolFailed`."""

    def write(self, path: str, content: bytes, *, executable: bool | None) -> None:
        """Create or replace a file. Raises `PathRefused`, `ToolFailed`."""

    def delete(self, path: str) -> None:
        """Delete a file or a link. Raises `PathRefused`, `ToolFailed`."""

    def put(self, change: FileChange) -> None:
        """Make a path be what a change says, whatever is there now."""

    def touched(self, rules: IgnoreRules) -> Iterator[Touch]:
        """Every path that may differ from the commit and is not ignored, in any order, each once."""

    def content(self, touch: Touch, *, max_bytes: int) -> bytes:
        """The bytes of a touched file, or the target of a link."""

    def is_base(self, touch: Touch, content: bytes) -> bool:
        """Whether the commit has just this content and mode at this path."""

    def rules(self, folder: str) -> bytes | None:
        """The `.gitignore` of a folder as it stands; None if there is none."""

    def base_paths(self) -> Iterable[str]:
        """The files of the commit."""


def collect(tree: Tree, base_sha: str, rules: IgnoreRules) -> ChangeSet:
    """The difference of a tree from its commit, sorted by path. Blocks.

    Raises `ToolFailed`, with what the agent can do about it, for more than fits into a commit.
    """
    changes: list[FileChange] = []
    room = MAX_TOTAL_BYTES
    for touch in tree.touched(rules):
        check_path(touch.path)
        if touch.mode is None:
            base_mode = touch.base_mode or "100644"
            changes.append(FileChange(path=touch.path, mode=base_mode, content=None, base_mode=base_mode))
            continue
        content = tree.content(touch, max_bytes=MAX_FILE_BYTES)
        if tree.is_base(touch, content):
            continue
        changes.append(FileChange(path=touch.path, mode=touch.mode, content=content, base_mode=touch.base_mode))
        room -= len(content)
        if room < 0:
            raise ToolFailed(
                f"the changed files have more than {MAX_TOTAL_BYTES} bytes in all ({touch.path!r} is one of them): "
                "delete what does not belong to the work or add it to .gitignore"
            )
        if len(changes) > MAX_FILES:
            raise ToolFailed(f"more than {MAX_FILES} files changed: delete them or add them to .gitignore")
    return ChangeSet(base_sha=base_sha, changes=tuple(sorted(changes, key=lambda change: change.path)))


def list_paths(tree: Tree, rules: IgnoreRules) -> set[str]:
    """Every file that the agent's commit would have. Blocks."""
    paths = set(tree.base_paths())
    for touch in tree.touched(rules):
        (paths.discard if touch.mode is None else paths.add)(touch.path)
    return paths


def check_path(path: str) -> None:
    """Raises `ToolFailed` for a name that is not text: GitHub's API cannot carry it."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raise ToolFailed(f"the file name {path!r} is not valid UTF-8: rename or delete it") from None
