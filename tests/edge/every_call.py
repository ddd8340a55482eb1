"""Every call that Honk makes of GitHub in a whole story, each of them failing in every way: what calls there are is
found out by letting it happen once, so that a new one is covered by itself. Many stories run at once in one Honk, each
in a repository of its own; faults know the repository that they are for."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, fields
from difflib import ndiff
from pprint import pformat
from typing import Any

from github_app.demo.stack import Stack
from github_app.localhub import git
from github_app.localhub.exchange import find
from github_app.localhub.faults import Fault
from github_app.localhub.server import API, Exchange
from github_app.localhub.values import Comment, Repository, ReviewComment
from tests.story.conftest import FILES, world_in
from tests.story.plot import live_through
from tests.story.world import World

TIMEOUT_S = 5
_IMPATIENT = (
    "import runpy; from github_app.adapters.hub.github import GitHubHub; "
    f"GitHubHub.__init__.__kwdefaults__['timeout_s'] = {TIMEOUT_S}; "
    "runpy.run_module('github_app', run_name='__main__')"
)
PROGRAM = (sys.executable, "-c", _IMPATIENT)
"""Honk as it is, but for waiting 5 s instead of 15 s for an answer."""

FAULTS: dict[str, dict[str, Any]] = {
    "502 before": {"kind": "before", "status": 502},
    "502 after": {"kind": "after", "status": 502},
    "cut after": {"kind": "hang"},
    "silence after": {"kind": "stall", "seconds": TIMEOUT_S + 2.0},
    "secondary limit": {"kind": "secondary", "seconds": 1},
    "token refused": {"kind": "unauthorized"},
}
"""Ways to fail, by what they are called in the table; `after` means that GitHub acted."""


@dataclass(frozen=True, order=True)
class CallKind:
    """One kind of call: a method and a path template of GitHub's, or the first field of a GraphQL request."""

    method: str
    template: str
    field: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.template}" + (f" ({self.field})" if self.field else "")

    def fault(self, how: str, repo: str) -> Fault:
        """The rule by which the first such call about a repository fails."""
        pattern = re.sub(r"\\\{\w+\\?\+\\\}", ".+", re.escape(self.template))
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", pattern)
        return Fault(f"^{self.method} {pattern}$", repo=repo, body=self.field and rf"\b{self.field}\b", **FAULTS[how])


def kind_of(exchange: Exchange) -> CallKind | None:
    """The kind of a call that was made; None for what GitHub does not have."""
    path = exchange.path.partition("?")[0].removeprefix(API)
    if path == "/api/graphql":
        first = re.search(rb"{(?:\\n|\s)*(?:\w+: )?(\w+)", exchange.body.partition(b'"query"')[2])
        return CallKind(exchange.method, path, first[1].decode() if first else "")
    found = find(exchange.method, path)
    return CallKind(exchange.method, found[0].template) if found else None


BY_THE_CLOCK = (
    "/repos/{owner}/{repo}/issues",
    "/repos/{owner}/{repo}/issues/comments",
    "/repos/{owner}/{repo}/pulls/{number}/reviews",
    "/repos/{owner}/{repo}/pulls/{number}/comments",
    "/repos/{owner}/{repo}/issues/{number}/events",
)
"""Lists that are looked through every few minutes, whatever happens: a story may be over before its turn comes."""


def calls_about(stack: Stack, repo: str) -> list[CallKind]:
    """The kinds of calls that a story makes about a repository (for none: about the app), in the order of the first."""
    kinds = [kind_of(each) for each in list(stack.hub.exchanges) if each.repo == repo]
    return list(dict.fromkeys(kind for kind in kinds if kind is not None and kind.template not in BY_THE_CLOCK))


class Alone(World):
    """A world among many: it rests when nothing is left to do for its own repository."""

    patience_s = 180.0

    def wait(self, what: str, look: Callable[[], Any], *, timeout_s: float = patience_s) -> Any:
        return super().wait(what, look, timeout_s=timeout_s)

    def _has_heard_all(self) -> bool:
        self.stack.hub.post.settle()
        query = (
            "SELECT id FROM inbox WHERE state IN ('new', 'queued') AND "
            "(lane LIKE :lane OR id LIKE :lane OR CAST(body AS TEXT) LIKE :name)"
        )
        return not self.rows(query, lane=f"{self.repo.id}-%", name=f'%"full_name": "{self.repo.full_name}"%')


