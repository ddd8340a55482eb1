"""Retention: what nobody will ask for any more is deleted, and what that leaves free goes back to the disk. Sessions
stay: they are small, and the next one of the same issue counts on. So does the audit: it is there to be asked late."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from github_app.core.errors import HonkError
from github_app.core.ports import Clock
from github_app.engine.database import text_of, transaction
from github_app.engine.files import files_of, give_back
from github_app.engine.lessons import LIFETIME, forget_before
from github_app.engine.looks import ALL

log = logging.getLogger(__name__)

_BATCH = 100
"""So many rows go in one transaction: the door waits for none longer than a moment."""

_ENDED = "session_id IN (SELECT id FROM sessions WHERE status IN ('merged', 'closed') AND updated_at < :at)"

# What is deleted, as (its keys, by table and column): each batch is found by reading, which holds nobody up.
_RULES: tuple[tuple[str, str, str], ...] = (
    ("inbox", "id", "state IN ('done', 'ignored', 'unreadable', 'failed') AND not_before < :at"),
    ("effects", "id", "state <> 'pending' AND decided_at < :at"),
    (
        "decisions",
        "event_id",
        # An open session still asks what was decided, as whether a turn's work was published; so does whoever takes
        # up an event again.
        "decided_at < :at AND NOT EXISTS (SELECT 1 FROM effects WHERE effects.event_id = decisions.event_id) "
        "AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = decisions.session_id "
        "AND status NOT IN ('merged', 'closed')) "
        "AND NOT EXISTS (SELECT 1 FROM inbox WHERE state IN ('new', 'queued') AND received_at < :at "
        "AND (inbox.id = decisions.event_id OR decisions.event_id LIKE inbox.id || '@%'))",
    ),
    ("steps", "turn_id", f"turn_id IN (SELECT id FROM turns WHERE {_ENDED})"),  # noqa: S608
    ("turns", "id", _ENDED),
    ("starts", "turn_id", "at < :at"),
    ("refusals", "about", "said_at < :at"),
    ("waits", "session_id", "until < :at"),
    (
        "comments",
        "session_id",
        "at < :at AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = comments.session_id "
        "AND status NOT IN ('merged', 'closed'))",
    ),
    ("verdicts", "id", "at < :at"),
    ("heard", "number", "at < :at"),
    ("looks", "repo_id", f"repo_id <> {ALL} AND looked_at < :at"),
    ("chat_invitations", "nonce", "at < :at"),
    ("chat_messages", "tag", "at < :at"),
    (
        "chat_threads",
        "thread",
        "at < :at AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.repo_id = chat_threads.repo_id "
        "AND sessions.issue_number = chat_threads.issue_number "
        "AND (status NOT IN ('merged', 'closed') OR updated_at >= :at))",
    ),
)

# Where a change set is named that is still to be read: held back for a person, about to be published, just handed in.
# And where the images of a turn are that may go on.
_WAITING = (
    "SELECT document FROM sessions WHERE status NOT IN ('merged', 'closed')",
    "SELECT task FROM turns WHERE session_id IN (SELECT id FROM sessions WHERE status = 'working') "
    "AND task LIKE '%\"sha256\"%'",
    "SELECT document FROM effects WHERE state = 'pending'",
    "SELECT body FROM inbox WHERE state IN ('new', 'queued') AND source = 'self'",
)
_BLOB_ID = re.compile(rb"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Ages:
    """How long things are kept after their last use. GitHub offers deliveries again for 3 days: whoever keeps less
    than that may take one in twice.

    https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
    """

    done: timedelta = timedelta(days=30)
    flows: timedelta = timedelta(days=7)
    caches: timedelta = timedelta(days=7)
    blobs: timedelta = timedelta(days=1)
    lessons: timedelta = LIFETIME
    sweep_every: timedelta = timedelta(minutes=10)

    @classmethod
    def of_days(cls, days: float, *, lessons_for: timedelta = LIFETIME) -> Ages:
        """What was done is kept so long, and nothing longer but lessons."""
        done, usual = timedelta(days=days), cls()
        return cls(
            done=done,
            flows=min(usual.flows, done),
            caches=min(usual.caches, done),
            blobs=min(usual.blobs, done),
            lessons=lessons_for,
            sweep_every=min(usual.sweep_every, done / 4),
        )


@dataclass(frozen=True, kw_only=True)
class Retention:
    """What each worker deletes beside its work; several may do it at once.

    `forget_flows` deletes what the runtime has of flows that ended before a time, `tidy` what lies on this machine's
    disk unused for so many seconds. Both block.
    """

    database: sa.Engine
    forget_flows: Callable[[datetime], None]
    tidy: Callable[[float], None]
    clock: Clock
    ages: Ages = Ages()

    def sweep_forever(self, stopping: threading.Event) -> None:
        """Sweep at once, then now and then until told to stop."""
        while True:
            self.sweep(stopping)
            if stopping.wait(self.ages.sweep_every / timedelta(seconds=1)):
                return

    def sweep(self, stopping: threading.Event | None = None) -> None:
        """Delete what is old, and give back what that leaves free. What fails is tried again by the next sweep."""
        now = self.clock.now()
        for what, act in (
            ("rows", lambda: forget(self.database, now - self.ages.done)),
            ("blobs", lambda: forget_blobs(self.database, now - self.ages.blobs)),
            ("lessons", lambda: forget_lessons(self.database, forget_before(now, self.ages.lessons))),
            ("flows", lambda: self.forget_flows(now - self.ages.flows)),
            ("caches", lambda: self.tidy(self.ages.caches / timedelta(seconds=1))),
            ("free pages", self._give_back),
        ):
            if stopping is not None and stopping.is_set():
                return
            try:
                act()
            except HonkError as error:
                log.warning("not tidied", extra={"what": what, "why": str(error)})
            except Exception:  # the root of this thread
                log.exception("not tidied", extra={"what": what})

    def _give_back(self) -> None:
        for path in files_of(self.database.url):
            give_back(path)


def forget(engine: sa.Engine, before: datetime) -> int:
    """Delete what was done before a time, and the transcripts of sessions that ended before it; how many rows.

    Raises `DatabaseAway`.
    """
    at = text_of(before)
    return sum(_delete(engine, table, key, where, at) for table, key, where in _RULES)


def forget_lessons(engine: sa.Engine, before: datetime) -> int:
    """Delete the lessons that were last used before a time; how many. Raises `DatabaseAway`."""
    return _delete(engine, "lessons", "id", "last_used_at < :at", text_of(before))


def _delete(engine: sa.Engine, table: str, key: str, where: str, at: str) -> int:
    find = sa.text(f"SELECT DISTINCT {key} FROM {table} WHERE {where} LIMIT :n")  # noqa: S608 — our own words
    # Asked again with the deletion: a session may have been opened anew meanwhile.
    delete = sa.text(f"DELETE FROM {table} WHERE {key} IN :keys AND {where}")  # noqa: S608
    delete = delete.bindparams(sa.bindparam("keys", expanding=True))
    count = 0
    while True:
        with transaction(engine, reads=True) as connection:
            keys = list(connection.execute(find, {"at": at, "n": _BATCH}).scalars())
        if not keys:
            return count
        with transaction(engine) as connection:
            count += connection.execute(delete, {"at": at, "keys": keys}).rowcount


def forget_blobs(engine: sa.Engine, before: datetime) -> int:
    """Delete the large values that were stored before a time and that no turn's workspace and nothing that waits is
    made of; how many. Each step of a turn that changes files leaves one. Raises `DatabaseAway`."""
    at = text_of(before)
    delete = sa.text("DELETE FROM blobs WHERE id IN :keys AND created_at < :at")
    delete = delete.bindparams(sa.bindparam("keys", expanding=True))
    count = 0
    with transaction(engine, reads=True) as connection:
        waited_for = _named(connection)
    for keys in _old_blobs(engine, at):
        if unnamed := [key for key in keys if key not in waited_for]:
            with transaction(engine) as connection:
                count += connection.execute(delete, {"at": at, "keys": unnamed}).rowcount
    return count


def _old_blobs(engine: sa.Engine, at: str) -> Iterator[Sequence[str]]:
    find = sa.text(
        "SELECT id FROM blobs WHERE created_at < :at AND id > :last "
        "AND id NOT IN (SELECT snapshot_id FROM turns WHERE snapshot_id IS NOT NULL) ORDER BY id LIMIT :n"
    )
    last = ""
    while True:
        with transaction(engine, reads=True) as connection:
            keys = list(connection.execute(find, {"at": at, "last": last, "n": _BATCH}).scalars())
        if not keys:
            return
        yield keys
        last = keys[-1]


def _named(connection: sa.Connection) -> set[str]:
    """The ids of blobs in what waits."""
    found: set[str] = set()
    for query in _WAITING:
        for text in connection.execute(sa.text(query)).scalars():
            raw = text.encode() if isinstance(text, str) else bytes(text)
            found.update(each.decode() for each in _BLOB_ID.findall(raw))
    return found
