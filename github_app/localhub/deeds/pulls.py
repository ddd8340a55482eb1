"""Opening, changing and merging pull requests."""

from __future__ import annotations

import re

from github_app.localhub import events, git, shapes
from github_app.localhub.exchange import ApiError, invalid
from github_app.localhub.values import Issue, Pull, Repository, User
from github_app.localhub.world import World

from . import issues, merging, refs

_CLOSES = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d+)\b", re.IGNORECASE)


def _resolve_head(world: World, repo: Repository, head: str) -> tuple[Repository, str]:
    owner, colon, branch = head.rpartition(":")
    if not colon or owner.lower() == repo.owner.login.lower():
        return repo, branch
    fork = world.repository(f"{owner}/{repo.name}")
    if fork is None:
        raise invalid("PullRequest", "head", "invalid")
    return fork, branch


def open_pull(
    world: World,
    repo: Repository,
    author: User,
    *,
    title: str,
    head: str,
    base: str,
    body: str | None = None,
    draft: bool = False,
) -> Pull:
    """Open a pull request; 422 with GitHub's words where branches or history do not allow it."""
    issues.check_body("PullRequest", body)
    source, branch = _resolve_head(world, repo, head)
    head_sha, base_sha = source.branch(branch), repo.branch(base)
    if head_sha is None:
        raise invalid("PullRequest", "head", "invalid")
    if base_sha is None:
        raise invalid("PullRequest", "base", "invalid")
    label = f"{source.owner.login}:{branch}"
    for other in repo.pulls():
        same = other.head_repo is source and other.head_ref == branch and other.base_ref == base
        if same and other.issue.state == "open":
            raise invalid("PullRequest", "", "custom", f"A pull request already exists for {label}.")
    if source is not repo:
        git.run(repo.git_dir, "fetch", "-q", str(source.git_dir), head_sha)
    if git.is_ancestor(repo.git_dir, head_sha, base_sha):
        raise invalid("PullRequest", "", "custom", f"No commits between {base} and {branch}")
    if git.merge_base(repo.git_dir, base_sha, head_sha) is None:
        message = f"The {branch} branch has no history in common with {base}"
        raise invalid("PullRequest", "", "custom", message)
    now = world.now()
    issue = Issue(world.new_id(), repo, issues.next_number(repo), title, body, author, now, now)
    pull = Pull(world.new_id(), issue, source, branch, head_sha, base, base_sha, draft)
    issue.pull = pull
    repo.issues[issue.number] = issue
    refs.publish_head(pull)
    events.pull_request(world, "opened", pull, author)
    refs.start_pull_workflows(world, pull, "opened", author)
    return pull


def retarget(world: World, pull: Pull, sender: User, base: str) -> None:
    """Change the base branch."""
    sha = pull.issue.repo.branch(base)
    if sha is None:
        raise invalid("PullRequest", "base", "invalid")
    changes = {"base": {"ref": {"from": pull.base_ref}, "sha": {"from": pull.base_sha}}}
    pull.base_ref, pull.base_sha = base, sha
    events.pull_request(world, "edited", pull, sender, changes=changes)


def set_draft(world: World, pull: Pull, sender: User, draft: bool) -> None:
    """Convert to draft or mark as ready for review."""
    if pull.draft != draft:
        pull.draft = draft
        pull.issue.updated_at = world.now()
        events.pull_request(world, "converted_to_draft" if draft else "ready_for_review", pull, sender)


def reopen(world: World, pull: Pull, sender: User) -> None:
    """Open a closed pull request again; the branch must still be there."""
    if pull.merged_at:
        raise invalid("PullRequest", "state", "invalid", "state cannot be changed. The pull request is merged.")
    sha = pull.head_repo.branch(pull.head_ref) if pull.head_repo else None
    if sha is None:
        raise invalid("PullRequest", "state", "invalid", "state cannot be changed. The branch was deleted.")
    pull.head_sha = sha
    refs.publish_head(pull)
    issues.set_state(world, pull.issue, sender, "open")


def request_reviewers(world: World, pull: Pull, sender: User, logins: list[str]) -> None:
    """Ask people for a review (again)."""
    people = []
    for login in logins:
        who = world.users.get(login.lower())
        if who is None or world.role(who, pull.issue.repo) == "none":
            raise ApiError(
                422, "Reviews may only be requested from collaborators. One or more of the users or teams you "
                "specified is not a collaborator of the " + pull.issue.repo.full_name + " repository.",
            )  # fmt: skip
        if who is pull.issue.user:
            raise ApiError(422, "Review cannot be requested from pull request author.")
        people.append(who)
    for who in people:
        if who not in pull.requested_reviewers:
            pull.requested_reviewers.append(who)
        reviewer = shapes.user(world, who)
        events.pull_request(world, "review_requested", pull, sender, requested_reviewer=reviewer)


