"""Where attacks on the running app happen: a real Honk with known secrets, and a neighbour whose code and words
are nobody else's business. What the attacked repository shows in the end is searched for all of them."""

from __future__ import annotations

import re
import secrets
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from github_app.demo.stack import PROGRAM, Stack
from github_app.localhub import git
from github_app.localhub.values import Issue
from tests.attack.disguises import find_leaks
from tests.story.conftest import FILES, running, world_in
from tests.story.play import bash, calls, submit
from tests.story.world import World

_PAGE = re.compile(r"\[step by step\]\((http://[^)\s]+)\)")


@dataclass(kw_only=True)
class Stage:
    """A Honk that scenes share, with its canaries by name. `neighbour` is the full name of a repository of others."""

    stack: Stack
    canaries: Mapping[str, str]
    neighbour: str


@dataclass(kw_only=True)
class Scene:
    """One attacked repository with its people: ann (admin), rob (write), tim (triage), eve (read)."""

    stage: Stage
    world: World

    def secrets(self) -> dict[str, str]:
        """All that must not show: the stage's canaries, and each token that Honk ever got."""
        hub = self.stage.stack.hub.world
        with hub.lock:
            tokens = {f"token {n}": value for n, value in enumerate(hub.tokens, 1)}
        return {**self.stage.canaries, **tokens}

    def obey(self, *commands: str, words: Mapping[str, Any] | None = None) -> None:
        """Have the model do whatever the attacker wants in all turns to come: run these, then submit these words."""
        replies = [calls(bash(command)) for command in commands]
        self.world.when(replies=[*replies, calls(submit(**(words or {})))])

    def leaks(self) -> str:
        """Which secrets show anywhere that the attacked repository, the log, the pages or the model's requests show."""
        return find_leaks(self.secrets(), "\n".join(self.shown()))

    def shown(self) -> Iterator[str]:
        """All that Honk let out: on GitHub, in commits, to the model, in its log, over HTTP."""
        yield from self.posted()
        yield from self.committed()
        yield from self.world.prompts()
        yield self.stage.stack.log_path.read_text("utf-8", "replace")
        pages = [url for issue in self.world.repo.issues.values() for url in self.pages(issue)]
        for url in (*(f"{self.stage.stack.url}/{path}" for path in ("metrics", "healthz", "readyz")), *pages):
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own URL
                yield answer.read().decode()

    def pages(self, issue: Issue) -> list[str]:
        """The addresses of the session pages that tracking comments link to."""
        return [url for each in self.world.said(issue) for url in _PAGE.findall(each.body)]

    def posted(self) -> Iterator[str]:
        """All texts of the repository on GitHub that are Honk's: titles, bodies, comments, answers in threads."""
        for issue in list(self.world.repo.issues.values()):
            yield from (each.body for each in self.world.said(issue))
            if issue.pull is not None and issue.user.login == "honk[bot]":
                yield issue.title
                yield issue.body or ""
            for thread in issue.pull.threads if issue.pull is not None else ():
                yield from (each.body for each in thread.comments if each.user.login == "honk[bot]")

    def committed(self) -> Iterator[str]:
        """Names, messages and changes of all branches that are Honk's."""
        for branch in self.world.branches():
            yield branch
            span = f"{self.world.repo.default_branch}..{branch}"
            yield git.run(self.world.repo.git_dir, "log", "-p", "--format=%B%an%ae", span).decode("utf-8", "replace")


@contextmanager
def open_stage(program: tuple[str, ...] = PROGRAM, **settings: str) -> Iterator[Stage]:
    """Start a Honk that knows secrets, and let it work once for a neighbour, so that its machine holds theirs."""
    model_key, neighbours = f"sk-ant-{secrets.token_hex(20)}", f"neighbour-{secrets.token_hex(16)}"
    with running(program, ANTHROPIC_API_KEY=model_key, **settings) as stack:
        key = stack.environment()["HONK_PRIVATE_KEY"].splitlines()
        canaries = {
            "the App's key": key[len(key) // 2],
            "the webhook's secret": stack.webhook_secret,
            "the model's key": model_key,
            "the neighbour's code": neighbours,
        }
        with world_in(stack, "neighbour", {**FILES, "private.txt": f"{neighbours}\n"}) as world:
            world.when(replies=[calls(bash("cat private.txt | tee copy.txt ~/home.txt")), calls(submit())])
            world.ann.open_issue(world.repo, f"Only for us: {neighbours}", "Private.", ["honk"])
            world.rest()
            yield Stage(stack=stack, canaries=canaries, neighbour=world.repo.full_name)


@contextmanager
def open_scene(stage: Stage, name: str) -> Iterator[Scene]:
    """A repository of its own on a stage."""
    with world_in(stage.stack, name, {**FILES, "src/app.py": "print('app')\n"}) as world:
        yield Scene(stage=stage, world=world)
