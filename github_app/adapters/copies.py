"""A tree of its own for one session: the fallback where the kernel or bubblewrap has no overlays.

What the commit has is kept in an index beside the tree: blob ids, and the stat of each file as it was written. `ctime`
cannot be set by an agent, so an unchanged stat is an unchanged file.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from github_app.adapters import safe_files
from github_app.adapters.checkouts import BaseFile, remove_anything
from github_app.adapters.ignores import IgnoreRules
from github_app.adapters.sandboxes import BindMount
from github_app.adapters.walks import BaseKind, Touch, is_dot_git, read_link, walk
from github_app.core.errors import PathRefused, ToolFailed
from github_app.core.model import FileChange, Mode

_RULES_BYTES = 1_000_000

_MODES: Mapping[str, Mode] = {"100644": "100644", "100755": "100755", "120000": "120000", "100664": "100644"}


@dataclass(frozen=True, kw_only=True)
class Indexed:
    """A file of the commit: its kind, its blob, and the stat that it had when it was written."""

    kind: BaseKind
    oid: str
    stat: tuple[int, ...] = ()


def take_index(tree: Path, files: Iterable[BaseFile]) -> dict[str, Indexed]:
    """The index of a tree that was just checked out, by path."""
    return {file.path: _indexed(tree, file) for file in files}


def _indexed(tree: Path, file: BaseFile) -> Indexed:
    mode = _MODES.get(file.mode)
    if mode is None:
        return Indexed(kind="submodule", oid=file.oid)
    return Indexed(kind=mode, oid=file.oid, stat=_stamp((tree / file.path).lstat()))


def _stamp(found: os.stat_result) -> tuple[int, ...]:
    return (found.st_mode, found.st_size, found.st_ino, found.st_ctime_ns)


def save_index(index: Mapping[str, Indexed], path: Path) -> None:
    """Keep an index for a later process, wholly or not at all."""
    making = path.with_suffix(".making")
    making.write_text(json.dumps({name: (i.kind, i.oid, i.stat) for name, i in index.items()}))
    making.rename(path)


def load_index(path: Path) -> dict[str, Indexed]:
    """The index that `save_index` kept. Raises `FileNotFoundError`."""
    rows = json.loads(path.read_text())
    return {name: Indexed(kind=kind, oid=oid, stat=tuple(stat)) for name, (kind, oid, stat) in rows.items()}


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A private checkout in the folder of `mount`; what the host makes is given to `owner` (uid, gid)."""

    mount: BindMount
    owner: tuple[int, int]
    index: Mapping[str, Indexed]
    folders: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)

    @classmethod
    def over(cls, path: Path, *, owner: tuple[int, int], index: Mapping[str, Indexed]) -> Copy:
        """The copy in a folder, with the index that was taken of it."""
        folders: dict[str, set[str]] = {"": set()}
        for name in index:
            folder, _, last = name.rpartition("/")
            while folder not in folders:
                folders[folder] = {last}
                folder, _, last = folder.rpartition("/")
            folders[folder].add(last)
        names = {folder: sorted(inside) for folder, inside in folders.items()}
        return cls(mount=BindMount(path=path), owner=owner, index=index, folders=names)

    def read(self, path: str, *, max_bytes: int) -> bytes:
        """A regular file's content. Raises `PathRefused`, `ToolFailed`."""
        return safe_files.read_file(self.mount.path, _checked(path), max_bytes=max_bytes)

    def write(self, path: str, content: bytes, *, executable: bool | None) -> None:
        """Create or replace a file. Raises `PathRefused`, `ToolFailed`."""
        if self._beneath(path).is_dir():
            raise ToolFailed(f"{path!r} is a folder.")
        safe_files.write_file(self.mount.path, path, content, executable=executable, owner=self.owner)

    def delete(self, path: str) -> None:
        """Delete a file or link. Raises `PathRefused`, `ToolFailed`."""
        safe_files.delete_file(self.mount.path, _checked(path))

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
        safe_files.write_file(self.mount.path, change.path, content, executable=executable, owner=self.owner)
        if change.mode == "120000":
            # The empty file was written for the folders above it, which safe_files makes without following links.
            target.unlink()
            target.symlink_to(os.fsdecode(change.content))
            os.lchown(target, *self.owner)

    def _beneath(self, path: str) -> Path:
        """Where a path lies. Raises `PathRefused` if that is out of the tree or behind a link."""
        parts = _checked(path).split("/")
        if not path or path.startswith("/") or ".." in parts:
            raise PathRefused(f"{path!r} is refused: paths are relative to the repository's root.")
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
        return safe_files.read_file(self.mount.path, touch.path, max_bytes=max_bytes)

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
        return self.index[path].stat == _stamp(found)


def _checked(path: str) -> str:
    if any(is_dot_git(part) for part in path.split("/")):
        raise PathRefused(f"{path!r} is refused: it lies in a `.git` folder.")
    return path


def _blob_id(content: bytes) -> str:
    """The name that git gives to these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
