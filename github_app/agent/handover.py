"""The last gate of a turn: what is submitted has passed its verification, breaks no rule, and says what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from github_app.agent.outlet import Outlet
from github_app.agent.verify import Verification, verify
from github_app.core.errors import ToolFailed
from github_app.core.model import ChangeSet, Reply, Submission
from github_app.core.policy import Policy, find_problems
from github_app.core.ports import Workspace

MAX_TITLE_CHARS = 72
MAX_SUMMARY_CHARS = 5_000


@dataclass(frozen=True, kw_only=True)
class Handover:
    """An accepted submission and the change set that it is about."""

    submission: Submission
    changes: ChangeSet


@dataclass
class Gate:
    """Verifies, remembers for which state of the tree, and lets a submission through or says what it lacks.

    `outlet` is where the commands of the turn run.
    """

    workspace: Workspace
    policy: Policy
    time_left_s: Callable[[], float]
    outlet: Outlet = field(init=False)
    _verified: tuple[ChangeSet, Verification] | None = None

    def __post_init__(self) -> None:
        self.outlet = Outlet(workspace=self.workspace, allowed=self.policy.network.turn)

    async def verify(self) -> Verification:
        """Run the verifiers and remember what they said about the tree that they left."""
        verification = await verify(self.outlet, self.policy, time_left_s=self.time_left_s)
        self._verified = (await self.workspace.changes(), verification)
        return verification

    async def submit(
        self, *, title: str, summary: str, notes: str, replies: tuple[Reply, ...], unverified_reason: str
    ) -> Handover:
        """Accept the work as it stands in the workspace. Raises `ToolFailed` with what is missing or forbidden."""
        _check_words(title, summary)
        changes = await self._allowed_changes()
        verification = Verification(verdicts=())
        if changes.changes:
            verification = await self._verification_of(changes)
            # A verifier may have written files of its own, which go out as well.
            changes = await self._allowed_changes()
        if verification.has_passed:
            unverified_reason = ""
        elif not unverified_reason.strip():
            raise ToolFailed(_not_verified(verification))
        submission = Submission(
            title=title.strip(),
            summary=summary.strip(),
            notes=notes.strip(),
            verdicts=verification.verdicts,
            unverified_reason=unverified_reason.strip(),
            replies=replies,
        )
        return Handover(submission=submission, changes=changes)

    async def _allowed_changes(self) -> ChangeSet:
        changes = await self.workspace.changes()
        if problems := find_problems(changes, self.policy):
            listed = "\n".join(f"- {problem}" for problem in problems[:50])
            raise ToolFailed(f"not submitted. This may not be published; take it back, or `ask`:\n{listed}")
        return changes

    async def _verification_of(self, changes: ChangeSet) -> Verification:
        if self._verified is not None and self._verified[0] == changes:
            return self._verified[1]
        return await self.verify()


def replies_from(answers: Mapping[str, str], reply_to: Mapping[str, int | None]) -> tuple[Reply, ...]:
    """Answers by thread id as replies. Raises `ToolFailed` for a thread that was not among what we were given."""
    known = {thread: comment for thread, comment in reply_to.items() if comment is not None}
    if unknown := sorted(answers.keys() - known.keys()):
        listed = ", ".join(sorted(known)) or "none"
        raise ToolFailed(f"not submitted: no such thread: {', '.join(unknown)}. Threads to answer: {listed}")
    return tuple(Reply(thread_id=thread, reply_to=known[thread], body=body.strip()) for thread, body in answers.items())


def _check_words(title: str, summary: str) -> None:
    title = title.strip()
    if not title or "\n" in title or len(title) > MAX_TITLE_CHARS:
        raise ToolFailed(
            f"not submitted: `title` must be one line of 1 to {MAX_TITLE_CHARS} characters, not {len(title)}"
        )
    if len(summary) > MAX_SUMMARY_CHARS:
        raise ToolFailed(
            f"not submitted: `summary` must have at most {MAX_SUMMARY_CHARS} characters, not {len(summary)}"
        )
    if not summary.strip():
        raise ToolFailed("not submitted: `summary` must say what was done; or, if nothing was changed, why")


def _not_verified(verification: Verification) -> str:
    advice = "Mend it and submit again. If that is out of your power, say why in `unverified_reason`."
    failed = [verdict for verdict in verification.verdicts if verdict.exit_code != 0]
    if all(verdict.command in verification.could_not_run for verdict in failed):
        advice = "Check it in another way and submit with `unverified_reason`, saying what you checked and what not."
    return f"not submitted: verification did not pass. {advice}\n\n{verification.text}"
