"""https://docs.github.com/rest/repos : repositories, people's permissions, branches, commits, comparisons."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from github_app.localhub import diffs, git, shapes, shapes_code
from github_app.localhub.auth import sees
from github_app.localhub.deeds.checks import resolve
from github_app.localhub.exchange import ApiError, Call, Reply, not_found, route
from github_app.localhub.values import Repository


def full(call: Call, repo: Repository) -> dict[str, Any]:
    """Return a repository as the caller sees it."""
    role = call.world.role(call.user, repo) if call.caller.user and not call.caller.token else None
    return shapes.repository(call.world, repo, role)


@route("GET", "/repos/{owner}/{repo}", "metadata:read")
def get_repository(call: Call) -> Any:
    """One repository."""
    return full(call, call.repo)


@route("GET", "/repositories/{repository_id}", "anybody")
def get_repository_by_id(call: Call) -> Any:
    """One repository by its number, whatever it is called now."""
    found = call.world.repositories.get(call.number("repository_id"))
    if found is None or not sees(call.world, call.caller, found):
        raise not_found()
    return full(call, found)


@route("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission", "metadata:read")
def get_permission(call: Call) -> Any:
    """What an account may do: GitHub knows four permissions and finer role names."""
    who = call.world.users.get(call.params["username"].lower())
    if who is None:
        raise not_found()
    role = call.world.role(who, call.repo)
    permission = {"triage": "read", "maintain": "write"}.get(role, role)
    person = {**shapes.user(call.world, who), "permissions": shapes.permissions(role), "role_name": role}
    return {"permission": permission, "role_name": role, "user": person}


@route("GET", "/repos/{owner}/{repo}/collaborators/{username}", "metadata:read")
def check_collaborator(call: Call) -> Any:
    """204 for collaborators."""
    who = call.world.users.get(call.params["username"].lower())
    if who is None or (who is not call.repo.owner and who.id not in call.repo.collaborators):
        raise not_found()
    return Reply(None, 204)


def need_commits(repo: Repository) -> None:
    """Refuse what makes no sense in an empty repository, in GitHub's words."""
    if not any(ref.startswith("refs/heads/") for ref in repo.refs):
        raise ApiError(409, "Git Repository is empty.")


@route("GET", "/repos/{owner}/{repo}/branches", "contents:read")
def list_branches(call: Call) -> Any:
    """All branches."""
    names = [ref[11:] for ref in call.repo.refs if ref.startswith("refs/heads/")]
    at = shapes.repo_api(call.world, call.repo)

    def short(name: str) -> dict[str, Any]:
        sha = call.repo.branch(name)
        commit = {"sha": sha, "url": f"{at}/commits/{sha}"}
        return {"name": name, "commit": commit, "protected": name in call.repo.protected}

    return call.page(names, short)


@route("GET", "/repos/{owner}/{repo}/branches/{branch+}", "contents:read")
def get_branch(call: Call) -> Any:
    """One branch with its commit."""
    name = call.params["branch"]
    sha = call.repo.branch(name)
    if sha is None:
        raise ApiError(404, "Branch not found")
    at = f"{shapes.repo_api(call.world, call.repo)}/branches/{quote(name)}"
    page = f"{call.world.web}/{call.repo.full_name}/tree/{quote(name)}"
    protected = name in call.repo.protected
    return {
        "name": name,
        "commit": shapes_code.commit(call.world, call.repo, git.commit(call.repo.git_dir, sha)),
        "_links": {"self": at, "html": page},
        "protected": protected,
        "protection": {
            "enabled": protected,
            "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []},
        },
        "protection_url": f"{at}/protection",
    }


@route("GET", "/repos/{owner}/{repo}/commits", "contents:read")
def list_commits(call: Call) -> Any:
    """History, newest first, of `sha` (a branch or commit) and optionally one path."""
    need_commits(call.repo)
    start = call.query.get("sha") or call.repo.default_branch
    sha = resolve(call.repo, start)
    if sha is None:
        raise not_found()
    path = call.query.get("path")
    commits = git.log(call.repo.git_dir, sha, "--", *([path] if path else []), limit=5000)
    return call.page(commits, lambda c: shapes_code.commit(call.world, call.repo, c))


@route("GET", "/repos/{owner}/{repo}/commits/{ref+}", "contents:read")
def get_commit(call: Call) -> Any:
    """One commit with its files; as text with the media types `diff` and `sha`."""
    need_commits(call.repo)
    sha = resolve(call.repo, call.params["ref"])
    if sha is None:
        raise ApiError(422, f"No commit found for SHA: {call.params['ref']}")
    if "sha" in call.headers.get("accept", ""):
        return Reply(sha)
    commit = git.commit(call.repo.git_dir, sha)
    if "diff" in call.headers.get("accept", ""):
        return Reply(git.text(call.repo.git_dir, "show", "--format=", sha) + "\n")
    return shapes_code.commit_with_files(call.world, call.repo, commit)


@route("GET", "/repos/{owner}/{repo}/commits/{commit_sha}/pulls", "pull_requests:read")
def list_pulls_of_commit(call: Call) -> Any:
    """The pull requests that contain a commit at their head."""
    found = [p for p in call.repo.pulls() if p.head_sha == call.params["commit_sha"]]
    return call.page(found, lambda p: shapes_code.pull_simple(call.world, p))


@route("GET", "/repos/{owner}/{repo}/compare/{basehead+}", "contents:read")
def compare(call: Call) -> Any:
    """`base...head`: what head has that base has not."""
    base_name, dots, head_name = call.params["basehead"].partition("...")
    repo = call.repo
    base, head = resolve(repo, base_name.rpartition(":")[2]), resolve(repo, head_name.rpartition(":")[2])
    if not dots or base is None or head is None:
        raise not_found()
    common = git.merge_base(repo.git_dir, base, head)
    if common is None:
        raise ApiError(404, f"No common ancestor between {base_name} and {head_name}.")
    if "diff" in call.headers.get("accept", ""):
        return Reply(git.text(repo.git_dir, "diff", common, head) + "\n")
    ahead = git.log(repo.git_dir, "--reverse", f"{base}..{head}")
    behind = git.log(repo.git_dir, f"{head}..{base}")
    states = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind"}
    at = f"{shapes.repo_api(call.world, repo)}/compare/{quote(base_name)}...{quote(head_name)}"
    page = f"{call.world.web}/{repo.full_name}/compare/{quote(base_name)}...{quote(head_name)}"
    return {
        "url": at,
        "html_url": page,
        "permalink_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "base_commit": shapes_code.commit(call.world, repo, git.commit(repo.git_dir, base)),
        "merge_base_commit": shapes_code.commit(call.world, repo, git.commit(repo.git_dir, common)),
        "status": states.get((bool(ahead), bool(behind)), "identical"),
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": [shapes_code.commit(call.world, repo, c) for c in ahead],
        "files": [shapes_code.file(call.world, repo, head, f) for f in diffs.between(repo.git_dir, common, head)[:300]],
    }
