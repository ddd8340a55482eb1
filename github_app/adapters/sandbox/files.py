"""Files of an untrusted tree, read and written from the host: never through a link, never out of the tree.

The agent owns the tree and may change it while we look, so a check before an open proves nothing: each path
is opened by openat2(2), which makes the kernel refuse symbolic links, `..`, other file systems and magic
links on the way, all at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from github_app.core.errors import PathRefused, SandboxUnavailable, ToolFailed

_OPENAT2 = 437  # the same number on every architecture
_RESOLVE = 0x01 | 0x02 | 0x04 | 0x08  # NO_XDEV, NO_MAGICLINKS, NO_SYMLINKS, BENEATH; <linux/openat2.h>
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_USAGE_LIMIT = 5_000_000
_PATH_BYTES, _NAME_BYTES = 4095, 255  # what Linux can open
_DEPTH = 200  # each folder on the way is looked at by itself; nobody keeps sources deeper
_REFUSED = {
    errno.ELOOP: "it passes a symbolic link",
    errno.EXDEV: "it leaves the tree",
    errno.ENXIO: "it is not a regular file",
    errno.ENAMETOOLONG: "it is too long",
}

_libc = ctypes.CDLL(None, use_errno=True)


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing below a root: its path relative to it and what lstat says of it.

    `path` is '/'-separated with undecodable bytes as surrogates. `mode` is the whole `st_mode`;
    `allocated` is bytes on disk; `opaque` marks a folder that hides the one below it in an overlay.
    """

    path: str
    mode: int
    size: int
    allocated: int = 0
    opaque: bool = False


def read_file(root: Path | int, path: str, *, max_bytes: int) -> bytes:
    """A regular file's content. Raises `PathRefused`; `ToolFailed` if it is missing or larger than `max_bytes`."""
    with _folder(root) as root_fd, _opened(root_fd, split_path(path), os.O_RDONLY) as fd:
        size = _regular(fd, path).st_size
        with os.fdopen(os.dup(fd), "rb") as file:
            content = file.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise ToolFailed(f"{path!r} has {size} bytes, more than the {max_bytes} that may be read.")
        return content


def write_file(
    root: Path | int,
    path: str,
    content: bytes,
    *,
    executable: bool | None = None,
    owner: tuple[int, int] | None = None,
) -> None:
    """Create or replace a file atomically, making folders. `executable=None` keeps the mode; a new file has 0644.

    `owner` is the (uid, gid) of what is made: needed where Honk is root and the sandbox is not. A link in the
    file's place is refused. Raises `PathRefused`, or `ToolFailed` if the disk or a file in a folder's place
    is in the way.
    """
    *folders, name = _split_for_writing(path)
    with _folder(root) as root_fd, _made_folders(root_fd, folders, owner) as fd:
        present = _mode_of(fd, name)
        if present is not None and not stat.S_ISREG(present):
            raise PathRefused(f"{path!r} is refused: it is not a regular file.")
        mode = 0o644 if present is None else stat.S_IMODE(present) & 0o777
        if executable is not None:
            mode = mode | 0o111 if executable else mode & ~0o111
        try:
            _replace(fd, name, content, mode=mode, owner=owner)
        except OSError as error:
            raise ToolFailed(f"Cannot write {path!r}: {error.strerror}.") from error


def delete_file(root: Path | int, path: str) -> None:
    """Delete a file or a link (not what it points to). Raises `PathRefused`, or `ToolFailed` if there is none."""
    parts = _split_for_writing(path)
    with _folder(root) as root_fd, _opened(root_fd, parts[:-1], _FOLDER) as fd:
        try:
            os.unlink(parts[-1], dir_fd=fd)
        except OSError as error:
            raise ToolFailed(f"Cannot delete {path!r}: {error.strerror}.") from error


def walk(root: Path | int, *, limit: int, folders: bool = False) -> Iterator[Entry]:
    """Everything below a root by lstat, sorted within each folder, following nothing; folders only if asked for.

    Raises `ToolFailed` beyond `limit` entries (folders count). A folder that vanishes meanwhile is passed
    over; one whose path is longer than the kernel opens raises `PathRefused`.
    """
    with _folder(root) as root_fd:
        seen = 0
        pending: list[tuple[str, ...]] = [()]
        while pending:
            parts = pending.pop()
            listed = _list_folder(root_fd, parts)
            if listed is None:
                continue
            entries, opaque = listed
            seen += len(entries)
            if seen > limit:
                raise ToolFailed(f"The tree has more than {limit} files.")
            if folders and parts:
                yield Entry(path="/".join(parts), mode=stat.S_IFDIR | 0o755, size=0, opaque=opaque)
            yield from (_entry(parts, name, found) for name, found in entries if not stat.S_ISDIR(found.st_mode))
            inner = [(*parts, name) for name, found in entries if stat.S_ISDIR(found.st_mode)]
            pending.extend(reversed(inner))


def disk_usage(root: Path | int) -> int:
    """Bytes that the files below a root take on disk. Raises `ToolFailed` beyond five million entries."""
    return sum(entry.allocated for entry in walk(root, limit=_USAGE_LIMIT))


