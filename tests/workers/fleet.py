"""A fleet: one door and any number of workers as real processes on one PostgreSQL, each with a data directory of its
own, as on machines of their own. What goes on among them is seen from outside: by the database, by localhub, and by
what the scripted model is asked."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from github_app.demo.stack import Stack
from github_app.engine.database import connect
from github_app.engine.leases import beats
from github_app.localhub.people import Person
from github_app.localhub.script import Answer, Script, user_text
from github_app.localhub.values import Issue, Repository

BOT = "honk[bot]"
_ISSUE = re.compile(r"Repository `(?P<repo>[^`]+)`; you work on branch `honk/(?P<number>\d+)-")


@dataclass(frozen=True)
class Asked:
    """One request to the model: when, about which issue, and for which reply of the script."""

    at: float
    repo: str
    issue: int
    index: int


@dataclass(frozen=True)
class WatchedScript(Script):
    """A script that notes each request as it comes in."""

    asked: list[Asked] = field(default_factory=list)

    def answer(self, request: dict[str, Any]) -> Answer:
        """The script's reply."""
        answer = super().answer(request)
        found = _ISSUE.search(user_text(request["messages"][0]))
        assert found, user_text(request["messages"][0])[:500]
        self.asked.append(Asked(time.monotonic(), found["repo"], int(found["number"]), answer.index))
        return answer


@dataclass(kw_only=True)
class Worker:
    """One worker as a process."""

    name: str
    log_path: Path
    process: subprocess.Popen[bytes]
    is_stopped: bool = False

    def log(self) -> str:
        """What it logged, in all its lives."""
        return self.log_path.read_text("utf-8", "replace")


@dataclass(kw_only=True)
class Fleet:
    """The door and the workers. `asked` is what the model was asked, by all of them."""

    stack: Stack
    database: sa.Engine
    workers: dict[str, Worker] = field(default_factory=dict)

    @property
    def asked(self) -> list[Asked]:
        """The requests to the model so far, oldest first."""
        assert self.stack.model is not None
        assert isinstance(self.stack.model.script, WatchedScript)
        return list(self.stack.model.script.asked)

    # Workers

    def launch(self, name: str) -> Worker:
        """A new process of this name; whether it comes up is for others to see, and who does not `start` ends it."""
        log_path = self.stack.root / f"{name}.log"
        with log_path.open("ab") as log:
            process = subprocess.Popen(
                [*self.stack.program, "worker"],
                env=self.stack.environment()
                | {"HONK_WORKER_ID": name, "HONK_DATA_DIR": str(self.stack.root / f"data-{name}")},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.stack.root,
                start_new_session=True,
            )
        return Worker(name=name, log_path=log_path, process=process)

    def start(self, *names: str) -> None:
        """Start workers, and return when all of them work."""
        before = self.epochs()
        for name in names:
            self.workers[name] = self.launch(name)
        for name in names:
            self.stack.wait_for(f"{name} to work", partial(self._is_newer, name, before.get(name, 0)))

    def _is_newer(self, name: str, epoch: int) -> bool:
        return self.epochs().get(name, 0) > epoch

    def kill(self, name: str) -> None:
        """End a worker, and nothing else, by SIGKILL."""
        worker = self.workers.pop(name)
        worker.process.kill()
        worker.process.wait()

    def stop(self, name: str) -> None:
        """Have a worker stand still."""
        self.workers[name].process.send_signal(signal.SIGSTOP)
        self.workers[name].is_stopped = True

    def go_on(self, name: str) -> None:
        """Have a worker that stands still go on."""
        self.workers[name].process.send_signal(signal.SIGCONT)
        self.workers[name].is_stopped = False

    def wait_end(self, name: str, *, timeout_s: float = 30.0) -> int:
        """Wait until a worker has ended; its exit code."""
        return self.workers.pop(name).process.wait(timeout_s)

    def close(self) -> None:
        """End all workers, those that stand still, too."""
        for worker in self.workers.values():
            with suppress(ProcessLookupError):
                os.killpg(worker.process.pid, signal.SIGKILL)
            worker.process.wait()

    # What is to be seen

    def epochs(self) -> dict[str, int]:
        """Which life of each worker the database knows."""
        return {name: epoch for name, epoch in self.rows("SELECT name, epoch FROM workers WHERE heartbeat_at > 0")}

    def takeovers(self) -> int:
        """How often a worker's work was taken over."""
        return sum(beat.takeovers for beat in beats(self.database))

    def workers_on(self, issue: Issue) -> list[str]:
        """Who runs a turn of this issue, as far as the database knows."""
        rows = self.rows(
            "SELECT f.executor_id FROM dbos.workflow_status f JOIN sessions s ON f.workflow_uuid LIKE s.id || '/%' "
            "WHERE f.status = 'PENDING' AND f.name = 'turn' AND s.issue_number = :i AND s.repo_id = :r",
            i=issue.number, r=issue.repo.id,
        )  # fmt: skip
        return [executor.rpartition("#")[0] for (executor,) in rows]

    def worker_on(self, issue: Issue) -> str:
        """The one who runs a turn of this issue; waits for it."""
        return self.stack.wait_for(f"a worker on #{issue.number}", lambda: self.workers_on(issue))[0]

    def unsettled(self) -> list[Any]:
        """Rows of the inbox that did not end well, or have not ended."""
        return self.rows("SELECT id, name, state, note FROM inbox WHERE state NOT IN ('done', 'ignored')")

    def decided_out_of_order(self) -> list[Any]:
        """Deliveries about one session that were decided on before an earlier one."""
        return self.rows(
            "SELECT later.id, earlier.id FROM inbox later JOIN decisions ld ON ld.event_id = later.id "
            "JOIN inbox earlier ON earlier.session_id = later.session_id AND earlier.seq < later.seq "
            "JOIN decisions ed ON ed.event_id = earlier.id "
            "WHERE later.source = 'github' AND earlier.source = 'github' AND ed.decided_at > ld.decided_at"
        )

    def recorded(self) -> set[str]:
        """The ids of all deliveries in the inbox."""
        return {key for (key,) in self.rows("SELECT id FROM inbox WHERE source = 'github'")}

    def rows(self, query: str, **values: Any) -> list[Any]:
        """Rows of the database."""
        with self.database.connect() as connection:
            return list(connection.execute(sa.text(query), values))

    def is_done(self, issue: Issue) -> bool:
        """Whether a pull request waits for the checks, and the tracking comment says so."""
        return "waiting for the checks" in " ".join(comment.body for comment in of_bot(issue.comments))

    def faults_of(self, issue: Issue) -> list[str]:
        """What there is not exactly once of an issue."""
        repo = issue.repo
        branches = [name for name in repo.refs if name.startswith(f"refs/heads/honk/{issue.number}-")]
        heads = {name.removeprefix("refs/heads/") for name in branches}
        pulls = [pull for pull in repo.pulls() if pull.head_ref in heads]
        command = ["git", "-c", "safe.directory=*", "-C", str(repo.git_dir), "rev-list", "--count"]
        commits = [
            int(subprocess.run([*command, f"main..{branch}"], capture_output=True, check=True).stdout)
            for branch in branches
        ]
        counts = {
            "branches": len(branches),
            "commits": sum(commits),
            "pull requests": len(pulls),
            "tracking comments": len(of_bot(issue.comments)),
            "reactions": len(of_bot(issue.reactions)),
        }
        return [f"{repo.full_name}#{issue.number}: {count} {what}" for what, count in counts.items() if count != 1]


