"""A change set becomes one commit on GitHub by its Git Data API, without git and without a working copy here.

Neither author nor committer is given: GitHub then names our bot and signs. The branch only ever moves forward.
https://docs.github.com/rest/git
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote

from github import InputGitTreeElement
from github.GitCommit import GitCommit
from github.GithubObject import NotSet
from github.Repository import Repository

from github_app.adapters.hub.clients import RepoClient
from github_app.adapters.hub.errors import NotFound, Unprocessable
from github_app.adapters.hub.texts import key_of
from github_app.core.errors import Gone, HeadMoved, RateLimited, Refused, Transient
from github_app.core.merges import Comparison
from github_app.core.messages.rules import explain_push, name_in_the_way
from github_app.core.model import ChangeSet, FileChange

INLINE_BYTES = 256 * 1024
INLINE_TOTAL_BYTES = 2 * 1024 * 1024
"""Text up to these sizes goes into the tree request itself; the rest, and what is not text, becomes blobs first."""

HISTORY = 100
"""So many commits are on one page."""

LOOK_BACK = 30
"""So many commits below a tip that moved are searched for ours."""


def read_head(client: RepoClient, branch: str) -> str | None:
    """Return the commit at the tip of a branch, None without such a branch. `Gone` for an empty repository."""

    def ask(it: Repository) -> str:
        sha: str = it.get_git_ref(f"heads/{branch}").object.sha
        return sha

    try:
        return client.read(ask, what=f"branch {branch}")
    except NotFound:
        return None


def compare(client: RepoClient, *, base: str, head_sha: str) -> Comparison | None:
    """How a commit stands to a branch or commit; None if that is gone, or they have nothing in common."""

    def ask(it: Repository) -> Comparison:
        found = it.compare(base, head_sha, comparison_commits_per_page=1)
        base_sha, common_sha = found.base_commit.sha, found.merge_base_commit.sha
        return Comparison(base_sha=base_sha, merge_base_sha=common_sha, behind_by=found.behind_by)

    try:
        return client.read(ask, what=f"{base} beside {head_sha[:12]}")
    except NotFound:
        return None


def read_first_parents(client: RepoClient, sha: str, *, limit: int) -> tuple[str, ...]:
    """The commits before a commit along first parents, the newest first, as far as one page of the history has them."""

    def ask(it: Repository) -> tuple[str, ...]:
        history = itertools.islice(it.get_commits(sha=sha), HISTORY)
        before = {commit.sha: commit.parents[0].sha for commit in history if commit.parents}
        line = [sha]
        while len(line) <= limit and line[-1] in before:
            line.append(before[line[-1]])
        return tuple(line[1:])

    return client.read(ask, what=f"commits before {sha[:12]}")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a commit goes: on top of `parent_sha`, which is the tip of `branch`, or, with `may_create`, begins it. With
    a `merged_sha`, that is its second parent, and what it changes is told of that one."""

    branch: str
    parent_sha: str
    may_create: bool = True
    merged_sha: str = ""


def publish(client: RepoClient, changes: ChangeSet, place: Place, *, message: str, key: str) -> str:
    """Make one commit with `changes` and move (or create) the branch to it; its SHA.

    `message` carries `key` (see `texts.commit_message`); a commit with the same key on the branch is returned instead.
    Raises `HeadMoved`, `Gone`, `Refused` where GitHub's rules forbid it.
    """
    try:
        return _publish(client, changes, place, message=message, key=key)
    except Unprocessable as error:
        raise Refused(explain_push("; ".join(error.said))) from error


def _publish(client: RepoClient, changes: ChangeSet, place: Place, *, message: str, key: str) -> str:
    branch, parent_sha = place.branch, place.parent_sha
    tip = read_head(client, branch)
    if tip is not None and (done := _find_ours(client, tip, parent_sha=parent_sha, key=key)):
        return done
    if tip is not None and tip != parent_sha:
        raise HeadMoved(f"{branch} is at {tip[:12]}, not at {parent_sha[:12]}", head_sha=tip)
    if tip is None and not place.may_create:
        raise Gone(f"the branch {branch} was deleted", what="branch")
    sha = _commit(client, changes, place, message=message)
    return _point(client, branch, sha, is_new=tip is None, key=key)


