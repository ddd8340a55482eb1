"""Every sentence that Honk posts, as functions of values. Facts come from state; what the model or a program wrote is
made harmless first (`prose`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from github_app.core import consent
from github_app.core.commands import VERBS
from github_app.core.hosts import address
from github_app.core.model import (
    Cause,
    Checks,
    Feedback,
    NetworkDecision,
    Round,
    Session,
    Status,
    Submission,
    Usage,
    Verdict,
)
from github_app.core.text.prose import clause, code, harmless, one_line, plain

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


_NAMES_SHOWN = 5


def money(micro_usd: int) -> str:
    """An amount as people read it: cents where that says something, more digits below."""
    usd = micro_usd / 1_000_000
    if usd >= 0.1 or not micro_usd:
        return f"${usd:,.2f}"
    return f"${usd:.4f}" if micro_usd >= 100 else "less than $0.0001"


def cost(usage: Usage) -> str:
    """What was consumed, in one line."""
    return (
        f"{money(usage.cost_micro_usd)} · {_count(usage.total_tokens, 'token')} · {_count(usage.steps, 'model call')}"
    )


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _duration(seconds: float) -> str:
    if seconds < 5_400:
        return _count(round(seconds / 60), "minute")
    hours = round(seconds / 3_600, 1)
    return f"{hours:g} hours"


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(code(name) for name in names[:_NAMES_SHOWN])
    return shown + (f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else "")


def status_word(status: Status) -> str:
    """A status as people read it."""
    return _STATUS[status]


def tracking(session: Session, *, doing: str = "", page: str = "") -> str:
    """The tracking comment: who acts next, and the state of everything, edited in place. `page` is the session's."""
    lines = [f"**Honk · {_STATUS[session.status]}**", "", _next_step(session, doing), ""]
    lines.append("| | |\n|---|---|")
    lines.append(f"| Branch | `{session.branch}` |")
    if session.pull_number is not None:
        draft = " (draft)" if session.pull_is_draft and not session.status.is_terminal else ""
        lines.append(f"| Pull request | #{session.pull_number}{draft} |")
    if session.checks is not None and session.checks.head_sha == session.head_sha:
        lines.append(f"| Checks of `{session.head_sha[:7]}` | {checks_line(session.checks)} |")
    if session.refused:
        lines.append(f"| Network | refused: {_names([address(each) for each in session.refused])} |")
    lines.append(f"| Asked by | `{session.requested_by.login}` |")
    lines.append(f"| So far | {_count(session.turns, 'turn')} · {cost(session.usage)} |")
    if page:
        lines.append(f"| On record | [step by step]({page}) |")
    if not session.status.is_terminal:
        lines += ["", "Write `/honk …` to steer, `/honk stop` to end, `/honk help` for more."]
    return "\n".join(lines)


def _next_step(session: Session, doing: str) -> str:
    match session.status:
        case Status.WORKING:
            cause = _CAUSE[session.turn_cause or Cause.IMPLEMENT]
            return f"I am {cause}" + (f": {clause(doing)}." if doing else ".")
        case Status.AWAITING_CHECKS:
            return f"I am waiting for the checks of `{session.head_sha[:7]}` and go on by myself when they end."
        case Status.AWAITING_REVIEW:
            return f"#{session.pull_number} is ready for your review, and I act on what you write. You merge."
        case Status.NEEDS_HUMAN:
            return session.waiting_for
        case Status.MERGED:
            return f"#{session.pull_number} is merged. Thank you."
        case Status.CLOSED:
            return session.waiting_for or "The work has ended."
        case _:
            assert_never(session.status)


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
            return f"failed: {_names([failed.name for failed in checks.failed])}"
        case "blocked":
            return "waiting for a person to approve the run"
        case _:
            assert_never(checks.state)


def harmless_submission(submission: Submission) -> Submission:
    """What the agent handed in, fit to be posted: in the pull request, as a commit message, in threads."""
    return replace(
        submission,
        title=one_line(submission.title),
        summary=harmless(submission.summary),
        notes=harmless(submission.notes),
        unverified_reason=harmless(submission.unverified_reason),
        needs_approval=harmless(submission.needs_approval),
        replies=tuple(replace(reply, body=harmless(reply.body)) for reply in submission.replies),
    )


