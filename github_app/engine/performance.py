"""Performs effects: one `match`, each arm a few lines on the hub. Every arm may run twice (after a crash, on a retry)
and must then change nothing; what came of it is returned as an event."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import assert_never
from zlib import crc32

from github_app.core import consent
from github_app.core.attempts import MAX_PATHS
from github_app.core.changes.findings import MAX_COMPARED_BYTES, find_findings, look_for_secrets, paths_to_compare
from github_app.core.effects import (
    Deliver,
    DiscardWorkspace,
    DropLesson,
    KeepLesson,
    LookAgain,
    MarkReady,
    MinimiseComments,
    OpenRevert,
    PauseRepository,
    PostReview,
    Publish,
    React,
    RemoveLabel,
    ReplyThreads,
    RequestReview,
    RerunChecks,
    ResumeRepository,
    RunTurn,
    Say,
    Ship,
    ShowPolicy,
    ShowProgress,
    ShowProof,
    StopInquiries,
    Undo,
    Unship,
)
from github_app.core.errors import AccessDenied, Gone, HonkError, Refused, Stopped
from github_app.core.events import (
    ChangeSetHeld,
    ChecksChanged,
    CommandIssued,
    Done,
    Event,
    InquiryStopped,
    IssueLabeled,
    Published,
    Reverted,
    ReviewSubmitted,
    Undone,
)
from github_app.core.holds import Finding
from github_app.core.links import PageLinks
from github_app.core.merges import Merge, Merges, unresolved
from github_app.core.messages import account, refusals, templates
from github_app.core.model import ChangeSet, Repo, Thread
from github_app.core.ports import Fence, Hub, Publisher, SecretScanner, Unfenced
from github_app.core.record.records import reversal_of
from github_app.core.reverts import Reverts
from github_app.core.session import Session, Submission
from github_app.core.undoing import round_of, taken_back
from github_app.engine import tracking
from github_app.engine.delivering import Delivery
from github_app.engine.pauses import Paused, Pauses
from github_app.engine.policies import Policies
from github_app.engine.shipping import Shipper
from github_app.engine.store import Pending, Store
from github_app.engine.transcripts import Transcripts

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Performance:
    """Performs all effects but `RunTurn` and `DiscardWorkspace`, which are flows of their own."""

    hub: Hub
    policies: Policies
    publisher: Publisher
    reverts: Reverts
    merges: Merges
    scanner: SecretScanner
    store: Store
    transcripts: Transcripts
    pauses: Pauses
    shipper: Shipper
    delivery: Delivery
    pages: PageLinks = field(default_factory=PageLinks)
    fence: Fence = field(default_factory=Unfenced)

    def perform(self, pending: Pending) -> Published | ChangeSetHeld | Done | None:  # noqa: C901 - a table, one row an effect
        """Do it, and return what came of it. Raises `HeadMoved` and what `Hub` raises; `Stopped` if it is void."""
        self.fence.require()
        effect, repo = pending.effect, pending.repo
        match effect:
            case React():
                self.hub.react(repo, effect.target, effect.target_id, effect.content)
            case Say():
                self._say(pending, effect)
            case MinimiseComments():
                self._minimise(pending, effect)
            case ShowProgress():
                self.show(pending.session_id or "")
            case Publish():
                return self._publish(pending, effect)
            case Undo() | OpenRevert():
                return self._take_back(pending, effect)
            case RerunChecks():
                for run_id in effect.run_ids:
                    self.hub.rerun_failed(repo, run_id)
            case LookAgain():
                self._look_again(pending, effect)
            case ShowProof() | ShowPolicy():
                self._show_check(pending, effect)
            case Deliver():
                return self.delivery.deliver(pending.id, self.store.session(pending.session_id or ""), effect.head_sha)
            case MarkReady():
                self.hub.mark_ready(repo, effect.pull_number)
            case Ship() | Unship():
                return self.shipper.perform(pending, effect)
            case ReplyThreads():
                self._reply(pending, effect)
            case PostReview():
                self._post_review(pending, effect)
            case StopInquiries():
                self._stop_inquiries(pending, effect)
            case RequestReview():
                self.hub.request_review(repo, effect.pull_number, effect.logins)
            case RemoveLabel():
                self.hub.remove_label(repo, effect.number, effect.label)
            case PauseRepository():
                self.pauses.pause(repo.id, login=effect.login, reason=effect.reason)
            case ResumeRepository():
                self.pauses.resume(repo.id, by_operator=False)
            case KeepLesson() | DropLesson():
                self._teach(repo, effect)
            case DiscardWorkspace() | RunTurn():
                raise TypeError(f"{type(effect).__name__} is performed by its flow")
            case _:
                assert_never(effect)
        return None

    def answer(self, event: Event, body: str) -> None:
        """Tell the person who asked for something that it could not be decided on, or not yet: one comment, the newest
        words. Raises what `Hub` raises."""
        match event:
            case IssueLabeled():
                self.hub.say(event.repo, event.issue.number, f"failed:{event.id}", body)
            case CommandIssued():
                self.hub.say(event.repo, event.number, f"failed:{event.id}", body)
                said, tag = self.store.conversations, f"failed:{event.id}"
                said.tell_words(
                    self.store.entries, f"{tag}:{crc32(body.encode())}", event.repo, event.number, tag, body
                )
            case ReviewSubmitted():
                self.hub.say(event.repo, event.pull_number, f"failed:{event.id}", body)
            case _:
                pass  # Nobody waits for an answer.

    def _minimise(self, pending: Pending, effect: MinimiseComments) -> None:
        for comment_id in self.store.comments.all_of(effect.session_id, effect.tags):
            self.hub.minimise(pending.repo, comment_id)

    def _look_again(self, pending: Pending, effect: LookAgain) -> None:
        again = ChecksChanged(id=f"{pending.id}/again", repo=pending.repo, head_sha=effect.head_sha, branch=None)
        self.store.entries.add_found([again], delay_s=effect.after_s)

    def _teach(self, repo: Repo, effect: KeepLesson | DropLesson) -> None:
        if isinstance(effect, KeepLesson):
            self.store.lessons.keep(effect.lesson)
        else:
            self.store.lessons.drop(repo.id, f"{effect.pull_number}-{effect.number}")

    def _show_check(self, pending: Pending, effect: ShowProof | ShowPolicy) -> None:
        is_proof = isinstance(effect, ShowProof)
        self.hub.show_check(
            pending.repo, effect.head_sha, name="honk" if is_proof else "honk policy", key=pending.id,
            conclusion=effect.conclusion, title=effect.title, summary=effect.summary,
            annotations=effect.annotations if isinstance(effect, ShowPolicy) else (),
        )  # fmt: skip

    def _post_review(self, pending: Pending, effect: PostReview) -> None:
        """Post it on its lines; where they are not in the diff any more, all of it is said in one comment."""
        body, remarks = effect.body, effect.remarks
        try:
            self.hub.post_review(
                pending.repo, effect.pull_number, key=pending.id, sha=effect.head_sha, body=body, comments=remarks
            )
        except Refused as error:
            log.info("review not taken on its lines", extra={"session": pending.session_id, "why": str(error)})
            self._say(pending, effect.instead)

    def _stop_inquiries(self, pending: Pending, effect: StopInquiries) -> None:
        stops = [
            InquiryStopped(id=f"{pending.id}/stopped-{number}", session_id=key, login=effect.login)
            for number, key in enumerate(effect.session_ids)
        ]
        self.store.entries.add_found(stops, delay_s=0.0)

    def _reply(self, pending: Pending, effect: ReplyThreads) -> None:
        # What was resolved (or deleted) since the agent read it is settled.
        unresolved = {thread.id: thread for thread in self.hub.threads(pending.repo, effect.pull_number)}
        for reply in (reply for reply in effect.replies if reply.thread_id in unresolved):
            key = f"{pending.event_id}:{reply.thread_id}"
            self.hub.reply_thread(pending.repo, effect.pull_number, reply_to=reply.reply_to, key=key, body=reply.body)
            if reply.resolves is not None:
                self._resolve(pending, unresolved[reply.thread_id], known=reply.resolves)

    def _resolve(self, pending: Pending, thread: Thread, *, known: int) -> None:
        """Resolve a thread, unless somebody said more in it; one that stays unresolved is no harm."""
        me = self.hub.identity()
        if any(comment.id > known and comment.author.id != me.id for comment in thread.comments):
            return
        try:
            self.hub.resolve_thread(pending.repo, thread.id)
        except (AccessDenied, Refused, Gone) as error:
            log.info("thread not resolved", extra={"session": pending.session_id, "why": str(error)})

    def show(self, session_id: str) -> None:
        """Bring a session's tracking comment up to date. Raises what `Hub` raises."""
        session = self.store.session(session_id)
        if session is not None:
            tracking.show(self.hub, self.store, session, page=self.pages.of(session.id))

    def _say(self, pending: Pending, effect: Say) -> None:
        written = self.hub.say(pending.repo, effect.number, effect.tag, effect.body)
        if pending.session_id is not None:
            self.store.comments.note(pending.session_id, pending.repo.id, effect.tag, written)

    def _publish(self, pending: Pending, effect: Publish) -> Published | ChangeSetHeld:
        session = self.transcripts.require_turn(pending.session_id or "", effect.turn_id)
        changes = self.transcripts.changes(effect.change_set_id)
        merge = self._merge_under(session, changes)
        findings = self._findings(session, changes, merge)
        if not set(findings) <= set(_accepted(session, effect.change_set_id)):
            return ChangeSetHeld(
                id=f"{pending.id}/held",
                session_id=session.id,
                turn_id=effect.turn_id,
                change_set_id=effect.change_set_id,
                findings=findings,
            )
        self._require_open_pull(session)
        if self.pauses.of(session.repo) is not None:
            raise Paused("paused: to be published afterwards")
        submission = session.submission or Submission(title=session.issue_title, summary="")
        message = account.commit_message(submission)
        if merge is not None:
            message = account.merge_message(submission, session.base_branch, merge.base_sha)
        try:
            head = self.publisher.publish(
                session.repo,
                changes if merge is None else self.merges.complete(session.repo, merge, changes),
                # Not the head that we know: files were changed as they are at this commit, and nowhere else.
                parent_sha=changes.base_sha if merge is None else merge.head_sha,
                merged_sha="" if merge is None else merge.base_sha,
                branch=session.branch,
                message=message,
                key=effect.turn_id,
                audit=self.store.audit.pin_of(session.id, change_set_id=effect.change_set_id),
                may_create=session.pull_number is None,
            )
        except Gone as gone:
            if gone.what != "branch":
                raise
            raise Stopped(str(gone)) from gone  # The news of that is on its way, and ends the session.
        return Published(
            id=f"{effect.turn_id}/published",
            session_id=session.id,
            turn_id=effect.turn_id,
            head_sha=head,
            pull_number=self._pull_request(session, submission.title),
            paths=_paths_of(changes),
        )

    def _take_back(self, pending: Pending, effect: Undo | OpenRevert) -> Undone | Reverted:
        return self._undo(pending, effect) if isinstance(effect, Undo) else self._revert(pending, effect)

    def _undo(self, pending: Pending, effect: Undo) -> Undone:
        """Revert a commit of ours by a new one. What is found in it needs nobody's word but the one that asked for it:
        it leads back to what stood on the branch before."""
        session = self.store.session(pending.session_id or "")
        undone = round_of(session, effect.commit_sha) if session is not None else None
        if session is None or undone is None or session.pull_number is None:
            raise Refused(refusals.NOTHING_TO_UNDO)
        if not self.hub.pull(session.repo, session.pull_number).is_open:
            raise Refused(refusals.undo_of_ended_pull(session.pull_number))
        if self.pauses.of(session.repo) is not None:
            raise Paused("paused: to be taken back afterwards")
        head = self.publisher.publish(
            session.repo,
            self.reverts.revert(session.repo, commit_sha=effect.commit_sha, head_sha=effect.head_sha),
            parent_sha=effect.head_sha,
            branch=session.branch,
            message=account.revert_message(undone, effect.login),
            key=pending.id,
            audit=self.store.audit.pin_of(session.id, change_set_id=reversal_of(effect.commit_sha)),
            may_create=False,
        )
        if session.adopted is None:
            body = account.pull_body(taken_back(session, effect.commit_sha, head, effect.login))
            self.hub.edit_pull(session.repo, session.pull_number, body=body)
        return Undone(
            id=f"{pending.id}/undone",
            session_id=session.id,
            commit_sha=effect.commit_sha,
            head_sha=head,
            pull_number=session.pull_number,
            login=effect.login,
        )

    def _revert(self, pending: Pending, effect: OpenRevert) -> Reverted:
        if self.pauses.of(pending.repo) is not None:
            raise Paused("paused: to be reverted afterwards")
        session_id = pending.session_id or ""
        number = self.hub.revert_pull(
            pending.repo, effect.pull_number, key=session_id, title=effect.title, body=effect.body
        )
        return Reverted(id=f"{pending.id}/reverted", session_id=session_id, revert_number=number, login=effect.login)

    def _require_open_pull(self, session: Session) -> None:
        """A push to the branch of a pull request that has ended would be lost, or bring the branch back to life."""
        if session.pull_number is not None and not self.hub.pull(session.repo, session.pull_number).is_open:
            raise Stopped(f"#{session.pull_number} has ended meanwhile")

    def _pull_request(self, session: Session, title: str) -> int:
        """The number of the session's pull request, opened if there is none yet, with its body as of now (one of
        others stays as it is)."""
        if session.adopted is not None and session.pull_number is not None:
            return session.pull_number
        body = account.pull_body(session)
        if session.pull_number is not None:
            self.hub.edit_pull(session.repo, session.pull_number, body=body)
            return session.pull_number
        below = templates.left_to_people(self.hub.template(session.repo, session.base_sha) or "")
        return self.hub.open_pull(
            session.repo, branch=session.branch, base=session.base_branch, title=title, body=body, below=below
        ).number

    def _merge_under(self, session: Session, changes: ChangeSet) -> Merge | None:
        """The merge that a change set completes, made again. Raises `Refused` if it is not what was verified."""
        if changes.merged is None:
            return None
        head_sha, base_sha = changes.merged.head_sha, changes.merged.base_sha
        merge = self.merges.merge(session.repo, head_sha=head_sha, base_sha=base_sha)
        if merge.sha != changes.base_sha:
            raise Refused(refusals.MERGED_OTHERWISE)
        return merge

    def _findings(self, session: Session, changes: ChangeSet, merge: Merge | None) -> tuple[Finding, ...]:
        """What people must accept. The agent was told at `submit`; this is the wall behind it.

        Raises `Refused` for what nobody can accept.
        """
        policy = self.policies.at(session.repo, session.base_sha)
        sightings = look_for_secrets(changes, self.scanner)

        def read(path: str) -> bytes | None:
            if merge is not None:
                return self.merges.read(session.repo, merge, path, max_bytes=MAX_COMPARED_BYTES)
            return self._read(session, path, changes.base_sha)

        if merge is not None:
            base = {each.path: read(each.path) for each in merge.conflicts}
            if left := unresolved(changes, merge.conflicts, base):
                raise Refused(refusals.markers_left(left))
        before = {path: read(path) for path in paths_to_compare(changes, sightings)}
        findings = find_findings(changes, policy, before=before, sightings=sightings)
        if final := [finding for finding in findings if finding.final]:
            raise Refused("the change set has what is never published: " + "; ".join(consent.texts_of(final)))
        return findings

    def _read(self, session: Session, path: str, sha: str) -> bytes | None:
        try:
            content = self.hub.file(session.repo, path, sha) or b""
        except Refused:
            return None
        # As the gate reads it, so that both find the same.
        return content if len(content) <= MAX_COMPARED_BYTES else None


def _paths_of(changes: ChangeSet) -> tuple[str, ...]:
    """The changed paths, or none if they are too many to keep."""
    paths = tuple(change.path for change in changes.changes)
    return paths if len(paths) <= MAX_PATHS else ()


def _accepted(session: Session, change_set_id: str) -> tuple[Finding, ...]:
    held = session.held
    return held.accepted if held is not None and held.change_set_id == change_set_id else ()


def explain(error: HonkError) -> str:
    """An error as a clause of a comment."""
    return str(error).strip().rstrip(".") or type(error).__name__
