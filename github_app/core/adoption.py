"""Somebody else's pull request that people ask us for work on: we add commits to its branch, and all else stays its
author's. `opening` begins such work; here is whether that may be, and what is different about it then."""

from __future__ import annotations

from dataclasses import replace

from github_app.core.decisions import Decision, move
from github_app.core.effects import Effect, ShowProgress
from github_app.core.events import CommandIssued, IssueLabeled
from github_app.core.facts import Facts
from github_app.core.feedback import feedback_of_checks, feedback_of_command, open_threads, without_old_checks
from github_app.core.messages import adoption as messages
from github_app.core.messages import plans
from github_app.core.model import Checks, Issue, Pull, Repo
from github_app.core.names import issue_of_branch
from github_app.core.session import Feedback, Session, Status


def find_obstacle(pull: Pull, repo: Repo, facts: Facts, *, is_plan: bool, is_asked: bool) -> str:
    """Why a pull request is not worked on, with what to do instead; empty if it is. `is_asked`: there is something to
    do."""
    if is_plan:
        return plans.refusal(plans.has_pull(pull.number))
    if not pull.is_open:
        return messages.ended(pull)
    if pull.head_repo_id != repo.id:
        return messages.from_fork(pull)
    if (issue_number := issue_of_branch(pull.head_branch)) is not None:
        return messages.of_ours(pull, issue_number)
    hold = facts.branch
    if hold is not None and hold.issue_number is not None:
        return messages.held(pull, hold.issue_number)
    if hold is None or hold.is_protected or pull.head_branch == repo.default_branch:
        return messages.protected(pull)
    return "" if is_asked else messages.NOTHING_ASKED


def issue_of(pull: Pull) -> Issue:
    """The pull request in an issue's clothes: its title and text are what the work is about."""
    return Issue(
        number=pull.number,
        title=pull.title,
        body=pull.body,
        author=pull.author,
        is_open=pull.is_open,
        url=pull.url,
        updated_at=pull.updated_at,
    )


def words_of(event: CommandIssued | IssueLabeled, facts: Facts) -> tuple[Feedback, ...]:
    """What is to be done: what somebody said; or, where they said nothing, what failed and what reviewers asked for."""
    said = feedback_of_command(event, facts) if isinstance(event, CommandIssued) else ()
    if said:
        return said
    checks = feedback_of_checks(facts.checks) if facts.checks is not None else ()
    return (*checks, *open_threads(facts.threads, me=facts.me, may_command=facts.policy.may_command))


def adopting(session: Session, pull: Pull, last: Session | None) -> Session:
    """The session on the branch of somebody's pull request; what an ended one published there is still known."""
    on = replace(
        session,
        branch=pull.head_branch,
        base_branch=pull.base_branch,
        head_sha=pull.head_sha,
        pull_number=pull.number,
        pull_is_draft=pull.is_draft,
        adopted=pull.author,
    )
    if last is None:
        return on
    return replace(on, submission=last.submission, published=last.published, lessons=last.lessons)


def leave_to_author(session: Session, checks: Checks, facts: Facts, *, before: tuple[Effect, ...] = ()) -> Decision:
    """What is wrong with a commit that is not ours, on a pull request that is not: shown, and nobody is asked."""
    resting = without_old_checks(move(session, facts, Status.AWAITING_REVIEW))
    resting = replace(resting, checks=checks, settling=None, fix_rounds=0, waiting_for="", stuck_on="")
    why = "the head is not our commit: its checks are its author's"
    is_new = (resting, before) != (session, ())
    return Decision(session=resting, effects=(*before, *(ShowProgress(),) * is_new), why=why)
