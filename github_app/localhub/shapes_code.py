"""The JSON of commits, files, pull requests, reviews and review comments."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from . import diffs, git
from .shapes import (
    JSON,
    association,
    iso,
    iso_or_none,
    issue_page,
    label,
    reaction_rollup,
    repo_api,
    repository,
    user,
    user_or_none,
)
from .values import Pull, Repository, Review, ReviewComment, User
from .world import World


def author_of(world: World, person: git.Person) -> User | None:
    """Return the account that a commit's address belongs to."""
    return next((u for u in world.users.values() if u.email.lower() == person.email.lower()), None)


def _person(person: git.Person) -> JSON:
    return {"name": person.name, "email": person.email, "date": iso(person.date)}


def _verification(repo: Repository, sha: str) -> JSON:
    signed = sha in repo.signed
    return {
        "verified": signed,
        "reason": "valid" if signed else "unsigned",
        "signature": "localhub: signed by GitHub in real life" if signed else None,
        "payload": None,
        "verified_at": None,
    }


def git_commit(world: World, repo: Repository, it: git.Commit) -> JSON:
    """Return a git-commit (git data API)."""
    at = repo_api(world, repo)
    return {
        "sha": it.sha,
        "node_id": f"C_{it.sha}",
        "url": f"{at}/git/commits/{it.sha}",
        "html_url": f"{world.web}/{repo.full_name}/commit/{it.sha}",
        "author": _person(it.author),
        "committer": _person(it.committer),
        "tree": {"sha": it.tree, "url": f"{at}/git/trees/{it.tree}"},
        "message": it.message,
        "parents": [_parent(world, repo, p, git_data=True) for p in it.parents],
        "verification": _verification(repo, it.sha),
    }


def _parent(world: World, repo: Repository, sha: str, *, git_data: bool) -> JSON:
    folder = "git/commits" if git_data else "commits"
    return {
        "sha": sha,
        "url": f"{repo_api(world, repo)}/{folder}/{sha}",
        "html_url": f"{world.web}/{repo.full_name}/commit/{sha}",
    }


def commit(world: World, repo: Repository, it: git.Commit) -> JSON:
    """Return a commit (repository API) without its files."""
    at = repo_api(world, repo)
    return {
        "sha": it.sha,
        "node_id": f"C_{it.sha}",
        "url": f"{at}/commits/{it.sha}",
        "html_url": f"{world.web}/{repo.full_name}/commit/{it.sha}",
        "comments_url": f"{at}/commits/{it.sha}/comments",
        "commit": {
            "url": f"{at}/git/commits/{it.sha}",
            "author": _person(it.author),
            "committer": _person(it.committer),
            "message": it.message,
            "comment_count": 0,
            "tree": {"sha": it.tree, "url": f"{at}/git/trees/{it.tree}"},
            "verification": _verification(repo, it.sha),
        },
        "author": user_or_none(world, author_of(world, it.author)),
        "committer": user_or_none(world, author_of(world, it.committer)),
        "parents": [_parent(world, repo, p, git_data=False) for p in it.parents],
    }


def commit_with_files(world: World, repo: Repository, it: git.Commit) -> JSON:
    """Return a commit with its statistics and files."""
    base = it.parents[0] if it.parents else git.EMPTY_TREE
    files = diffs.between(repo.git_dir, base, it.sha)
    added, removed = sum(f.additions for f in files), sum(f.deletions for f in files)
    return {
        **commit(world, repo, it),
        "stats": {"additions": added, "deletions": removed, "total": added + removed},
        "files": [file(world, repo, it.sha, f) for f in files],
    }


def file(world: World, repo: Repository, sha: str, it: diffs.FileDiff) -> JSON:
    """Return a diff-entry."""
    path = quote(it.path)
    shape: JSON = {
        "sha": it.sha,
        "filename": it.path,
        "status": it.status,
        "additions": it.additions,
        "deletions": it.deletions,
        "changes": it.additions + it.deletions,
        "blob_url": f"{world.web}/{repo.full_name}/blob/{sha}/{path}",
        "raw_url": f"{world.web}/{repo.full_name}/raw/{sha}/{path}",
        "contents_url": f"{repo_api(world, repo)}/contents/{path}?ref={sha}",
    }
    if it.patch is not None:
        shape["patch"] = it.patch
    if it.previous_path:
        shape["previous_filename"] = it.previous_path
    return shape


