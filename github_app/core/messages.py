"""Every sentence that Honk posts, as functions of values. Facts come from state; the model's own prose is quoted as such."""

from __future__ import annotations

from collections.abc import Sequence

from github_app.core.commands import VERBS
from github_app.core.model import Cause, Checks, Feedback, Session, Status, Usage, Verdict

_STATUS = {
    Status.WORKING: "Working",
    Status.AWAITING_CHECKS: "Waiting for checks",
    Status.AWAITING_REVIEW: "Ready for your review",
    Status.NEEDS_HUMAN: "Needs a human",
    Status.MERGED: "Merged",
    Status.CLOSED: "Closed",
}

_CAUSE = {
    Cause.IMPLEMENT: "working on the issue",
    Cause.FIX_CHECKS: "fixing failed checks",
    Cause.ADDRESS_REVIEW: "addressing the review",
    Cause.FOLLOW_UP: "following up on what was asked",
}


def money(micro_usd: int) -> str:
    """An amount as people read it: cents where that says something, more digits below."""
    usd = micro_usd / 1_000_000
    return f"${usd:.2f}" if usd >= 0.1 or not micro_usd else f"${usd:.4f}"


def cost(usage: Usage) -> str:
    """What was consumed, in one line."""
    return f"{money(usage.cost_micro_usd)} · {usage.total_tokens:,} tokens · {usage.steps} model calls"


def tracking(session: Session, *, doing: str = "") -> str:
    """The tracking comment: who acts next, and the state of everything, edited in place."""
    lines = [f"**Honk · {_STATUS[session.status]}**", "", _next_step(session, doing), ""]
    lines.append("| | |\n|---|---|")
    lines.append(f"| Branch | `{session.branch}` |")
    if session.pull_number is not None:
        draft = " (draft)" if session.pull_is_draft and not session.status.is_terminal else ""
        lines.append(f"| Pull request | #{session.pull_number}{draft} |")
    if session.checks is not None and session.checks.head_sha == session.head_sha:
        lines.append(f"| Checks of `{session.head_sha[:7]}` | {checks_line(session.checks)} |")
    lines.append(f"| Asked by | `{session.requested_by.login}` |")
    lines.append(f"| So far | {session.turns} turn{'s' * (session.turns != 1)} · {cost(session.usage)} |")
    if not session.status.is_terminal:
        lines += ["", "Write `/honk …` to steer, `/honk stop` to end, `/honk help` for more."]
    return "\n".join(lines)


def _next_step(session: Session, doing: str) -> str:
    match session.status:
        case Status.WORKING:
            cause = _CAUSE[session.turn_cause or Cause.IMPLEMENT]
            return f"I am {cause}" + (f": {doing}." if doing else ".")
        case Status.AWAITING_CHECKS:
            return f"The checks of `{session.head_sha[:7]}` are running. I go on by myself when they end."
        case Status.AWAITING_REVIEW:
            return f"#{session.pull_number} is ready. Review it: I act on your review. A human merges."
        case Status.NEEDS_HUMAN:
            return session.waiting_for
        case Status.MERGED:
            return f"#{session.pull_number} is merged. Thank you."
        case Status.CLOSED:
            return session.waiting_for or "The work has ended."


def checks_line(checks: Checks) -> str:
    """The state of the checks in a few words."""
    match checks.state:
        case "none":
            return "none reported"
        case "pending":
            return f"{len(checks.pending)} running"
        case "passed":
            return f"{checks.passed} passed"
        case "failed":
            return "failed: " + ", ".join(f"`{failed.name}`" for failed in checks.failed)
        case "blocked":
            return "waiting for a person to approve the run"


def pull_body(session: Session) -> str:
    """The pull request's body: what and why in the agent's words, the rest from state."""
    submission = session.submission
    lines = [f"Closes #{session.issue_number}", ""]
    if submission is None:
        return "\n".join(lines).strip()
    lines += [submission.summary.strip(), "", "### How it was verified", ""]
    lines += [verdict_line(verdict) for verdict in submission.verdicts] or ["No verifier was found in this repository."]
    if submission.unverified_reason:
        lines += ["", f"Not verified to the end: {submission.unverified_reason.strip()}"]
    if submission.notes:
        lines += ["", "### Notes", "", submission.notes.strip()]
    lines += [
        "",
        "---",
        f"Written by Honk for `{session.requested_by.login}` in {session.turns} "
        f"turn{'s' * (session.turns != 1)}: {cost(session.usage)}. "
        "Review it as you would a colleague's; I act on reviews and on `/honk …`.",
    ]
    return "\n".join(lines)


def verdict_line(verdict: Verdict) -> str:
    """One verifier's verdict as a list item."""
    outcome = "passed" if verdict.exit_code == 0 else f"exit code {verdict.exit_code}"
    return f"- `{verdict.command}`: {outcome} ({verdict.duration_s:.1f} s)"


def refusal(login: str, *, needed: str = "write") -> str:
    """Why somebody's request is not followed, and who could make it."""
    return (
        f"`{login}`, I take instructions only from people with {needed} access to this repository. "
        "Somebody who has it can repeat the request."
    )


def obstacle_refusal(obstacle: str) -> str:
    """Work cannot start as things are: the policy file is wrong, the repository is empty."""
    return f"I did not start. {obstacle.strip().rstrip('.')}. Mend that, then ask again."


def closed_issue_refusal() -> str:
    """Work on a closed issue is not started."""
    return "This issue is closed, so I did not start. Reopen it and ask again."


