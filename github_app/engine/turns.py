"""Runs one turn of the agent durably: workspace, task, loop, and the event that says how it ended. Killed at any
point and run again, it goes on from the last step that was stored."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn
from uuid import uuid4

from pydantic import TypeAdapter

from github_app.agent.legs import is_left_as_it_was
from github_app.agent.loop import run_turn
from github_app.agent.task import READING, Task
from github_app.core.chat.telling import as_comments
from github_app.core.context import Contexts
from github_app.core.errors import AccessDenied, Gone, HonkError, RateLimited, Refused, Stopped, Transient
from github_app.core.events import OwnEvent, TurnStopped
from github_app.core.hosts import refusals
from github_app.core.links import PageLinks
from github_app.core.merges import Merge, Merges
from github_app.core.messages.refusals import MERGED_OTHERWISE
from github_app.core.model import Usage
from github_app.core.policy import Limits, Policy
from github_app.core.ports import Clock, Hub, Model, SecretScanner, Workspace, Workspaces
from github_app.core.programs import Program
from github_app.core.session import Cause, Session
from github_app.core.suggestions import may_suggest
from github_app.core.toolservers import ToolHosts
from github_app.core.tracing import NoSpans, Spans
from github_app.core.waits import LONGEST_LIMIT_S, TOLD_S
from github_app.engine import tracking
from github_app.engine.admission import Admission, Held
from github_app.engine.briefing import brief, sources_of
from github_app.engine.database import DatabaseAway
from github_app.engine.imaging import look_at_images
from github_app.engine.inquiring import commit_of
from github_app.engine.journal import HandedOver, StoredJournal
from github_app.engine.lessons import words_about
from github_app.engine.outcomes import event_of
from github_app.engine.performance import explain
from github_app.engine.policies import Policies
from github_app.engine.setup import SetUp, set_up
from github_app.engine.snapshots import Snapshots
from github_app.engine.store import Store
from github_app.engine.transcripts import Transcripts, Turn
from github_app.engine.verdicts import StoredVerdicts
from github_app.engine.witness import WitnessedWorkspace

log = logging.getLogger(__name__)

_TASK: TypeAdapter[Task] = TypeAdapter(Task)
_RETRIES = 8
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_WATCH_S = 1.0
_PROGRESS_EVERY_S = 5.0


class PutOff(Exception):
    """Somebody outside asked for a long wait: the turn lets others have its place, and goes on after `wait_s`."""

    def __init__(self, wait_s: float, *, repo_id: int) -> None:
        super().__init__(f"put off for {wait_s:.0f} s")
        self.wait_s = wait_s
        self.repo_id = repo_id


@dataclass(frozen=True, kw_only=True)
class TurnRunner:
    """Runs turns. `model_name` is what the model is asked for, `judge_name` what it is asked for a second look (empty:
    nothing), `program` what works through turns in the place of our own loop."""

    hub: Hub
    policies: Policies
    store: Store
    transcripts: Transcripts
    admission: Admission
    workspaces: Workspaces
    merges: Merges
    contexts: Contexts
    model: Model
    scanner: SecretScanner
    model_name: str
    clock: Clock
    judge_name: str = ""
    tool_hosts: ToolHosts | None = None
    program: Program | None = None
    spans: Spans = field(default_factory=NoSpans)
    pages: PageLinks = field(default_factory=PageLinks)

    async def run(
        self, session_id: str, turn_id: str, *, is_stopping: Callable[[], bool] = lambda: False
    ) -> OwnEvent | None:
        """Run the turn to its end and return what came of it; None if it is not in force any more.

        Once `is_stopping`, raises `HandedOver` after the next stored step; for a long wait `PutOff`. Raises
        `DatabaseAway`.
        """
        try:
            return await self._watched(session_id, turn_id, self._persist(session_id, turn_id, is_stopping))
        except Stopped as stopped:
            log.info("turn withdrawn", extra={"turn": turn_id, "why": str(stopped)})
            return None
        except (DatabaseAway, HandedOver, PutOff):
            raise
        except Held as held:
            log.info("turn held", extra={"turn": turn_id, "why": held.reason})
            return await self._ended(session_id, turn_id, held.reason, limit=held.limit)
        except HonkError as error:
            log.warning("turn ended early", extra={"turn": turn_id, "why": str(error)})
            return await self._ended(session_id, turn_id, explain(error))
        except Exception:  # the root of this flow: a bug ends the turn with a question, never in silence
            error_id = uuid4().hex[:8]
            log.exception("turn broke", extra={"turn": turn_id, "error_id": error_id})
            return await self._ended(session_id, turn_id, f"an error of my own (id {error_id}, in the log)")

    async def _watched(self, session_id: str, turn_id: str, running: Coroutine[Any, Any, OwnEvent]) -> OwnEvent:
        """Cut it short within a second when the session ends or another turn takes over."""
        work = asyncio.create_task(running)
        try:
            while True:
                done, _ = await asyncio.wait({work}, timeout=_WATCH_S)
                if done and work.exception() is None:
                    return work.result()
                # What breaks in a turn that was withdrawn (its workspace is deleted under it) is no defect. While
                # nobody can say that it was, it goes on: what it is about to store may have been paid for.
                with suppress(DatabaseAway):
                    await asyncio.to_thread(self.transcripts.require_turn, session_id, turn_id)
                if done:
                    return work.result()
        finally:
            if not work.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)

    async def _persist(self, session_id: str, turn_id: str, is_stopping: Callable[[], bool]) -> OwnEvent:
        """Go on after what may work when it is tried again, as long as that gets the turn any further."""
        tries, steps = 0, -1
        while True:
            try:
                return await self._attempt(session_id, turn_id, is_stopping)
            except DatabaseAway:
                raise
            except Transient as error:
                if isinstance(error, RateLimited) and error.retry_after_s > TOLD_S:
                    await asyncio.to_thread(self._put_off, session_id, error)
                now = len(await asyncio.to_thread(self.transcripts.steps, turn_id))
                tries, steps = (tries + 1 if now == steps else 1), now
                if tries > _RETRIES:
                    raise
                wait_s = error.retry_after_s if isinstance(error, RateLimited) else min(2.0**tries, TOLD_S)
                log.warning("turn waits", extra={"turn": turn_id, "why": str(error), "wait_s": wait_s})
                await self._wait(wait_s, is_stopping)

    async def _attempt(self, session_id: str, turn_id: str, is_stopping: Callable[[], bool]) -> OwnEvent:
        try:
            return await self._run(session_id, turn_id, is_stopping)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            raise Transient(f"there is no room in HONK_DATA_DIR: {error}") from error

    def _put_off(self, session_id: str, error: RateLimited) -> NoReturn:
        """Say that and until when the turn waits, and have it come back then."""
        wait_s = min(error.retry_after_s, LONGEST_LIMIT_S)
        session = self.store.session(session_id)
        if session is None:
            raise error
        self.store.waits.begin(session_id, whose=error.whose, seconds=wait_s)
        log.warning("turn put off", extra={"session": session_id, "why": str(error), "wait_s": wait_s})
        self._show(session, "")
        raise PutOff(wait_s, repo_id=session.repo.id)

    async def _wait(self, seconds: float, is_stopping: Callable[[], bool]) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if is_stopping():
                raise HandedOver
            await asyncio.sleep(min(left, _WATCH_S))

    async def _run(self, session_id: str, turn_id: str, is_stopping: Callable[[], bool]) -> OwnEvent:
        session = await asyncio.to_thread(self.transcripts.require_turn, session_id, turn_id)
        turn = await asyncio.to_thread(self.transcripts.turn, turn_id)
        policy = await asyncio.to_thread(self.policies.at, session.repo, session.base_sha)
        if turn is None:
            await asyncio.to_thread(self.admission.require, session, policy)
        merge = await asyncio.to_thread(self._merge, session)
        sha = await asyncio.to_thread(self._commit, session, turn, merge)
        workspace = await self._open(session, turn_id, sha, session.id)
        known = StoredVerdicts(
            database=self.store.engine,
            clock=self.clock,
            session=session,
            policy=policy,
            open_base=lambda: self._open(session, turn_id, session.base_sha, f"{session.id}-before"),
            discard_base=lambda: self.workspaces.discard(f"{session.id}-before"),
        )
        try:
            prepared = SetUp() if session.turn_cause in READING else await set_up(workspace, policy)
            if turn is None:
                turn = await self._begin(session, turn_id, workspace, policy, prepared, merge)
            elif not await self._is_under_way(turn, workspace):
                await self._snapshots.bring_back(session, turn, workspace, merge=merge)
            task = _with_arrivals(_TASK.validate_json(turn.task), session)
            keys = [each.sha256 for each in task.pictures.shown]
            outcome = await run_turn(
                task,
                model=self.model,
                workspace=workspace,
                journal=self._journal(session, turn_id, is_stopping),
                limits=left_of(policy.limits, session),
                policy=policy,
                scanner=self.scanner,
                model_name=self.model_name,
                judge_name=self.judge_name,
                tool_hosts=self.tool_hosts,
                program=self.program,
                spans=self.spans,
                pictures=await asyncio.to_thread(self.transcripts.blobs, keys),
                clock=self.clock,
                known=known,
                on_step=self._progress(session),
            )
            await self._snapshots.keep(turn, workspace, policy)
            return await asyncio.to_thread(event_of, outcome, session_id, turn, merge, self.transcripts)
        finally:
            await known.close()
            await workspace.close(discard=False)

    async def _is_under_way(self, turn: Turn, workspace: Workspace) -> bool:
        """Whether the workspace holds more than the last snapshot, rightly: a program stores none within a leg."""
        if self.program is None:
            return False
        steps = await asyncio.to_thread(self.transcripts.steps, turn.id)
        own = [step for step in steps if step.role != "judge"]
        return await is_left_as_it_was(own, self.program, workspace)

    def _merge(self, session: Session) -> Merge | None:
        """The merge that the turn stands on, if it is about one: made anew each time, and always the same.

        Raises `Held` for what is left to people.
        """
        if session.turn_cause is not Cause.MERGE_BASE:
            return None
        try:
            return self.merges.merge(session.repo, head_sha=session.head_sha, base_sha=session.merging)
        except Refused as error:
            raise Held("merge", explain(error)) from error

    def _commit(self, session: Session, turn: Turn | None, merge: Merge | None) -> str:
        """The commit that the turn stands on: what it began with, whatever was pushed since. Raises `Held`."""
        if merge is not None:
            if turn is not None and turn.base_sha != merge.sha:
                raise Held("merge", MERGED_OTHERWISE)
            return merge.sha
        return turn.base_sha if turn is not None else commit_of(session, self.hub)

    def _journal(self, session: Session, turn_id: str, is_stopping: Callable[[], bool]) -> StoredJournal:
        return StoredJournal(
            transcripts=self.transcripts,
            session_id=session.id,
            turn_id=turn_id,
            is_stopping=is_stopping,
            may_go_on=lambda: self.admission.require_no_pause(session),
        )

    async def _open(self, session: Session, turn_id: str, sha: str, key: str) -> WitnessedWorkspace:
        opened = await self.workspaces.open(session.repo, sha, key, auth=lambda: self.hub.git_auth(session.repo))
        return WitnessedWorkspace(opened, audit=self.store.audit, session_id=session.id, turn_id=turn_id)

    @property
    def _snapshots(self) -> Snapshots:
        return Snapshots(hub=self.hub, store=self.store, transcripts=self.transcripts)

    async def _begin(
        self,
        session: Session,
        turn_id: str,
        workspace: Workspace,
        policy: Policy,
        prepared: SetUp,
        merge: Merge | None,
    ) -> Turn:
        """Fix the task once: what is asked must not change under a turn that is resumed."""
        carried_over = await self._snapshots.carry_over(session, turn_id, workspace, merge=merge)
        task = await brief(session, policy, self.hub, self.contexts, carried_over=carried_over, sha=workspace.sha)
        pictures, contents = await asyncio.to_thread(look_at_images, session, task, self.hub)
        for content in contents.values():
            await asyncio.to_thread(self.transcripts.add_blob, content)
        lessons = await asyncio.to_thread(self.store.lessons.recall, session.repo.id, words_about(task))
        said = await asyncio.to_thread(self.store.conversations.context_of, session.repo.id, session.issue_number)
        task = replace(task, quoted=(*task.quoted, *as_comments(said, self.clock.now())))
        task = replace(task, setup=prepared.report, refused=prepared.refused, pictures=pictures, lessons=lessons)
        if merge is not None:
            task = replace(task, merges=merge.base_sha, conflicts=merge.conflicts)
        log.info("turn begins", extra={"cause": str(session.turn_cause), "commit": workspace.sha})
        text, sources = _TASK.dump_json(task).decode(), sources_of(task)
        return await asyncio.to_thread(
            self.transcripts.begin_turn, turn_id, session, base_sha=workspace.sha, task=text, sources=sources
        )

    async def _ended(self, session_id: str, turn_id: str, reason: str, *, limit: str = "") -> OwnEvent:
        """The end of a turn that broke; what its steps cost still counts."""
        steps = await asyncio.to_thread(self.transcripts.steps, turn_id)
        usage = sum((step.usage for step in steps), Usage())
        consumed = tuple(key for step in steps for key in step.consumed)
        return TurnStopped(
            id=f"{turn_id}/finished",
            session_id=session_id,
            turn_id=turn_id,
            reason=reason,
            limit=limit,
            usage=usage,
            consumed=consumed,
            refused=refusals(each for step in steps for each in step.refused),
        )

    def _progress(self, session: Session) -> Callable[[str], Awaitable[None]]:
        """Keeps the tracking comment alive during a turn; never more often than every few seconds."""
        last_at = time.monotonic()

        async def show(doing: str) -> None:
            nonlocal last_at
            if time.monotonic() - last_at < _PROGRESS_EVERY_S:
                return
            last_at = time.monotonic()
            await asyncio.to_thread(self._show, session, doing)

        return show

    def _show(self, session: Session, doing: str) -> None:
        try:
            tracking.show(self.hub, self.store, session, page=self.pages.of(session.id), doing=doing)
        except (Transient, Gone, AccessDenied, Refused) as error:
            log.warning("progress not shown", extra={"session": session.id, "why": str(error)})


def _with_arrivals(task: Task, session: Session) -> Task:
    """The task with what came in since: a turn that is run again may have read of it, and may answer it."""
    known = {feedback.id for feedback in task.feedback}
    late = tuple(feedback for feedback in session.feedback if feedback.id not in known and not may_suggest(feedback))
    return replace(task, feedback=(*task.feedback, *late))


def left_of(limits: Limits, session: Session) -> Limits:
    """What the session's money still allows for one turn; the other limits are a turn's own."""
    left = limits.cost_micro_usd + session.granted_micro_usd - session.usage.cost_micro_usd
    return replace(limits, cost_micro_usd=max(0, left))
