"""A tree made of layers: a shared checkout below, never written, and above it a session's own with what changed.

The layers are those of Linux' overlayfs with `userxattr` (https://docs.kernel.org/filesystems/overlayfs.html): in
the upper one, a character device 0:0 ("whiteout") is a deletion, a folder with `user.overlay.opaque=y` hides the one
below it, any other folder is merged with it. The host reads and writes both itself, while no sandbox has them mounted.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from github_app.adapters.repository.checkouts import remove_anything
from github_app.adapters.repository.ignores import IgnoreRules
from github_app.adapters.repository.walks import (
    OPAQUE,
    BaseKind,
    Touch,
    is_opaque,
    mode_of,
    read_link,
    walk,
)
from github_app.adapters.sandbox import files
from github_app.adapters.sandbox.bubblewrap import OverlayMount
from github_app.core.changes.paths import is_dot_git
from github_app.core.errors import PathRefused, ToolFailed
from github_app.core.model import FileChange

_RULES_BYTES = 1_000_000

Layer = Literal["upper", "lower"]


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """Layers in the folders of `mount`; what the host makes is given to `owner` (uid, gid)."""

    mount: OverlayMount
    owner: tuple[int, int]
    base_paths: Callable[[], Iterable[str]]

    def read(self, path: str, *, max_bytes: int) -> bytes:
        """A regular file's content, from the layer where it lies. Raises `PathRefused`, `ToolFailed`."""
        if self._visible(path) == "lower":
            return files.read_file(self.mount.lower, path, max_bytes=max_bytes)
        return files.read_file(self.mount.upper, path, max_bytes=max_bytes)

    def write(self, path: str, content: bytes, *, executable: bool | None) -> None:
        """Create or replace a file in the upper layer. Raises `PathRefused`, `ToolFailed`."""
        layer = self._visible(path)
        if layer == "lower":
            below = (self.mount.lower / path).lstat().st_mode
            if stat.S_ISDIR(below):
                raise ToolFailed(f"{path!r} is a folder.")
            if not stat.S_ISREG(below):
                raise PathRefused(f"{path!r} is refused: it is not a regular file.")
            if executable is None:
                executable = bool(below & stat.S_IXUSR)
        self._make_folders(path)
        if _is_whiteout(_lstat(self.mount.upper / path)):
            (self.mount.upper / path).unlink()
        files.write_file(self.mount.upper, path, content, executable=executable, owner=self.owner)

    def delete(self, path: str) -> None:
        """Delete a file or link in the view; the layer below keeps it. Raises `PathRefused`, `ToolFailed`."""
        layer = self._visible(path)
        if layer is None:
            raise ToolFailed(f"Cannot delete {path!r}: there is no such file.")
        if self._is_folder(path, layer):
            raise ToolFailed(f"Cannot delete {path!r}: it is a folder.")
        if layer == "upper":
            files.delete_file(self.mount.upper, path)
        if self._visible(path) == "lower":
            self._make_folders(path)
            _make_whiteout(self.mount.upper / path, self.owner)

    def put(self, change: FileChange) -> None:
        """Make a path be what a change says, whatever is there now."""
        upper = self.mount.upper / change.path
        layer = self._visible(change.path)
        if change.content is None:
            # A folder in the file's place stays: the same change set fills it.
            if layer and not self._is_folder(change.path, layer):
                self.delete(change.path)
            return
        self._make_folders(change.path)
        # Whatever lies in the upper layer covers the lower one, folders too.
        remove_anything(upper)
        if change.mode == "120000":
            upper.symlink_to(os.fsdecode(change.content))
            os.lchown(upper, *self.owner)
        else:
            executable = change.mode == "100755"
            files.write_file(self.mount.upper, change.path, change.content, executable=executable, owner=self.owner)

    def touched(self, rules: IgnoreRules) -> Iterator[Touch]:
        """What the upper layer says; costs what changed, whatever the size of the repository."""
        return walk(self.mount.upper, _Lower(root=self.mount.lower), rules, is_whole=False)

    def content(self, touch: Touch, *, max_bytes: int) -> bytes:
        """The bytes of a touched file, or the target of a link."""
        if touch.mode == "120000":
            return read_link(self.mount.upper / touch.path)
        return files.read_file(self.mount.upper, touch.path, max_bytes=max_bytes)

    def is_base(self, touch: Touch, content: bytes) -> bool:
        """Whether the commit has just this content and mode at this path."""
        if touch.mode != touch.base_mode:
            return False
        below = self.mount.lower / touch.path
        if touch.mode == "120000":
            return read_link(below) == content
        return below.stat().st_size == len(content) and below.read_bytes() == content

    def rules(self, folder: str) -> bytes | None:
        """The `.gitignore` of a folder as it stands; None if there is none."""
        try:
            return self.read(f"{folder}/.gitignore" if folder else ".gitignore", max_bytes=_RULES_BYTES)
        except ToolFailed:
            return None

    def _visible(self, path: str) -> Layer | None:
        """Which layer shows a path; None if the view does not have it. Raises `PathRefused` for a link on the way."""
        parts = files.split_path(path)
        if any(is_dot_git(part) for part in parts):
            raise PathRefused(f"{path!r} is refused: it lies in a `.git` folder.")
        is_cut = False
        for depth in range(1, len(parts) + 1):
            part = "/".join(parts[:depth])
            upper = _lstat(self.mount.upper / part)
            if _is_whiteout(upper):
                return None
            found = upper or (None if is_cut else _lstat(self.mount.lower / part))
            if found is None:
                return None
            if depth == len(parts):
                return "upper" if upper else "lower"
            if stat.S_ISLNK(found.st_mode):
                raise PathRefused(f"{path!r} is refused: it passes a symbolic link.")
            if not stat.S_ISDIR(found.st_mode):
                return None
            # A folder above a file or link of the lower layer hides it; nothing may be looked up through such a link.
            if upper is not None:
                below = _lstat(self.mount.lower / part)
                is_cut = is_cut or below is None or not stat.S_ISDIR(below.st_mode)
                is_cut = is_cut or is_opaque(self.mount.upper / part)
        raise AssertionError("a path has parts")

    def _make_folders(self, path: str) -> None:
        """Make the folders above a path in the upper layer, each showing what the view shows in it now."""
        parts = files.split_path(path)
        for depth in range(1, len(parts)):
            part = "/".join(parts[:depth])
            folder = self.mount.upper / part
            layer = self._visible(part)
            if layer and not self._is_folder(part, layer):
                raise ToolFailed(f"Cannot write {path!r}: {part!r} is not a folder.")
            if layer == "upper":
                continue
            was_deleted = _is_whiteout(_lstat(folder))
            if was_deleted:
                folder.unlink()
            folder.mkdir(mode=0o755)
            os.chown(folder, *self.owner)
            if was_deleted:
                os.setxattr(folder, OPAQUE, b"y")

    def _is_folder(self, path: str, layer: Layer) -> bool:
        root = self.mount.upper if layer == "upper" else self.mount.lower
        return stat.S_ISDIR((root / path).lstat().st_mode)


