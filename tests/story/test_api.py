"""Programs that start, follow, steer and stop work: the command line, and another agent by MCP."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from github_app.__main__ import main
from tests.story.play import ask, bash, calls, submit, write
from tests.story.world import World


@pytest.fixture
def token(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """A token of ann's, as the operator makes it."""
    command = [*world.stack.program, "tokens", "create", "ann", "--scope", "write"]
    made = subprocess.run(command, env=world.stack.environment(), capture_output=True, text=True, check=True)
    monkeypatch.setenv("HONK_URL", world.stack.url)
    monkeypatch.setenv("HONK_TOKEN", made.stdout.split()[0])
    return made.stdout.split()[0]


async def test_another_agent_hands_work_over_follows_it_says_more_and_stops_it(world: World, token: str) -> None:
    told = "and wave, too (by MCP)"
    world.when(replies=[world.hold_model(write("hello.txt", "hello\n")), world.hold_model(bash("echo held"))])
    env = {"HONK_URL": world.stack.url, "HONK_TOKEN": token}
    server = StdioServerParameters(command=sys.executable, args=["-m", "github_app", "mcp"], env=env)
    async with Client(stdio_client(server)) as agent:
        assert {tool.name for tool in (await agent.list_tools()).tools} == {
            "start",
            "follow",
            "steer",
            "stop",
            "sessions",
        }

        async def call(name: str, **arguments: Any) -> dict[str, Any]:
            answer = await agent.call_tool(name, arguments)
            assert not answer.is_error, answer
            found: dict[str, Any] = answer.structured_content or json.loads(answer.content[0].text)  # type: ignore[union-attr]
            return found

        asked = await call("start", repository=world.repo.full_name, prompt="Say hello\n\nIn a file, please.")
        session = asked["session"]
        assert "`ann` asked for it and may" in asked["why"]
        world.wait_thinking()
        seen = await call("follow", session=session, wait_s=10)
        assert any("command issued (ann" in event["text"] for event in seen["events"])
        assert seen["session"]["title"] == "Say hello"
        assert (await call("steer", session=session, text=told))["why"] == "the instruction joins the running turn"
        (listed,) = (await call("sessions", repository=world.repo.full_name))["sessions"]
        assert listed["status"] == "working"
        stopped = await call("stop", session=session)
        assert stopped["state"] == "decided"
        news = await call("follow", session=session, after=seen["next"])
        assert news["status"] == "closed"
        refused = await agent.call_tool("steer", {"session": session, "text": "approve all"})
        assert refused.is_error
        assert "left to people" in str(refused.content)
    world.let_model_go()
    world.rest()
    (issue,) = [each for each in world.repo.issues.values() if each.pull is None]
    assert issue.user.login == "honk[bot]"
    world.wait_comment(issue, f"`ann` wrote to me by the API:\n\n> {told}")
    world.wait_comment(issue, "`ann` asked me to stop")
    assert world.branches() == []


def test_work_on_an_issue_is_begun_and_followed_to_its_pull_request(
    world: World, token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    issue = world.rob.open_issue(world.repo, "Say hello")
    run = ["run", "--repo", world.repo.full_name, "--issue", str(issue.number), "--follow"]
    assert main([*run, "--json", "--text", "loudly (by the API)"]) == 0
    asked, about, *events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert asked["session"] == about["session"]
    assert any(event["kind"] == "push" for event in events)
    (shown,) = [json.loads(line) for line in _sessions(world, capsys)]
    assert shown["pull_url"].endswith(f"/pull/{world.wait_ready().issue.number}")
    assert token not in world.story()


@pytest.mark.usefixtures("token")
def test_a_run_that_ends_with_a_question_says_so_and_can_be_stopped(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.when("in which", replies=[calls(ask("Which of the two?")), calls(submit())])
    other = world.rob.open_issue(world.repo, "Say hello in which language")
    assert main(["run", "--repo", world.repo.full_name, "--issue", str(other.number), "--follow"]) == 3
    said = capsys.readouterr()
    assert "Which of the two?" not in said.out
    assert f"a person is asked something: see {world.stack.hub.url}" in said.err
    assert main(["stop", world.sessions()[-1].id]) == 0
    assert "asked me to stop" in world.wait_end(other)
    assert main(["steer", world.sessions()[-1].id, "go on"]) == 1
    assert "begin again" in capsys.readouterr().err


@pytest.mark.usefixtures("token")
def test_a_review_that_a_program_asks_for_comes_back_to_it(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    finding = {"path": "README.md", "line": 2, "severity": "low", "text": "This says nothing."}
    world.when("wants this pull request reviewed", "the words", replies=[
        calls({"review": {"summary": "It is short.", "findings": [finding]}}),
    ])  # fmt: skip
    world.rob.push(world.repo, "words", {"README.md": "# App\nIt is an app.\n"}, "Say more")
    pull = world.rob.open_pull(world.repo, "Say more", head="words")
    number = str(pull.issue.number)
    assert main(["run", "--repo", world.repo.full_name, "--review", number, "--text", "the words", "--follow"]) == 0
    told = capsys.readouterr().out
    assert "It is short." in told
    assert "`README.md` line 2: **Minor.** This says nothing." in told
    assert [comment.thread.line for comment in pull.reviews[0].comments] == [2]
    (shown,) = [json.loads(line) for line in _sessions(world, capsys)]
    assert (shown["kind"], shown["branch"], shown["pull_url"].rpartition("/")[2]) == ("review", "", number)
    assert world.branches() == []


def _sessions(world: World, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert main(["sessions", "--json", "--repo", world.repo.full_name]) == 0
    return capsys.readouterr().out.splitlines()
