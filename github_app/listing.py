"""`honk sessions` and `honk show`: what is on record, in this machine's database; with HONK_TOKEN, in the Honk whose
token that is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from github_app.app import open_store
from github_app.core.errors import Refused
from github_app.core.messages.account import waiting
from github_app.core.messages.aftermath import watch_line
from github_app.core.record.summary import summary_of
from github_app.core.record.timeline import lines_of
from github_app.core.session import Session, Status
from github_app.remote.telling import Source, print_events, print_session, print_sessions
from github_app.settings import Settings, read_remote, read_settings

if TYPE_CHECKING:
    from github_app.engine.store import Store


def list_sessions(*, limit: int, repo: str, is_open: bool, is_json: bool) -> int:
    """Print the newest sessions, those of one repository or those that are open, as a table or as JSON lines."""
    print_sessions(_source().sessions(limit=limit, repository=repo, is_open=is_open), is_json=is_json)
    return 0


def show(session_id: str, *, is_followed: bool, is_json: bool, sleep: Callable[[float], None] = time.sleep) -> int:
    """Print what is on record of a session; followed, what comes as it comes, until the session ends. Raises `Refused`
    if there is no such session."""
    source = _source()
    more = source.waits(session_id) if isinstance(source, OwnSessions) else None
    print_session(source.session(session_id), is_json=is_json, more=more)
    print_events(source, session_id, is_json=is_json, sleep=sleep, goes_on=lambda _: is_followed)
    return 0


def _source() -> Source:
    remote = read_remote()
    if remote is None:
        settings = read_settings()
        return OwnSessions(settings, open_store(settings))
    from github_app.remote.client import Client

    url, token = remote
    return Client(url=url, token=token)


@dataclass(frozen=True)
class OwnSessions:
    """The sessions of this machine's database."""

    settings: Settings
    store: Store

    def sessions(self, *, limit: int, repository: str = "", is_open: bool = False) -> Iterator[dict[str, Any]]:
        """Sessions, what changed last first."""
        from github_app.engine.browsing import Browsing

        browsing = Browsing(self.store)
        repos = [each for each in browsing.repositories() if repository.casefold() in ("", each.full_name.casefold())]
        statuses = [status for status in Status if is_open and not status.is_terminal]
        for session in browsing.sessions(repos, statuses, "", skip=0, limit=limit):
            yield self._about(session)

    def session(self, session_id: str) -> dict[str, Any]:
        """A session. Raises `Refused` if there is none."""
        return self._about(self._find(session_id))

    def events(self, session_id: str, *, after: int) -> dict[str, Any]:
        """What is on record of it after a number."""
        session = self._find(session_id)
        told = [vars(line) for line in lines_of(self.store.audit.read(session_id)) if line.number > after]
        last = told[-1]["number"] if told else after
        return {"events": told, "next": last, "status": session.status, "is_over": session.status.is_terminal}

    def waits(self, session_id: str) -> dict[str, str]:
        """What a session waits for, or what followed its merge, as rows of their own."""
        waits, since = waiting(self.store.waits.of(session_id)), watch_line(self._find(session_id))
        return ({waits[0].lower(): waits[1]} if waits else {}) | ({"since merge": since} if since else {})

    def _find(self, session_id: str) -> Session:
        session = self.store.session(session_id)
        if session is None:
            raise Refused(f"there is no session `{session_id}`; `honk sessions` lists them")
        return session

    def _about(self, session: Session) -> dict[str, Any]:
        return summary_of(session, github_url=self.settings.github_url)
