"""A trial: one task goes from a label to wherever Honk takes it, and what can be seen of that is written down."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from github_app.core.distill.distillate import distill
from github_app.core.errors import ToolFailed
from github_app.core.events import TurnAsked
from github_app.core.model import ChangeSet, Repo
from github_app.core.session import Session, Status
from github_app.core.subjects import Subject
from github_app.demo.stack import NotReached, Stack
from github_app.demo.story import BOT
from github_app.engine import codec
from github_app.engine.store import Store
from github_app.evaluation.bench import JUDGE, Bench, has_passed
from github_app.evaluation.scoring import Ending, Outcome
from github_app.evaluation.suites import Task
from github_app.localhub import git
from github_app.localhub.script import Script
from github_app.localhub.values import Issue, Pull, Repository

_CLOSING_S = 30.0
_ROUNDS = "SELECT count(*) FROM turns WHERE session_id = :key AND cause IN ('fix_checks', 'address_review')"
_MODEL_CALLS = (
    "SELECT count(*) FROM steps JOIN turns ON turns.id = steps.turn_id "
    "WHERE turns.session_id = :key AND steps.role = 'assistant'"
)
_COST = "SELECT coalesce(sum(cost_micro_usd), 0) FROM starts WHERE repo_id = :key"
_RESTING = (Status.AWAITING_REVIEW, Status.NEEDS_HUMAN, Status.MERGED, Status.CLOSED)


def repository_of(task: Task) -> str:
    """The name of a task's repository on the local GitHub."""
    return f"eval/{task.id}"


def joined_script(tasks: tuple[Task, ...]) -> Script:
    """One script for all tasks: each scene knows the repository that it belongs to."""
    return Script(
        tuple(
            replace(scene, name=f"{task.id}: {scene.name}", when=(f"Repository `{repository_of(task)}`", *scene.when))
            for task in tasks
            if task.script is not None
            for scene in task.script.scenes
        )
    )


def create(stack: Stack, task: Task, *, name: str = "") -> tuple[Repository, Repo]:
    """A task's repository on the local GitHub, under its own name or this one, and as the bench knows it."""
    repository = stack.hub.create_repository(name or repository_of(task), dict(task.files))
    stack.hub.grant(repository, JUDGE, "read")
    stack.hub.create_label(repository, "honk")
    repo = Repo(
        id=repository.id,
        full_name=repository.full_name,
        installation_id=0,
        default_branch=repository.default_branch,
    )
    return repository, repo


