"""The last gate of a turn: what is submitted has passed its verification, breaks no rule, and says what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from github_app.agent.outlet import Outlet
from github_app.agent.untrusted import show
from github_app.agent.verify import Verification, verify
from github_app.core.changes.findings import MAX_COMPARED_BYTES, find_findings, look_for_secrets, paths_to_compare
from github_app.core.errors import ToolFailed
from github_app.core.holds import Finding, Kind
from github_app.core.judgements import Judgement
from github_app.core.ledger import Outcome
from github_app.core.lessons import MAX_IN_ROUND, Draft, problem_of
from github_app.core.merges import Conflict, unresolved
from github_app.core.messages.refusals import markers_left
from github_app.core.model import ChangeSet
from github_app.core.policy import Policy
from github_app.core.ports import SecretScanner, Workspace
from github_app.core.session import Reply, Submission
from github_app.core.verdicts import unmet
from github_app.core.verification import NoVerdicts, Verdicts

MAX_TITLE_CHARS = 72
MAX_SUMMARY_CHARS = 5_000

_NEEDS_APPROVAL = (
    "not submitted. A human has to accept this before it is published. Take it back if the task can be done without. "
    "If not, submit again and say in `needs_approval` why the task needs it:"
)


@dataclass(frozen=True, kw_only=True)
class Handover:
    """An accepted submission, the change set that it is about, and what in that a human must accept."""

    submission: Submission
    changes: ChangeSet
    findings: tuple[Finding, ...] = ()


@dataclass
class Gate:
    """Verifies, remembers for which state of the tree, and lets a submission through or says what it lacks.

    `known` are the verdicts of before; `outlet` is where the commands of the turn run. What `is_merge` is verified also
    where nothing is changed on top, and no marker of its `conflicts` may be left. `judge` takes a second look at
    what is verified, and raises `ToolFailed` with what it found, for the agent.
    """

    workspace: Workspace
    policy: Policy
    scanner: SecretScanner
    time_left_s: Callable[[], float]
    known: Verdicts = field(default_factory=NoVerdicts)
    is_merge: bool = False
    conflicts: Sequence[Conflict] = ()
    judge: Callable[[ChangeSet], Awaitable[Judgement]] | None = None
    outlet: Outlet = field(init=False)
    _verified: tuple[ChangeSet, Verification] | None = None
    _told: set[tuple[Kind, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.outlet = Outlet(workspace=self.workspace, allowed=self.policy.network.turn)

    async def verify(self) -> Verification:
        """Run the verifiers and remember what they said about the tree that they left."""
        verification = await verify(
            self.outlet, self.policy, time_left_s=self.time_left_s, known=self.known, is_merge=self.is_merge
        )
        self._verified = (await self.workspace.changes(), verification)
        return verification

    async def submit(self, draft: Submission, *, is_by_people: bool = False) -> Handover:
        """Accept the work as it stands in the workspace. Raises `ToolFailed` with what is missing or forbidden.

        What a human must accept is let through with a reason, once the agent was told of it; at once if it
        `is_by_people`.
        """
        _check_words(draft.title, draft.summary)
        await self._require_no_secret(draft)
        changes, findings = await self._inspected(draft, is_by_people=is_by_people)
        verification = Verification(verdicts=())
        if changes.changes or self.is_merge:
            verification = await self._verification_of(changes)
            # A verifier may have written files of its own, which go out as well.
            changes, findings = await self._inspected(draft, is_by_people=is_by_people)
        if not verification.has_passed and not draft.unverified_reason:
            raise ToolFailed(_not_verified(verification))
        judgement = await self.judge(changes) if self.judge is not None and changes.changes else None
        reason = draft.needs_approval
        if judgement is not None and self.policy.judge == "block" and judgement.findings:
            findings, reason = (*findings, *judgement.findings), reason or draft.notes
        submission = replace(
            draft,
            verdicts=verification.verdicts,
            unverified_reason="" if verification.has_passed else draft.unverified_reason,
            needs_approval=reason if findings else "",
            judgement=judgement,
        )
        return Handover(submission=submission, changes=changes, findings=findings)

    async def _inspected(self, draft: Submission, *, is_by_people: bool) -> tuple[ChangeSet, tuple[Finding, ...]]:
        changes = await self.workspace.changes()
        await self._require_resolved(changes)
        sightings = await asyncio.to_thread(look_for_secrets, changes, self.scanner)
        paths = paths_to_compare(changes, sightings)
        before = {path: await self.workspace.read_base(path, max_bytes=MAX_COMPARED_BYTES) for path in paths}
        findings = await asyncio.to_thread(find_findings, changes, self.policy, before=before, sightings=sightings)
        if final := [finding for finding in findings if finding.final]:
            raise ToolFailed(f"not submitted. This is never published: take it back, or `ask`.\n{_listed(final)}")
        keys = {(finding.kind, finding.path) for finding in findings}
        if not is_by_people and (not draft.needs_approval or not keys <= self._told):
            self._told |= keys
            if findings:
                raise ToolFailed(f"{_NEEDS_APPROVAL}\n{_listed(findings)}")
        return changes, findings

    async def _require_resolved(self, changes: ChangeSet) -> None:
        here = {change.path: change.base_mode for change in changes.changes}
        base = {
            path: await self.workspace.read_base(path, max_bytes=MAX_COMPARED_BYTES)
            for path in (each.path for each in self.conflicts)
            if here.get(path) in ("100644", "100755")
        }
        if left := unresolved(changes, self.conflicts, base):
            raise ToolFailed(f"not submitted: {show(markers_left(left))}. Resolve these files first")

    async def _require_no_secret(self, draft: Submission) -> None:
        answers = [reply.body for reply in draft.replies]
        reasons = [
            draft.unverified_reason,
            draft.needs_approval,
            *(each.text for each in draft.lessons),
            *(draft.remaining or ()),
        ]
        words = "\n".join([draft.title, draft.summary, draft.notes, *reasons, *answers])
        if seen := await asyncio.to_thread(self.scanner.scan, words.encode("utf-8", "replace")):
            raise ToolFailed(f"not submitted: your words hold {seen[0].what}. Say it without the value")

    async def _verification_of(self, changes: ChangeSet) -> Verification:
        if self._verified is not None and self._verified[0] == changes:
            return self._verified[1]
        return await self.verify()


def replies_from(answers: Mapping[str, tuple[Outcome, str]], reply_to: Mapping[str, int | None]) -> tuple[Reply, ...]:
    """Outcomes and answers by thread id as replies. Raises `ToolFailed` for a thread that we were not given."""
    known = {thread: comment for thread, comment in reply_to.items() if comment is not None}
    if unknown := sorted(answers.keys() - known.keys()):
        listed = ", ".join(sorted(known)) or "none"
        raise ToolFailed(f"not submitted: no such thread: {', '.join(unknown)}. Threads to answer: {listed}")
    return tuple(
        Reply(thread_id=thread, reply_to=known[thread], body=body.strip(), standing=outcome)
        for thread, (outcome, body) in answers.items()
    )


def lessons_from(drafts: Sequence[Draft], sources: Collection[str]) -> tuple[Draft, ...]:
    """What the agent would remember. Raises `ToolFailed` for what nobody could be asked about."""
    if len(drafts) > MAX_IN_ROUND:
        raise ToolFailed(f"not submitted: at most {MAX_IN_ROUND} lessons a round, not {len(drafts)}")
    for draft in drafts:
        if problem := problem_of(draft.text):
            raise ToolFailed(f"not submitted: a lesson is one short sentence: {problem}")
        if draft.source not in sources:
            listed = ", ".join(sorted(sources)) or "none, so there are no lessons in this round"
            raise ToolFailed(f"not submitted: a lesson's `source` must be a thread or review of this round: {listed}")
    return tuple(drafts)


def _listed(findings: Sequence[Finding]) -> str:
    lines = []
    for finding in findings:
        where = f"`{finding.path}`: " if finding.path else ""
        lines += [f"- [{finding.kind}] {where}{finding.text}", *(f"    {line}" for line in finding.lines)]
    return show("\n".join(lines))


def _check_words(title: str, summary: str) -> None:
    if not title or "\n" in title or len(title) > MAX_TITLE_CHARS:
        raise ToolFailed(
            f"not submitted: `title` must be one line of 1 to {MAX_TITLE_CHARS} characters, not {len(title)}"
        )
    if len(summary) > MAX_SUMMARY_CHARS:
        raise ToolFailed(
            f"not submitted: `summary` must have at most {MAX_SUMMARY_CHARS} characters, not {len(summary)}"
        )
    if not summary:
        raise ToolFailed("not submitted: `summary` must say what was done; or, if nothing was changed, why")


def _not_verified(verification: Verification) -> str:
    advice = "Mend it and submit again. If that is out of your power, say why in `unverified_reason`."
    if all(verdict.could_not_run for verdict in unmet(verification.verdicts)):
        advice = "Check it in another way and submit with `unverified_reason`, saying what you checked and what not."
    return f"not submitted: verification did not pass. {advice}\n\n{verification.text}"
