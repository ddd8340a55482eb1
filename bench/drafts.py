"""From a label to a draft pull request on the sample repository, through everything: local GitHub, signed webhook,
inbox, decision, sandboxed turn with the sample's scripted model, commit by the Git Data API, pull request. Where the
time goes is read from the store's own timestamps.

Each run has a repository of its own, so each fetches and checks out. The first one meets a Honk that has just started.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import report
from bench.processes import MODEL_KEY, scripted_model
from github_app.demo.stack import Stack
from github_app.localhub.showcase import HOME, Sample, load_sample

RUNS = 7
TARGET_S = 3.0
POLL_S = 0.002


@dataclass(kw_only=True)
class Story:
    """One label: seconds until the draft pull request, and what they were spent on, in order."""

    total_s: float
    requests: int
    stages_s: dict[str, float] = field(default_factory=dict)


def settings(url: str, **more: str) -> dict[str, str]:
    """How Honk finds the scripted model; and no checks are waited for, because no workflow runs here."""
    return {"ANTHROPIC_API_KEY": MODEL_KEY, "ANTHROPIC_BASE_URL": url, "HONK_CHECKS_GRACE_S": "600", **more}


def measure(room: Path) -> str:
    """The table of totals and the table of stages, as Markdown."""
    sample = load_sample()
    with scripted_model(HOME / "script.yml", room) as url, Stack(script=None, settings=settings(url)) as stack:
        stack.start_honk()
        stories = [tell(stack, sample, number) for number in range(RUNS)]
        assert not stack.hub.violations, stack.hub.violations[:3]
    return "\n\n".join((_totals(stories), _stages(stories[1:])))


def tell(stack: Stack, sample: Sample, number: int) -> Story:
    """Label one issue in a new repository, and look until its pull request is there."""
    repo = stack.hub.create_repository(f"acme/{sample.name}-{number}", dict(sample.files))
    ann = stack.hub.grant(repo, "ann", "admin")
    stack.hub.create_label(repo, "honk")
    stack.install(repo)
    issue = ann.open_issue(repo, sample.issue_title, sample.issue_body)
    stack.hub.settle()
    requests, labelled = len(stack.hub.exchanges), datetime.now(UTC)
    ann.label(issue, "honk")
    deadline = time.monotonic() + 60
    while not (pulls := repo.pulls()):
        assert time.monotonic() < deadline, stack.log_tail()
        time.sleep(POLL_S)
    total_s = (datetime.now(UTC) - labelled).total_seconds()
    assert pulls[0].draft
    story = Story(total_s=total_s, requests=len(stack.hub.exchanges) - requests)
    stack.wait_for("the publication to be noted", lambda: _is_published(stack, repo.id))
    story.stages_s = dict(_read_stages(stack, repo.id, labelled))
    return story


def _database(stack: Stack) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{stack.root / 'data' / 'honk.sqlite'}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    return connection


def _is_published(stack: Stack, repo_id: int) -> bool:
    query = (
        "SELECT 1 FROM effects e JOIN sessions s ON s.id = e.session_id "
        "WHERE s.repo_id = ? AND e.kind = 'Publish' AND e.state = 'done'"
    )
    connection = _database(stack)
    try:
        return connection.execute(query, (repo_id,)).fetchone() is not None
    finally:
        connection.close()


def _read_stages(stack: Stack, repo_id: int, labelled: datetime) -> Iterator[tuple[str, float]]:
    """What lies between one timestamp of the store and the next."""
    connection = _database(stack)

    def rows(query: str, *values: object) -> list[Any]:
        return connection.execute(query, values).fetchall()

    session = rows("SELECT id FROM sessions WHERE repo_id = ?", repo_id)[0]["id"]
    turn = rows("SELECT id, started_at FROM turns WHERE session_id = ?", session)[0]
    opened, finished = rows(
        "SELECT i.id, i.received_at, d.decided_at FROM inbox i JOIN decisions d ON d.event_id = i.id "
        "WHERE d.session_id = ? AND d.event_kind IN ('IssueLabeled', 'TurnFinished') ORDER BY i.seq",
        session,
    )
    last = labelled

    def until(at: str) -> float:
        nonlocal last
        moment = datetime.fromisoformat(at)
        seconds, last = (moment - last) / timedelta(seconds=1), moment
        return seconds

    yield "webhook sent and recorded", until(opened["received_at"])
    yield "facts looked up, decided", until(opened["decided_at"])
    effects = "SELECT kind, done_at FROM effects WHERE event_id = ? AND done_at <= ? ORDER BY position"
    for effect in rows(effects, opened["id"], turn["started_at"]):
        yield f"then {effect['kind']}", until(effect["done_at"])
    yield "turn begun: workspace open, briefed", until(turn["started_at"])
    for name, at in _steps(rows("SELECT role, document, at FROM steps WHERE turn_id = ? ORDER BY number", turn["id"])):
        yield name, until(at)
    yield "last call (submit: verify, hand over)", until(finished["received_at"])
    yield "facts looked up, decided what follows", until(finished["decided_at"])
    for effect in rows("SELECT kind, done_at FROM effects WHERE event_id = ? ORDER BY position", finished["id"]):
        yield f"finally {effect['kind']}", until(effect["done_at"])
        if effect["kind"] == "Publish":
            break
    connection.close()


def _steps(steps: list[Any]) -> Iterator[tuple[str, str]]:
    calls, count = "first look, first words", 0
    for step in steps:
        if step["role"] == "user":
            yield calls, step["at"]
            continue
        count += 1
        yield f"model call {count}", step["at"]
        names = Counter(
            block["name"] for block in json.loads(step["document"])["content"] if block["type"] == "tool_use"
        )
        calls = f"tools after it: {', '.join(names)}, snapshot (call {count})"


def _totals(stories: list[Story]) -> str:
    first, *later = (story.total_s for story in stories)
    median = statistics.median(later)
    head = ("label → draft pull request, s", "median", "best", "worst", "first after start", "requests to GitHub")
    row = (
        f"{len(later)} runs",
        f"{median:.2f}",
        f"{min(later):.2f}",
        f"{max(later):.2f}",
        f"{first:.2f}",
        stories[-1].requests,
    )
    words = "met" if median < TARGET_S else "**missed**"
    return f"{report.table(head, [row])}\n\nTarget: under {TARGET_S:.0f} s: {words} ({median:.2f} s)."


def _stages(stories: list[Story]) -> str:
    rows = []
    for name in stories[0].stages_s:
        seconds = statistics.median(story.stages_s.get(name, 0.0) for story in stories)
        rows.append((name, f"{seconds * 1000:.0f}"))
    return report.table(("where the time goes", "median ms"), rows)
