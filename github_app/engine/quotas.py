"""Counts what people, repositories and organisations have used within a day or a month, in our own tables: no call of
GitHub's API. An organisation is the account that the app is installed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from github_app.core.decisions import Decision
from github_app.core.effects import RunTurn
from github_app.core.facts import Facts
from github_app.core.model import Actor, Repo
from github_app.core.policy import Floor, Quota
from github_app.core.ports import Clock
from github_app.core.quotas import MONTH, WINDOW, Load, Share, Whose
from github_app.core.session import Session
from github_app.engine.database import text_of, transaction

_COLUMN: dict[Whose, str] = {"person": "person_id", "repository": "repo_id", "organisation": "installation_id"}


@dataclass(frozen=True, kw_only=True)
class Quotas:
    """Reads what was used, and holds the operator's limits against it. Every method blocks; raises `DatabaseAway`."""

    database: sa.Engine
    clock: Clock
    floor: Floor

    def load(self, repo: Repo, person: Actor, session: Session | None) -> Load | None:
        """What a turn would add to; None if there is no limit to hold it against. The session's own pull request is
        not counted: another turn of it opens no other."""
        limits: tuple[tuple[Whose, str, int, Quota], ...] = (
            ("person", person.login, person.id, self.floor.per_person),
            ("repository", repo.full_name, repo.id, self.floor.per_repository),
            ("organisation", repo.full_name.partition("/")[0], repo.installation_id, self.floor.per_organisation),
        )
        limited = [each for each in limits if each[3] != Quota()]
        if not limited:
            return None
        own = session.id if session is not None else ""
        with transaction(self.database, reads=True) as connection:
            number = connection.execute(
                sa.text("SELECT coalesce(max(number), 0) + 1 FROM starts WHERE installation_id = :i"),
                {"i": repo.installation_id},
            ).scalar_one()
            shares = [self._share(connection, *each, own) for each in limited]
        return Load(shares=tuple(shares), number=number)

    def told(self, repo: Repo, person: Actor) -> frozenset[str]:
        """What somebody was refused in a repository, with words, within the window."""
        with transaction(self.database, reads=True) as connection:
            rows = connection.execute(
                sa.text("SELECT about FROM refusals WHERE repo_id = :r AND person_id = :p AND said_at > :since"),
                {"r": repo.id, "p": person.id, "since": text_of(self.clock.now() - WINDOW)},
            )
            return frozenset(rows.scalars())

    def _share(self, connection: sa.Connection, whose: Whose, name: str, key: int, quota: Quota, own: str) -> Share:
        column, now = _COLUMN[whose], self.clock.now()
        known = {"id": key, "own": own}
        day, month = known | {"since": text_of(now - WINDOW)}, known | {"since": text_of(now - MONTH)}
        sum_up = sa.text(
            f"SELECT count(*), coalesce(sum(cost_micro_usd), 0) FROM starts WHERE {column} = :id AND at > :since"  # noqa: S608 - a column's name, of ours
        )
        turns, cost = connection.execute(sum_up, day).one()
        month_cost = connection.execute(sum_up, month).one()[1] if quota.month_micro_usd is not None else 0
        pulls = connection.execute(
            sa.text(f"SELECT count(*) FROM sessions WHERE {column} = :id AND holds_pull = 1 AND id <> :own"),  # noqa: S608
            known,
        ).scalar_one()
        return Share(
            whose=whose,
            name=name,
            quota=quota,
            turns=turns,
            cost_micro_usd=int(cost),
            month_micro_usd=int(month_cost),
            open_pulls=pulls,
            turns_free_at=_free_at(connection, column, day, "place", quota.turns, WINDOW),
            money_free_at=_free_at(connection, column, day, "spent", quota.cost_micro_usd, WINDOW),
            month_free_at=_free_at(connection, column, month, "spent", quota.month_micro_usd, MONTH),
        )


def _free_at(
    connection: sa.Connection, column: str, known: dict[str, object], what: str, limit: int | None, window: timedelta
) -> datetime | None:
    """When so many old turns have left the window that the rest is under the limit: counted from the newest on, the
    one with which the limit is reached must leave."""
    if not limit:
        return None
    newest = "ORDER BY at DESC, turn_id"
    counted = (
        f"SELECT at, row_number() OVER ({newest}) AS place, sum(cost_micro_usd) OVER ({newest}) AS spent "  # noqa: S608
        f"FROM starts WHERE {column} = :id AND at > :since"
    )
    query = sa.text(f"SELECT max(at) FROM ({counted}) AS counted WHERE {what} >= :n")  # noqa: S608
    at = connection.execute(query, known | {"n": limit}).scalar_one()
    return datetime.fromisoformat(at) + window if at is not None else None


def note_decision(
    connection: sa.Connection, session: Session | None, decision: Decision, repo: Repo | None, facts: Facts
) -> bool:
    """Count the turn that a decision starts, the pull request that it holds, and the words with which it refuses, in
    the transaction that stores it. False if another decision was faster, so that this one must be made again."""
    if session is not None:
        _note_pull(connection, session)
    turn_id = next((effect.turn_id for effect in decision.effects if isinstance(effect, RunTurn)), None)
    if session is not None and turn_id is not None:
        number = facts.load.number if facts.load is not None else None
        if not _note_start(connection, session, turn_id, number, facts.now):
            return False
    if decision.refused and repo is not None and facts.asker is not None:
        return _note_refusal(connection, repo, facts.asker, decision.refused, facts.now)
    return True


def _note_pull(connection: sa.Connection, session: Session) -> None:
    known = {"id": session.id, "repo": session.repo.id, "issue": session.place}
    holds = {"person": session.requested_by.id, "holds": int(session.holds_pull)}
    connection.execute(
        sa.text("UPDATE sessions SET person_id = :person, holds_pull = :holds WHERE id = :id"), known | holds
    )
    # What an ended session left open is the newest one's, or nobody's.
    connection.execute(
        sa.text("UPDATE sessions SET holds_pull = 0 WHERE repo_id = :repo AND issue_number = :issue AND id <> :id"),
        known,
    )


def _note_start(connection: sa.Connection, session: Session, turn_id: str, number: int | None, now: datetime) -> bool:
    added = connection.execute(
        sa.text(
            "INSERT INTO starts (turn_id, repo_id, installation_id, person_id, number, at) "
            "VALUES (:turn, :repo, :installation, :person, :number, :at) ON CONFLICT DO NOTHING"
        ),
        {
            "turn": turn_id,
            "repo": session.repo.id,
            "installation": session.repo.installation_id,
            "person": (session.turn_asked_by or session.requested_by).id,
            "number": number,
            "at": text_of(now),
        },
    )
    return added.rowcount == 1


def _note_refusal(connection: sa.Connection, repo: Repo, person: Actor, about: str, now: datetime) -> bool:
    said = connection.execute(
        sa.text(
            "INSERT INTO refusals (repo_id, person_id, about, said_at) VALUES (:r, :p, :about, :at) "
            "ON CONFLICT (repo_id, person_id, about) DO UPDATE SET said_at = excluded.said_at "
            "WHERE refusals.said_at <= :since"
        ),
        {"r": repo.id, "p": person.id, "about": about, "at": text_of(now), "since": text_of(now - WINDOW)},
    )
    return said.rowcount == 1
