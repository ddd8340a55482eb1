"""A real sandbox with a tree and a home, for the tests of this room."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from github_app.adapters.sandbox.bubblewrap import BindMount, Bubblewrap, OverlayMount
from github_app.core.ports import ExecLimits, ExecResult

LIMITS = ExecLimits(timeout_s=60)


@dataclass(frozen=True, kw_only=True)
class Room:
    """`sh` and `python` run in the sandbox, on the overlay over `lower` unless a tree is named."""

    sandbox: Bubblewrap
    top: Path

    @property
    def overlay(self) -> OverlayMount:
        return OverlayMount(lower=self.top / "lower", upper=self.top / "upper", work=self.top / "work")

    @property
    def bind(self) -> BindMount:
        return BindMount(path=self.top / "bind")

    @property
    def home(self) -> Path:
        return self.top / "home"

    def put(self, path: str, text: str) -> Path:
        """A file owned as the sandbox's own are."""
        file = self.top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        for each in (file, *file.parents):
            if each == self.top:
                break
            self.give(each)
        return file

    def give(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self.sandbox.sandbox_uid, self.sandbox.sandbox_gid)

    async def sh(
        self, script: str, *, tree: OverlayMount | BindMount | None = None, limits: ExecLimits = LIMITS
    ) -> ExecResult:
        return await self.run("/bin/sh", "-c", script, tree=tree, limits=limits)

    async def python(self, script: str, *, limits: ExecLimits = LIMITS) -> ExecResult:
        return await self.run("python3", "-c", script, limits=limits)

    async def run(
        self, *argv: str, tree: OverlayMount | BindMount | None = None, limits: ExecLimits = LIMITS
    ) -> ExecResult:
        marked = ["/usr/bin/env", self.mark, *argv]
        return await self.sandbox.run(marked, tree=tree or self.overlay, home=self.home, limits=limits)

    @property
    def mark(self) -> str:
        """A variable that all processes of this room's sandboxes carry, by their command line or environment."""
        return f"ROOM={self.top.name}"

    def processes(self) -> list[str]:
        """Command lines of what runs in (or waits on) sandboxes of this room, zombies left out."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal():
                line = read_text(folder / "cmdline")
                if self.mark in (line + "\0" + read_text(folder / "environ")).split("\0"):
                    found.append(line.replace("\0", " "))
        return found


def read_text(path: Path) -> str:
    """A file of /proc; nothing if the process is gone or not ours to look into."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def open_room(top: Path) -> Room:
    """A room below a directory that every uid can enter."""
    room = Room(sandbox=Bubblewrap.probe(state_dir=top / "state"), top=top)
    for name in ("lower", "upper", "work", "bind", "home"):
        (top / name).mkdir()
        room.give(top / name)
    return room


def with_limits(**changes: float) -> ExecLimits:
    """Limits of which some are tight."""
    return replace(LIMITS, **changes)  # type: ignore[arg-type]
