"""What stands between a pull request and its merge: rules of the branch, auto-merge, the merge queue.

https://docs.github.com/pull-requests/collaborating-with-pull-requests/incorporating-changes-from-a-pull-request
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from github_app.localhub import events, git
from github_app.localhub.exchange import ApiError
from github_app.localhub.values import AutoMerge, Pull, Repository, User
from github_app.localhub.world import World

_GOOD = ("success", "neutral", "skipped")


def unmet(pull: Pull) -> str:
    """What the base branch's rules want and do not have, in GitHub's words; empty if they let it in."""
    repo = pull.issue.repo
    if pull.base_ref != repo.default_branch:
        return ""
    passed = {run.name for run in repo.check_runs(pull.head_sha) if run.conclusion in _GOOD}
    passed |= {each.context for each in repo.statuses if each.sha == pull.head_sha and each.state == "success"}
    missing = sorted(repo.required_checks - passed)
    if missing:
        return f'Required status check "{missing[0]}" is expected.'
    if decision(pull) in ("REVIEW_REQUIRED", "CHANGES_REQUESTED"):
        return f"At least {repo.required_approvals} approving review is required by reviewers with write access."
    return ""


def decision(pull: Pull) -> str | None:
    """What the reviews come to; None where none are required."""
    last = {each.user.id: each.state for each in pull.reviews if each.state in ("APPROVED", "CHANGES_REQUESTED")}
    if not pull.issue.repo.required_approvals:
        return None
    if "CHANGES_REQUESTED" in last.values():
        return "CHANGES_REQUESTED"
    return "APPROVED" if len(last) >= pull.issue.repo.required_approvals else "REVIEW_REQUIRED"


def state_of(pull: Pull) -> str:
    """GitHub's `mergeStateStatus`."""
    repo = pull.issue.repo
    if pull.issue.state != "open":
        return "UNKNOWN"
    if pull.draft:
        return "DRAFT"
    if git.merge_tree(repo.git_dir, pull.base_sha, pull.head_sha) is None:
        return "DIRTY"
    if unmet(pull):
        return "BLOCKED"
    newest = {run.name: run for run in repo.check_runs(pull.head_sha)}.values()
    return "CLEAN" if all(run.conclusion in _GOOD for run in newest) else "UNSTABLE"


def standing(pull: Pull, actor: Callable[[User], Any]) -> dict[str, Any]:
    """The fields of a GraphQL pull request that are about its merge."""
    wish = pull.auto_merge

    def body(_: Any, mergeType: str = "MERGE") -> str:
        if mergeType == "MERGE":
            return pull.issue.title
        home = pull.issue.repo.git_dir
        return "\n\n".join(each.message.strip() for each in git.log(home, f"{pull.base_sha}..{pull.head_sha}"))

    return {
        "mergeStateStatus": lambda _: state_of(pull),
        "reviewDecision": decision(pull),
        "isMergeQueueEnabled": pull.issue.repo.merge_queue,
        "isInMergeQueue": pull.in_queue,
        "viewerMergeBodyText": body,
        "autoMergeRequest": wish and {"enabledBy": actor(wish.enabled_by), "mergeMethod": wish.method.upper()},
    }


def enable(world: World, pull: Pull, sender: User, asked: dict[str, Any]) -> None:
    """Have a pull request merged when its branch's rules let it; GitHub refuses what could be merged at once."""
    _expect(pull, asked)
    state = state_of(pull)
    if state in ("CLEAN", "UNSTABLE", "DIRTY", "DRAFT"):
        raise ApiError(422, f"Pull request Pull request is in {state.lower()} status")
    if not pull.issue.repo.allow_auto_merge:
        raise ApiError(422, "Pull request Auto merge is not allowed for this repository")
    is_squash = asked.get("mergeMethod") == "SQUASH"
    pull.auto_merge = AutoMerge(sender, "squash" if is_squash else "merge", asked.get("commitBody"))
    pull.issue.updated_at = world.now()
    events.pull_request(world, "auto_merge_enabled", pull, sender)


def disable(world: World, pull: Pull, sender: User, _: dict[str, Any]) -> None:
    """Let it stay as it is."""
    if pull.auto_merge is None:
        raise ApiError(422, "Can't disable auto-merge for this pull request.")
    pull.auto_merge = None
    events.pull_request(world, "auto_merge_disabled", pull, sender, reason="Auto-merge was disabled")


def enqueue(world: World, pull: Pull, sender: User, asked: dict[str, Any]) -> None:
    """Put it into the merge queue, which takes only what the rules let in."""
    _expect(pull, asked)
    if why := unmet(pull):
        raise ApiError(422, why)
    pull.in_queue = True
    events.pull_request(world, "enqueued", pull, sender)


def dequeue(world: World, pull: Pull, sender: User, _: dict[str, Any]) -> None:
    """Take it out of the merge queue."""
    if not pull.in_queue:
        raise ApiError(422, "Pull request is not in the merge queue")
    pull.in_queue = False
    events.pull_request(world, "dequeued", pull, sender, reason="MANUAL")


def catch_up(world: World, repo: Repository) -> None:
    """Merge what waits and may be merged by now."""
    from . import pulls

    for pull in repo.pulls():
        wish = pull.auto_merge
        if wish is not None and pull.issue.state == "open" and state_of(pull) in ("CLEAN", "UNSTABLE"):
            pulls.merge(world, pull, wish.enabled_by, method=wish.method, body=wish.body)


def _expect(pull: Pull, asked: dict[str, Any]) -> None:
    if asked.get("expectedHeadOid") not in (None, pull.head_sha):
        raise ApiError(422, "The head of the pull request does not match the expected head")
    if pull.issue.state != "open":
        raise ApiError(422, "Pull request is closed")
