# ruff: noqa: ARG002 - the arguments are the port's
"""A GitHub in memory behind `core.ports.Hub` and `Publisher`: what there is to know is data in its fields, what it was
told to do is in `acts`, and what goes wrong is data too. For tests of what decides on facts; `localhub` is for tests
of what travels over the wire."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from github_app.core.effects import ReactionTarget
from github_app.core.errors import Gone, HeadMoved
from github_app.core.events import CommentSource
from github_app.core.linked import Linked
from github_app.core.merges import Comparison
from github_app.core.missed import Act, Change, Edit, Remark
from github_app.core.model import (
    Actor,
    Annotation,
    ChangeSet,
    Checks,
    Comment,
    Issue,
    Patch,
    Permission,
    Pull,
    Repo,
    Thread,
)
from github_app.core.ports import GitAuth
from github_app.core.reports import LineComment
from github_app.core.shipments import Approvals, Method, Missing
from github_app.core.traffic import Traffic

ME = Actor(id=99, login="honk[bot]", is_bot=True)
BASE = "b" * 40


@dataclass
class RecordingHub:
    """One repository's GitHub. `fail("say", error, …)` makes the next calls of `say` raise; `on` runs before a call."""

    permissions: dict[str, Permission] = field(default_factory=lambda: {"ann": Permission.WRITE})
    issues: dict[int, Issue] = field(default_factory=dict)
    links: dict[int, Linked] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    said: dict[int, list[Comment]] = field(default_factory=lambda: defaultdict(list))
    pulls: dict[int, Pull] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=lambda: {"main": BASE})
    found_checks: dict[str, Checks] = field(default_factory=dict)
    parents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lost_commits: dict[str, Exception] = field(default_factory=dict)
    changed: dict[int, tuple[Patch, ...]] = field(default_factory=dict)
    protected: set[str] = field(default_factory=set)
    open_threads: tuple[Thread, ...] = ()
    approved: Approvals = field(default_factory=Approvals)
    merging: set[int] = field(default_factory=set)
    missing: Missing | None = None
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    lost: list[int] = field(default_factory=list)
    acts: list[tuple[Any, ...]] = field(default_factory=list)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    on: dict[str, Callable[[], None]] = field(default_factory=dict)
    comments_by_tag: dict[tuple[int, str], str] = field(default_factory=dict)
    editors: dict[tuple[int, str], Actor] = field(default_factory=dict)
    commits: dict[str, str] = field(default_factory=dict)
    _failures: dict[str, list[Exception]] = field(default_factory=lambda: defaultdict(list))
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def fail(self, call: str, *errors: Exception) -> None:
        """Make the next calls raise, one error each."""
        with self._lock:
            self._failures[call] += errors

    def acts_of(self, call: str) -> list[tuple[Any, ...]]:
        """What one call was told to do, in order, without the call's name."""
        with self._lock:
            return [act[1:] for act in self.acts if act[0] == call]

    def _call(self, log: list[tuple[Any, ...]], name: str, *args: Any) -> None:
        if name in self.on:
            self.on[name]()
        with self._lock:
            if self._failures[name]:
                raise self._failures[name].pop(0)
            log.append((name, *args))

    # What there is to know

    def identity(self) -> Actor:
        self._call(self.asked, "identity")
        return ME

    def permission(self, repo: Repo, actor: Actor) -> Permission:
        self._call(self.asked, "permission", actor.login)
        return self.permissions.get(actor.login, Permission.NONE)

    def issue(self, repo: Repo, number: int) -> Issue:
        self._call(self.asked, "issue", number)
        if number not in self.issues:
            raise Gone(f"#{number} is not there", what=f"issue #{number}")
        return self.issues[number]

    def linked(self, repo: Repo, number: int) -> Linked:
        self._call(self.asked, "linked", number)
        if number not in self.links:
            raise Gone(f"#{number} is not there", what=f"#{number}")
        return self.links[number]

    def images(self, repo: Repo, number: int, urls: Sequence[str]) -> Mapping[str, bytes]:
        self._call(self.asked, "images", number, tuple(urls))
        return {url: self.pictures[url] for url in urls if url in self.pictures}

    def comments(self, repo: Repo, number: int) -> tuple[Comment, ...]:
        self._call(self.asked, "comments", number)
        return tuple(self.said[number])

    def pull(self, repo: Repo, number: int) -> Pull:
        self._call(self.asked, "pull", number)
        if number not in self.pulls:
            raise Gone(f"#{number} is not there", what="pull request")
        return self.pulls[number]

    def patches(self, repo: Repo, number: int) -> tuple[Patch, ...]:
        self._call(self.asked, "patches", number)
        return self.changed.get(number, ())

    def is_protected(self, repo: Repo, branch: str) -> bool:
        self._call(self.asked, "is_protected", branch)
        return branch in self.protected

    def find_pull(self, repo: Repo, branch: str) -> Pull | None:
        self._call(self.asked, "find_pull", branch)
        return next((pull for pull in self.pulls.values() if pull.head_branch == branch), None)

    def head_of(self, repo: Repo, branch: str) -> str | None:
        self._call(self.asked, "head_of", branch)
        return self.heads.get(branch)

    def compare(self, repo: Repo, *, base: str, head_sha: str) -> Comparison | None:
        self._call(self.asked, "compare", base, head_sha)
        return self.comparisons.get(base)

    def checks(self, repo: Repo, sha: str, *, with_logs: bool = False) -> Checks:
        self._call(self.asked, "checks", sha, with_logs)
        if sha in self.lost_commits:
            raise self.lost_commits[sha]
        return self.found_checks.get(sha, Checks(head_sha=sha, state="none"))

    def first_parents(self, repo: Repo, sha: str, *, limit: int) -> tuple[str, ...]:
        self._call(self.asked, "first_parents", sha)
        return self.parents.get(sha, ())[:limit]

    def threads(self, repo: Repo, pull_number: int) -> tuple[Thread, ...]:
        self._call(self.asked, "threads", pull_number)
        return self.open_threads

    def approvals(self, repo: Repo, number: int, sha: str) -> Approvals:
        self._call(self.asked, "approvals", number, sha)
        return self.approved

    def is_merging(self, repo: Repo, number: int) -> bool:
        self._call(self.asked, "is_merging", number)
        return number in self.merging

    def post_review(
        self, repo: Repo, number: int, *, key: str, sha: str, body: str, comments: Sequence[LineComment]
    ) -> None:
        self._call(self.acts, "post_review", number, key, sha, body, tuple(comments))

    def file(self, repo: Repo, path: str, sha: str) -> bytes | None:
        self._call(self.asked, "file", path, sha)
        return self.files.get((path, sha))

    def git_auth(self, repo: Repo, *, write: bool = False, workflows: bool = False) -> GitAuth:
        return GitAuth(url="file:///nowhere")

    def at_leisure(self) -> AbstractContextManager[None]:
        return nullcontext()

    def traffic(self) -> Traffic:
        return Traffic()

    def has_comment(self, repo: Repo, source: CommentSource, comment_id: int) -> bool:
        self._call(self.asked, "has_comment", source, comment_id)
        return comment_id not in self.deleted

    def redeliver_failed(self, *, since: datetime, again: bool) -> int:
        self._call(self.asked, "redeliver_failed", since, again)
        return self.lost.pop(0) if self.lost else 0

    # What can be done

    def revert_pull(self, repo: Repo, number: int, *, key: str, title: str, body: str) -> int:
        self._call(self.acts, "revert_pull", number, key, title, body)
        return 1_000 + number

    def rerun_failed(self, repo: Repo, run_id: int) -> None:
        self._call(self.acts, "rerun_failed", run_id)

    def react(self, repo: Repo, target: ReactionTarget, target_id: int, content: str) -> None:
        self._call(self.acts, "react", target, target_id, content)

    def say(self, repo: Repo, number: int, tag: str, body: str, *, known: int | None = None) -> int:
        self._call(self.acts, "say", number, tag, body)
        with self._lock:
            self.comments_by_tag[number, tag] = body
            return list(self.comments_by_tag).index((number, tag)) + 1

    def minimise(self, repo: Repo, comment_id: int) -> None:
        self._call(self.acts, "minimise", comment_id)

    def own_comment(self, repo: Repo, number: int, tag: str) -> tuple[str, Actor | None] | None:
        self._call(self.asked, "own_comment", number, tag)
        body = self.comments_by_tag.get((number, tag))
        return None if body is None else (body, self.editors.get((number, tag)))

    def template(self, repo: Repo, sha: str) -> str | None:
        self._call(self.asked, "template", sha)
        return self.templates.get(sha)

    def open_pull(self, repo: Repo, *, branch: str, base: str, title: str, body: str, below: str = "") -> Pull:
        self._call(self.acts, "open_pull", branch, base, title)
        with self._lock:
            for pull in self.pulls.values():
                if pull.head_branch == branch and pull.is_open:
                    return pull
            number = 100 + len(self.pulls)
            self.pulls[number] = Pull(
                number=number, head_branch=branch, head_sha=self.heads[branch], base_branch=base, is_open=True,
                is_merged=False, is_draft=True, author=ME, title=title, body=f"{body}\n\n{below}".rstrip(),
            )  # fmt: skip
            return self.pulls[number]

    def edit_pull(self, repo: Repo, number: int, *, body: str) -> None:
        self._call(self.acts, "edit_pull", number, body)

    def show_check(
        self, repo: Repo, sha: str, *, name: str, key: str, conclusion: str, title: str, summary: str,
        annotations: Sequence[Annotation] = (),
    ) -> None:  # fmt: skip
        self._call(self.acts, "show_check", sha, name, key, conclusion, title, *annotations)

    def mark_ready(self, repo: Repo, number: int) -> None:
        self._call(self.acts, "mark_ready", number)
        self.pulls[number] = replace(self.pulls[number], is_draft=False)

    def stop_merging(self, repo: Repo, number: int) -> None:
        self._call(self.acts, "stop_merging", number)
        self.merging.discard(number)

    def ship(self, repo: Repo, number: int, *, head_sha: str, method: Method, trailer: str) -> Missing | None:
        """As `core.shipments.Merger`: what is `missing` decides."""
        self._call(self.acts, "ship", number, head_sha, method, trailer)
        if self.missing is not None:
            self.merging.add(number)
        return self.missing

    def reply_thread(self, repo: Repo, pull_number: int, *, reply_to: int, key: str, body: str) -> None:
        self._call(self.acts, "reply_thread", pull_number, reply_to, key, body)

    def resolve_thread(self, repo: Repo, thread_id: str) -> None:
        self._call(self.acts, "resolve_thread", thread_id)

    def request_review(self, repo: Repo, number: int, logins: Sequence[str]) -> None:
        self._call(self.acts, "request_review", number, tuple(logins))

    def remove_label(self, repo: Repo, number: int, label: str) -> None:
        self._call(self.acts, "remove_label", number, label)

    def publish(
        self,
        repo: Repo,
        changes: ChangeSet,
        *,
        parent_sha: str,
        branch: str,
        message: str,
        key: str,
        audit: str,
        may_create: bool = True,
        merged_sha: str = "",
    ) -> str:
        """As the real one: once for each key, on top of the parent and of nothing else."""
        self._call(self.acts, "publish", branch, parent_sha, key, *filter(None, [merged_sha]))
        with self._lock:
            if key in self.commits:
                return self.commits[key]
            tip = self.heads.get(branch)
            if tip is None and not may_create:
                raise Gone(f"{branch} was deleted", what="branch")
            if tip is not None and tip != parent_sha:
                raise HeadMoved(f"{branch} is at {tip}", head_sha=tip)
            self.commits[key] = self.heads[branch] = f"{len(self.commits) + 1:040x}"
            for number, pull in self.pulls.items():
                if pull.head_branch == branch:
                    self.pulls[number] = replace(pull, head_sha=self.heads[branch])
            return self.heads[branch]


