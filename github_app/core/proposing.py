"""A pull request that changes the policy is told what that comes to, in a check run; of all others nothing is said."""

from __future__ import annotations

from github_app.core.decisions import Decision, nothing
from github_app.core.effects import ShowPolicy
from github_app.core.events import PullRequestPushed
from github_app.core.facts import Facts
from github_app.core.messages import policies
from github_app.core.session import Session


def proposed(session: Session | None, event: PullRequestPushed, facts: Facts) -> Decision:
    """A pull request has a new head: if it changes the policy, whoever reviews it must see what that means."""
    proposal = facts.proposal
    if proposal is None:
        return nothing(session, "the pull request leaves the policy as it is")
    elsewhere = event.base_branch if event.base_branch != event.repo.default_branch else ""
    shown = ShowPolicy(
        head_sha=event.head_sha,
        conclusion="failure" if proposal.mistakes else "success",
        title=policies.title(proposal),
        summary=policies.summary(proposal, in_force_on=event.repo.default_branch, elsewhere=elsewhere),
        annotations=policies.notes(proposal),
    )
    return Decision(session=session, effects=(shown,), why=f"#{event.pull_number} changes the policy")
