"""Which new files a tree's `.gitignore` files leave out, asked of git itself.

Git looks at a skeleton: an empty repository with copies of the `.gitignore` files alone, so it opens nothing of the
agent's tree. A matcher in this process was considered and refused: a pattern like `*a*a*a*a*a*a*b`, which anybody can
commit, keeps Python's `re` busy for hours with the interpreter locked. A process can be killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, cast

from github_app.adapters.repository.git import Git
from github_app.core.errors import ToolFailed

DEADLINE_S = 15.0


class IgnoreRules:
    """The ignore rules of one tree, for one listing; a context manager. `read(folder)` gives a folder's `.gitignore`.

    Questions are asked folder by folder, from the top: what lies in an ignored folder is ignored and not asked for.
    """

    def __init__(self, git: Git, read: Callable[[str], bytes | None]) -> None:
        self._git = git
        self._read = read
        self._known: set[str] = set()
        self._process: subprocess.Popen[bytes] | None = None
        self._room: tempfile.TemporaryDirectory[str] | None = None
        self._deadline: threading.Timer | None = None

    def __enter__(self) -> IgnoreRules:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process is not None:
            _kill(self._process)
            self._process.communicate()
        if self._deadline is not None:
            self._deadline.cancel()
        if self._room is not None:
            self._room.cleanup()

    def ignored(self, folder: str, *, files: Sequence[str], folders: Sequence[str]) -> set[str]:
        """Which of the names in `folder` ("" is the top) are ignored.

        Raises `ToolFailed` if the rules take too long.
        """
        if not files and not folders:
            return set()
        process, tree = self._start()
        self._learn(tree, folder)
        prefix = f"{folder}/" if folder else ""
        for name in folders:
            # Git tells folders from files by looking, and patterns that end in a slash mean folders alone.
            (tree / folder / name).mkdir(exist_ok=True)
        try:
            return {name for name in (*files, *folders) if _is_ignored(process, f"{prefix}{name}")}
        except (EOFError, BrokenPipeError):
            why = f"took longer than {DEADLINE_S:.0f} s" if process.wait() < 0 else "failed"
            raise ToolFailed(f"reading the .gitignore rules {why}: simplify their patterns") from None

    def _start(self) -> tuple[subprocess.Popen[bytes], Path]:
        """Git waiting for questions, and the tree that it looks at."""
        if self._room is None:
            self._room = tempfile.TemporaryDirectory(prefix="honk-ignores-")
        room = Path(self._room.name)
        if self._process is None:
            for folder in ("tree", "git/objects", "git/refs"):
                (room / folder).mkdir(parents=True)
            (room / "git/HEAD").write_text("ref: refs/heads/none\n")
            args = ["check-ignore", "--no-index", "--stdin", "-z", "-v", "-n"]
            self._process = self._git.start(room / "git", args, env={"GIT_WORK_TREE": str(room / "tree")})
            self._deadline = threading.Timer(DEADLINE_S, _kill, [self._process])
            self._deadline.daemon = True
            self._deadline.start()
        return self._process, room / "tree"

    def _learn(self, tree: Path, folder: str) -> None:
        """Copy the `.gitignore` files from the top down to a folder."""
        parts = folder.split("/") if folder else []
        for depth in range(len(parts) + 1):
            part = "/".join(parts[:depth])
            if part in self._known:
                continue
            self._known.add(part)
            (tree / part).mkdir(exist_ok=True)
            rules = self._read(part)
            if rules is not None:
                (tree / part / ".gitignore").write_bytes(rules)


def _is_ignored(process: subprocess.Popen[bytes], path: str) -> bool:
    """Ask about one path. The answer has four fields, and the pattern that decided may include it again (`!`)."""
    # "./": a name that starts with a colon would be taken for pathspec magic.
    cast(IO[bytes], process.stdin).write(os.fsencode(f"./{path}") + b"\0")
    cast(IO[bytes], process.stdin).flush()
    _source, _line, pattern, _path = [_field(process) for _ in range(4)]
    return bool(pattern) and not pattern.startswith(b"!")


def _field(process: subprocess.Popen[bytes]) -> bytes:
    """The next answer up to its NUL."""
    found = bytearray()
    while (byte := cast(IO[bytes], process.stdout).read(1)) != b"\0":
        if not byte:
            raise EOFError
        found += byte
    return bytes(found)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
