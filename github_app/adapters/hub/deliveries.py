"""Webhooks that did not arrive: GitHub keeps a record of them for days and sends them again when asked.

https://docs.github.com/webhooks/using-webhooks/automatically-redelivering-failed-deliveries-for-a-github-app-webhook
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from github import Github

from github_app.adapters.hub.clients import Clients, pages
from github_app.adapters.hub.errors import NotFound, Unprocessable

ALWAYS = frozenset({"installation", "installation_repositories"})
"""Events that every app gets without subscribing."""

AT_ONCE = 100
"""So many redeliveries one call asks for; the next call asks for the rest."""


LONGEST = 50
"""So many pages of the record are read at once."""

REFUSED = frozenset({400, 413})
"""What we answered to what nobody could take in: it would be the same again."""


def redeliver_failed(clients: Clients, *, since: datetime, subscribed: Iterable[str], again: bool) -> int:
    """Ask for each delivery since then that never got through, once; how many, up to `AT_ONCE`.

    The record has one entry for each attempt; what matters is whether any attempt with the same GUID succeeded. Without
    `again`, what was asked for before and refused again is left alone: whoever is up and refuses it refuses it for
    ever. What failed otherwise is asked for again: our door may just have been away.
    """
    entries = clients.as_app(lambda it: _list(it, since), what="deliveries")
    missed = select_missed(entries, wanted=ALWAYS | set(subscribed), again=again)
    asked = 0
    for delivery_id in missed:
        if asked == AT_ONCE:
            break
        path = f"/app/hook/deliveries/{delivery_id}/attempts"
        clients.pacer.wait(0)

        def act(it: Github, path: str = path) -> None:
            it.requester.requestJsonAndCheck("POST", path)

        try:
            clients.as_app(act, what=f"delivery {delivery_id}")
            asked += 1
        except (NotFound, Unprocessable):  # too old by now; a look at the repository sees what it told
            continue
    return asked


def select_missed(entries: Iterable[Mapping[str, Any]], *, wanted: Iterable[str], again: bool = True) -> list[int]:
    """Choose from GitHub's record (newest first) the newest attempt of each GUID that has no success; oldest first."""
    events = set(wanted)
    newest: dict[str, Mapping[str, Any]] = {}
    arrived: set[str] = set()
    for entry in entries:
        if entry["event"] not in events:
            continue
        newest.setdefault(entry["guid"], entry)
        if 200 <= entry["status_code"] < 400:
            arrived.add(entry["guid"])
    return [
        entry["id"]
        for guid, entry in reversed(newest.items())
        if guid not in arrived and entry["status_code"] not in REFUSED
        if again or not entry.get("redelivery") or not 400 <= entry["status_code"] < 500
    ]


def _list(it: Github, since: datetime) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for entry in islice(pages(it.requester, "/app/hook/deliveries"), LONGEST * 100):
        if datetime.fromisoformat(entry["delivered_at"]) < since:
            break
        found.append(entry)
    return found
