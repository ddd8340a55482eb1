"""What an edited comment says: a command that was not in it before, or a box that somebody ticked in a tracking comment
of ours."""

from __future__ import annotations

from github_app.core import events
from github_app.core.commands import Command, parse_command
from github_app.core.messages import boxes
from github_app.webhook import payloads
from github_app.webhook.readers import Ignored, Origin, Parsed, comment_created


def comment_edited(origin: Origin, payload: payloads.EditedCommentPayload) -> Parsed:
    """A command counts when it is new: a typo mended later, or text around it, must not run it again."""
    before = payload.changes.body
    if before is not None and boxes.MARK in before.text:
        return _tracking_edited(origin, payload, before.text)
    if before is None or parse_command(before.text) is not None:
        return Ignored(reason="an edit that adds no command")
    return comment_created(origin, payload)


def _tracking_edited(origin: Origin, payload: payloads.EditedCommentPayload, before: str) -> Parsed:
    """What looks like a tracking comment was edited. We do so all the time, and bots tick no boxes; which comment it
    is, and whose, is found out by its number."""
    if origin.actor.is_bot:
        return Ignored(reason="a tracking comment as a bot edits it")
    repo, number, comment_id = origin.repo(payload), payload.issue.number, payload.comment.id
    box = boxes.clicked(before, payload.comment.body or "")
    if box is None:
        return events.TrackingEdited(id=origin.id, repo=repo, actor=origin.actor, number=number, comment_id=comment_id)
    return events.CommandIssued(
        id=origin.id,
        repo=repo,
        actor=origin.actor,
        number=number,
        is_pull=payload.issue.pull_request is not None,
        command=Command(verb=box),
        comment_id=comment_id,
        source="tracking",
    )