def ref(world: World, repo: Repository, name: str, sha: str) -> JSON:
    """Return a git-ref."""
    kind = git.object_type(repo.git_dir, sha) or "commit"
    at = repo_api(world, repo)
    return {
        "ref": name,
        "node_id": f"REF_{repo.id}_{quote(name, safe='')}",
        "url": f"{at}/git/{name}",
        "object": {"type": kind, "sha": sha, "url": f"{at}/git/{kind}s/{sha}"},
    }


def _end(world: World, repo: Repository | None, owner: User, branch: str, sha: str) -> JSON:
    return {
        "label": f"{owner.login}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": user(world, owner),
        "repo": repository(world, repo) if repo else None,
    }


def pull_simple(world: World, it: Pull) -> JSON:
    """Return a pull-request-simple, as lists have it."""
    issue, repo = it.issue, it.issue.repo
    at = f"{repo_api(world, repo)}/pulls/{issue.number}"
    as_issue = f"{repo_api(world, repo)}/issues/{issue.number}"
    page = issue_page(world, issue)
    links = {
        "self": at,
        "html": page,
        "issue": as_issue,
        "comments": f"{as_issue}/comments",
        "review_comments": f"{at}/comments",
        "review_comment": f"{repo_api(world, repo)}/pulls/comments{{/number}}",
        "commits": f"{at}/commits",
        "statuses": f"{repo_api(world, repo)}/statuses/{it.head_sha}",
    }
    return {
        "id": it.id,
        "node_id": f"PR_{it.id}",
        "number": issue.number,
        "url": at,
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": as_issue,
        **{f"{name}_url": links[name] for name in _LINKED},
        "state": issue.state,
        "locked": issue.locked,
        "active_lock_reason": None,
        "title": issue.title,
        "body": issue.body,
        "user": user(world, issue.user),
        "labels": [label(world, repo, x) for x in issue.labels],
        "milestone": None,
        "created_at": iso(issue.created_at),
        "updated_at": iso(issue.updated_at),
        "closed_at": iso_or_none(issue.closed_at),
        "merged_at": iso_or_none(it.merged_at),
        "merge_commit_sha": it.merge_sha,
        "assignee": user_or_none(world, issue.assignees[0] if issue.assignees else None),
        "assignees": [user(world, x) for x in issue.assignees],
        "requested_reviewers": [user(world, x) for x in it.requested_reviewers],
        "requested_teams": [],
        "head": _end(world, it.head_repo, (it.head_repo or repo).owner, it.head_ref, it.head_sha),
        "base": _end(world, repo, repo.owner, it.base_ref, it.base_sha),
        "_links": {name: {"href": href} for name, href in links.items()},
        "author_association": association(world, repo, issue.user),
        "auto_merge": _auto_merge(world, it),
        "draft": it.draft,
    }


def _auto_merge(world: World, it: Pull) -> JSON | None:
    if it.auto_merge is None:
        return None
    return {
        "enabled_by": user(world, it.auto_merge.enabled_by),
        "merge_method": it.auto_merge.method,
        "commit_title": it.issue.title,
        "commit_message": it.auto_merge.body or "",
    }


_LINKED = ("comments", "review_comments", "review_comment", "commits", "statuses")


def pull(world: World, it: Pull) -> JSON:
    """Return a pull-request, with what only GitHub's single answer and its webhooks have."""
    repo, issue = it.issue.repo, it.issue
    base = git.merge_base(repo.git_dir, it.base_sha, it.head_sha) or git.EMPTY_TREE
    files = diffs.between(repo.git_dir, base, it.head_sha)
    mergeable = None
    if issue.state == "open":
        mergeable = git.merge_tree(repo.git_dir, it.base_sha, it.head_sha) is not None
    return {
        **pull_simple(world, it),
        "merged": it.merged_at is not None,
        "merged_by": user_or_none(world, it.merged_by),
        "mergeable": mergeable,
        "rebaseable": False if mergeable is not None else None,
        "mergeable_state": _mergeable_state(it, mergeable),
        "comments": len(issue.comments),
        "review_comments": sum(len(t.comments) for t in it.threads),
        "maintainer_can_modify": False,
        "commits": len(git.log(repo.git_dir, f"{base}..{it.head_sha}") if base != git.EMPTY_TREE else []),
        "additions": sum(f.additions for f in files),
        "deletions": sum(f.deletions for f in files),
        "changed_files": len(files),
    }


