"""What a session says of itself: the tracking comment, the pull request's body, the commit. Facts come from state; what
the agent wrote is made harmless first."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from github_app.core import consent
from github_app.core.estimates import Estimate
from github_app.core.hosts import address
from github_app.core.judgements import harmless_judgement
from github_app.core.messages import adoption, aftermath, boxes, builds, failures, parts, shipping
from github_app.core.messages.figures import checks_line, cost_of, count, duration, money, names, occupation
from github_app.core.messages.lessons import proposed
from github_app.core.messages.proof import how_verified
from github_app.core.messages.threads import listing, tally
from github_app.core.model import NetworkDecision
from github_app.core.session import Round, Session, Status, Submission
from github_app.core.text.prose import clause, code, harmless, one_line, plain
from github_app.core.waits import TOLD_S, Wait

_STATUS = {
    Status.WORKING: "Working",
    Status.AWAITING_CHECKS: "Waiting for checks",
    Status.AWAITING_REVIEW: "Ready for your review",
    Status.NEEDS_HUMAN: "Needs a human",
    Status.MERGED: "Merged",
    Status.CLOSED: "Closed",
}


def status_word(status: Status) -> str:
    """A status as people read it."""
    return _STATUS[status]


def tracking(
    session: Session,
    *,
    doing: str = "",
    page: str = "",
    wait: Wait | None = None,
    expected: Estimate | None = None,
    plan_comment: int | None = None,
    has_boxes: bool = True,
) -> str:
    """The tracking comment: who acts next, and the state of everything, edited in place. `page` is the session's,
    `plan_comment` the number of the comment with its plan; a copy of it elsewhere has no boxes to be ticked."""
    lines = [f"**Honk · {_STATUS[session.status]}**", "", next_step(session, doing), ""]
    lines.append("| | |\n|---|---|")
    lines += _plan(session, plan_comment)
    lines.append(f"| Branch | `{session.branch}` |")
    if session.pull_number is not None:
        draft = " (draft)" if session.pull_is_draft and not session.status.is_terminal else ""
        whose = f", of {code(session.adopted.login)}" if session.adopted is not None else ""
        lines.append(f"| Pull request | #{session.pull_number}{whose}{draft} |")
    conflicts = f"| Conflicts | with {code(session.base_branch)}; write `/honk rebase`, and I resolve them |"
    lines += [conflicts] * (session.has_conflicts and not session.status.is_terminal)
    if session.checks is not None and session.checks.head_sha == session.head_sha:
        lines.append(f"| Checks of `{session.head_sha[:7]}` | {checks_line(session.checks)} |")
    lines += [f"| {label} | {what} |" for label, what in builds.summary(session.build)]
    if session.status is Status.AWAITING_CHECKS and (again := failures.doubted(session)):
        lines.append(f"| Runs once more | {again} |")
    if passed := failures.passed_again(session):
        lines.append(f"| Flaky | {passed}: failed, then passed on the same commit |")
    lines += [f"| Review comments | {told} |" for told in filter(None, [tally(session.ledger)])]
    lines += [f"| Left for later | {count(left, 'part')} |" for left in filter(None, [len(session.remaining)])]
    if session.refused:
        lines.append(f"| Network | refused: {names([address(each) for each in session.refused])} |")
    lines += aftermath.watch_row(session)
    lines.append(f"| Asked by | `{session.requested_by.login}` |")
    lines.append(f"| So far | {count(session.turns, 'turn')} · {cost_of(session)} |")
    if expected is not None:
        low, high = money(expected.low_micro_usd), money(expected.high_micro_usd)
        lines.append(f"| Expected | {low} to {high}, like half of the last {expected.count} issues here |")
    if paused := waiting(wait):
        lines.append(f"| {paused[0]} | {paused[1]} |")
    if page:
        lines.append(f"| On record | [step by step]({page}) |")
    if not session.status.is_terminal:
        lines += ["", adoption.terms(session)] if session.adopted is not None else []
        lines += ["", f"Write `/honk …` to steer, `/honk stop` to end, `/honk help` for more{_OR_TICK * has_boxes}."]
        lines += boxes.drawn(session) if has_boxes else []
    return "\n".join(lines)


_OR_TICK = "; or tick what you want"


def _plan(session: Session, comment_id: int | None) -> list[str]:
    """Where the plan is, and whose word it has. What is done of it nobody reports, so nothing is said of that."""
    plan = session.plan
    if plan is None or not (plan.accepted_by or session.stuck_on == "plan"):
        return []
    where = "in a comment"
    if comment_id is not None:
        where = f"[{where}](/{session.repo.full_name}/issues/{session.issue_number}#issuecomment-{comment_id})"
    whose = f"as {code(plan.accepted_by)} accepted it" if plan.accepted_by else "waits for `/honk go`"
    return [f"| Plan | {where}, {whose} |"]


def waiting(wait: Wait | None) -> tuple[str, str] | None:
    """A wait as people read it, in the tracking comment and on the session's page; None if it is not worth a word."""
    if wait is None:
        return None
    limit = f"for {wait.whose} rate limit"
    if wait.until is not None:
        return "Waiting", f"{limit}, until {wait.until:%H:%M} UTC; then I go on by myself"
    return ("Waited", f"{duration(wait.waited_s)} {limit}") if wait.waited_s >= TOLD_S else None


