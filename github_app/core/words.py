"""What people say where a session is open: commands, reviews, edits of the issue. Somebody with authority always gets a
result: an answer, or a turn that has their words."""

from __future__ import annotations

from dataclasses import replace

from github_app.core.approvals import approve, held_in_force, publish_held
from github_app.core.commands import FOR_PEOPLE, micro_usd_in
from github_app.core.decisions import (
    MAX_BOT_WORDS,
    Decision,
    acknowledge,
    ask,
    asked_back,
    end,
    may_ask,
    nothing,
    refuse,
    refuse_once,
    run_turn,
    speaks_with_authority,
)
from github_app.core.effects import Effect, Say, ShowProgress
from github_app.core.events import CommandIssued, IssueEdited, ReviewSubmitted, command_of_review
from github_app.core.facts import Facts
from github_app.core.feedback import (
    feedback_of_command,
    feedback_of_edit,
    feedback_of_review,
    is_full,
    with_feedback,
    without_old_checks,
)
from github_app.core.inquiries import stop_inquiries
from github_app.core.learning import taught
from github_app.core.mending import fix, rests, too_much
from github_app.core.merging import rebase
from github_app.core.messages import answers, refusals, stops
from github_app.core.messages.figures import money
from github_app.core.particulars import told_of_honk
from github_app.core.pausing import switched
from github_app.core.planning import go, plan_asked, plan_waits
from github_app.core.reverting import revert
from github_app.core.session import Cause, Feedback, Session, Status
from github_app.core.shipping import ship
from github_app.core.undoing import undo
from github_app.core.upkeep import ask_about_push, at_newest_head, is_off_again, push_of

MOST_AT_ONCE = 10
"""So many times what an issue may cost one `/honk budget` allows at most: more is a slip of the finger."""


def commanded(session: Session, event: CommandIssued, facts: Facts) -> Decision:
    """Somebody wrote `/honk …`: with authority, every verb gets a reaction and one result."""
    if event.is_pull and session.pull_number not in (None, event.number):
        return nothing(session, f"#{event.number} is not this session's pull request")
    if event.command.verb in ("pause", "resume"):
        return switched(session, event, facts)
    if not may_ask(event.actor, facts):
        return refuse(session, event, facts, number=event.number)
    if event.actor.is_bot and not _hears_bots(session, event):
        return nothing(session, "a person has the next word, and no bot")
    session = replace(session, bot_words=session.bot_words + 1 if event.actor.is_bot else 0)
    seen = acknowledge(event)
    if (back := asked_back(session, event, seen)) is not None:
        return back
    match event.command.verb:
        case "help" | "status" | "ping" | "config":
            body = told_of_honk(event, facts) or answers.status_answer(session)
            say = Say(number=event.number, tag=f"answer:{event.id}", body=body)
            return Decision(session=session, effects=(*seen, say), why=f"`{event.command.verb}` was asked for")
        case "fix" if rests(session):
            return fix(session, event, facts, seen)
        case "stop":
            reason = stops.stopped_by(
                event.actor.login, "asked me to stop", stops.GO_ON, pull_number=session.pull_number
            )
            before = (*seen, *stop_inquiries(event, facts))
            return end(session, facts, Status.CLOSED, reason, before=before, leaves_pull=True)
        case "lesson":
            return taught(session, event, facts)
        case verb:
            return _ACTS.get(verb, _go)(session, event, facts, seen)


def _hears_bots(session: Session, event: CommandIssued) -> bool:
    """A bot gives work. It answers no question that was put to people, allows no money, accepts nothing,
    takes nothing back, begins no plan, merges nothing, and teaches nothing."""
    is_for_people = event.command.verb in FOR_PEOPLE
    return session.bot_words < MAX_BOT_WORDS and not session.stuck_on and not is_for_people


def _go(session: Session, event: CommandIssued, facts: Facts, seen: tuple[Effect, ...]) -> Decision:
    held, words = held_in_force(session), feedback_of_command(event, facts)
    if session.stuck_on == "plan" and not words:
        return plan_waits(session, event, seen)
    if event.command.verb == "retry" and held is not None and not held.open_kinds:
        return publish_held(session, held, facts, seen, why="a person asked to publish again what was accepted")
    heard = replace(with_feedback(session, words), fix_rounds=0, review_rounds=0, moved_heads=0)
    if words and is_full(heard):
        return too_much(session, event, facts)
    if event.source == "review":
        heard = _to_be_asked_again(heard, event.actor.login)
    if session.status is Status.WORKING:
        if words:
            return Decision(session=heard, effects=seen, why="the instruction joins the running turn")
        say = Say(number=event.number, tag=f"working:{session.turn_id}", body=answers.already_working(session))
        return Decision(session=session, effects=(*seen, say), why="asked to start what runs already")
    if session.stuck_on == "push" and session.head_sha == session.strange_sha and event.command.verb != "retry":
        return ask_about_push(heard, event, facts, before=seen)
    heard = _unstuck(heard, event, facts)
    cause, why = _cause(session), "a person gave an instruction"
    if event.command.verb == "retry" or not words:
        cause, why = session.turn_cause or cause, "a person asked to try again"
    return run_turn(_where_it_was_said(heard, event, facts), facts, cause, before=seen, why=why)


def _unstuck(session: Session, event: CommandIssued, facts: Facts) -> Session:
    """The session with what its going on takes from who has it go on: as much money again, or their name."""
    if session.stuck_on == "money":
        granted = session.granted_micro_usd + facts.policy.limits.cost_micro_usd
        return replace(session, granted_micro_usd=granted)
    return replace(session, requested_by=event.actor) if session.stuck_on == "permission" else session


