"""What Claude Code finds in the sandbox: a desk that takes what Honk understands and nothing else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from github_app.adapters.claudecode import toolserver
from github_app.adapters.claudecode.gateway import serving
from github_app.adapters.claudecode.messages import as_events, read_request
from github_app.adapters.claudecode.program import ENVIRONMENT, arguments, words_in
from github_app.core.backing import DESK_PORT, Backing
from github_app.core.errors import Rejected, Transient
from github_app.core.model import Usage
from github_app.core.ports import ExecLimits, ModelReply, ModelRequest, Workspace
from github_app.core.programs import Leg
from tests.adapters.desks import Desk
from tests.adapters.runners import pretend_two_users, running

MODEL = "claude-sonnet-5-5"
ASKED: dict[str, Any] = {
    "model": MODEL,
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello"}],
}
LEG = Leg(
    session="6f1c7a52-9d5e-5d0c-8f5e-0a1b2c3d4e5f",
    memory="",
    rules="Be good.",
    words=[{"type": "text", "text": "Read @/etc/passwd, says /init"}],
    model=MODEL,
    only_reads=False,
    timeout_s=60.0,
    network=(),
)


def read(**changes: Any) -> ModelRequest:
    return read_request(json.dumps({**ASKED, **changes}).encode(), model=MODEL)


def test_a_request_is_made_of_what_honk_understands():
    asked = read(
        system=[{"type": "text", "text": "Rules", "cache_control": {"type": "ephemeral", "ttl": "1h", "scope": "all"}}],
        tools=[{"name": "Bash", "description": "Run", "input_schema": {}, "defer_loading": True, "strict": True}],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "Hello", "citations": []}]},
            {"role": "system", "content": "The date is today."},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {"a": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "done"}]},
        ],
        metadata={"user_id": "somebody"},
        context_management={"edits": []},
        mcp_servers=[{"type": "url", "url": "https://evil.example"}],
    )
    assert asked.system == [{"type": "text", "text": "Rules", "cache_control": {"type": "ephemeral"}}]
    assert asked.tools == [{"name": "Bash", "description": "Run", "input_schema": {}}]
    assert asked.messages == [
        {
            "role": "user",
            "content": [{"type": "text", "text": "Hello"}, {"type": "text", "text": "The date is today."}],
        },
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {"a": 1}}]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "done"}]}],
        },
    ]


URL_IMAGE = {"type": "image", "source": {"type": "url", "url": "https://evil.example/?what=was-found"}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "claude-opus-5-5"},
        {"max_tokens": 0},
        {"messages": []},
        {"messages": [{"role": "user", "content": [URL_IMAGE]}]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [URL_IMAGE]}]}
            ]
        },
        {"tools": [{"type": "web_fetch_20260318", "name": "web_fetch"}]},
        {"tools": [{"type": "code_execution_20260521", "name": "code_execution"}]},
    ],
)
def test_what_would_lead_elsewhere_is_refused(wrong: dict[str, Any]):
    with pytest.raises(Rejected, match="Honk's desk does not take this"):
        read(**wrong)


def test_a_reply_is_streamed_as_the_service_does():
    content: tuple[dict[str, Any], ...] = (
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "text", "text": "Done."},
        {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls"}},
    )
    reply = ModelReply(content=content, stop_reason="tool_use", usage=Usage(input_tokens=3, output_tokens=2))
    events = [json.loads(each.split("data: ")[1]) for each in as_events(reply, MODEL)]
    assert [each["type"] for each in events[:3]] == ["message_start", "content_block_start", "content_block_delta"]
    deltas = [each["delta"] for each in events if each["type"] == "content_block_delta"]
    assert [each["type"] for each in deltas] == ["thinking_delta", "signature_delta", "text_delta", "input_json_delta"]
    assert json.loads(deltas[-1]["partial_json"]) == {"command": "ls"}
    assert events[-2]["delta"]["stop_reason"] == "tool_use"
    assert events[0]["message"]["id"] != json.loads(next(as_events(reply, MODEL)).split("data: ")[1])["message"]["id"]


def test_the_four_settings_stand_on_its_command_line():
    line = arguments(LEG)
    assert "--setting-sources=" in line
    assert "--strict-mcp-config" in line
    assert json.loads(line[line.index("--mcp-config") + 1]) == {
        "mcpServers": {"honk": {"type": "http", "url": "http://127.0.0.1:3129/mcp"}}
    }
    assert json.loads(words_in(LEG))["client_composed"] is True
    assert not [name for name in ENVIRONMENT if "KEY" in name or "TOKEN" in name]


def test_each_leg_writes_down_what_is_new_and_goes_on_from_the_one_before():
    def words(memory: str) -> list[str]:
        return arguments(Leg(**{**vars(LEG), "memory": memory}))[-3:]

    assert words("")[-1] == f"--session-id={LEG.session}"
    assert words("before") == ["--resume=before", f"--session-id={LEG.session}", "--fork-session"]
    assert words(LEG.session)[-1] == f"--resume={LEG.session}"


def test_who_only_reads_has_nothing_that_runs_or_writes():
    line = arguments(Leg(**{**vars(LEG), "only_reads": True}))
    assert line[line.index("--tools") + 1] == "Read,Grep,Glob"


def test_its_tools_are_listed_and_every_call_is_for_later():
    tool = {"name": "submit", "description": "Hand in", "input_schema": {"type": "object"}}

    def ask(**message: Any) -> Any:
        return toolserver.answer(json.dumps({"jsonrpc": "2.0", **message}).encode(), [tool])

    assert ask(id=1, method="initialize")["result"]["serverInfo"]["name"] == "honk"
    assert ask(method="notifications/initialized") is None
    assert [each["name"] for each in ask(id=2, method="tools/list")["result"]["tools"]] == ["submit"]
    assert ask(id=3, method="tools/call", params={"name": "submit"})["result"]["content"][0]["text"] == toolserver.TAKEN
    assert ask(id=4, method="resources/list")["error"]["code"] == -32601
    assert toolserver.answer(b"{", [])["error"]["code"] == -32700  # type: ignore[index]


@dataclass
class StillDesk:
    """A desk with one word to say."""

    asked: list[ModelRequest] = field(default_factory=list)
    fails: bool = False

    def tools(self) -> Sequence[Mapping[str, Any]]:
        return ()

    async def reply(self, request: ModelRequest) -> ModelReply:
        self.asked.append(request)
        if self.fails:
            raise Transient("away, with the key sk-1")
        return ModelReply(content=({"type": "text", "text": "Hello."},), stop_reason="end_turn", usage=Usage())


CALL = f"""
import sys, urllib.request, urllib.error
body = sys.stdin.buffer.read()
for path in ("/v1/messages", "/v1/models", "/v1/files"):
    try:
        request = urllib.request.Request("http://127.0.0.1:{DESK_PORT}" + path, data=body)
        print(path, urllib.request.urlopen(request, timeout=20).read().decode())
    except urllib.error.HTTPError as error:
        print(path, error.code, error.read().decode())
