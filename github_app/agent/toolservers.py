"""Tools of servers that a repository names (MCP). One with a command runs in the sandbox, anew for each call and with
the network that is its own; one with a URL is asked by way of `ToolHosts`. Whatever they do, it costs a tool error."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from github_app.agent.outlet import Outlet
from github_app.agent.untrusted import clip, frame, show
from github_app.agent.verify import KILLED, QUIET_ENV
from github_app.core import toolservers
from github_app.core.errors import ToolFailed
from github_app.core.hosts import refusals
from github_app.core.ports import ExecLimits, SecretScanner, Workspace
from github_app.core.toolservers import PREFIX, ServerTool, ToolHosts, ToolServer

_LIST_S = 30.0
_CALL_S = 120.0
_OUTPUT_CHARS = 20_000
_WHY_CHARS = 1_000
_MAX_ARGUMENTS = 100_000  # one argument of execve may have 128 KiB on Linux

# Speaks to the command's standard input and output: $1 marks the answers, $2 to $4 are the messages, $5 is the command.
_TALK = """
trap '' PIPE
room=$(mktemp -d) && mkfifo "$room/in" "$room/out" || exit 126
sh -c "$5" <"$room/in" >"$room/out" 2>"$room/said" &
exec 3>"$room/in" 4<"$room/out"
hear() {
  while IFS= read -r line <&4; do
    case $line in *"$1"*) printf '%s\\n' "$line"; return 0;; esac
  done
  tail -c 2000 "$room/said" >&2
  exit 1
}
printf '%s\\n' "$2" >&3 && hear "$1-1"
printf '%s\\n%s\\n' "$3" "$4" >&3 && hear "$1-2"
exit 0
"""


@dataclass(kw_only=True)
class ToolServers:
    """The servers of one turn. `outlet` hears what hosts they were refused; `time_left_s` is the turn's.

    `look` comes first; then `tools` are by the names that the model is told, `failures` by servers' names.
    """

    servers: tuple[ToolServer, ...]
    workspace: Workspace
    hosts: ToolHosts | None
    outlet: Outlet
    scanner: SecretScanner
    time_left_s: Callable[[], float]
    boundary: str = field(default_factory=lambda: secrets.token_hex(6))
    tools: dict[str, ServerTool] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    async def look(self) -> None:
        """Ask each server for its tools. One that cannot say them has none, and why is in `failures`."""
        for server in self.servers:
            try:
                result = await self._ask(server, "tools/list", {}, timeout_s=_LIST_S)
            except ToolFailed as failure:
                self.failures[server.name] = str(failure)
                continue
            self.tools |= {tool.told_name: tool for tool in toolservers.tools_of(server, result)}

    def definitions(self) -> list[dict[str, Any]]:
        """The tools as a request names them."""
        return [
            {
                "name": tool.told_name,
                "description": f"Of the MCP server `{tool.server.name}`. {tool.description}".strip(),
                "input_schema": dict(tool.schema),
            }
            for tool in self.tools.values()
        ]

    def account(self) -> str:
        """What there is of each server, a line for each; untrusted words in it are shown and cut."""
        lines = []
        for server in self.servers:
            count = sum(tool.server == server for tool in self.tools.values())
            why = self.failures.get(server.name)
            said = f"{count} tools" if why is None else f"cannot be used in this turn: {_shown(why, _WHY_CHARS)}"
            lines.append(f"{server.name}: {said}")
        return "\n".join(lines)

    async def call(self, name: str, arguments: object) -> str:
        """A tool's answer in its frame. Raises `ToolFailed`, also for what the server calls an error."""
        tool = self.tools.get(name)
        if tool is None:
            why = self.failures.get(name.removeprefix(PREFIX).partition("__")[0], "")
            raise ToolFailed(f"there is no tool `{name[:100]}`{f': {_shown(why, _WHY_CHARS)}' if why else ''}")
        if not isinstance(arguments, Mapping):
            raise ToolFailed("arguments must be an object")
        words = json.dumps(arguments)
        if len(words) > _MAX_ARGUMENTS:
            raise ToolFailed(f"arguments may have {_MAX_ARGUMENTS} characters")
        if tool.server.url and (seen := await asyncio.to_thread(self.scanner.scan, words.encode())):
            raise ToolFailed(f"not sent: the arguments hold {seen[0].what}")
        params = {"name": tool.name, "arguments": dict(arguments)}
        try:
            text = toolservers.text_of(await self._ask(tool.server, "tools/call", params, timeout_s=_CALL_S))
        except ToolFailed as failure:
            raise ToolFailed(self._framed(tool, str(failure))) from None
        return self._framed(tool, text or "(it answered nothing)")

    def _framed(self, tool: ServerTool, text: str) -> str:
        return frame("answer", _shown(text, _OUTPUT_CHARS), boundary=self.boundary, server=tool.server.name)

    async def _ask(
        self, server: ToolServer, method: str, params: Mapping[str, Any], *, timeout_s: float
    ) -> Mapping[str, Any]:
        timeout_s = max(1.0, min(timeout_s, self.time_left_s()))
        if server.url:
            if self.hosts is None:
                raise ToolFailed("servers by URL are not asked here")
            return await self.hosts.ask(server.url, method, params, timeout_s=timeout_s)
        return await self._run(server, method, params, timeout_s=timeout_s)

    async def _run(
        self, server: ToolServer, method: str, params: Mapping[str, Any], *, timeout_s: float
    ) -> Mapping[str, Any]:
        mark = f"honk-{secrets.token_hex(8)}"
        messages = (
            toolservers.greeting(f"{mark}-1"),
            toolservers.ready(),
            toolservers.request(f"{mark}-2", method, params),
        )
        argv = ["sh", "-c", _TALK, "sh", mark, *map(json.dumps, messages), server.command]
        outlet = Outlet(workspace=self.workspace, allowed=server.network)
        result = await outlet.exec(argv, env=QUIET_ENV, limits=ExecLimits(timeout_s=timeout_s))
        self.outlet.refused = refusals((*self.outlet.refused, *outlet.take()))
        answer = toolservers.result_of(result.output.splitlines(), f"{mark}-2")
        if answer is not None:
            return answer
        toolservers.result_of(result.output.splitlines(), f"{mark}-1")  # a refusal of the greeting says more
        if result.killed_by:
            raise ToolFailed(f"the server did not answer: {KILLED[result.killed_by]}, after {result.duration_s:.0f} s")
        if result.truncated:
            raise ToolFailed("the server's answer is too long")
        said = "\n".join(line for line in result.output.splitlines() if mark not in line)
        raise ToolFailed(f"the server ended without an answer. It said: {said[-_WHY_CHARS:] or '(nothing)'}")


def _shown(text: str, max_chars: int) -> str:
    # Cut before it is shown, too: what is hidden takes six characters each to show.
    return clip(show(clip(text, max_chars=2 * max_chars, head=0.7)).strip(), max_chars=max_chars, head=0.7)
