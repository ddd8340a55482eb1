"""Looks up what a pull request makes of the policy. Two small files, for nearly all of them."""

from __future__ import annotations

from github_app.agent.yamlfile import load_yaml
from github_app.core.errors import Gone, Misread, Refused
from github_app.core.events import PullRequestPushed
from github_app.core.explanation import Explained
from github_app.core.model import Repo
from github_app.core.policy import POLICY_PATH
from github_app.core.policyfile import find_mistakes
from github_app.core.proposals import Mistake, Proposal
from github_app.engine.policies import Policies, explain_text

_File = bytes | str | None
"""The policy file of a commit: what is in it, or why it cannot be read; None where there is none."""


def proposal_in(policies: Policies, repo: Repo, event: PullRequestPushed) -> Proposal | None:
    """What a pull request makes of the policy; None if it leaves that as it is, or is not there any more. Raises what
    `Hub` raises."""
    try:
        after, before = (_read(policies, repo, sha) for sha in (event.head_sha, event.base_sha))
        if after == before or not _is_its_doing(policies, repo, event, after):
            return None
    except Gone:
        return None
    if mistakes := _mistakes(after):
        return Proposal(mistakes=mistakes)
    return Proposal(before=_followed(policies, before), after=_followed(policies, after) or ())


def _read(policies: Policies, repo: Repo, sha: str) -> _File:
    try:
        return policies.hub.file(repo, POLICY_PATH, sha)
    except Refused as error:
        return str(error)


def _is_its_doing(policies: Policies, repo: Repo, event: PullRequestPushed, after: _File) -> bool:
    """Whether the pull request changed the file, and not the base branch since."""
    found = policies.hub.compare(repo, base=event.base_sha, head_sha=event.head_sha)
    if found is None:
        return False
    return found.merge_base_sha == event.base_sha or _read(policies, repo, found.merge_base_sha) != after


def _mistakes(text: _File) -> tuple[Mistake, ...]:
    if text is None:
        return ()
    if isinstance(text, str):
        return (Mistake(what=text),)
    try:
        document, lines = load_yaml(text, POLICY_PATH)
    except Misread as error:
        return (Mistake(what=error.what, line=error.line),)
    return tuple(Mistake(what=each.what, line=each.line) for each in find_mistakes(document, lines))


def _followed(policies: Policies, text: _File) -> tuple[Explained, ...] | None:
    try:
        return None if isinstance(text, str) else explain_text(text, policies.floor)
    except Misread:
        return None
