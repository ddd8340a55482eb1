"""New heads of pull requests, anybody's and from anywhere: they may propose another policy."""

from __future__ import annotations

from github_app.core import events
from github_app.webhook import payloads
from github_app.webhook.readers import Origin, Parsed


def pull_pushed(origin: Origin, payload: payloads.OpenPullPayload) -> Parsed:
    """Its files are not in the payload; whether it is about the policy is looked up."""
    pull = payload.pull_request
    return events.PullRequestPushed(
        id=origin.id,
        repo=origin.repo(payload),
        actor=origin.actor,
        pull_number=pull.number,
        head_sha=pull.head.sha,
        base_sha=pull.base.sha,
        base_branch=pull.base.ref,
    )
