"""`honk sessions` and `honk show`: what is on record, in a terminal or for programs. Text from outside is shown as
text: nothing in it moves a cursor or colours a line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from github_app.app import open_store
from github_app.core.errors import Refused
from github_app.core.messages.account import status_word, waiting
from github_app.core.messages.figures import cost
from github_app.core.record.timeline import Line, lines_of
from github_app.core.session import Session, Status
from github_app.core.text.characters import spelled_out
from github_app.settings import Settings, read_settings

if TYPE_CHECKING:
    from github_app.engine.store import Store

_LOOK_S = 1.0


def list_sessions(*, limit: int, repo: str, is_open: bool, is_json: bool) -> int:
    """Print the newest sessions, those of one repository or those that are open, as a table or as JSON lines."""
    from github_app.engine.browsing import Browsing

    settings = read_settings()
    browsing = Browsing(open_store(settings))
    repos = [each for each in browsing.repositories() if repo.casefold() in ("", each.full_name.casefold())]
    statuses = [status for status in Status if is_open and not status.is_terminal]
    found = browsing.sessions(repos, statuses, "", skip=0, limit=limit)
    if is_json:
        for session in found:
            print(json.dumps(_about(session, settings)))
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table("Session", "Repository", "Issue", "Pull request", "Status", "Cost", "Title", box=None)
    for session in found:
        pull = f"#{session.pull_number}" if session.pull_number is not None else ""
        status, price = status_word(session.status), f"${session.usage.cost_micro_usd / 1e6:.4f}"
        title = _plain(session.issue_title)
        table.add_row(session.id, session.repo.full_name, f"#{session.issue_number}", pull, status, price, title)
    Console(markup=False, highlight=False).print(table)
    return 0


def show(session_id: str, *, is_followed: bool, is_json: bool, sleep: Callable[[float], None] = time.sleep) -> int:
    """Print what is on record of a session; followed, what comes as it comes, until the session ends. Raises `Refused`
    if there is no such session."""
    settings = read_settings()
    store = open_store(settings)
    session = _session(store, session_id)
    print(json.dumps(_about(session, settings)) if is_json else _head(store, session, settings))
    told = 0
    try:
        while True:
            is_over = session.status.is_terminal
            for line in lines_of(store.audit.read(session_id)):
                if line.number > told:
                    print(json.dumps(vars(line)) if is_json else _line(line), flush=True)
                    told = line.number
            if not is_followed or is_over:
                return 0
            sleep(_LOOK_S)
            session = _session(store, session_id)
    except KeyboardInterrupt:
        return 130


def _session(store: Store, session_id: str) -> Session:
    session = store.session(session_id)
    if session is None:
        raise Refused(f"there is no session `{session_id}`; `honk sessions` lists them")
    return session


def _about(session: Session, settings: Settings) -> dict[str, Any]:
    repo = f"{settings.github_url}/{session.repo.full_name}"
    pull = session.pull_number
    return {
        "session": session.id,
        "repository": session.repo.full_name,
        "title": session.issue_title,
        "issue_url": f"{repo}/issues/{session.issue_number}",
        "pull_url": f"{repo}/pull/{pull}" if pull is not None else None,
        "branch": session.branch,
        "head_sha": session.head_sha,
        "status": session.status.value,
        "requested_by": session.requested_by.login,
        "turns": session.turns,
        "usd": session.usage.cost_micro_usd / 1e6,
    }


def _head(store: Store, session: Session, settings: Settings) -> str:
    about = _about(session, settings)
    waits = waiting(store.waits.of(session.id))
    rows = {
        "status": status_word(session.status),
        **({waits[0].lower(): waits[1]} if waits else {}),
        "issue": about["issue_url"],
        "pull request": about["pull_url"] or "",
        "branch": session.branch,
        "asked by": session.requested_by.login,
        "spent": f"{cost(session.usage)}, {session.turns} turn{'s' * (session.turns != 1)}",
    }
    lines = [f"  {name:<13}{value}" for name, value in rows.items() if value]
    return "\n".join([f"{session.id}  {_plain(session.issue_title)}", *lines, ""])


def _line(line: Line) -> str:
    mark = "!" if line.is_bad else " "
    more = f"\n{' ' * 22}{line.detail}" if line.detail else ""
    return f"{line.at[:19].replace('T', ' ')} {mark} {line.text}{more}"


def _plain(text: str) -> str:
    return spelled_out(" ".join(text.split()))
