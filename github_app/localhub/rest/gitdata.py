"""https://docs.github.com/rest/git : blobs, trees, commits and refs."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

from github_app.localhub import git, shapes, shapes_code
from github_app.localhub.auth import holds
from github_app.localhub.deeds import refs
from github_app.localhub.deeds.checks import resolve
from github_app.localhub.exchange import ApiError, Call, Reply, not_found, route

from .repos import need_commits

_READ, _WRITE = "contents:read", "contents:write"
_MODES = {"100644": "blob", "100755": "blob", "120000": "blob", "040000": "tree", "160000": "commit"}


@route("POST", "/repos/{owner}/{repo}/git/blobs", _WRITE)
def create_blob(call: Call) -> Any:
    """Store a file's content."""
    need_commits(call.repo)
    content, encoding = call.want("content"), call.may("encoding", default="utf-8")
    try:
        raw = base64.b64decode(content) if encoding == "base64" else content.encode()
    except (binascii.Error, ValueError):
        raise ApiError(422, "content is not valid Base64") from None
    sha = git.write_blob(call.repo.git_dir, raw)
    return Reply({"sha": sha, "url": f"{shapes.repo_api(call.world, call.repo)}/git/blobs/{sha}"}, 201)


@route("GET", "/repos/{owner}/{repo}/git/blobs/{sha}", _READ)
def get_blob(call: Call) -> Any:
    """A file's content in base64, or as it is with the media type `raw`."""
    sha = call.params["sha"]
    if git.object_type(call.repo.git_dir, sha) != "blob":
        raise not_found()
    raw = git.run(call.repo.git_dir, "cat-file", "blob", sha)
    if "raw" in call.headers.get("accept", ""):
        return Reply(raw)
    return {
        "sha": sha,
        "node_id": f"B_{sha}",
        "size": len(raw),
        "url": f"{shapes.repo_api(call.world, call.repo)}/git/blobs/{sha}",
        "content": base64.encodebytes(raw).decode(),
        "encoding": "base64",
    }


@route("POST", "/repos/{owner}/{repo}/git/trees", _WRITE)
def create_tree(call: Call) -> Any:
    """Store a tree: `base_tree` changed by `tree`; `sha: null` removes a path."""
    need_commits(call.repo)
    home, base = call.repo.git_dir, call.may("base_tree")
    if base and git.object_type(home, base) not in ("tree", "commit"):
        raise ApiError(404, "Not Found")
    sha = git.write_tree(home, base, [_change(call, base, x) for x in call.want("tree", list)])
    return Reply(_tree(call, sha, git.tree(home, sha)), 201)


def _change(call: Call, base: str | None, asked: dict[str, Any]) -> git.Change:
    home, path, mode = call.repo.git_dir, str(asked.get("path", "")), str(asked.get("mode", ""))
    if not path or path.startswith("/") or ".git" in path.lower().split("/") or ".." in path.split("/"):
        raise ApiError(422, "tree.path contains a malformed path component")
    if "sha" in asked and asked["sha"] is None:
        if not base or not git.tree(home, base, path=path):
            raise ApiError(422, "GitRPC::BadObjectState")
        return git.Change(path, mode, None)
    if mode not in _MODES:
        raise ApiError(422, "Must supply a valid tree.mode")
    if "content" in asked:
        return git.Change(path, mode, git.write_blob(home, str(asked["content"]).encode()))
    sha = str(asked.get("sha", ""))
    if mode != "160000" and git.object_type(home, sha) != _MODES[mode]:
        raise ApiError(422, f"tree.sha {sha} is not a valid {_MODES[mode]}")
    return git.Change(path, mode, sha)


def _tree(call: Call, sha: str, entries: list[git.Entry]) -> dict[str, Any]:
    at = f"{shapes.repo_api(call.world, call.repo)}/git"

    def line(entry: git.Entry) -> dict[str, Any]:
        shape: dict[str, Any] = {
            "path": entry.path, "mode": entry.mode, "type": entry.type, "sha": entry.sha,
            "url": f"{at}/{entry.type}s/{entry.sha}",
        }  # fmt: skip
        return shape if entry.size is None else {**shape, "size": entry.size}

    return {"sha": sha, "url": f"{at}/trees/{sha}", "tree": [line(e) for e in entries], "truncated": False}


@route("GET", "/repos/{owner}/{repo}/git/trees/{tree_sha+}", _READ)
def get_tree(call: Call) -> Any:
    """A tree, by its SHA or a branch, with all below it if `recursive`."""
    need_commits(call.repo)
    name = call.params["tree_sha"]
    start = resolve(call.repo, name) or (name if git.object_type(call.repo.git_dir, name) == "tree" else None)
    if start is None:
        raise not_found()
    sha = git.text(call.repo.git_dir, "rev-parse", f"{start}^{{tree}}")
    recursive = "recursive" in call.query
    return _tree(call, sha, git.tree(call.repo.git_dir, sha, recursive=recursive))


