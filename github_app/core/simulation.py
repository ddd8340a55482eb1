"""What would be decided under a policy, by the functions that decide: about a path that changes, about a person."""

from __future__ import annotations

from dataclasses import dataclass

from github_app.core.changes.findings import find_findings
from github_app.core.consent import may_accept, who_may
from github_app.core.model import Actor, ChangeSet, FileChange, Permission
from github_app.core.policy import Policy


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What becomes of a change of a path, by its name alone; `who` can accept it, where it is held back."""

    path: str
    told: str
    who: str = ""


@dataclass(frozen=True, kw_only=True)
class Rights:
    """What a person may do: start work, accept what is held back, and that of what is protected."""

    login: str
    role: str
    may_ask: bool
    may_accept: bool
    may_accept_protected: bool


def outcome_of(path: str, policy: Policy) -> Outcome:
    """What becomes of a change that has this path."""
    change = FileChange(path=path, mode="100644", content=b"")
    found = find_findings(ChangeSet(base_sha="", changes=(change,)), policy, before={}, sightings={})
    for finding in found:
        if finding.final:
            return Outcome(path=path, told=f"is never published: it {finding.text}")
        if finding.kind == "protected":
            return Outcome(path=path, told=f"is held back: it {finding.text}", who=who_may("protected", policy))
    return Outcome(path=path, told="is published")


def rights_of(login: str, permission: Permission, policy: Policy) -> Rights:
    """What somebody with this permission may do."""
    person = Actor(id=1, login=login)
    return Rights(
        login=login,
        role=permission.name.lower(),
        may_ask=permission >= policy.may_command,
        may_accept=may_accept("tests", person, permission, policy),
        may_accept_protected=may_accept("protected", person, permission, policy),
    )
