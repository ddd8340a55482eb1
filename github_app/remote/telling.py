"""Sessions in a terminal or for programs, wherever they are read. Text from outside is shown as text: nothing in it
moves a cursor or colours a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from github_app.core.messages.account import status_word
from github_app.core.messages.figures import money
from github_app.core.session import Status
from github_app.core.text.characters import spelled_out

Json = dict[str, Any]

_LOOK_S = 2.0


class Source(Protocol):
    """Where sessions are read: this machine's database, or a Honk's API. All of it blocks."""

    def sessions(self, *, limit: int, repository: str = "", is_open: bool = False) -> Iterable[Json]:
        """Sessions, what changed last first."""

    def session(self, session_id: str) -> Json:
        """A session. Raises `Refused` if there is none."""

    def events(self, session_id: str, *, after: int) -> Json:
        """What is on record of it after a number: `events`, `next`, `status`, `is_over`."""


def print_sessions(sessions: Iterable[Json], *, is_json: bool) -> None:
    """Print a list of sessions, as a table or as JSON lines."""
    if is_json:
        for each in sessions:
            print(json.dumps(each))
        return
    from rich.console import Console
    from rich.table import Column, Table

    # Where a terminal is narrow, words give way before names do.
    names = (Column(name, no_wrap=True) for name in ("Repository", "Issue", "Pull request"))
    table = Table(Column("Session", no_wrap=True), "Kind", *names, "Status", "Cost", "Title", box=None)
    for each in sessions:
        issue, pull = (_number(each[name]) for name in ("issue_url", "pull_url"))
        status, price = status_word(Status(each["status"])), f"${each['usd']:.4f}"
        where = (each["session"], _kind(each), each["repository"], issue, pull)
        table.add_row(*where, status, price, _plain(each["title"]))
    Console(markup=False, highlight=False).print(table)


def print_session(about: Json, *, is_json: bool, more: Mapping[str, str] | None = None) -> None:
    """Print what a session is, with `more` rows for people."""
    if is_json:
        print(json.dumps(about), flush=True)
        return
    turns = about["turns"]
    rows = {
        "kind": _kind(about),
        "status": status_word(Status(about["status"])),
        **(more or {}),
        "issue": about["issue_url"],
        "pull request": about["pull_url"] or "",
        "branch": about["branch"],
        "asked by": about["requested_by"],
        "spent": f"{money(round(about['usd'] * 1e6))}, {about['tokens']:,} tokens, {turns} turn{'s' * (turns != 1)}",
    }
    lines = [f"  {name:<13}{_plain(value)}" for name, value in rows.items() if value]
    print("\n".join([f"{about['session']}  {_plain(about['title'])}", *lines, ""]), flush=True)


def print_report(about: Json, *, is_json: bool) -> int:
    """Print an answer or a review, if it was made; the exit code."""
    if is_json:
        print(json.dumps(about), flush=True)
    else:
        lines = about["report"].splitlines() or [f"There is no report; {about['issue_url']} says why."]
        print("\n".join(["", *map(spelled_out, lines)]), flush=True)
    return 0 if about["report"] else 1


def print_events(
    source: Source,
    session_id: str,
    *,
    is_json: bool,
    sleep: Callable[[float], None],
    goes_on: Callable[[Status], bool],
) -> Status:
    """Print what is on record, and what comes, for as long as the session goes on; its status in the end."""
    after = 0
    while True:
        told = source.events(session_id, after=after)
        for event in told["events"]:
            print(json.dumps(event) if is_json else _line(event), flush=True)
        after, status = told["next"], Status(told["status"])
        if told["events"]:
            continue  # There may be more.
        if told["is_over"] or not goes_on(status):
            return status
        sleep(_LOOK_S)


def _line(event: Json) -> str:
    mark = "!" if event["is_bad"] else " "
    detail = spelled_out(event["detail"])
    more = f"\n{' ' * 22}{detail}" if detail else ""
    return f"{event['at'][:19].replace('T', ' ')} {mark} {spelled_out(event['text'])}{more}"


def _kind(about: Json) -> str:
    """What a session is to come to; a Honk that does not say so has nothing but changes."""
    return str(about.get("kind", "change"))


def _number(url: str | None) -> str:
    return f"#{url.rpartition('/')[2]}" if url else ""


def _plain(text: str) -> str:
    return spelled_out(" ".join(text.split()))