@route("POST", "/repos/{owner}/{repo}/git/commits", _WRITE)
def create_commit(call: Call) -> Any:
    """Store a commit; GitHub signs it when an app names neither author nor committer."""
    need_commits(call.repo)
    home, tree, parents = call.repo.git_dir, call.want("tree"), call.may("parents", list, [])
    if git.object_type(home, tree) != "tree":
        raise ApiError(422, f"Tree SHA does not exist: {tree}")
    for parent in parents:
        if git.object_type(home, parent) != "commit":
            raise ApiError(422, f"Parent SHA does not exist or is not a commit object: {parent}")
    author = _person(call, call.may("author", dict))
    committer = _person(call, call.may("committer", dict), author)
    sha = git.write_commit(
        home, tree=tree, parents=parents, author=author, committer=committer, message=call.want("message")
    )
    if call.caller.token and not call.body.get("author") and not call.body.get("committer"):
        call.repo.signed.add(sha)
    return Reply(shapes_code.git_commit(call.world, call.repo, git.commit(home, sha)), 201)


def _person(call: Call, asked: dict[str, Any] | None, default: git.Person | None = None) -> git.Person:
    if not asked:
        return default or git.Person(call.user.login, call.user.email, call.world.now())
    if not asked.get("name") or not asked.get("email"):
        raise ApiError(422, "Invalid request.\n\nname and email are required.")
    try:
        when = datetime.fromisoformat(asked["date"]) if asked.get("date") else call.world.now()
    except ValueError:
        raise ApiError(422, "Invalid request.\n\ndate is not a valid ISO 8601 time.") from None
    return git.Person(str(asked["name"]), str(asked["email"]), when)


@route("GET", "/repos/{owner}/{repo}/git/commits/{sha}", _READ)
def get_commit(call: Call) -> Any:
    """One commit object."""
    if git.object_type(call.repo.git_dir, call.params["sha"]) != "commit":
        raise not_found()
    return shapes_code.git_commit(
        call.world, call.repo, git.commit(call.repo.git_dir, call.params["sha"])
    )  # fmt: skip


@route("GET", "/repos/{owner}/{repo}/git/ref/{ref+}", _READ)
def get_ref(call: Call) -> Any:
    """One ref, named without `refs/`."""
    need_commits(call.repo)
    name = f"refs/{call.params['ref']}"
    if name not in call.repo.refs:
        raise not_found()
    return shapes_code.ref(call.world, call.repo, name, call.repo.refs[name])


@route("GET", "/repos/{owner}/{repo}/git/matching-refs/{ref+}", _READ)
def matching_refs(call: Call) -> Any:
    """All refs that begin so."""
    need_commits(call.repo)
    found = [(n, s) for n, s in call.repo.refs.items() if n.startswith(f"refs/{call.params['ref']}")]
    return call.page(found, lambda x: shapes_code.ref(call.world, call.repo, *x))


def _workflows(call: Call) -> bool:
    return call.caller.token is None or holds(call.world, call.caller, call.repo, "workflows", "write")


@route("POST", "/repos/{owner}/{repo}/git/refs", _WRITE)
def create_ref(call: Call) -> Any:
    """Make a branch or tag."""
    need_commits(call.repo)
    name, sha = call.want("ref"), call.want("sha")
    if not name.startswith("refs/") or name.count("/") < 2:
        message = "Reference name must start with 'refs/' and contain at least two slashes."
        raise ApiError(422, message)
    if not git.succeeds(call.repo.git_dir, "check-ref-format", name):
        raise ApiError(422, f"{name} is not a valid ref name.")
    if name in call.repo.refs:
        raise ApiError(422, "Reference already exists")
    if git.object_type(call.repo.git_dir, sha) is None:
        raise ApiError(422, "Object does not exist")
    refs.set_ref(call.world, call.repo, name, sha, call.user, workflows=_workflows(call))
    return Reply(shapes_code.ref(call.world, call.repo, name, sha), 201)


@route("PATCH", "/repos/{owner}/{repo}/git/refs/{ref+}", _WRITE)
def update_ref(call: Call) -> Any:
    """Move a branch; only forward unless `force`."""
    name, sha, home = f"refs/{call.params['ref']}", call.want("sha"), call.repo.git_dir
    if name not in call.repo.refs:
        raise ApiError(422, "Reference does not exist")
    if git.object_type(home, sha) != "commit":
        raise ApiError(422, "Object does not exist")
    if not call.may("force", bool, False) and not git.is_ancestor(home, call.repo.refs[name], sha):
        raise ApiError(422, "Update is not a fast forward")
    refs.set_ref(call.world, call.repo, name, sha, call.user, workflows=_workflows(call))
    return shapes_code.ref(call.world, call.repo, name, sha)


@route("DELETE", "/repos/{owner}/{repo}/git/refs/{ref+}", _WRITE)
def delete_ref(call: Call) -> Any:
    """Remove a branch or tag."""
    name = f"refs/{call.params['ref']}"
    if name not in call.repo.refs:
        raise ApiError(422, "Reference does not exist")
    refs.set_ref(call.world, call.repo, name, None, call.user)
    return Reply(None, 204)
