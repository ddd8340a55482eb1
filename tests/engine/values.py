"""Sessions, events and deliveries as the engine's tests need them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from github_app.core.facts import Facts
from github_app.core.model import Actor, Issue, Repo
from github_app.core.session import Session, Status
from github_app.webhook.delivery import Delivery
from tests.fakes.hub import BASE

REPO = Repo(id=7, full_name="acme/thing", installation_id=3, default_branch="main")
ANN = Actor(id=1, login="ann")
AUDIT_KEY = b"the key of these tests"
FACTS = Facts(now=datetime(2026, 1, 1, tzinfo=UTC), me=Actor(id=99, login="honk[bot]", is_bot=True))
ISSUE = Issue(number=1, title="Make it two", body="It is one.", author=ANN, is_open=True, labels=("honk",))


@dataclass
class MovingClock:
    """Time as the tests have it: it never stands still, so that what comes later is later."""

    time: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self.time += timedelta(microseconds=1)
        return self.time

    def pass_s(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def a_session(issue: int = 1, **more: Any) -> Session:
    usual = Session(
        id=f"7-{issue}-1",
        repo=REPO,
        issue_number=issue,
        generation=1,
        branch=f"honk/{issue}-make-it-two",
        base_branch="main",
        status=Status.WORKING,
        requested_by=ANN,
        issue_title="Make it two",
        base_sha=BASE,
        turn_id=f"7-{issue}-1/turn-1",
        turns=1,
    )
    return replace(usual, **more)


def delivery(key: str, event: str, payload: dict[str, Any]) -> Delivery:
    return Delivery(
        id=key,
        event=event,
        action=payload.get("action"),
        installation_id=3,
        repo_id=7,
        app_id=1,
        body=json.dumps(payload).encode(),
    )