def alone(world: World) -> Alone:
    """The same world, with the eyes of one among many."""
    return Alone(**{field.name: getattr(world, field.name) for field in fields(World)})


def worlds(stack: Stack, names: Sequence[str], opened: ExitStack) -> list[Alone]:
    """Make a repository with its people for each name."""
    return [alone(opened.enter_context(world_in(stack, name, FILES))) for name in names]


def live_all(stories: Mapping[str, Alone], *, at_once: int) -> dict[str, str]:
    """Live through all stories; by name, how each that did not end well differs from the first."""

    def live(world: Alone) -> dict[str, Any] | str:
        try:
            live_through(world)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[1]
            return f"{where.line}: {str(error) or world.story()}"
        return end_of(world)

    with ThreadPoolExecutor(at_once) as pool:
        ends = dict(zip(stories, pool.map(live, stories.values()), strict=True))
    first = next(iter(ends.values()))
    return {name: _difference(first, end) for name, end in ends.items() if end != first or isinstance(end, str)}


def end_of(world: World) -> dict[str, Any]:
    """How a story has ended, all of it, in words that are the same for each repository."""
    repo = world.repo
    return {
        "issues": [
            (issue.title, issue.state, world.labels(issue), _reactions(issue), _comments(repo, issue.comments))
            for issue in repo.issues.values()
        ],
        "pulls": [
            (
                _plain(repo, pull.issue.body or ""),
                pull.draft,
                pull.merged_at is not None,
                sorted(user.login for user in pull.requested_reviewers),
                [_comments(repo, thread.comments) for thread in pull.threads],
                [(review.user.login, review.state) for review in pull.reviews],
            )
            for pull in repo.pulls()
        ],
        "branches": {branch: world.subjects(branch) for branch in world.branches()},
        "files": [git.run(repo.git_dir, "ls-tree", "-r", branch).decode() for branch in world.branches()],
        "sessions": [(each.status, each.turns, each.fix_rounds, each.review_rounds) for each in world.sessions()],
        "asked the model": len(world.requests()),
        "told the model": [words in " ".join(world.prompts()) for words in (world.ci.log, "in lower case?")],
    }


def _reactions(thing: Any) -> list[tuple[str, str]]:
    return [(reaction.user.login, reaction.content) for reaction in thing.reactions]


def _comments(repo: Repository, comments: Sequence[Comment | ReviewComment]) -> list[tuple[str, str]]:
    return [(each.user.login, _plain(repo, each.body)) for each in comments]


def _plain(repo: Repository, text: str) -> str:
    """A text without what differs each time: ids, commits, times, links."""
    text = re.sub(r"\bhttps?://\S+", "URL", text.replace(str(repo.id), "ID").replace(repo.full_name, "REPO"))
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "THEN", text)
    return re.sub(r"\(\d+\.\d s\)|\b[0-9a-f]{7,40}\b|PRRT_\d+|discussion_r\d+|[\d,]+ tokens|\$[\d.]+ of", "X", text)


def _difference(first: dict[str, Any] | str, end: dict[str, Any] | str) -> str:
    if isinstance(end, str):
        return end
    if isinstance(first, str):
        return "the story without faults did not end well"
    wanted, told = (pformat(each, width=100).splitlines() for each in (first, end))
    return "\n".join(line for line in ndiff(wanted, told) if line[0] in "+-")


def spread(calls: Sequence[CallKind]) -> Iterator[tuple[str, dict[CallKind, str]]]:
    """Stories in each of which every call fails once, each time in another way: together all calls in all ways."""
    ways = list(FAULTS)
    for shift in range(len(ways)):
        yield f"all {shift}", {call: ways[(place + shift) % len(ways)] for place, call in enumerate(calls)}


def install(stack: Stack, world: World, ways: Mapping[CallKind, str]) -> dict[CallKind, Fault]:
    """Have the first call of each kind fail in its way."""
    faults = {call: call.fault(how, world.repo.full_name) for call, how in ways.items()}
    with stack.hub.faults.lock:
        stack.hub.faults.rules += faults.values()
    return faults