def merge(
    world: World,
    pull: Pull,
    sender: User,
    *,
    method: str = "merge",
    expected_head: str | None = None,
    body: str | None = None,
) -> str:
    """Merge and return the new commit; 405 and 409 as GitHub says them. `body` is the message below its first line."""
    repo = pull.issue.repo
    if expected_head and expected_head != pull.head_sha:
        raise ApiError(409, "Head branch was modified. Review and try the merge again.")
    if pull.issue.state != "open" or pull.draft:
        why = "Pull Request is still a draft" if pull.draft else "Pull Request is not mergeable"
        raise ApiError(405, why)
    if why := merging.unmet(pull):
        raise ApiError(405, why)
    if method not in ("merge", "squash"):
        raise ApiError(405, f"{method.title()} merges are not allowed on this repository.")
    tree = git.merge_tree(repo.git_dir, pull.base_sha, pull.head_sha)
    if tree is None:
        raise ApiError(405, "Pull Request is not mergeable")
    number, title = pull.issue.number, pull.issue.title
    person = git.Person(sender.login, sender.email, world.now())
    if method == "merge":
        parents = [pull.base_sha, pull.head_sha]
        owner = (pull.head_repo or repo).owner.login
        message = f"Merge pull request #{number} from {owner}/{pull.head_ref}\n\n{title if body is None else body}\n"
    else:
        parents, message = [pull.base_sha], f"{title} (#{number})\n" + (f"\n{body}\n" if body else "")
    sha = git.write_commit(repo.git_dir, tree=tree, parents=parents, author=person, committer=person, message=message)
    repo.signed.add(sha)
    pull.merged_at, pull.merged_by, pull.merge_sha = world.now(), sender, sha
    pull.auto_merge, pull.in_queue = None, False
    before = dict(repo.refs)
    git.set_ref(repo.git_dir, f"refs/heads/{pull.base_ref}", sha)
    issues.set_state(world, pull.issue, sender, "closed")
    refs.refs_changed(world, repo, before, sender)
    if pull.base_ref == repo.default_branch:
        _close_issues(world, pull, sender)
    if repo.delete_branch_on_merge and pull.head_repo is repo:
        refs.set_ref(world, repo, f"refs/heads/{pull.head_ref}", None, sender)
    return sha


CANNOT_REVERT = (
    "Sorry, this pull request couldn't be reverted automatically. It may have already been reverted, or the content "
    "may have changed since it was merged."
)


def revert(
    world: World, pull: Pull, sender: User, *, title: str | None = None, body: str | None = None, draft: bool = False
) -> Pull:
    """Open a pull request that takes back a merged one, from a branch that is made for it; 422 where git cannot."""
    repo, number = pull.issue.repo, pull.issue.number
    if pull.merge_sha is None or pull.merged_at is None:
        raise ApiError(422, "Pull request is not merged.")
    base = repo.branch(pull.base_ref)
    tree = git.revert_tree(repo.git_dir, pull.merge_sha, base) if base else None
    if base is None or tree is None or tree == git.commit(repo.git_dir, base).tree:
        raise ApiError(422, CANNOT_REVERT)
    said = f'Revert "{pull.issue.title}"' if title is None else title
    person = git.Person(sender.login, sender.email, world.now())
    message = f"{said}\n\nThis reverts commit {pull.merge_sha}.\n"
    sha = git.write_commit(repo.git_dir, tree=tree, parents=[base], author=person, committer=person, message=message)
    repo.signed.add(sha)
    name = f"revert-{number}-{pull.head_ref}"
    branch = next(name + more for more in ("", *(f"-{n}" for n in range(1, 99))) if not repo.branch(name + more))
    refs.set_ref(world, repo, f"refs/heads/{branch}", sha, sender)
    text = f"Reverts {repo.full_name}#{number}" if body is None else body
    return open_pull(world, repo, sender, title=said, head=branch, base=pull.base_ref, body=text, draft=draft)


def _close_issues(world: World, pull: Pull, sender: User) -> None:
    for number in _CLOSES.findall(pull.issue.body or ""):
        issue = pull.issue.repo.issues.get(int(number))
        if issue and not issue.pull:
            issues.set_state(world, issue, sender, "closed")
