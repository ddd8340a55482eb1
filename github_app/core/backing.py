"""What a sandboxed command may have at its back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DESK_PORT = 3129
"""Where a command finds the desk, at 127.0.0.1 of its own network."""


@dataclass(frozen=True, kw_only=True)
class Backing:
    """`stdin` is what a command can read; `desk` a unix socket of ours that it then reaches at `DESK_PORT`, if any."""

    stdin: bytes = b""
    desk: Path | None = None


NO_BACKING = Backing()