def commit_message(submission: Submission) -> str:
    """What is recorded in git: the agent's title and summary."""
    return f"{one_line(submission.title)}\n\n{plain(submission.summary)}".strip()


def pull_body(session: Session) -> str:
    """The pull request's body, of the whole branch: what and why in the agent's words, each round's; the rest from
    state. The newest submission is the one that is about to be published."""
    newest = session.submission
    closes = f"Closes #{session.issue_number}"
    if newest is None:
        return closes
    rounds: tuple[Round | Submission, ...] = (*session.published, newest)
    lines = [closes, "", harmless(rounds[0].summary)]
    if len(rounds) > 1:
        lines += ["", "### Since then"]
    for later in rounds[1:]:
        sha = f" (`{later.head_sha[:7]}`)" if isinstance(later, Round) else ""
        lines += ["", f"**{clause(later.title)}**{sha}", "", harmless(later.summary)]
    lines += ["", "### How it was verified", ""]
    lines += [verdict_line(verdict) for verdict in newest.verdicts] or ["I found nothing to verify it with."]
    if newest.unverified_reason:
        lines += ["", "Not verified to the end:", "", harmless(newest.unverified_reason)]
    if session.refused:
        lines += ["", "### Network", "", "Commands wanted to reach what the policy does not allow:", ""]
        lines += [refusal_line(each) for each in session.refused]
    held = session.held.approvals if session.held is not None else ()
    approvals = [each for earlier in session.published for each in earlier.approvals]
    if who := consent.accepted((*approvals, *held)):
        lines += ["", "### Accepted by people", "", *who]
    notes = [harmless(each.notes) for each in rounds if each.notes]
    if notes:
        lines += ["", "### Notes", "", "\n\n".join(notes)]
    lines += [
        "",
        "---",
        f"I wrote this for `{session.requested_by.login}` in {_count(session.turns, 'turn')}: {cost(session.usage)}. "
        "Review it as you would a colleague's work; I act on reviews and on `/honk …`.",
    ]
    return "\n".join(lines)


def verdict_line(verdict: Verdict) -> str:
    """One verifier's verdict as a list item."""
    outcome = "passed" if verdict.exit_code == 0 else f"exit code {verdict.exit_code}"
    return f"- {code(verdict.command)}: {outcome} ({verdict.duration_s:.1f} s)"


def refusal_line(refused: NetworkDecision) -> str:
    """One refused host as a list item; its name is the words of whoever wanted to go there."""
    return f"- {code(address(refused))}: {_count(refused.times, 'time')}, {refused.reason or 'for different reasons'}"


def refusal(login: str, *, needed: str = "write") -> str:
    """Why somebody's request is not followed, and who could make it."""
    return (
        f"`{login}`, I take instructions only from people with {needed} access to this repository. "
        "Somebody who has it can repeat the request."
    )


def obstacle_refusal(obstacle: str) -> str:
    """Work cannot start as things are: the policy file is wrong, the repository is empty."""
    return f"I did not start: {clause(obstacle)}. Mend that, then ask again."


def closed_issue_refusal() -> str:
    """Work on a closed issue is not started."""
    return "This issue is closed, so I did not start. Reopen it and ask again."


def issue_gone_refusal() -> str:
    """The issue was deleted or moved away."""
    return "I cannot read the issue any more, so I did not start. Open a new one and label it."


def foreign_pull_refusal() -> str:
    """Work on pull requests of others is not offered."""
    return "I work only on pull requests that I opened. Open an issue for what you want, and label it."


def no_session_answer(trigger_label: str) -> str:
    """Somebody stopped, retried or asked after work that does not exist."""
    return f"There is no work of mine here. Label the issue `{trigger_label}` or write `/honk` to start."


def help_text(trigger_label: str) -> str:
    """What people can say; the table of verbs is the one that the parser uses."""
    verbs = "\n".join(f"| `/honk {verb}{' …' * (verb == 'approve')}` | {meaning} |" for verb, meaning in VERBS.items())
    return (
        f"Label an issue `{trigger_label}`, or write `/honk` on it, and I open a draft pull request. "
        "I fix what CI finds, act on reviews, and leave the merge to you.\n\n"
        f"| Write | and I |\n|---|---|\n| `/honk` *anything* | do it, on the issue's branch |\n{verbs}\n\n"
        "Start a line with it. I listen to people with write access."
    )