def pull_label_refusal() -> str:
    """The label works on issues."""
    return "The label starts work on issues only. On a pull request that I opened, write `/honk …` or review it."


def foreign_pull_refusal() -> str:
    """Work on pull requests of others is not offered."""
    return "I work only on pull requests that I opened. Open an issue for what you want, and label it."


def no_session_answer(trigger_label: str) -> str:
    """Somebody stopped, retried or asked after work that does not exist."""
    return f"There is no work of mine here. Label the issue `{trigger_label}` or write `/honk` to start."


def help_text(trigger_label: str) -> str:
    """What people can say; the table of verbs is the one that the parser uses."""
    verbs = "\n".join(f"| `/honk {verb}` | {meaning} |" for verb, meaning in VERBS.items())
    return (
        f"Label an issue `{trigger_label}`, or write `/honk` on it, and I open a draft pull request. "
        "I fix what CI finds, act on reviews, and leave the merge to you.\n\n"
        f"| write | and I |\n|---|---|\n| `/honk` *anything* | do it, on the issue's branch |\n{verbs}\n\n"
        "I listen to people with write access, at the start of a line."
    )


def status_answer(session: Session) -> str:
    """The state of a session, on request."""
    return tracking(session)


def already_working(session: Session) -> str:
    """A second start of what runs already."""
    where = f"see #{session.pull_number}" if session.pull_number is not None else f"on `{session.branch}`"
    return f"I am on it already ({where}). Write `/honk …` with what you want changed."


def question(text: str) -> str:
    """The agent's question to the humans."""
    return f"I need an answer before I go on:\n\n{text.strip()}\n\nAnswer with `/honk …`."


def turn_stopped(reason: str, *, limit: str, usage: Usage) -> str:
    """A turn ended early."""
    if limit == "money":
        what = "Raise `limits.usd` in `.github/honk.yml`, then write `/honk retry`: I go on from what is there."
    elif limit:
        what = "Write `/honk retry` to give me another turn (I go on from what is there), or `/honk` with advice."
    else:
        what = "Write `/honk retry` to try again, or `/honk stop`."
    return f"I stopped: {reason.strip().rstrip('.')}. Spent so far: {cost(usage)}. My work is kept. {what}"


def nothing_changed(summary: str) -> str:
    """A turn that should have changed something did not."""
    return f"I changed nothing:\n\n{summary.strip()}\n\nWrite `/honk` with advice, or `/honk stop`."


def checks_still_failing(rounds: int, checks: Checks) -> str:
    """The rounds for fixing CI are used up."""
    return (
        f"Checks are still red after {rounds} attempt{'s' * (rounds != 1)} ({checks_line(checks)}), so I leave them to you. "
        "Write `/honk` with advice to let me try again."
    )


def review_rounds_spent(rounds: int) -> str:
    """The rounds for reviews are used up."""
    return f"I have addressed {rounds} reviews, the limit set for one pull request. Write `/honk …` to have me go on."


def checks_blocked() -> str:
    """CI waits for approval."""
    return "CI waits for a person to approve its run on my commit. Approve it on the pull request's checks; I go on by myself."


def checks_silent(pending: Sequence[str], hours: float) -> str:
    """Checks never ended."""
    names = ", ".join(f"`{name}`" for name in pending) or "The checks"
    return f"{names} did not end within {hours:g} hours. Have a look, or write `/honk retry`."


def effect_failed(kind: str, reason: str) -> str:
    """Something that matters could not be done."""
    what = {
        "Publish": "publish my change",
        "RunTurn": "work",
        "MarkReady": "take the pull request out of draft",
    }
    return (
        f"I could not {what.get(kind, 'finish')}: {reason.strip().rstrip('.')}. My work is kept. "
        "Write `/honk retry` when it is mended."
    )


def branch_kept_moving() -> str:
    """Others pushed each time that we wanted to publish."""
    return "The branch moved each time I wanted to publish. Write `/honk retry` when it is quiet."


def silence(hours: float) -> str:
    """A turn gave no sign of life."""
    return f"My turn gave no sign of life for {hours:g} hours. Write `/honk retry` to start it again."


def ending(session: Session) -> str:
    """The last comment of a session: how it ended and what it cost."""
    if session.status is Status.MERGED:
        return f"#{session.pull_number} is merged. Cost of it all: {cost(session.usage)} in {session.turns} turns."
    return f"{session.waiting_for} Spent: {cost(session.usage)}."


def stopped_by(login: str, how: str, *, pull_number: int | None) -> str:
    """Why a session was closed by a person, and what is left."""
    left = f"#{pull_number} and its branch stay as they are." if pull_number is not None else "Nothing was published."
    return f"Stopped: `{login}` {how}. {left}"


def feedback_of_edit(title: str, body: str) -> str:
    """An edit of the issue, as words to the agent."""
    return f"The issue was edited. It now reads:\n\n# {title}\n\n{body}"


def feedback_of_push(sha: str) -> str:
    """A push by somebody else, as words to the agent."""
    return f"Somebody pushed to the branch; its head is now {sha}. Keep their commits and build on them."


def feedback_of_checks(checks: Checks) -> tuple[Feedback, ...]:
    """Failed checks as feedback, one each."""
    return tuple(
        Feedback(
            id=f"check:{checks.head_sha}:{failed.name}",
            kind="checks",
            author="CI",
            body=f"Check `{failed.name}` ended with {failed.conclusion} on {checks.head_sha[:7]}."
            + (f"\n\n{failed.log}" if failed.log else f"\n\nIt left no log. Details: {failed.url}" * bool(failed.url)),
        )
        for failed in checks.failed
    )
