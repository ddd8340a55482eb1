"""Tool servers that a repository names: one in the sandbox, one by URL, and what the agent gets of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.test_models import serving
from tests.agent.data.official import server as official
from tests.story.conftest import FILES, running, world_in
from tests.story.play import bash, calls, submit
from tests.story.world import World

TELLER = (Path(__file__).parents[1] / "agent/data/teller.py").read_text()
POLICY = """
verify: ["true"]
mcp:
  teller: {command: "python3 tools/teller.py"}
  adder: {url: "%s/mcp"}
  stranger: {url: "https://mcp.example.com/mcp"}
"""


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Give a repository with three servers, and a Honk whose operator allows the one that is there."""
    with serving(official.streamable_http_app(), lifespan="on") as url:
        files = {**FILES, ".github/honk.yml": POLICY % url, "tools/teller.py": TELLER}
        with running(HONK_MCP_ORIGINS=f"{url}=hush") as stack, world_in(stack, request.node.name[5:], files) as it:
            yield it


def test_tool_servers_work_in_a_turn(world: World):
    tell = {"mcp__teller__tell": {"about": "files", "write": "hello.txt"}}
    world.when(
        replies=[calls(tell, {"mcp__adder__add": {"a": 40, "b": 2}}, bash("env; cat hello.txt")), calls(submit())]
    )
    world.ask_for()
    pull = world.wait_ready()
    assert world.text(pull.head_sha, "hello.txt") == "told\n"
    first, second = (prompt.replace("\\n", "\n").replace('\\"', '"') for prompt in world.prompts())
    assert "teller: 1 tools\nadder: 1 tools\nstranger: cannot be used in this turn: the operator allows no" in first
    assert '<answer server="teller">' in second
    assert "about files: " in second
    assert '<answer server="adder">' in second
    assert "42" in second
    assert "hush" not in first + second
