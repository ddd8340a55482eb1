"""How a lesson comes to be and goes: the agent proposes one from what a reviewer said in this round, `/honk lesson
keep 1` by somebody with write access keeps it, `/honk lesson drop 1` takes it back, also after the work has ended."""

from __future__ import annotations

from dataclasses import replace

from github_app.core.commands import lesson_change_in
from github_app.core.decisions import Decision, acknowledge
from github_app.core.effects import DropLesson, Effect, KeepLesson, Say
from github_app.core.events import CommandIssued, TurnFinished
from github_app.core.facts import Facts
from github_app.core.lessons import (
    MAX_IN_ROUND,
    MAX_IN_SESSION,
    Draft,
    Lesson,
    Proposal,
    lesson_from,
    lesson_text,
    problem_of,
)
from github_app.core.messages import lessons as messages
from github_app.core.session import Feedback, Session


def with_proposals(session: Session, event: TurnFinished) -> Session:
    """The session with what a turn proposes, as far as each cites a review or a thread that the turn was told in this
    round. These are of people with write access only (`feedback`). What was proposed stays: people may have read it."""
    cited = {each.id for each in session.feedback} & set(event.consumed)
    sources = [each for each in session.feedback if each.id in cited and each.kind in ("review", "thread")]
    for draft in event.submission.lessons[:MAX_IN_ROUND]:
        said = next((each for each in sources if draft.source == (each.thread_id or each.id)), None)
        is_known = said is not None and any(each.cites == said.id for each in session.lessons)
        if said is None or is_known or problem_of(draft.text) or len(session.lessons) >= MAX_IN_SESSION:
            continue
        session = replace(session, lessons=(*session.lessons, _proposal(session, said, draft)))
    return session


def _proposal(session: Session, said: Feedback, draft: Draft) -> Proposal:
    number = said.id.rpartition(":")[2]
    anchor = f"discussion_r{number}" if said.kind == "thread" else f"pullrequestreview-{number}"
    return Proposal(
        number=len(session.lessons) + 1,
        text=lesson_text(draft.text),
        cites=said.id,
        source=f"/{session.repo.full_name}/pull/{session.pull_number}#{anchor}",
        said_by=said.author,
        path=said.path,
    )


def say_proposals(before: Session, after: Session, event: TurnFinished) -> tuple[Effect, ...]:
    """A comment with what is proposed anew, for a round that brings no new text of the pull request."""
    fresh = after.lessons[len(before.lessons) :]
    if not fresh or after.pull_number is None:
        return ()
    return (Say(number=after.pull_number, tag=f"lessons:{event.id}", body="\n".join(messages.proposed(fresh)).strip()),)


def taught(session: Session, event: CommandIssued, facts: Facts) -> Decision:
    """Somebody with authority wrote `/honk lesson …`. The session, open or ended, goes on as it was."""

    def answer(body: str, why: str, after: Session, *effects: Effect) -> Decision:
        say = Say(number=event.number, tag=f"answer:{event.id}", body=body)
        return Decision(session=after, effects=(*acknowledge(event), *effects, say), why=why)

    change = lesson_change_in(event.command.text)
    if change is None:
        return answer(messages.listed(session.lessons), "lessons were asked for", session)
    act, numbers = change
    chosen = tuple(each for each in session.lessons if each.number in numbers)
    if session.pull_number is None or len(chosen) < len(set(numbers)):
        return answer(messages.unknown(session.lessons), "there is no such lesson", session)
    login = event.actor.login
    kept_by = login if act == "keep" else ""
    marked = tuple(replace(each, kept_by=kept_by) if each in chosen else each for each in session.lessons)
    after = replace(session, lessons=marked)
    if act == "drop":
        drops = [DropLesson(pull_number=session.pull_number, number=each.number) for each in chosen]
        return answer(messages.dropped(chosen), f"`{login}` dropped lessons", after, *drops)
    keeps = [KeepLesson(lesson=_lesson(session, each, event, facts)) for each in chosen]
    return answer(messages.kept(chosen), f"`{login}` kept lessons", after, *keeps)


def _lesson(session: Session, proposal: Proposal, event: CommandIssued, facts: Facts) -> Lesson:
    anchors = {"issue_comment": "issuecomment-", "review_comment": "discussion_r", "review": "pullrequestreview-"}
    anchor = f"#{anchors[event.source]}{event.comment_id}" if event.source in anchors else ""
    lesson = lesson_from(
        proposal,
        repo_id=session.repo.id,
        pull_number=session.pull_number or 0,
        kept_by=event.actor.login,
        now=facts.now,
    )
    place = f"{'pull' if event.is_pull else 'issues'}/{event.number}{anchor}"
    return replace(lesson, kept_in=f"/{session.repo.full_name}/{place}")