def status_answer(session: Session) -> str:
    """The state of a session, on request."""
    return tracking(session)


def already_working(session: Session) -> str:
    """A second start of what runs already."""
    where = f"see #{session.pull_number}" if session.pull_number is not None else f"on `{session.branch}`"
    return f"I am on it already ({where}). Write `/honk …` with what you want changed."


def answer(summary: str) -> str:
    """The agent's answer where nothing had to be changed."""
    return harmless(summary) or "I looked, and nothing has to be changed."


def question(text: str) -> str:
    """The agent's question to the humans."""
    return f"I need an answer before I go on:\n\n{harmless(text)}\n\nAnswer with `/honk …`."


def turn_stopped(reason: str, *, limit: str, usage: Usage) -> str:
    """A turn ended early."""
    if limit == "money":
        what = "Write `/honk retry` to allow me as much again, or `/honk stop`."
    elif limit:
        what = "Write `/honk retry` to give me another turn, or `/honk …` with advice."
    else:
        what = "Write `/honk retry` to have me try again, or `/honk stop`."
    return f"I stopped: {clause(reason)}. Spent so far: {cost(usage)}. My work is kept. {what}"


def nothing_changed(summary: str) -> str:
    """A turn that should have changed something did not."""
    said = harmless(summary)
    told = f"I changed nothing:\n\n{said}" if said else "I changed nothing."
    return f"{told}\n\nWrite `/honk …` with advice, or `/honk stop`."


def checks_still_failing(rounds: int, checks: Checks) -> str:
    """The rounds for fixing CI are used up."""
    tried = f"Checks are still red after {_count(rounds, 'attempt')}" if rounds else "Checks are red"
    return (
        f"{tried} ({checks_line(checks)}), so I leave them to you. "
        "Write `/honk …` with advice, or `/honk retry`, and I try again."
    )


def review_rounds_spent(rounds: int) -> str:
    """The rounds for reviews are used up."""
    done = (
        f"I have addressed {_count(rounds, 'review')}, which is the limit here"
        if rounds
        else "In this repository, reviews do not start me by themselves"
    )
    return f"{done}. I keep this one: write `/honk retry` to have me address it."


def checks_blocked() -> str:
    """CI waits for approval."""
    return (
        "CI waits for a person to approve its run on my commit. Approve it in the pull request, and I go on by myself."
    )


def checks_silent(pending: Sequence[str], limit_s: float) -> str:
    """Checks never ended."""
    who = _names(pending) or "The checks"
    return (
        f"{who} did not end within {_duration(limit_s)}. Run them again and I go on by myself, or write `/honk retry`."
    )


def effect_failed(kind: str, reason: str) -> str:
    """Something that matters could not be done."""
    if kind == "MarkReady":
        return f"I could not take the pull request out of draft: {clause(reason)}. Please do that; the rest is done."
    what = "publish my change" if kind == "Publish" else "work"
    return f"I could not {what}: {clause(reason)}. My work is kept. Write `/honk retry` when that is mended."


def request_failed(reason: str) -> str:
    """A request could not even be decided on."""
    return f"I could not act on this: {clause(reason)}. Ask again when that is mended."


def branch_kept_moving() -> str:
    """Others pushed each time that we wanted to publish."""
    return "The branch moved each time I wanted to publish. My work is kept. Write `/honk retry` when it is quiet."


def silence(limit_s: float) -> str:
    """A turn gave no sign of life."""
    return f"My turn did not end within {_duration(limit_s)}. Write `/honk retry` to start it again."


def ending(session: Session) -> str:
    """The last comment of a session: how it ended and what it cost."""
    spent = f"{_count(session.turns, 'turn')} · {cost(session.usage)}"
    if session.status is Status.MERGED:
        return f"#{session.pull_number} is merged. Spent in all: {spent}."
    return f"{session.waiting_for} Spent in all: {spent}."


def stopped_by(login: str, how: str, *, pull_number: int | None) -> str:
    """Why a session was closed, by whom if that is known, and what is left."""
    left = (
        f"#{pull_number} and its branch stay as they are." if pull_number is not None else "I opened no pull request."
    )
    return f"I stopped: {code(login) if login else 'somebody'} {how}. {left}"


def branch_deleted(login: str) -> str:
    """Why a session was closed whose branch is gone."""
    return f"I stopped: {code(login)} deleted the branch."


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