@dataclass
class StillListing:
    """What stands on that GitHub, as data: nothing, unless a test says otherwise. `asked` counts the lists read."""

    installed: dict[int, datetime] = field(default_factory=dict)
    repos: tuple[Repo, ...] = ()
    changed: tuple[Change, ...] = ()
    said: tuple[Remark, ...] = ()
    record: dict[int, tuple[Act, ...]] = field(default_factory=dict)
    reviewed: tuple[Remark, ...] = ()
    inline: tuple[Remark, ...] = ()
    edited: dict[str, Edit] = field(default_factory=dict)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    fail: dict[int, list[Exception]] = field(default_factory=dict)

    def installations(self) -> tuple[tuple[int, datetime], ...]:
        return tuple(self.installed.items())

    def repositories(self, installation_id: int) -> tuple[Repo, ...]:
        return tuple(repo for repo in self.repos if repo.installation_id == installation_id)

    def changes(self, repo: Repo, since: datetime) -> tuple[Change, ...]:
        self.asked.append(("changes", repo.id, since))
        if self.fail.get(repo.id):
            raise self.fail[repo.id].pop(0)
        return tuple(change for change in self.changed if change.updated_at >= since)

    def change(self, repo: Repo, number: int) -> Change | None:
        self.asked.append(("change", number))
        return next((each for each in self.changed if each.issue.number == number), None)

    def remarks(self, repo: Repo, since: datetime) -> tuple[Remark, ...]:
        self.asked.append(("remarks", repo.id, since))
        return tuple(remark for remark in self.said if remark.updated_at >= since)

    def acts(self, repo: Repo, number: int) -> tuple[Act, ...]:
        self.asked.append(("acts", number))
        return self.record.get(number, ())

    def reviews(self, repo: Repo, number: int) -> tuple[Remark, ...]:
        self.asked.append(("reviews", number))
        return self.reviewed

    def inline_remarks(self, repo: Repo, number: int, since: datetime) -> tuple[Remark, ...]:
        self.asked.append(("inline_remarks", number))
        return tuple(remark for remark in self.inline if remark.updated_at >= since)

    def edits(self, repo: Repo, node_ids: Sequence[str]) -> dict[str, Edit]:
        if node_ids:
            self.asked.append(("edits", tuple(node_ids)))
        return {node_id: self.edited[node_id] for node_id in node_ids if node_id in self.edited}
