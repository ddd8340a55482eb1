"""Write the embedded database as this code leaves it when it is killed in the middle of everything: a session in each
status, deliveries that nobody has looked at, a turn between two steps, an effect that waits. `tests/upgrades` holds
later code to going on from there.

Run it when a release has a new migration, and keep the file:

    .venv/bin/python scripts/keep_schema.py tests/upgrades/kept/0005.json.gz

For an earlier commit, from a worktree of it, with `PYTHONPATH` set to that worktree."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import sqlite3
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent))

from github_app.core.errors import Transient
from github_app.core.model import Checks, Permission
from github_app.core.session import Status
from github_app.engine.database import flows_url
from github_app.engine.migrations import scripts
from tests.agent.parts import call, reply
from tests.engine.stage import Stage, eventually, work
from tests.engine.values import REPO
from tests.webhook import deliveries

NUMBERS = {
    "working": 1,
    "awaiting_checks": 2,
    "awaiting_review": 3,
    "needs_human": 4,
    "merged": 5,
    "closed": 6,
    "publishing": 7,
    "unread": 8,
    "deciding": 9,
}
"""The issue of each situation."""


def play(stage: Stage, never: threading.Event) -> None:
    """Bring a session into each situation, the ones that do not come to rest last."""
    n = NUMBERS
    for name in ("awaiting_checks", "awaiting_review", "merged", "closed"):
        stage.model.script += work(name)
        stage.label(n[name])
        stage.wait_status(Status.AWAITING_CHECKS, n[name])
    sha = stage.wait_status(Status.AWAITING_CHECKS, n["awaiting_review"]).head_sha
    stage.hub.found_checks[sha] = Checks(head_sha=sha, state="passed")
    stage.deliver("status", sha=sha, state="success", branches=[])
    stage.wait_status(Status.AWAITING_REVIEW, n["awaiting_review"])
    stage.model.script.append(reply(call("ask", question="Two of what?")))
    stage.label(n["needs_human"])
    stage.wait_status(Status.NEEDS_HUMAN, n["needs_human"])
    _merge(stage, n["merged"])
    stage.wait_status(Status.MERGED, n["merged"])
    stage.comment("/honk stop", n["closed"])
    stage.wait_status(Status.CLOSED, n["closed"])

    stage.hub.fail("publish", *[Transient("GitHub answers 502")] * 1000)
    stage.model.script += work("publishing")
    stage.label(n["publishing"])
    eventually(lambda: stage._attempts(f"7-{n['publishing']}-1/turn-1/finished"), "publishing to be postponed")

    first, _ = work("working")
    asked = threading.Event()

    def silence(_request: Any) -> Any:
        asked.set()
        never.wait()

    stage.model.script += [first, silence]
    stage.label(n["working"])
    _wait(asked)

    entered = threading.Event()

    def hang() -> None:
        entered.set()
        never.wait()

    stage.hub.on["permission"] = hang
    stage.label(n["deciding"])
    _wait(entered)
    stage.engine._stopping.set()  # nothing more is dispatched: what comes now stays unread
    stage.engine._wake.set()
    stage.engine._threads[0].join(10)
    stage.label(n["unread"])


def _wait(event: threading.Event) -> None:
    if not event.wait(30):
        raise TimeoutError("the engine did not come so far")


def _merge(stage: Stage, number: int) -> None:
    session = stage.wait_status(Status.AWAITING_CHECKS, number)
    pull = stage.pull_of(session)
    stage.hub.pulls[pull.number] = type(pull)(**{**vars(pull), "is_open": False, "is_merged": True})
    repo = {"id": REPO.id, "full_name": REPO.full_name, "default_branch": "main"}
    head = {"ref": session.branch, "sha": pull.head_sha, "repo": repo}
    told = deliveries.pull(number=pull.number, merged=True, draft=False, head=head)
    stage.deliver("pull_request", "closed", pull_request=told)


def rows_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, in the order in which they were made; bytes as base64."""
    copy = sqlite3.connect(":memory:")
    with sqlite3.connect(path) as source:
        source.backup(copy)
    source.close()
    copy.row_factory = sqlite3.Row
    names = [row[0] for row in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid")]
    return {
        name: [_plain(row) for row in copy.execute(f"SELECT * FROM {name} ORDER BY rowid")]  # noqa: S608
        for name in names
        if not name.startswith("sqlite_")
    }


def _plain(row: sqlite3.Row) -> dict[str, Any]:
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118 — a row is no mapping
    return {
        key: {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
        for key, value in values.items()
    }


def world_of(stage: Stage) -> dict[str, Any]:
    """What GitHub has at that moment, as far as the sessions meet it again."""
    pulls = [
        {
            key: getattr(pull, key)
            for key in ("number", "head_branch", "head_sha", "is_draft", "is_open", "is_merged", "title")
        }
        for pull in stage.hub.pulls.values()
    ]
    said = [[number, tag, body] for (number, tag), body in stage.hub.comments_by_tag.items()]
    return {"pulls": pulls, "commits": stage.hub.commits, "heads": stage.hub.heads, "said": said}


def main(target: Path) -> None:
    """Write the file and end, without waiting for what hangs by intention."""
    folder = Path(tempfile.mkdtemp(prefix="honk-schema-"))
    url = f"sqlite:///{folder / 'honk.sqlite'}"
    stage = Stage(folder=folder, database_url=url, flows_url=flows_url(url)).start()
    stage.hub.permissions["ann"] = Permission.WRITE
    play(stage, threading.Event())
    migrations = {str(number): hashlib.sha256(text.encode()).hexdigest() for number, text in scripts()}
    kept = {
        "migrations": migrations,
        "issues": NUMBERS,
        "now": stage.clock.now().isoformat(),
        "world": world_of(stage),
        "rows": rows_of(folder / "honk.sqlite"),
    }
    text = json.dumps(kept, indent=1, sort_keys=True).encode()
    target.write_bytes(gzip.compress(text, mtime=0))
    print(f"{target}: {sum(map(len, kept['rows'].values()))} rows, {target.stat().st_size:,} bytes", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
