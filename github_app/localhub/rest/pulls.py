"""https://docs.github.com/rest/pulls/pulls : pull requests, their files and commits, merging, asking for review."""

from __future__ import annotations

from typing import Any

from github_app.localhub import diffs, git, shapes, shapes_code
from github_app.localhub.deeds import issues, pulls
from github_app.localhub.exchange import ApiError, Call, Reply, invalid, not_found, route
from github_app.localhub.values import Pull

_READ, _WRITE, _TALK = "pull_requests:read", "pull_requests:write", "talk|pull_requests:write"


@route("GET", "/repos/{owner}/{repo}/pulls", _READ)
def list_pulls(call: Call) -> Any:
    """Pull requests, newest first; `head` filters by `owner:branch` and needs the owner, as on GitHub."""
    state, head, base = call.query.get("state", "open"), call.query.get("head", ""), call.query.get("base")

    def wanted(p: Pull) -> bool:
        owner = (p.head_repo or call.repo).owner.login.lower()
        asked_owner, colon, branch = head.partition(":")
        by_head = not colon or (asked_owner.lower() == owner and branch == p.head_ref)
        return state in ("all", p.issue.state) and by_head and base in (None, p.base_ref)

    found = [p for p in call.repo.pulls() if wanted(p)]
    by_update = call.query.get("sort") == "updated"
    found.sort(key=lambda p: (p.issue.updated_at if by_update else p.issue.created_at, p.issue.number))
    ascending = call.query.get("direction", "asc" if call.query.get("sort", "created") != "created" else "desc")
    if ascending != "asc":
        found.reverse()
    return call.page(found, lambda p: shapes_code.pull_simple(call.world, p))


@route("POST", "/repos/{owner}/{repo}/pulls", _TALK)
def create_pull(call: Call) -> Any:
    """Open a pull request."""
    if call.repo.archived:
        raise ApiError(403, "Repository was archived so is read-only.")
    pull = pulls.open_pull(
        call.world, call.repo, call.user,
        title=call.want("title"), head=call.want("head"), base=call.want("base"),
        body=call.may("body"), draft=call.may("draft", bool, False),
    )  # fmt: skip
    return Reply(shapes_code.pull(call.world, pull), 201)


@route("GET", "/repos/{owner}/{repo}/pulls/{number}", _READ)
def get_pull(call: Call) -> Any:
    """One pull request; as text with the media types `diff` and `patch`."""
    pull, accept = call.pull, call.headers.get("accept", "")
    base = git.merge_base(call.repo.git_dir, pull.base_sha, pull.head_sha) or git.EMPTY_TREE
    if "diff" in accept:
        return Reply(git.text(call.repo.git_dir, "diff", "-M", base, pull.head_sha) + "\n")
    if "patch" in accept:
        return Reply(git.text(call.repo.git_dir, "format-patch", "--stdout", f"{base}..{pull.head_sha}") + "\n")
    return shapes_code.pull(call.world, pull)


@route("PATCH", "/repos/{owner}/{repo}/pulls/{number}", _WRITE)
def edit_pull(call: Call) -> Any:
    """Change title, body, base or state."""
    pull = call.pull
    issues.edit_issue(call.world, pull.issue, call.user, title=call.may("title"), body=call.may("body"))
    if call.may("base"):
        pulls.retarget(call.world, pull, call.user, call.want("base"))
    match call.may("state"):
        case "closed":
            issues.set_state(call.world, pull.issue, call.user, "closed")
        case "open" if pull.issue.state == "closed":
            pulls.reopen(call.world, pull, call.user)
        case None | "open":
            pass
        case _:
            raise invalid("PullRequest", "state", "invalid")
    return shapes_code.pull(call.world, pull)


def _base(pull: Pull) -> str:
    home = pull.issue.repo.git_dir
    return git.merge_base(home, pull.base_sha, pull.head_sha) or git.EMPTY_TREE


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/files", _READ)
def list_files(call: Call) -> Any:
    """The changed files."""
    pull = call.pull
    files = diffs.between(call.repo.git_dir, _base(pull), pull.head_sha)
    return call.page(files, lambda f: shapes_code.file(call.world, call.repo, pull.head_sha, f))


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/commits", _READ)
def list_commits(call: Call) -> Any:
    """The commits, oldest first; at most 250."""
    pull = call.pull
    commits = git.log(call.repo.git_dir, "--reverse", f"{_base(pull)}..{pull.head_sha}")
    return call.page(commits, lambda c: shapes_code.commit(call.world, call.repo, c))


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/merge", _READ)
def is_merged(call: Call) -> Any:
    """204 when merged, else 404."""
    if call.pull.merged_at is None:
        raise not_found()
    return Reply(None, 204)


@route("PUT", "/repos/{owner}/{repo}/pulls/{number}/merge", "contents:write")
def merge_pull(call: Call) -> Any:
    """Merge."""
    sha = pulls.merge(
        call.world, call.pull, call.user,
        method=call.may("merge_method", default="merge"), expected_head=call.may("sha"),
        body=call.may("commit_message"),
    )  # fmt: skip
    return {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/requested_reviewers", _READ)
def list_requested(call: Call) -> Any:
    """Who is asked for a review."""
    return {"users": [shapes.user(call.world, u) for u in call.pull.requested_reviewers], "teams": []}


@route("POST", "/repos/{owner}/{repo}/pulls/{number}/requested_reviewers", _WRITE)
def request_reviewers(call: Call) -> Any:
    """Ask for reviews."""
    pulls.request_reviewers(call.world, call.pull, call.user, call.may("reviewers", list, []))
    return Reply(shapes_code.pull_simple(call.world, call.pull), 201)


@route("DELETE", "/repos/{owner}/{repo}/pulls/{number}/requested_reviewers", _WRITE)
def remove_reviewers(call: Call) -> Any:
    """Ask no longer."""
    gone = {str(x).lower() for x in call.want("reviewers", list)}
    pull = call.pull
    pull.requested_reviewers = [u for u in pull.requested_reviewers if u.login.lower() not in gone]
    return shapes_code.pull_simple(call.world, pull)