def _find_ours(client: RepoClient, tip: str, *, parent_sha: str, key: str) -> str | None:
    """Look for our commit on the branch; below the tip, too, because somebody may have pushed on top of it."""
    if tip == parent_sha:
        return None

    def ask(it: Repository) -> str | None:
        for commit in itertools.islice(it.get_commits(sha=tip), LOOK_BACK):
            if key_of(commit.commit.message) == key:
                return commit.sha
            if commit.sha == parent_sha:
                return None
        return None

    return client.read(ask, what=f"commits below {tip[:12]}")


def _commit(client: RepoClient, changes: ChangeSet, place: Place, *, message: str) -> str:
    elements = list(_tree_elements(client, changes.changes))
    parents = [_read_commit(client, sha) for sha in (place.parent_sha, place.merged_sha) if sha]
    try:
        # The parents and `tree` are complete answers: nothing of them is fetched later.
        tree = parents[-1].tree
        if elements:
            under = tree
            tree = client.write(lambda it: it.create_git_tree(elements, under), what="tree")
        return client.write(lambda it: it.create_git_commit(message, tree, parents).sha, what="commit")
    except NotFound as error:
        raise _gone(place.parent_sha) from error


def _read_commit(client: RepoClient, sha: str) -> GitCommit:
    try:
        return client.read(lambda it: it.get_git_commit(sha), what=f"commit {sha[:12]}")
    except NotFound as error:
        raise _gone(sha) from error


def _gone(sha: str) -> Gone:
    return Gone(f"commit {sha[:12]} is not there any more", what="base commit")


def _tree_elements(client: RepoClient, changes: Iterable[FileChange]) -> Iterable[InputGitTreeElement]:
    room = INLINE_TOTAL_BYTES
    for change in changes:
        kind = (change.path, change.mode, "blob")
        content = change.content
        if content is None:
            yield InputGitTreeElement(*kind, sha=None)
            continue
        text = _text_of(content)
        if text is not None and len(content) <= min(INLINE_BYTES, room):
            room -= len(content)
            yield InputGitTreeElement(*kind, content=text, sha=NotSet)
        else:
            yield InputGitTreeElement(*kind, sha=_upload(client, content, change.path))


def _upload(client: RepoClient, content: bytes, path: str) -> str:
    encoded = base64.b64encode(content).decode()
    return client.write(lambda it: it.create_git_blob(encoded, "base64").sha, what=f"content of {path}")


def _text_of(content: bytes) -> str | None:
    """Return content as text if it survives the way through JSON unchanged."""
    if b"\x00" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _point(client: RepoClient, branch: str, sha: str, *, is_new: bool, key: str) -> str:
    """Let the branch point to a commit. A lost answer and a lost race are both settled by reading the branch again."""

    def act(it: Repository) -> None:
        if is_new:
            it.create_git_ref(f"refs/heads/{branch}", sha)
        else:
            # Not by PyGithub's `GitRef.edit`: it would PATCH the address that the ref was read from, `git/ref`.
            path = f"{it.url}/git/refs/heads/{quote(branch)}"
            it.requester.requestJsonAndCheck("PATCH", path, input={"sha": sha, "force": False})

    try:
        client.write(act, what=f"branch {branch}")
    except RateLimited:
        raise
    except (Transient, Unprocessable) as error:
        tip = read_head(client, branch)
        if tip == sha:
            return sha
        if isinstance(error, Transient):
            raise
        if not _is_about_the_tip(error):
            _look_for_name_in_the_way(client, branch)
            raise
        if tip and (done := _find_ours(client, tip, parent_sha=sha, key=key)):
            return done
        raise HeadMoved(f"{branch} moved while we wrote to it", head_sha=tip) from error
    return sha


def _look_for_name_in_the_way(client: RepoClient, branch: str) -> None:
    """GitHub does not say so, but a branch `a` leaves no room for one that is called `a/b`. Raises `Refused`."""
    for parent in PurePosixPath(branch).parents[:-1]:
        if read_head(client, str(parent)) is not None:
            raise Refused(name_in_the_way(branch, str(parent)))


def _is_about_the_tip(error: Unprocessable) -> bool:
    return any(error.says(words) for words in ("fast forward", "reference already exists", "reference does not exist"))