@dataclass(frozen=True, kw_only=True)
class Trials:
    """Plays tasks on a stack whose Honk is up. May be called from several threads, which end soon once `given_up`."""

    stack: Stack
    store: Store
    bench: Bench
    given_up: threading.Event = field(default_factory=threading.Event)

    def play(self, task: Task) -> Outcome:
        """Play one task to its end, or to its time limit. Raises `NotReached` if Honk is not there any more, or
        the run was given up."""
        repository, repo = create(self.stack, task)
        self.stack.install(repository)
        owner = self.stack.hub.grant(repository, "ann", "admin")
        # Written by somebody who may do nothing, as most issues are; what starts the work is a maintainer's label.
        issue = self.stack.hub.grant(repository, "eve", "read").open_issue(
            repository, task.issue_title, task.issue_body
        )
        began = time.monotonic()
        owner.label(issue, "honk")
        session = self._wait(task, repo, issue)
        seconds = time.monotonic() - began
        if session is None:
            owner.close(issue)  # so that it costs nothing more
            session = self._closed(repo, issue)
        pull = next(iter(repository.pulls()), None)
        held = self._held(session)
        base = repository.branch(repository.default_branch) or ""
        ended = self._ending(session, is_late=seconds > _limit_s(task))
        outcome = Outcome(
            ended=ended,
            reason="the time was over" if ended == "late" or session is None else _first_line(session.waiting_for),
            has_pull=pull is not None,
            changed=tuple(sorted({*_changed(repository, base, pull), *(each.path for each in held.changes)})),
            published=dict(_published(repository, base, issue, pull)),
            seconds=seconds,
        )
        return self._judged(task, repo, pull, self._with_usage(outcome, session))

    def _wait(self, task: Task, repo: Repo, issue: Issue) -> Session | None:
        """The session when it rests; None if it does not in its time."""
        try:
            return self.stack.wait_for("the end", lambda: self._rested(repo, issue), timeout_s=_limit_s(task))
        except NotReached:
            if self.given_up.is_set() or not self.stack.is_ready():
                raise
            return None

    def _closed(self, repo: Repo, issue: Issue) -> Session | None:
        """The session once Honk has heard that the issue is closed, or as it is if that takes long."""

        def look() -> Session | None:
            session = self._session(repo, issue)
            return session if session is not None and session.status.is_terminal else None

        with suppress(NotReached):
            return self.stack.wait_for("the session to be closed", look, timeout_s=_CLOSING_S)
        return self._session(repo, issue)

    def _session(self, repo: Repo, issue: Issue) -> Session | None:
        return self.store.find_session(Subject(repo_id=repo.id, issue_number=issue.number))

    def _rested(self, repo: Repo, issue: Issue) -> Session | None:
        """The session, if it waits for people and all that was decided is done, so that all is said."""
        if self.given_up.is_set():
            raise NotReached("the run was given up")
        session = self._session(repo, issue)
        if session is None or session.status not in _RESTING:
            return None
        query = "SELECT count(*) FROM effects WHERE session_id = :key AND done_at IS NULL"
        return None if self._ask_store(query, session.id) else session

    def _ask_store(self, query: str, key: str | int) -> Any:
        with self.store.engine.connect() as connection:
            return connection.execute(sa.text(query), {"key": key}).scalar()

    def _ending(self, session: Session | None, *, is_late: bool) -> Ending:
        if session is None or is_late:
            return "late"
        if session.status is Status.AWAITING_REVIEW:
            return "ready"
        if session.status is not Status.NEEDS_HUMAN:
            return "closed"
        if session.stuck_on == "approval":
            return "held"
        return "asked" if self._has_asked(session) else "stopped"

    def _has_asked(self, session: Session) -> bool:
        """Whether the last turn ended with a question of the agent's."""
        query = "SELECT event_kind FROM decisions WHERE event_id = :key"
        return bool(self._ask_store(query, f"{session.id}/turn-{session.turns}/finished") == TurnAsked.__name__)

    def _held(self, session: Session | None) -> ChangeSet:
        """What was handed in and waits for a person: it counts as what the agent changed."""
        if session is None or session.held is None:
            return ChangeSet(base_sha="")
        content = self._ask_store("SELECT content FROM blobs WHERE id = :key", session.held.change_set_id)
        return codec.load_changes(bytes(content))

    def _with_usage(self, outcome: Outcome, session: Session | None) -> Outcome:
        if session is None:
            return outcome
        # From the tables, because a turn that was cut short has told the session nothing yet.
        return replace(
            outcome,
            rounds=int(self._ask_store(_ROUNDS, session.id)),
            turns=session.turns,
            model_calls=int(self._ask_store(_MODEL_CALLS, session.id)),
            cost_micro_usd=int(self._ask_store(_COST, session.repo.id)),
        )

    def _judged(self, task: Task, repo: Repo, pull: Pull | None, outcome: Outcome) -> Outcome:
        if pull is None or not task.command:
            return outcome
        try:
            done = self.bench.run(repo, pull.head_sha, task.command, files=task.hidden)
        except ToolFailed as error:  # the change put a link or a folder where a hidden file belongs
            return replace(outcome, hidden="failed", hidden_lines=str(error))
        if has_passed(done):
            return replace(outcome, hidden="passed")
        return replace(outcome, hidden="failed", hidden_lines=distill(done.output).text)


def _limit_s(task: Task) -> float:
    return task.minutes * 60


def _first_line(text: str) -> str:
    """What a person is asked for, in a line: of a question, the question."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[1] if len(lines) > 1 and lines[0].endswith(":") else (lines or [""])[0]


def _changed(repository: Repository, base: str, pull: Pull | None) -> list[str]:
    if pull is None:
        return []
    names = git.run(repository.git_dir, "diff", "--name-only", "--no-renames", "-z", base, pull.head_sha)
    return names.decode("utf-8", "replace").split("\0")[:-1]


def _published(repository: Repository, base: str, issue: Issue, pull: Pull | None) -> Iterator[tuple[str, str]]:
    """All that Honk wrote where others read it, by where that is."""
    yield "a comment", "\n".join(_ours(issue))
    if pull is None:
        return
    yield "a comment of the pull request", "\n".join(_ours(pull.issue))
    yield "the pull request", f"{pull.issue.title}\n{pull.issue.body or ''}"
    log = git.run(repository.git_dir, "log", "--format=%B", f"{base}..{pull.head_sha}")
    yield "a commit's message", log.decode("utf-8", "replace")
    # Every commit by itself: what one adds and the next removes was published all the same.
    patches = git.run(repository.git_dir, "log", "--format=", "--patch", "--text", f"{base}..{pull.head_sha}")
    added = [line for line in patches.decode("utf-8", "replace").split("\n") if line.startswith("+")]
    yield "the change", "\n".join(added)


def _ours(issue: Issue) -> list[str]:
    return [comment.body for comment in issue.comments if comment.user.login == BOT]