def _entry(parts: tuple[str, ...], name: str, found: os.stat_result) -> Entry:
    return Entry(
        path="/".join((*parts, name)),
        mode=found.st_mode,
        size=found.st_size,
        allocated=found.st_blocks * 512,
    )


def _list_folder(root_fd: int, parts: tuple[str, ...]) -> tuple[list[tuple[str, os.stat_result]], bool] | None:
    try:
        with _opened(root_fd, parts, _FOLDER) as fd:
            entries = []
            for name in sorted(os.listdir(fd)):  # noqa: PTH208 - by descriptor
                with contextlib.suppress(FileNotFoundError):
                    entries.append((name, os.stat(name, dir_fd=fd, follow_symlinks=False)))
            return entries, _is_opaque(fd)
    except PathRefused as refused:
        if isinstance(refused.__cause__, OSError) and refused.__cause__.errno == errno.ENAMETOOLONG:
            raise
        return None  # swapped for a link since it was listed
    except ToolFailed:
        return None  # gone, or closed to us


def _is_opaque(fd: int) -> bool:
    try:
        return os.getxattr(fd, "user.overlay.opaque") == b"y"
    except OSError:
        return False


def split_path(path: str) -> list[str]:
    """The names on the way to a file below a root. Raises `PathRefused` for what cannot be or must not be opened."""
    if not path or path.startswith("/") or "\0" in path:
        raise PathRefused(f"{path[:200]!r} is refused: paths are relative to the repository's root.")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts or not parts:
        raise PathRefused(f"{path[:200]!r} is refused: it does not name a file below the repository's root.")
    try:
        is_long = len(os.fsencode(path)) > _PATH_BYTES or any(len(os.fsencode(part)) > _NAME_BYTES for part in parts)
    except UnicodeEncodeError:  # half of a character, as JSON can say it
        raise PathRefused(f"{path[:200]!r} is refused: it is not text.") from None
    if is_long or len(parts) > _DEPTH:
        raise PathRefused(f"{path[:200]!r}… is refused: it is too long.")
    return parts


def _split_for_writing(path: str) -> list[str]:
    parts = split_path(path)
    if any(part.lower() == ".git" for part in parts):
        raise PathRefused(f"{path!r} is refused: nothing is written in a `.git` folder.")
    return parts


@contextlib.contextmanager
def _folder(root: Path | int) -> Iterator[int]:
    if isinstance(root, int):
        yield root
        return
    fd = os.open(root, _FOLDER)
    try:
        yield fd
    finally:
        os.close(fd)


@contextlib.contextmanager
def _opened(root_fd: int, parts: list[str] | tuple[str, ...], flags: int) -> Iterator[int]:
    """Open beneath a folder. O_NONBLOCK: a FIFO in the file's place must not hold us."""
    path = "/".join(parts) or "."
    try:
        fd = _openat2(root_fd, path, flags | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        why = _REFUSED.get(error.errno or 0)
        if why:
            raise PathRefused(f"{path!r} is refused: {why}.") from error
        raise ToolFailed(f"Cannot open {path!r}: {error.strerror}.") from error
    try:
        yield fd
    finally:
        os.close(fd)


def _openat2(root_fd: int, path: str, flags: int, *, tries: int = 8) -> int:
    how = _OpenHow(flags=flags, mode=0, resolve=_RESOLVE)
    raw = os.fsencode(path)
    while True:
        fd = int(_libc.syscall(_OPENAT2, root_fd, raw, ctypes.byref(how), ctypes.sizeof(how)))
        if fd >= 0:
            return fd
        code = ctypes.get_errno()
        if code == errno.ENOSYS:
            raise SandboxUnavailable(f"Linux 5.6 or newer is needed for openat2; this is {platform.release()}.")
        tries -= 1
        # EAGAIN: somebody renamed on the way and the kernel cannot tell whether the path stayed beneath;
        # openat2(2).
        if code != errno.EAGAIN or not tries:
            raise OSError(code, os.strerror(code))


@contextlib.contextmanager
def _made_folders(root_fd: int, folders: list[str], owner: tuple[int, int] | None) -> Iterator[int]:
    for depth in range(1, len(folders) + 1):
        with _opened(root_fd, folders[: depth - 1], _FOLDER) as above:
            try:
                os.mkdir(folders[depth - 1], 0o755, dir_fd=above)
            except FileExistsError:
                continue
            except OSError as error:
                raise ToolFailed(f"Cannot make the folder {'/'.join(folders)!r}: {error.strerror}.") from error
            if owner is not None:
                os.chown(folders[depth - 1], *owner, dir_fd=above, follow_symlinks=False)
    with _opened(root_fd, folders, _FOLDER) as fd:
        yield fd


def _mode_of(folder_fd: int, name: str) -> int | None:
    try:
        return os.stat(name, dir_fd=folder_fd, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None


def _replace(folder_fd: int, name: str, content: bytes, *, mode: int, owner: tuple[int, int] | None) -> None:
    """By a temporary file and a rename, so that nobody reads half of it."""
    temporary = f".honk-{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(temporary, flags, 0o600, dir_fd=folder_fd)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
        os.rename(temporary, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder_fd)
        raise


def _regular(fd: int, path: str) -> os.stat_result:
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        raise PathRefused(f"{path!r} is refused: it is not a regular file.")
    return found
