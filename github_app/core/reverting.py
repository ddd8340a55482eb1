"""`/honk revert`: a draft pull request, made by GitHub, takes a merged change back; people merge it or not."""

from __future__ import annotations

from dataclasses import replace

from github_app.core.aftermath import Aftermath
from github_app.core.decisions import Decision
from github_app.core.effects import Effect, OpenRevert, Say, ShowProgress
from github_app.core.events import CommandIssued, EffectFailed, Reverted
from github_app.core.facts import Facts
from github_app.core.messages import aftermath as texts
from github_app.core.session import Session


def revert(session: Session, event: CommandIssued, facts: Facts, seen: tuple[Effect, ...]) -> Decision:
    """Somebody with authority wants a merged change taken back: done once, or refused with one reason."""

    def answered(body: str, why: str) -> Decision:
        say = Say(number=event.number, tag=f"answer:{event.id}", body=body)
        return Decision(session=session, effects=(*seen, say), why=why)

    pull = facts.pull
    if session.aftermath is not None and session.aftermath.reverted_in is not None:
        return answered(texts.reverted_already(session.aftermath.reverted_in), "there is a revert already")
    if pull is None:
        return answered(texts.not_reverted(texts.NO_PULL), "there is no pull request to be reverted")
    if not pull.is_merged:
        return answered(texts.not_reverted(texts.not_merged(pull.number, is_open=pull.is_open)), "it is not merged")
    effect = OpenRevert(
        pull_number=pull.number,
        title=texts.revert_title(pull),
        body=texts.revert_body(session, pull, event.actor.login),
        login=event.actor.login,
    )
    return Decision(
        session=session, effects=(*seen, effect), why=f"`{event.actor.login}` wants the merged change taken back"
    )


def reverted(session: Session, event: Reverted) -> Decision:
    """The draft pull request is there."""
    aftermath = replace(session.aftermath or Aftermath(), reverted_in=event.revert_number)
    body = texts.reverted(event.revert_number, session.pull_number, login=event.login)
    say = Say(number=session.pull_number or session.issue_number, tag=f"reverted:{session.id}", body=body)
    known = replace(session, aftermath=aftermath)
    return Decision(session=known, effects=(say, ShowProgress()), why="the pull request that takes it back is there")


def not_reverted(session: Session, event: EffectFailed) -> Decision:
    """GitHub did not make it."""
    say = Say(
        number=session.pull_number or session.issue_number,
        tag=f"answer:{event.id}",
        body=texts.not_reverted(event.reason),
    )
    return Decision(session=session, effects=(say,), why=f"nothing was reverted: {event.reason}")
