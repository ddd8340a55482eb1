"""https://docs.github.com/rest/repos/contents : reading files and folders."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from github_app.localhub import git, shapes
from github_app.localhub.deeds.checks import resolve
from github_app.localhub.exchange import ApiError, Call, Reply, not_found, route

_LARGE = 1024 * 1024  # above it GitHub leaves `content` out; the raw media type still works


@route("GET", "/repos/{owner}/{repo}/contents/{path+}", "contents:read")
def get_contents(call: Call) -> Any:
    """A file (base64, or raw by media type) or a folder's list."""
    return _contents(call, call.params["path"].strip("/"))


@route("GET", "/repos/{owner}/{repo}/contents", "contents:read")
def get_root(call: Call) -> Any:
    """The list of the top folder."""
    return _contents(call, "")


@route("GET", "/repos/{owner}/{repo}/contents/", "contents:read")
def get_root_with_slash(call: Call) -> Any:
    """The list of the top folder, as PyGithub asks for it."""
    return _contents(call, "")


def _contents(call: Call, path: str) -> Any:
    home, ref = call.repo.git_dir, call.query.get("ref") or call.repo.default_branch
    sha = resolve(call.repo, ref)
    if sha is None:
        empty = not call.repo.refs
        raise ApiError(404, "This repository is empty." if empty else f"No commit found for the ref {ref}")
    if not path:
        return [_entry(call, ref, e) for e in git.tree(home, sha)]
    found = git.tree(home, sha, path=path)
    if not found:
        raise not_found()
    entry = found[0]
    if entry.type == "tree":
        return [_entry(call, ref, e) for e in git.tree(home, sha, path=f"{path}/")]
    if entry.type == "commit":
        return {**_entry(call, ref, entry), "type": "submodule", "submodule_git_url": None}
    raw = git.run(home, "cat-file", "blob", entry.sha)
    if "raw" in call.headers.get("accept", ""):
        return Reply(raw, headers={"Content-Type": "application/vnd.github.raw; charset=utf-8"})
    if entry.mode == "120000":
        return {**_entry(call, ref, entry), "type": "symlink", "target": raw.decode(errors="replace")}
    large = len(raw) > _LARGE
    content = "" if large else base64.encodebytes(raw).decode()
    return {**_entry(call, ref, entry), "content": content, "encoding": "none" if large else "base64"}


def _entry(call: Call, ref: str, it: git.Entry) -> dict[str, Any]:
    path = quote(it.path)
    at = f"{shapes.repo_api(call.world, call.repo)}/contents/{path}?ref={quote(ref, safe='')}"
    kind = {"tree": "dir", "commit": "submodule"}.get(it.type, "file")
    objects = f"{shapes.repo_api(call.world, call.repo)}/git/{it.type}s/{it.sha}"
    folder = "tree" if kind == "dir" else "blob"
    page = f"{call.world.web}/{call.repo.full_name}/{folder}/{quote(ref)}/{path}"
    raw = f"{call.world.web}/{call.repo.full_name}/raw/{quote(ref)}/{path}"
    return {
        "type": "symlink" if it.mode == "120000" else kind,
        "name": it.path.rpartition("/")[2],
        "path": it.path,
        "sha": it.sha,
        "size": it.size or 0,
        "url": at,
        "git_url": objects,
        "html_url": page,
        "download_url": raw if kind == "file" else None,
        "_links": {"self": at, "git": objects, "html": page},
    }
