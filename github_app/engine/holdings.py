"""What pages ask of repositories, of their lessons, and of what waits and runs. All of it blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from github_app.core.holdings import Queue, Taught, Use, Worker
from github_app.core.lessons import Lesson, lesson_from, reworded
from github_app.core.model import Repo
from github_app.core.ports import Clock
from github_app.core.quotas import MONTH
from github_app.core.record.records import Hand
from github_app.core.session import Session
from github_app.engine import codec
from github_app.engine.database import text_of, transaction
from github_app.engine.leases import beats
from github_app.engine.store import Store

_USES = {
    "open_sessions": "SELECT repo_id, count(*) AS n FROM sessions WHERE status NOT IN ('merged', 'closed') GROUP BY 1",
    "lessons": "SELECT repo_id, count(*) AS n FROM lessons GROUP BY 1",
    "turns": "SELECT repo_id, count(*) AS n FROM starts WHERE at > :since GROUP BY 1",
    "micro_usd": "SELECT repo_id, sum(cost_micro_usd) AS n FROM starts WHERE at > :since GROUP BY 1",
}
_TURN = {"sqlite": "json_extract(document, '$.turn_id')", "postgresql": "(document::json #>> '{turn_id}')"}
_LAST_SESSIONS = 50


@dataclass(frozen=True, kw_only=True)
class Holdings:
    """The repositories of a store, for pages (`web.repositories.Holdings`). All of it raises `DatabaseAway`."""

    store: Store
    clock: Clock

    def uses(self, repos: Sequence[Repo]) -> dict[int, Use]:
        """What each repository uses, by its number."""
        since = {"since": text_of(self.clock.now() - MONTH)}
        found: dict[int, dict[str, int]] = {repo.id: {} for repo in repos}
        with transaction(self.store.engine, reads=True) as connection:
            for name, query in _USES.items():
                for row in connection.execute(sa.text(query), since if ":since" in query else {}):
                    if row.repo_id in found:
                        found[row.repo_id][name] = int(row.n)
        return {key: Use(**numbers) for key, numbers in found.items()}

    def taught(self, repo: Repo) -> Taught:
        """The lessons of a repository, and the proposals of its newest sessions that are not in force."""
        lessons = [(each, self.store.lessons.is_expired(each)) for each in self.store.lessons.of(repo.id)]
        known = {(each.pull_number, each.number) for each, _ in lessons}
        proposals = [
            (session.pull_number, proposal)
            for session in self._sessions(repo)
            for proposal in session.lessons
            if session.pull_number is not None and (session.pull_number, proposal.number) not in known
        ]
        return Taught(lessons=lessons, proposals=proposals)

    def keep(self, repo: Repo, key: str, text: str, hand: Hand) -> bool:
        """Put a lesson, or a proposal, into force in these words; False if there is none of that name."""
        lesson = self._lesson(repo, key)
        if lesson is None:
            return False
        kept = reworded(lesson, text, kept_by=hand.actor.login, now=self.clock.now())
        self.store.lessons.keep_by_hand(kept, hand)
        return True

    def drop(self, repo: Repo, key: str, hand: Hand) -> None:
        """Take a lesson out of force."""
        self.store.lessons.drop_by_hand(repo.id, key, hand)

    def _lesson(self, repo: Repo, key: str) -> Lesson | None:
        taught, now = self.taught(repo), self.clock.now()
        proposed = [
            lesson_from(proposal, repo_id=repo.id, pull_number=pull, kept_by="", now=now)
            for pull, proposal in taught.proposals
        ]
        return next((each for each in (*(lesson for lesson, _ in taught.lessons), *proposed) if each.key == key), None)

    def _sessions(self, repo: Repo) -> list[Session]:
        query = sa.text("SELECT document FROM sessions WHERE repo_id = :r ORDER BY updated_at DESC LIMIT :n")
        with transaction(self.store.engine, reads=True) as connection:
            found = connection.execute(query, {"r": repo.id, "n": _LAST_SESSIONS}).scalars()
            return [codec.load_session(document) for document in found]

    def queue(self) -> Queue:
        """What waits and what runs."""
        counts = self.store.entries.counts()
        turn = _TURN[self.store.engine.dialect.name]
        query = (
            "SELECT count(*) AS working, count(turns.id) AS begun FROM sessions "  # noqa: S608
            f"LEFT JOIN turns ON turns.id = {turn} WHERE status = 'working'"
        )
        with transaction(self.store.engine, reads=True) as connection:
            working, begun = connection.execute(sa.text(query)).one()
        return Queue(
            inbox=counts.get("new", 0) + counts.get("queued", 0),
            oldest_s=self.store.entries.oldest_s(),
            lanes=len(self.store.entries.queued_lanes()),
            turns_running=begun,
            turns_waiting=working - begun,
            waits=self.store.waits.count(),
            workers=[Worker(name=beat.name, age_s=beat.age_s) for beat in beats(self.store.engine)],
        )