def next_step(session: Session, doing: str) -> str:
    """Who acts next, in a sentence or two."""
    match session.status:
        case Status.WORKING:
            if session.waiting_for and not doing:
                return session.waiting_for
            return f"I am {occupation(session.turn_cause)}" + (f": {clause(doing)}." if doing else ".")
        case Status.AWAITING_CHECKS:
            return f"I am waiting for the checks of `{session.head_sha[:7]}` and go on by myself when they end."
        case Status.AWAITING_REVIEW:
            if session.adopted is not None:
                return adoption.standing(session)
            return _ready(session)
        case Status.NEEDS_HUMAN:
            return session.waiting_for
        case Status.MERGED:
            return f"#{session.pull_number} is merged{shipping.as_shipped(session.shipment)}. Thank you."
        case Status.CLOSED:
            return session.waiting_for or "The work has ended."
        case _:
            assert_never(session.status)


def _ready(session: Session) -> str:
    if session.shipment is not None:
        return shipping.standing(session.shipment)
    then = "You merge, or write `/honk ship`." if session.can_ship else "You merge."
    return f"#{session.pull_number} is ready for your review, and I act on what you write. {then}"


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
        judgement=None if submission.judgement is None else harmless_judgement(submission.judgement),
    )


def commit_message(submission: Submission) -> str:
    """What is recorded in git: the agent's title and summary, and whose suggestions are in it, as GitHub does that."""
    said = f"{one_line(submission.title)}\n\n{plain(submission.summary)}".strip()
    credits = "\n".join(
        f"Co-authored-by: {each.login} <{each.id}+{each.login}@users.noreply.github.com>"
        for each in submission.suggested_by
    )
    return f"{said}\n\n{credits}".strip()


def merge_message(submission: Submission, base_branch: str, base_sha: str) -> str:
    """What git records of a merge of the base: which commit, and what the agent says of it."""
    head = f"Merge {one_line(base_branch)} into this branch\n\nMerges {base_sha}."
    return f"{head}\n\n{commit_message(submission)}"


def revert_message(undone: Round, login: str) -> str:
    """What git records of a commit that takes a round back."""
    title = one_line(undone.title)
    return f'Revert "{title}"\n\nThis reverts commit {undone.head_sha}.\nAsked for by {one_line(login)}.'


def pull_body(session: Session) -> str:
    """The pull request's body, of the whole branch: what and why in the agent's words, each round's; the rest from
    state. The newest submission is the one that is about to be published."""
    newest = session.submission
    rounds: tuple[Round | Submission, ...] = (*session.published, *([newest] if newest is not None else []))
    lines = [parts.reference(session)]
    if not rounds:
        return lines[0]
    lines += ["", *_round_lines(rounds[0])]
    if len(rounds) > 1:
        lines += ["", "### Since then"]
    for before, later in zip(session.published, rounds[1:], strict=False):
        # The commit of what is about to be published is not there yet; the branch will stand at it.
        to = later.head_sha if isinstance(later, Round) else session.branch
        link = f"[changes](/{session.repo.full_name}/compare/{before.head_sha}...{to})"
        lines += ["", f"**{clause(later.title)}** ({link})", "", *_round_lines(later)]
    lines += parts.left(session)
    lines += listing(session)
    lines += how_verified(newest) if newest is not None else []
    lines += proposed(session.lessons)
    if passed := failures.passed_again(session):
        lines += ["", "### Flaky checks", "", f"Failed, then passed on the same commit: {passed}."]
    if session.refused:
        lines += ["", "### Network", "", "Commands wanted to reach what the policy does not allow:", ""]
        lines += [refusal_line(each) for each in session.refused]
    held = session.held.approvals if session.held is not None else ()
    standing = [each for each in rounds if not _undone(each)]
    approvals = [each for earlier in standing if isinstance(earlier, Round) for each in earlier.approvals]
    if who := consent.accepted((*approvals, *held)):
        lines += ["", "### Accepted by people", "", *who]
    notes = [harmless(each.notes) for each in standing if each.notes]
    if notes:
        lines += ["", "### Notes", "", "\n\n".join(notes)]
    lines += [
        "",
        "---",
        f"I wrote this for `{session.requested_by.login}` in {count(session.turns, 'turn')}: {cost_of(session)}. "
        "Review it as you would a colleague's work; I act on reviews and on `/honk …`.",
    ]
    return "\n".join(lines)


def _undone(handed_in: Round | Submission) -> str:
    return handed_in.undone_in if isinstance(handed_in, Round) else ""


def _round_lines(handed_in: Round | Submission) -> list[str]:
    """What one round did, in the agent's words; or that it is taken back, which is a fact."""
    if isinstance(handed_in, Round) and handed_in.undone_in:
        return [f"Taken back in {handed_in.undone_in}, as {code(handed_in.undone_by)} asked: {code(handed_in.title)}"]
    return [harmless(handed_in.summary)]


def refusal_line(refused: NetworkDecision) -> str:
    """One refused host as a list item; its name is the words of whoever wanted to go there."""
    return f"- {code(address(refused))}: {count(refused.times, 'time')}, {refused.reason or 'for different reasons'}"
