"""Tool servers of a repository, in a turn: what they offer is offered, and what they do wrong costs a tool error."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from github_app.agent.outlet import Outlet
from github_app.agent.task import Submitted
from github_app.agent.toolservers import ToolServers
from github_app.core.errors import ToolFailed
from github_app.core.model import NetworkDecision
from github_app.core.policy import Policy
from github_app.core.toolservers import ToolServer, tools_of
from tests.agent.conftest import Desk
from tests.agent.parts import WordScanner, call, reply, submit

TELLER = Path(__file__).parent / "data" / "teller.py"
OFFICIAL = Path(__file__).parent / "data" / "official.py"


def teller(how: str = "", *, name: str = "teller", network: tuple[str, ...] = ()) -> ToolServer:
    return ToolServer(name=name, command=f"{sys.executable} {TELLER} {how}", network=network)


@dataclass
class Hosts:
    """Answers for all servers by URL."""

    asked: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)

    async def ask(self, url: str, method: str, params: Mapping[str, Any], *, timeout_s: float) -> Mapping[str, Any]:
        assert timeout_s > 0
        self.asked.append((url, method, params))
        if method == "tools/list":
            return {"tools": [{"name": "find"}]}
        return {"content": [{"type": "text", "text": f"found {params['arguments']}"}]}


def servers(desk: Desk, *named: ToolServer) -> ToolServers:
    return ToolServers(
        servers=named,
        workspace=desk.workspace,
        hosts=Hosts(),
        outlet=Outlet(workspace=desk.workspace),
        scanner=WordScanner(),
        time_left_s=lambda: 60.0,
        boundary="b",
    )


async def test_a_tool_is_offered_called_and_answers_in_a_frame(desk: Desk):
    desk.policy = Policy(verify=("true",), mcp=(teller(),))

    outcome = await desk.run(reply(call("mcp__teller__tell", about="files", write="told.txt")), submit())

    first, second = desk.model.requests
    assert [tool["name"] for tool in first.tools][-1] == "mcp__teller__tell"
    assert first.tools[-1]["description"] == "Of the MCP server `teller`. Tells."
    assert first.tools[-1]["input_schema"]["required"] == ["about"]
    assert "teller: 1 tools" in first.messages[0]["content"][0]["text"]
    assert second.tools == first.tools
    (result,) = desk.model.results(1)
    assert '<answer server="teller">' in result["content"]
    assert "about files: calc.py" in result["content"]
    # What a server writes is part of the work.
    assert isinstance(outcome, Submitted)
    assert [change.path for change in outcome.changes.changes] == ["told.txt"]
    assert [change.path for _, snapshot in desk.journal.snapshots for change in snapshot.changes] == ["told.txt"]


async def test_a_turn_without_servers_is_as_it_was(desk: Desk):
    await desk.run(reply(call("mcp__teller__tell")), submit())
    assert "mcp__" not in str(desk.model.requests[0].tools) + str(desk.model.requests[0].messages)
    assert desk.model.results(1)[0]["is_error"]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("mute", "the server did not answer: it ran into its time limit and was stopped, after"),
        ("flood", "the server did not answer: it ran into its time limit and was stopped, after"),
        ("die", "the server ended without an answer. It said: oh no"),
        ("babble", "the server ended without an answer. It said: (nothing)"),
        ("refuse", "the server refuses: not you"),
    ],
)
async def test_a_server_that_misbehaves_costs_a_bounded_wait_and_its_tools(desk: Desk, how: str, words: str):
    waits = iter([1.0 if how in ("mute", "flood") else 60.0, 60.0])
    found = servers(desk, teller(how, name="bad"), teller())
    found.time_left_s = lambda: next(waits)

    await found.look()

    assert list(found.tools) == ["mcp__teller__tell"]
    first, second = found.account().splitlines()
    assert first.startswith(f"bad: cannot be used in this turn: {words}")
    assert second == "teller: 1 tools"
    with pytest.raises(ToolFailed, match=r"there is no tool `mcp__bad__tell`: ") as caught:
        await found.call("mcp__bad__tell", {})
    assert words in str(caught.value)


async def test_a_server_may_misbehave_later(desk: Desk):
    found = servers(desk, teller())
    await found.look()
    for how, words in (("mute", "did not answer"), ("die", "ended without an answer"), ("fail", "no luck")):
        found.time_left_s = lambda how=how: 1.0 if how == "mute" else 60.0  # type: ignore[misc]
        with pytest.raises(ToolFailed, match=words):
            await found.call("mcp__teller__tell", {"about": how})


async def test_a_long_answer_is_cut_and_nothing_in_it_is_hidden(desk: Desk):
    found = servers(desk, teller())
    await found.look()
    told = await found.call("mcp__teller__tell", {"about": "much"})
    assert len(told) < 21_000
    assert "characters are left out here" in told
    assert "\\u202e" in told
    assert told.endswith("=== b ===\n</answer>")


async def test_arguments_are_an_object_of_some_size(desk: Desk):
    found = servers(desk, teller())
    await found.look()
    for arguments in ("x", {"about": "y" * 200_000}):
        with pytest.raises(ToolFailed, match="arguments"):
            await found.call("mcp__teller__tell", arguments)


async def test_a_server_has_the_network_that_is_its_own(desk: Desk):
    desk.workspace.refuses = (NetworkDecision(host="evil.example", port=443, is_allowed=False, reason="no"),)
    found = servers(desk, teller(network=("docs.example.org",)))
    await found.look()
    assert desk.workspace.networks == [("docs.example.org",)]
    assert [each.host for each in found.outlet.refused] == ["evil.example"]


async def test_a_server_by_url_is_asked_from_outside_and_is_told_no_secret(desk: Desk):
    found = servers(desk, ToolServer(name="web", url="https://mcp.example.com/mcp"))
    hosts = found.hosts
    assert isinstance(hosts, Hosts)
    await found.look()
    assert "found {'q': 'x'}" in await found.call("mcp__web__find", {"q": "x"})
    with pytest.raises(ToolFailed, match="not sent: the arguments hold what looks like a secret"):
        await found.call("mcp__web__find", {"q": "secret-1"})
    assert [method for _, method, _ in hosts.asked] == ["tools/list", "tools/call"]
    assert desk.workspace.commands == []
    alone = replace(found, hosts=None, tools={})
    await alone.look()
    assert "servers by URL are not asked here" in alone.account()


async def test_the_protocols_own_server_is_understood(desk: Desk):
    server = ToolServer(name="official", command=f"{sys.executable} {OFFICIAL}")
    found = servers(desk, server)
    (tool,) = tools_of(server, {"tools": [{"name": "add"}]})  # what it lists is asked for by URL, in tests/adapters
    found.tools[tool.told_name] = tool
    assert "42" in await found.call("mcp__official__add", {"a": 40, "b": 2})
