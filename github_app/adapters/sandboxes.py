"""Run a command in bubblewrap: a fresh sandbox for each one, by an unprivileged uid, without network, within limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from github_app.core.ports import ExecLimits, ExecResult


@dataclass(frozen=True, kw_only=True)
class OverlayMount:
    """A writable view over a read-only tree, at /work. `upper` gets exactly what changes.

    `upper` and `work` lie on one file system and are owned by `Bubblewrap.sandbox_uid`; `lower` is readable for it and
    does not change meanwhile. Never the same `upper` twice at once.
    """

    lower: Path
    upper: Path
    work: Path


@dataclass(frozen=True, kw_only=True)
class BindMount:
    """A directory, writable at /work; owned by `Bubblewrap.sandbox_uid`."""

    path: Path


@dataclass(frozen=True, kw_only=True)
class Bubblewrap:
    """A bubblewrap that was seen to work on this machine."""

    binary: Path
    version: str
    has_overlay: bool
    sandbox_uid: int
    sandbox_gid: int
    hard_limits: tuple[str, ...]

    @classmethod
    def probe(cls, *, state_dir: Path, uid: int | None = None, tool_paths: Sequence[Path] = ()) -> Bubblewrap:
        """Find a bwrap and try it for real. Blocks (under a second). Raises `SandboxUnavailable` with what to do."""
        raise NotImplementedError

    async def run(
        self,
        argv: Sequence[str],
        *,
        tree: OverlayMount | BindMount,
        home: Path | None,
        cwd: str = ".",
        env: Mapping[str, str] = {},
        limits: ExecLimits = ExecLimits(),
        read_only: Sequence[tuple[Path, str]] = (),
    ) -> ExecResult:
        """Run one command. Cancelling kills all of it before `CancelledError` goes on."""
        raise NotImplementedError
