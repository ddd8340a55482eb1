"""`/honk undo`: the last round of ours that stands on the branch is taken back, by a new commit that reverts it."""

from __future__ import annotations

from dataclasses import replace

from github_app.core.decisions import Decision, ask
from github_app.core.effects import Effect, Say, ShowProgress, Undo
from github_app.core.events import CommandIssued, EffectFailed, Undone
from github_app.core.facts import Facts
from github_app.core.feedback import with_feedback, without_old_checks
from github_app.core.ledger import reopened
from github_app.core.messages import refusals, stops
from github_app.core.session import Round, Session, Status
from github_app.core.upkeep import push_of

OTHERWISE_STUCK = ("money", "quota", "pause", "permission", "installation")
"""What a session may wait for that has nothing to do with what stands on its branch."""


def undo(session: Session, event: CommandIssued, facts: Facts, seen: tuple[Effect, ...]) -> Decision:
    """Somebody with authority wants our last round taken back: done, or refused with one reason."""
    last, reason = last_standing(session), _obstacle(session, facts)
    if reason or last is None or facts.pull is None:
        body = refusals.not_undone(reason or refusals.NOTHING_TO_UNDO)
        say = Say(number=event.number, tag=f"answer:{event.id}", body=body)
        return Decision(session=session, effects=(*seen, say), why="there is nothing that can be taken back now")
    effect = Undo(commit_sha=last.head_sha, head_sha=facts.pull.head_sha, login=event.actor.login)
    return Decision(
        session=session, effects=(*seen, effect), why=f"`{event.actor.login}` had the last round taken back"
    )


def last_standing(session: Session) -> Round | None:
    """The newest round of ours that is on the branch and not taken back. A merge of the base is none: taken back, it
    would take what others did back with it."""
    return next((each for each in reversed(session.published) if not each.undone_in and not each.merges), None)


def round_of(session: Session, commit_sha: str) -> Round | None:
    """The round that is this commit, if it is one of the session's."""
    return next((each for each in session.published if each.head_sha == commit_sha), None)


def _obstacle(session: Session, facts: Facts) -> str:
    """Why nothing can be taken back now; empty if it can."""
    if facts.pull is None:
        return refusals.NOTHING_TO_UNDO
    if not facts.pull.is_open:
        return refusals.undo_of_ended_pull(facts.pull.number)
    if session.status.is_terminal:
        return ""
    if session.status is Status.WORKING:
        return refusals.UNDO_WHILE_WORKING
    if session.stuck_on == "approval":
        return refusals.UNDO_WHILE_HELD
    # A revert on top of what nobody has looked at would make that a commit of ours.
    return "" if facts.pull.head_sha == session.head_sha else refusals.UNDO_AFTER_PUSH


def taken_back(session: Session, commit_sha: str, head_sha: str, login: str) -> Session:
    """The session with that round marked; what was handed in last is not the newest word any more."""
    published = tuple(
        replace(each, undone_in=head_sha, undone_by=login) if each.head_sha == commit_sha else each
        for each in session.published
    )
    ledger = reopened(session.ledger, commit_sha)
    return replace(session, published=published, submission=None, ledger=ledger)


def undone(session: Session, event: Undone, facts: Facts) -> Decision:
    """Our commit is reverted: people have the next word, since what they did not want must not come again by itself."""
    back = taken_back(session, event.commit_sha, event.head_sha, event.login)
    round_ = round_of(session, event.commit_sha)
    text = stops.undone(
        round_.title if round_ is not None else "",
        event.commit_sha,
        event.head_sha,
        login=event.login,
        more=last_standing(back) is not None,
    )
    say = Say(number=event.pull_number, tag=f"undone:{event.id}", body=text)
    if session.status is Status.WORKING:
        told = with_feedback(back, (push_of(event.head_sha),))
        return Decision(session=told, effects=(say,), why="taken back; the running turn is told of the new head")
    moved = without_old_checks(replace(back, head_sha=event.head_sha, checks=None, held=None))
    if session.status.is_terminal or session.stuck_on in OTHERWISE_STUCK:
        shown = () if session.status.is_terminal else (ShowProgress(),)
        return Decision(session=moved, effects=(say, *shown), why="taken back; nothing else changes")
    asked = ask(moved, event, facts, text)
    # What was taken back stays true, whatever people say next.
    lasting = replace(asked.session, asked=()) if asked.session is not None else None
    return replace(asked, session=lasting, why="taken back; people say how to go on")


def not_undone(session: Session, event: EffectFailed) -> Decision:
    """The commit could not be reverted: later changes stand on it, or the branch is not as it was."""
    reason = event.reason if event.head_sha is None else refusals.UNDO_OF_MOVED_BRANCH
    number = session.pull_number or session.issue_number
    say = Say(number=number, tag=f"answer:{event.id}", body=refusals.not_undone(reason))
    return Decision(session=session, effects=(say,), why=f"nothing was taken back: {reason}")
