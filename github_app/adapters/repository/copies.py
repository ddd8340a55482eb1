"""A tree of its own for one session: the fallback where the kernel or bubblewrap has no overlays.

What the commit has is kept in git's index, beside the tree: blobs, and the inode and size of each file as git wrote it.
The same inode with a `ctime` from before is an unchanged file: an agent can set a file's `mtime`, not its `ctime`.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from github_app.adapters.repository.checkouts import remove_anything
from github_app.adapters.repository.ignores import IgnoreRules
from github_app.adapters.repository.walks import BaseKind, Touch, mode_of, read_link, walk
from github_app.adapters.sandbox import files
from github_app.adapters.sandbox.bubblewrap import BindMount
from github_app.core.changes.paths import is_dot_git
from github_app.core.errors import PathRefused, ToolFailed
from github_app.core.model import FileChange

_RULES_BYTES = 1_000_000

# An entry of git's index, version 2: times, device, inode, mode, owner, size, blob, flags; then the path and padding.
# https://git-scm.com/docs/index-format
_ENTRY = struct.Struct(">10I20sH")


@dataclass(frozen=True, kw_only=True)
class Indexed:
    """A file of the commit: its kind, its blob, and the inode and size that it had when it was written."""

    kind: BaseKind
    oid: str
    inode: int
    size: int


def read_index(path: Path) -> dict[str, Indexed]:
    """What git wrote into an index when it made a tree, by path."""
    raw = path.read_bytes()
    signature, version, count = struct.unpack_from(">4sII", raw)
    if (signature, version) != (b"DIRC", 2):
        raise ValueError(f"{path} is no index of version 2")
    found: dict[str, Indexed] = {}
    at = 12
    for _ in range(count):
        *stat_words, oid, _flags = _ENTRY.unpack_from(raw, at)
        end = raw.index(b"\0", at + _ENTRY.size)
        name = os.fsdecode(raw[at + _ENTRY.size : end])
        inode, mode, size = stat_words[5], stat_words[6], stat_words[9]
        found[name] = Indexed(kind=_kind_of(mode), oid=oid.hex(), inode=inode, size=size)
        # One to eight NULs end an entry, so that the next begins at a multiple of eight.
        at += (end - at + 8) & ~7
    return found


def _kind_of(mode: int) -> BaseKind:
    return "submodule" if mode >> 12 == 0o16 else mode_of(mode) or "submodule"


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A private checkout in the folder of `mount`, with the index that git wrote for it in `kept_index`.

    `made_ns` is when the tree was whole, by the file system's own clock: what was changed since has a later `ctime`.
    What the host makes is given to `owner` (uid, gid).
    """

    mount: BindMount
    owner: tuple[int, int]
    kept_index: Path
    made_ns: int

    @cached_property
    def index(self) -> Mapping[str, Indexed]:
        """What the commit has, by path."""
        return read_index(self.kept_index)

    @cached_property
    def folders(self) -> Mapping[str, Sequence[str]]:
        """What the commit has in each folder."""
        folders: dict[str, set[str]] = {"": set()}
        for name in self.index:
            folder, _, last = name.rpartition("/")
            while folder not in folders:
                folders[folder] = {last}
                folder, _, last = folder.rpartition("/")
            folders[folder].add(last)
        return {folder: sorted(inside) for folder, inside in folders.items()}

    def read(self, path: str, *, max_bytes: int) -> bytes:
        """A regular file's content. Raises `PathRefused`, `ToolFailed`."""
        return files.read_file(self.mount.path, _checked(path), max_bytes=max_bytes)

    def write(self, path: str, content: bytes, *, executable: bool | None) -> None:
        """Create or replace a file. Raises `PathRefused`, `ToolFailed`."""
        if self._beneath(path).is_dir():
            raise ToolFailed(f"{path!r} is a folder.")
        files.write_file(self.mount.path, path, content, executable=executable, owner=self.owner)

    def delete(self, path: str) -> None:
        """Delete a file or link. Raises `PathRefused`, `ToolFailed`."""
        files.delete_file(self.mount.path, _checked(path))

    def put(self, change: FileChange) -> None:
        """Make a path be what a change says, whatever is there now."""
        target = self._beneath(change.path)
        if change.content is None:
            if target.is_symlink() or target.is_file():
                self.delete(change.path)
            return
        remove_anything(target)
        executable = change.mode == "100755"
        content = b"" if change.mode == "120000" else change.content
        files.write_file(self.mount.path, change.path, content, executable=executable, owner=self.owner)
        if change.mode == "120000":
            # The empty file was written for the folders above it, which `files` makes without following links.
            target.unlink()
            target.symlink_to(os.fsdecode(change.content))
            os.lchown(target, *self.owner)

    def _beneath(self, path: str) -> Path:
        """Where a path lies. Raises `PathRefused` if that is out of the tree or behind a link."""
        parts = files.split_path(_checked(path))
        for depth in range(1, len(parts)):
            if self.mount.path.joinpath(*parts[:depth]).is_symlink():
                raise PathRefused(f"{path!r} is refused: it passes a symbolic link.")
        return self.mount.path / path

    def touched(self, rules: IgnoreRules) -> Iterator[Touch]:
        """What the stats of all files say; costs a walk over the whole tree."""
        return walk(self.mount.path, self, rules, is_whole=True)

    def content(self, touch: Touch, *, max_bytes: int) -> bytes:
        """The bytes of a touched file, or the target of a link."""
        if touch.mode == "120000":
            return read_link(self.mount.path / touch.path)
        return files.read_file(self.mount.path, touch.path, max_bytes=max_bytes)

    def is_base(self, touch: Touch, content: bytes) -> bool:
        """Whether the commit has just this content and mode at this path."""
        return touch.mode == touch.base_mode and _blob_id(content) == self.index[touch.path].oid

    def rules(self, folder: str) -> bytes | None:
        """The `.gitignore` of a folder as it stands; None if there is none."""
        try:
            return self.read(f"{folder}/.gitignore" if folder else ".gitignore", max_bytes=_RULES_BYTES)
        except ToolFailed:
            return None

    def base_paths(self) -> Iterable[str]:
        """The files of the commit."""
        return (path for path, known in self.index.items() if known.kind != "submodule")

    def at(self, path: str) -> BaseKind | None:
        """What the commit has at a path."""
        known = self.index.get(path)
        return known.kind if known else "folder" if path in self.folders else None

    def names(self, folder: str) -> Iterable[str]:
        """What the commit has in a folder."""
        return self.folders.get(folder, ())

    def is_untouched(self, path: str, found: os.stat_result) -> bool:
        """Whether a file is surely the commit's own, by its stat alone."""
        known = self.index[path]
        # The inode too: a folder that is moved takes its files along, times and all. Git keeps 32 bits of it.
        same = (found.st_ino & 0xFFFFFFFF, found.st_size) == (known.inode, known.size)
        return same and found.st_ctime_ns < self.made_ns


def _checked(path: str) -> str:
    if any(is_dot_git(part) for part in path.split("/")):
        raise PathRefused(f"{path!r} is refused: it lies in a `.git` folder.")
    return path


def _blob_id(content: bytes) -> str:
    """The name that git gives to these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