@dataclass(frozen=True, kw_only=True)
class _Lower:
    """The shared checkout as a base. Git keeps no empty folders, so an empty one stands for a submodule."""

    root: Path

    def at(self, path: str) -> BaseKind | None:
        """What the commit has at a path."""
        found = _lstat(self.root / path)
        if found is not None and stat.S_ISDIR(found.st_mode):
            return "folder" if any(self.names(path)) else "submodule"
        return found and mode_of(found.st_mode)

    def names(self, folder: str) -> Iterable[str]:
        """What the commit has in a folder."""
        return sorted(p.name for p in (self.root / folder).iterdir() if not is_dot_git(p.name))

    def is_untouched(self, path: str, found: os.stat_result) -> bool:  # noqa: ARG002 - of the protocol
        """Whatever lies in the upper layer may differ."""
        return False


def _lstat(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:  # with our own folders before it, too long after all; or closed to us by the agent
        raise PathRefused(f"…{str(path)[-80:]!r} is refused: {error.strerror}.") from error


def _is_whiteout(found: os.stat_result | None) -> bool:
    return found is not None and stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def _make_whiteout(path: Path, owner: tuple[int, int]) -> None:
    """Mark a path as deleted. Linux lets anybody make this one device (since 5.8)."""
    os.mknod(path, stat.S_IFCHR | 0o600, 0)
    os.lchown(path, *owner)
