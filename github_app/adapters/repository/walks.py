"""Which paths of an agent's tree may differ from its commit: one walk, for upper layers and for whole copies.

A copy is walked as an upper layer that hides everything below: what it lacks is gone.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from github_app.adapters.repository.ignores import IgnoreRules
from github_app.core.changes.paths import is_dot_git
from github_app.core.errors import ToolFailed
from github_app.core.model import Mode

OPAQUE = "user.overlay.opaque"

BaseKind = Mode | Literal["folder", "submodule"]


@dataclass(frozen=True, kw_only=True)
class Touch:
    """A path that may differ from the commit. `mode` is what it has now, `base_mode` in the commit; None: not there."""

    path: str
    mode: Mode | None
    base_mode: Mode | None


class Base(Protocol):
    """The commit underneath, asked for paths whose parents are folders in it."""

    def at(self, path: str) -> BaseKind | None:
        """What the commit has at a path."""

    def names(self, folder: str) -> Iterable[str]:
        """What the commit has in a folder."""

    def is_untouched(self, path: str, found: os.stat_result) -> bool:
        """Whether a file is surely the commit's own, by its stat alone."""


@dataclass(frozen=True, kw_only=True)
class _Folder:
    """A folder to look into. `is_cut`: what the base has and it lacks is gone, not seen through it."""

    path: str
    has_base: bool
    is_cut: bool

    def join(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name


@dataclass(kw_only=True)
class _Findings:
    """What one folder holds: what is certain, what is new and might be ignored, and where to look next."""

    touches: list[Touch] = field(default_factory=list)
    new_files: dict[str, Mode] = field(default_factory=dict)
    new_folders: list[str] = field(default_factory=list)
    next_folders: list[_Folder] = field(default_factory=list)


def walk(root: Path, base: Base, rules: IgnoreRules, *, is_whole: bool) -> Iterator[Touch]:
    """Every path below `root` that may differ from `base` and is not ignored, each once; lstat only.

    `is_whole`: the root is all there is, not a layer over the base. Submodules are left as the commit has
    them. Raises `ToolFailed` for folders that cannot be listed.
    """
    pending = [_Folder(path="", has_base=True, is_cut=is_whole)]
    while pending:
        folder = pending.pop()
        found = _look(root, base, folder)
        yield from found.touches
        # Only what the commit does not have is asked for: a file that it has is never ignored.
        ignored = rules.ignored(folder.path, files=sorted(found.new_files), folders=found.new_folders)
        for name, mode in found.new_files.items():
            if name not in ignored:
                yield Touch(path=folder.join(name), mode=mode, base_mode=None)
        new_folders = [folder.join(name) for name in found.new_folders if name not in ignored]
        pending += [_Folder(path=path, has_base=False, is_cut=False) for path in new_folders]
        pending += found.next_folders


def _look(root: Path, base: Base, folder: _Folder) -> _Findings:
    findings = _Findings()
    here = root / folder.path
    entries = _list_folder(here)
    is_cut = folder.is_cut or is_opaque(here)
    if folder.has_base and is_cut:
        lacking = [folder.join(name) for name in base.names(folder.path) if name not in entries]
        findings.touches += (touch for path in lacking for touch in _gone(base, path))
    for name, found in entries.items():
        path = folder.join(name)
        known = base.at(path) if folder.has_base else None
        is_folder, mode = stat.S_ISDIR(found.st_mode), mode_of(found.st_mode)
        if known == "folder" and is_folder:
            findings.next_folders.append(_Folder(path=path, has_base=True, is_cut=is_cut))
        elif (base_mode := _file_mode(known)) and mode:
            if not base.is_untouched(path, found):
                findings.touches.append(Touch(path=path, mode=mode, base_mode=base_mode))
        elif known != "submodule":
            findings.touches += _gone(base, path) if known else ()
            if mode:
                findings.new_files[name] = mode
            elif is_folder and not os.path.lexists(here / name / ".git"):
                findings.new_folders.append(name)
    return findings


def _file_mode(kind: BaseKind | None) -> Mode | None:
    match kind:
        case "folder" | "submodule" | None:
            return None
        case mode:
            return mode


def _gone(base: Base, path: str) -> Iterator[Touch]:
    """The commit's files at or below a path, as gone."""
    pending = [path]
    while pending:
        path = pending.pop()
        match base.at(path):
            case "folder":
                pending += [f"{path}/{name}" for name in base.names(path)]
            case "submodule" | None:
                pass
            case mode:
                yield Touch(path=path, mode=None, base_mode=mode)


def _list_folder(folder: Path) -> dict[str, os.stat_result]:
    try:
        with os.scandir(folder) as entries:
            return {e.name: e.stat(follow_symlinks=False) for e in entries if not is_dot_git(e.name)}
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.EACCES):
            name = str(folder)[-80:]
            raise ToolFailed(f"the folder …{name!r} cannot be listed ({error.strerror}): delete it") from None
        raise


def read_link(path: Path) -> bytes:
    """The target of a link, as it is."""
    return os.readlink(os.fsencode(path))  # noqa: PTH115 - pathlib makes `a` of `./a`


def is_opaque(folder: Path) -> bool:
    """Whether a folder of an upper layer hides the one below it."""
    try:
        return os.getxattr(folder, OPAQUE) == b"y"
    except OSError:
        return False


def mode_of(st_mode: int) -> Mode | None:
    """The mode that git gives a file; None for what git does not keep (folders, devices, sockets, FIFOs)."""
    if stat.S_ISLNK(st_mode):
        return "120000"
    if stat.S_ISREG(st_mode):
        return "100755" if st_mode & stat.S_IXUSR else "100644"
    return None