def _cause(session: Session) -> Cause:
    """What words start: what was asked for is planned until somebody said `go`, and merged until that is done."""
    if session.turn_cause is Cause.PLAN:
        return Cause.PLAN
    if session.merging:
        return Cause.MERGE_BASE
    return Cause.FOLLOW_UP if session.pull_number is not None else Cause.IMPLEMENT


def _allow_money(session: Session, event: CommandIssued, facts: Facts, seen: tuple[Effect, ...]) -> Decision:
    """More money for the issue; if that is what the work waits for, it goes on."""
    amount, most = micro_usd_in(event.command.text), MOST_AT_ONCE * facts.policy.limits.cost_micro_usd
    if amount is None:
        body, why = answers.what_was_spent(session), "`budget` was asked for"
    elif amount > most:
        body, why = refusals.too_much_at_once(amount, most), "more money than one word may allow"
    else:
        why = f"`{event.actor.login}` allowed {money(amount)} more"
        session = replace(session, granted_micro_usd=session.granted_micro_usd + amount)
        if session.stuck_on == "money":
            cause = session.turn_cause or Cause.IMPLEMENT
            return run_turn(_where_it_was_said(session, event, facts), facts, cause, before=seen, why=why)
        body = answers.money_allowed(session, amount)
        seen = (*seen, ShowProgress())
    say = Say(number=event.number, tag=f"answer:{event.id}", body=body)
    return Decision(session=session, effects=(*seen, say), why=why)


def _where_it_was_said(session: Session, event: CommandIssued, facts: Facts) -> Session:
    """The session at the newest head that we know to be of somebody who may write: what others push after the words
    does not slip in under them. Where a human was asked about a push, `retry` accepts that one; other words may be
    older than the question."""
    if session.stuck_on == "push" and is_off_again(session, facts):
        return replace(session, strange_sha="")
    if session.stuck_on == "push" and event.command.verb == "retry":
        return without_old_checks(replace(session, head_sha=session.strange_sha, strange_sha="", checks=None))
    known = {*session.seen, *(feedback.id for feedback in session.feedback)}
    is_known = facts.pull is not None and push_of(facts.pull.head_sha).id in known
    return at_newest_head(session, facts) if is_known else session


def reviewed(session: Session, event: ReviewSubmitted, facts: Facts) -> Decision:
    """A review came in: one round for the whole of it."""
    said = command_of_review(event)
    if said is not None:
        return commanded(session, said, facts)
    if session.pull_number not in (None, event.pull_number):
        return nothing(session, f"#{event.pull_number} is not this session's pull request")
    if not speaks_with_authority(event.actor, facts):
        return nothing(session, "a review by somebody without write access is not an instruction")
    heard = with_feedback(session, feedback_of_review(event, facts))
    if heard == session:
        return nothing(session, f"the review ({event.state}) says nothing to act on")
    if is_full(heard):
        say = Say(number=event.pull_number, tag=f"full:{event.actor.id}", body=refusals.too_much_waits())
        return refuse_once(session, facts, say, about="full", why="more waits for the agent than it can take up")
    heard = _to_be_asked_again(heard, event.actor.login)
    if session.status is Status.WORKING:
        return Decision(session=heard, why="the review joins the running turn")
    if session.stuck_on == "money":
        why = "kept; the money is spent until a person allows more"
        return Decision(session=heard, effects=(ShowProgress(),), why=why)
    if session.stuck_on in ("quota", "pause"):
        cause = session.turn_cause or Cause.ADDRESS_REVIEW
        return run_turn(replace(heard, bot_words=0), facts, cause, why="a review came in while the work was held")
    if session.review_rounds >= facts.policy.review_rounds:
        return ask(heard, event, facts, stops.review_rounds_spent(session.review_rounds))
    heard = replace(heard, review_rounds=session.review_rounds + 1, fix_rounds=0, bot_words=0)
    return run_turn(heard, facts, Cause.ADDRESS_REVIEW, why="a review asks for something")


def _to_be_asked_again(session: Session, login: str) -> Session:
    if session.adopted is not None and session.adopted.login == login:
        return session  # GitHub asks nobody to review what is theirs.
    return replace(session, reviewers=tuple(dict.fromkeys((*session.reviewers, login))))


def edited(session: Session, event: IssueEdited, facts: Facts) -> Decision:
    """The issue's text changed. Only from people with authority: who wrote an issue may be anybody, and could put other
    words under the label that somebody else gave it."""
    if not speaks_with_authority(event.actor, facts):
        return nothing(session, "edited by somebody without write access: the text seen at the start stays in force")
    known = replace(session, issue_title=event.issue.title, issue_body=event.issue.body)
    if session.status is not Status.WORKING:
        return Decision(session=known, why="no turn runs that the edit could join; the next one reads the issue anew")
    words = feedback_of_edit(event.issue.title, event.issue.body)
    edit = Feedback(id=f"edit:{event.id}", kind="command", author=event.actor.login, body=words)
    told = with_feedback(known, (edit,))
    if is_full(told):
        return Decision(
            session=known, why="more waits for the agent than it can take up; the next turn reads the issue anew"
        )
    return Decision(session=told, why="the edit joins the running turn")


_ACTS = {
    "approve": approve,
    "budget": _allow_money,
    "undo": undo,
    "revert": revert,
    "rebase": rebase,
    "ship": ship,
    "plan": plan_asked,
    "go": go,
}
"""What verbs do that are no question, no stop and no lesson; all others give work."""
