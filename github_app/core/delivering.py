"""The finished build: once for each head that nothing stands against, what CI made of it is looked for, and told."""

from __future__ import annotations

from dataclasses import replace

from github_app.core.builds import Delivered, tag_of
from github_app.core.decisions import Decision, nothing
from github_app.core.effects import Deliver, Effect, Say, ShowProgress
from github_app.core.messages import builds
from github_app.core.session import Session


def with_delivery(session: Session) -> tuple[Session, tuple[Effect, ...]]:
    """The session with its head marked as looked at, and what is to be done for that; nothing the second time, nor for
    a commit of somebody else's."""
    if session.delivered_sha == session.head_sha or session.pull_number is None or not session.answers_for_head:
        return session, ()
    return replace(session, delivered_sha=session.head_sha), (Deliver(head_sha=session.head_sha),)


def delivered(session: Session, event: Delivered) -> Decision:
    """What CI made is there: one comment says what and where, and takes the place of the one on the build before."""
    build = event.build
    if build.head_sha != session.head_sha or session.pull_number is None:
        return nothing(session, "the build is of a commit that is not the head any more")
    say = Say(
        number=session.pull_number,
        tag=tag_of(session.id, build.head_sha),
        body=builds.card(build, session.repo.full_name),
    )
    return Decision(
        session=replace(session, build=build), effects=(say, ShowProgress()), why="what CI made is brought to people"
    )
