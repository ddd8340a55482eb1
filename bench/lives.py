"""What happens to one issue in the soak, from its label to its end: people and CI are played here, a step at a time, so
that many issues are under way at once in one thread; and what must be found of it at its end, once each."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from github_app.core.names import issue_of_branch
from github_app.localhub import git
from github_app.localhub.hub import LocalHub
from github_app.localhub.people import Person
from github_app.localhub.values import Issue, Pull, Repository

T = TypeVar("T")
Waiting = Generator[str, None, T]

BOT = "honk[bot]"
TIMEOUT_S = 600.0

# A file of its own for each turn, so that no two sessions of a repository are in each other's way.
_NOTE = "mkdir -p notes && head -c 1500 /dev/urandom | base64 > notes/$(od -An -N8 -tx8 /dev/urandom | tr -d ' ').txt"


def _call(**calls: dict[str, Any]) -> dict[str, Any]:
    return {"call": [{name: given} for name, given in calls.items()]}


def _submit(title: str) -> dict[str, Any]:
    return {"title": title, "summary": f"{title}, as asked.", "unverified_reason": "there are no tests here"}


SCRIPT = {
    "scenes": [
        {"name": "red", "when": "<check", "replies": [_call(bash={"command": _NOTE}, submit=_submit("Mend it"))]},
        {
            "name": "more",
            "when": ["<comment", "This is new:"],
            "replies": [_call(bash={"command": _NOTE}, submit=_submit("Add more"))],
        },
        {"name": "first", "replies": [_call(bash={"command": _NOTE}), _call(submit=_submit("Write a note"))]},
    ]
}
"""What the model says: two calls in a first turn, one in each that follows."""

KINDS = ("merged", "red", "merged", "asked", "merged", "closed", "merged", "red", "merged", "asked")
"""Ways that an issue goes, one after the other: merged when CI is green; first red and mended; asked for more by a
comment on the pull request; closed by a person. All but the closed ones end merged."""


@dataclass(kw_only=True)
class Place:
    """A repository with its people; sessions come to it until it is full."""

    hub: LocalHub
    repo: Repository
    ann: Person
    rob: Person
    lives: list[Life] = field(default_factory=list)


@dataclass(kw_only=True)
class Life:
    """One issue. `waits_for` says what it waits for, `turns` how many the agent has had."""

    number: int
    place: Place
    kind: str
    issue: Issue | None = None
    waits_for: str = ""
    turns: int = 1
    began_at: float = field(default_factory=time.monotonic)
    ended_at: float = 0.0
    is_lost: bool = False
    _play: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self._play = self._live()

    @property
    def model_calls(self) -> int:
        """How many replies of the model this session wants: each is paid for once."""
        return self.turns + 1

    def go_on(self) -> bool:
        """Do what can be done now; whether it has come to an end, a good one or (`is_lost`) none within the time."""
        self.waits_for = next(self._play, "")
        self.ended_at = time.monotonic()
        self.is_lost = bool(self.waits_for) and self.ended_at - self.began_at > TIMEOUT_S
        return self.is_lost or not self.waits_for

    def _live(self) -> Iterator[str]:
        repo, ann, rob = self.place.repo, self.place.ann, self.place.rob
        issue = self.issue = ann.open_issue(repo, f"Write note {self.number}", "In a file, please.", ["honk"])
        pull = yield from _until("a pull request", lambda: next(iter(pulls_of(repo, issue)), None))
        if self.kind == "red":
            yield from self._say_red(pull)
        self._check(pull, "success")
        yield from _until("it to be out of draft", lambda: not pull.draft)
        if self.kind == "asked":
            yield from self._ask_for_more(pull, rob)
        if self.kind == "closed":
            ann.close(pull.issue)
        else:
            ann.merge(pull)
        yield from _until("the last comment", lambda: endings(issue))
        yield from _until("the label to go", lambda: not issue.labels)

    def _say_red(self, pull: Pull) -> Waiting[None]:
        head, self.turns = pull.head_sha, self.turns + 1
        self._check(pull, "failure")
        yield from _until("what mends CI", lambda: pull.head_sha != head)

    def _ask_for_more(self, pull: Pull, rob: Person) -> Waiting[None]:
        head, self.turns = pull.head_sha, self.turns + 1
        rob.comment(pull.issue, "/honk Please write another note.")
        yield from _until("what was asked for", lambda: pull.head_sha != head)
        self._check(pull, "success")

    def _check(self, pull: Pull, conclusion: str) -> None:
        self.place.hub.add_check(self.place.repo, pull.head_sha, "Tests", conclusion)


def _until(what: str, look: Callable[[], T | None]) -> Waiting[T]:
    while not (found := look()):
        yield what
    return found


def pulls_of(repo: Repository, issue: Issue) -> list[Pull]:
    """The pull requests that came of an issue."""
    return [pull for pull in repo.pulls() if issue_of_branch(pull.head_ref) == issue.number]


def said(issue: Issue, mark: str) -> int:
    """How many comments of ours carry a mark."""
    return sum(comment.user.login == BOT and f"<!-- honk:{mark}:" in comment.body for comment in issue.comments)


def endings(issue: Issue) -> int:
    """How many last comments there are."""
    return said(issue, "ending")


def find_faults(life: Life) -> Iterator[str]:
    """What there is of a session on GitHub more or less than once, in words; nothing is as it should be."""
    issue, repo = life.issue, life.place.repo
    if issue is None:
        yield f"#{life.number}: no issue"
        return
    pulls = pulls_of(repo, issue)
    branches = [ref for ref in repo.refs if issue_of_branch(ref.removeprefix("refs/heads/")) == issue.number]
    wanted = {
        "branches": (len(branches), 1),
        "pull requests": (len(pulls), 1),
        "tracking comments": (said(issue, "tracking"), 1),
        "last comments": (endings(issue), 1),
        "reactions": (sum(each.user.login == BOT for each in issue.reactions), 1),
        "commits": (sum(_commits(repo, ref) for ref in branches), life.turns),
    }
    for what, (found, right) in wanted.items():
        if found != right:
            words = f", waited for {life.waits_for}" if life.is_lost else ""
            yield f"{repo.full_name}#{issue.number} ({life.kind}{words}): {found} {what}, not {right}"


def _commits(repo: Repository, ref: str) -> int:
    """How many commits on a branch are Honk's own; what others merged before it began is off the first parents."""
    args = ("rev-list", "--count", "--first-parent", "--no-merges", "--fixed-strings", f"--author={BOT}", ref)
    return int(git.run(repo.git_dir, *args))