def _mergeable_state(it: Pull, mergeable: bool | None) -> str:
    match mergeable:
        case None:
            return "unknown"
        case False:
            return "dirty"
        case _:
            return "draft" if it.draft else "clean"


def review(world: World, it: Review) -> JSON:
    """Return a pull-request-review."""
    repo = it.pull.issue.repo
    pull_at = f"{repo_api(world, repo)}/pulls/{it.pull.issue.number}"
    page = f"{issue_page(world, it.pull.issue)}#pullrequestreview-{it.id}"
    shape: JSON = {
        "id": it.id,
        "node_id": f"PRR_{it.id}",
        "user": user(world, it.user),
        "body": it.body,
        "state": it.state,
        "html_url": page,
        "pull_request_url": pull_at,
        "_links": {"html": {"href": page}, "pull_request": {"href": pull_at}},
        "commit_id": it.sha,
        "author_association": association(world, repo, it.user),
    }
    if it.submitted_at:
        shape["submitted_at"] = iso(it.submitted_at)
    return shape


def place(it: ReviewComment) -> int | None:
    """Return the line of a comment's thread in the pull request's head today; None when it is outdated."""
    thread = it.thread
    if thread.line is None or thread.side == "LEFT":
        return thread.line
    pull_request = thread.pull
    return diffs.follow_line(
        pull_request.issue.repo.git_dir,
        path=thread.path, line=thread.line, old=thread.sha, new=pull_request.head_sha,
    )  # fmt: skip


def review_comment(world: World, it: ReviewComment) -> JSON:
    """Return a pull-request-review-comment. `line` is null when outdated, whatever GitHub's schema says of it."""
    thread, issue = it.thread, it.thread.pull.issue
    at = f"{repo_api(world, issue.repo)}/pulls/comments/{it.id}"
    page = f"{issue_page(world, issue)}#discussion_r{it.id}"
    pull_at = f"{repo_api(world, issue.repo)}/pulls/{issue.number}"
    line = place(it)
    outdated = line is None and thread.subject_type == "line"
    shift = (line or 0) - (thread.line or 0)
    shape: dict[str, Any] = {
        "id": it.id,
        "node_id": f"PRRC_{it.id}",
        "url": at,
        "html_url": page,
        "pull_request_url": pull_at,
        "pull_request_review_id": it.review.id,
        "diff_hunk": thread.diff_hunk,
        "path": thread.path,
        "commit_id": thread.sha if outdated else thread.pull.head_sha,
        "original_commit_id": thread.sha,
        "user": user(world, it.user),
        "body": it.body,
        "created_at": iso(it.created_at),
        "updated_at": iso(it.updated_at),
        "author_association": association(world, issue.repo, it.user),
        "_links": {"self": {"href": at}, "html": {"href": page}, "pull_request": {"href": pull_at}},
        "reactions": reaction_rollup(at, it.reactions),
        "subject_type": thread.subject_type,
        "side": thread.side,
        "line": line,
        "original_line": thread.line,
        "start_line": thread.start_line + shift if thread.start_line and not outdated else None,
        "original_start_line": thread.start_line,
        "start_side": thread.side if thread.start_line else None,
        "position": None if outdated else thread.position,
        "original_position": thread.position,
    }
    if it.reply_to:
        shape["in_reply_to_id"] = it.reply_to.id
    return shape


def legacy_review_comment(world: World, it: ReviewComment) -> JSON:
    """Return a review-comment, as the list of one review has it; the same in our case."""
    return review_comment(world, it)