"""


async def call_from(workspace: Workspace, desk: StillDesk, **changes: Any) -> str:
    """What a command in a workspace gets to hear at its desk; what it asks stands on its standard input."""
    async with serving(desk, model=MODEL) as socket:
        result = await workspace.exec(
            ["python3", "-c", CALL],
            limits=ExecLimits(timeout_s=60),
            backing=Backing(stdin=json.dumps({**ASKED, **changes}).encode(), desk=socket),
        )
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(params=["local", "runner"])
async def workspace(
    request: pytest.FixtureRequest, open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Workspace]:
    """Give a workspace of this machine, and one that a runner holds."""
    if request.param == "local":
        yield await Desk.create(open_tmp_path, has_overlay=True).over({})
        return
    pretend_two_users(monkeypatch)
    async with running(open_tmp_path) as pair:
        yield await pair.open(pair.origin.commit({}))


async def test_a_command_reaches_its_desk_and_nothing_else(workspace: Workspace):
    desk = StillDesk()
    said = await call_from(workspace, desk, stream=True)
    assert '"text": "Hello."' in said
    assert "event: message_stop" in said
    assert "/v1/models 404" in said
    assert "/v1/files 404" in said
    assert [request.messages[0]["content"] for request in desk.asked] == [[{"type": "text", "text": "Hello"}]]
    # The next command has none.
    result = await workspace.exec(["python3", "-c", CALL], limits=ExecLimits(timeout_s=60))
    assert "Connection refused" in result.output


async def test_what_went_wrong_at_the_desk_is_not_told_inside(workspace: Workspace):
    for stream in (True, False):
        said = await call_from(workspace, StillDesk(fails=True), stream=stream)
        assert "Honk ended this leg" in said
        assert "sk-1" not in said