def of_bot(things: Any) -> list[Any]:
    """Those that are Honk's."""
    return [thing for thing in things if thing.user.login == BOT]


def most_at_once(asked: Sequence[Asked], disturbed: Sequence[float] = ()) -> tuple[int, dict[str, int]]:
    """How many turns were live at once, in all and in each repository: each from its first request to its last one, but
    for where it may have waited to be taken over, because a worker was `disturbed` since the request before."""
    turns: dict[tuple[str, int], list[float]] = defaultdict(list)
    for each in asked:
        turns[each.repo, each.issue].append(each.at)
    pieces = [(repo, times[-1], times[-1]) for (repo, _), times in turns.items()]
    for (repo, _), times in turns.items():
        for begin, end in pairwise(times):
            pieces.append((repo, begin, begin if any(begin <= at <= end for at in disturbed) else end))
    most, most_in = 0, Counter[str]()
    for _, moment, _ in pieces:
        live = Counter(repo for repo, begin, end in pieces if begin <= moment < end or moment == begin)
        most, most_in = max(most, live.total()), most_in | live
    return most, dict(most_in)


@dataclass
class Place:
    """A repository and ann, who opens issues in it."""

    repo: Repository
    ann: Person

    def ask(self, title: str) -> Issue:
        """Open an issue for Honk."""
        return self.ann.open_issue(self.repo, title, "Please.", ["honk"])


def make_place(stack: Stack, name: str) -> Place:
    """A repository with Honk installed."""
    repo = stack.hub.create_repository(name, {"a.py": "x = 1\n"})
    stack.install(repo)
    stack.hub.create_label(repo, "honk")
    return Place(repo, stack.hub.grant(repo, "ann", "write"))


@contextmanager
def fleet(script: Script, url: str, **settings: str) -> Iterator[Fleet]:
    """A door on this database; workers are started by the test."""
    usual = {"HONK_CHECKS_GRACE_S": "600", "HONK_DATABASE_URL": url}
    watched = WatchedScript(script.scenes)
    with Stack(script=watched, settings=usual | settings) as stack:
        database = connect(url)
        it = Fleet(stack=stack, database=database)
        try:
            stack.start_honk("--no-worker")
            yield it
        finally:
            it.close()
            database.dispose()
