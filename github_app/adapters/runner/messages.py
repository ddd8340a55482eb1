"""What broker and runner say to each other, over one unix socket for each open workspace.

The broker asks, the runner answers, one at a time; the runner never asks. A message is a frame: two lengths, a JSON
header, raw bytes. Whoever reads says how long a body may be, and reads nothing beyond that. Both sides check each word:
the broker because the runner stands next to hostile code and may be taken over by it, the runner to be plain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import FailFast, Field

from github_app.adapters.repository.changes import MAX_FILES
from github_app.adapters.sandbox.check import Check
from github_app.core.model import Mode
from github_app.core.ports import ExecLimits, ExecResult

Sha = Annotated[str, Field(pattern=r"\A[0-9a-f]{40}\z")]
Count = Annotated[int, Field(ge=0)]
Words = Annotated[str, Field(max_length=4_000)]


# What the broker asks.


@dataclass(frozen=True, kw_only=True)
class Open:
    """Open this connection's workspace; answered by `Opened`. Whoever had the same key open before loses it."""

    ask: Literal["open"] = "open"
    repo_id: int
    sha: Sha
    key: str


@dataclass(frozen=True, kw_only=True)
class Take:
    """A commit comes: its pack follows in frames that are bodies alone, the last one empty."""

    ask: Literal["take"] = "take"
    repo_id: int
    sha: Sha
    cut: tuple[Sha, ...]


@dataclass(frozen=True, kw_only=True)
class Exec:
    """Run a command, with the body as what it can read; answered by `Ran` with its output as the body. Who calls from
    it at its desk, if it `has_desk`, is for `Attend`."""

    ask: Literal["exec"] = "exec"
    argv: tuple[str, ...]
    cwd: str
    env: dict[str, str]
    limits: ExecLimits
    network: tuple[str, ...]
    has_desk: bool = False


@dataclass(frozen=True, kw_only=True)
class Attend:
    """Wait for somebody who calls at the desk of a session's command. Answered by `Done` when there is one; after that,
    this connection carries what the two say."""

    ask: Literal["attend"] = "attend"
    key: str


@dataclass(frozen=True, kw_only=True)
class Read:
    """Answered by `Done` with the content as the body."""

    ask: Literal["read"] = "read"
    path: str
    max_bytes: int


@dataclass(frozen=True, kw_only=True)
class Write:
    """Comes with the content as the body."""

    ask: Literal["write"] = "write"
    path: str
    executable: bool | None


@dataclass(frozen=True, kw_only=True)
class Delete:
    """Delete a file."""

    ask: Literal["delete"] = "delete"
    path: str


@dataclass(frozen=True, kw_only=True)
class List:
    """Answered by `Done` with the paths as the body, each ended by a NUL."""

    ask: Literal["list"] = "list"
    prefix: str
    limit: int


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Answered by `Changed`."""

    ask: Literal["changes"] = "changes"


@dataclass(frozen=True, kw_only=True)
class File:
    """One file of a change set; `size` bytes of the body are its content, None for a deletion."""

    path: str
    mode: Mode
    size: Count | None


Files = Annotated[tuple[File, ...], FailFast(), Field(max_length=MAX_FILES)]


@dataclass(frozen=True, kw_only=True)
class Apply:
    """Comes with the contents of its files as the body, one after the other."""

    ask: Literal["apply"] = "apply"
    files: Files


@dataclass(frozen=True, kw_only=True)
class Recall:
    """Answered by `Done` with the workspace's note as the body."""

    ask: Literal["recall"] = "recall"


@dataclass(frozen=True, kw_only=True)
class Remember:
    """Keep a note with the workspace."""

    ask: Literal["remember"] = "remember"
    note: Words


@dataclass(frozen=True, kw_only=True)
class Close:
    """Let go of the workspace."""

    ask: Literal["close"] = "close"
    discard: bool


@dataclass(frozen=True, kw_only=True)
class Discard:
    """Delete all of a session."""

    ask: Literal["discard"] = "discard"
    key: str


@dataclass(frozen=True, kw_only=True)
class Tidy:
    """Delete what lay idle, and what is too much."""

    ask: Literal["tidy"] = "tidy"
    idle_s: float
    max_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Try to look into these paths, and into the broker's own environment; answered by `Reached`."""

    ask: Literal["reach"] = "reach"
    paths: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Examine:
    """Try the walls of the sandbox; answered by `Examined`."""

    ask: Literal["examine"] = "examine"


@dataclass(frozen=True, kw_only=True)
class Cancel:
    """Stop with what was asked last. It is answered once all the same, by whatever came first."""

    ask: Literal["cancel"] = "cancel"


Request = (
    Open
    | Take
    | Exec
    | Attend
    | Read
    | Write
    | Delete
    | List
    | Changes
    | Apply
    | Recall
    | Remember
    | Close
    | Discard
    | Tidy
    | Reach
    | Examine
    | Cancel
)

# What the runner answers.


@dataclass(frozen=True, kw_only=True)
class Done:
    """It is done."""

    answer: Literal["done"] = "done"


@dataclass(frozen=True, kw_only=True)
class Opened:
    """Whether the workspace is open; if not, the commit is missing, and `known` is one that is there."""

    answer: Literal["opened"] = "opened"
    is_open: bool
    known: Sha | None = None


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a command ended; `result.output` is the body."""

    answer: Literal["ran"] = "ran"
    result: ExecResult


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A change set; the contents of its files are the body, one after the other."""

    answer: Literal["changed"] = "changed"
    base_sha: Sha
    files: Files


@dataclass(frozen=True, kw_only=True)
class Reached:
    """What of the paths could be read."""

    answer: Literal["reached"] = "reached"
    paths: Annotated[tuple[Words, ...], FailFast(), Field(max_length=1_000)]


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What the sandbox is, in a line, and each wall that was tried."""

    answer: Literal["examined"] = "examined"
    about: Words
    walls: Annotated[tuple[Check, ...], FailFast(), Field(max_length=1_000)]


@dataclass(frozen=True, kw_only=True)
class Failed:
    """It did not work. `kind` says who must act, as `core.errors` sorts it."""

    answer: Literal["failed"] = "failed"
    kind: Literal["path", "tool", "transient", "sandbox"]
    text: str


Answer = Done | Opened | Ran | Changed | Reached | Examined | Failed
