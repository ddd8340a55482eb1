"""What pages show of repositories and of work that waits, in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from github_app.core.lessons import Lesson, Proposal


@dataclass(frozen=True, kw_only=True)
class Use:
    """Of a repository: its sessions that are open, the lessons kept, and what was used within the last 30 days."""

    open_sessions: int = 0
    lessons: int = 0
    turns: int = 0
    micro_usd: int = 0


@dataclass(frozen=True, kw_only=True)
class Taught:
    """Lessons of a repository, each with whether it has expired; and what was proposed and is not kept, each with the
    number of its pull request."""

    lessons: Sequence[tuple[Lesson, bool]] = ()
    proposals: Sequence[tuple[int, Proposal]] = ()


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A worker that lives, and how many seconds ago it last said so."""

    name: str
    age_s: float


@dataclass(frozen=True, kw_only=True)
class Queue:
    """What waits and what runs, in all repositories: deliveries in the inbox and for how long the oldest has been
    there, lanes with work, turns by what they do."""

    inbox: int
    oldest_s: float
    lanes: int
    turns_running: int
    turns_waiting: int
    waits: int
    workers: Sequence[Worker] = field(default_factory=tuple)
