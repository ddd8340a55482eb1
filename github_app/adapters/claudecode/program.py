"""Claude Code run in the sandbox, a leg at a time.

It comes from the wheel of the Claude Agent SDK, which is pinned and hashed as any other dependency; its command line is
what that SDK speaks to. Four settings must hold whatever the repository brings along: commands see no key, no settings
are read from the repository or the home, there are no tool servers but ours, and words go to the model as they are
written. For the first, Claude Code would scrub environments (`CLAUDE_CODE_SUBPROCESS_ENV_SCRUB`) by a sandbox inside of
the sandbox, which ours forbids; so there is nothing to scrub: no key is in any environment, nor anywhere else inside.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from github_app.adapters.claudecode.gateway import serving
from github_app.adapters.claudecode.installed import HOW_TO_GET, find_folder
from github_app.core.backing import DESK_PORT, Backing
from github_app.core.errors import Misconfigured
from github_app.core.ports import ExecLimits, ExecResult, Workspace
from github_app.core.programs import OURS, Desk, Leg

_URL = f"http://127.0.0.1:{DESK_PORT}"
_READING = ("Read", "Grep", "Glob")
_WORKING = ("Bash", "Read", "Edit", "Write", "Grep", "Glob")

ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {
        "ANTHROPIC_BASE_URL": _URL,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
        # What is left in the background ends with the leg.
        "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
        "ENABLE_TOOL_SEARCH": "false",
        # A summary of its own would be asked for between two steps, where Honk may end the leg in its place.
        "DISABLE_COMPACT": "1",
        # A reply may take long, and is asked for once: what fails is for Honk to try again.
        "API_TIMEOUT_MS": "3600000",
        "CLAUDE_CODE_MAX_RETRIES": "0",
        "BASH_DEFAULT_TIMEOUT_MS": "120000",
        "BASH_MAX_TIMEOUT_MS": "600000",
        "NO_PROXY": "localhost,127.0.0.1,::1",
        "no_proxy": "localhost,127.0.0.1,::1",
    }
)

_SETTINGS = {
    # It wants a key to speak to anybody, and gets a word from a command: in no environment, and worth nothing.
    "apiKeyHelper": "echo held-by-honk",
    "attribution": {"commit": "", "pr": ""},
}


@dataclass(frozen=True, kw_only=True)
class ClaudeCode:
    """The program (`core.programs.Program`). `binary` is shown in sandboxes at its own path."""

    binary: Path

    @classmethod
    def installed(cls) -> ClaudeCode:
        """The one of this installation. Raises `Misconfigured`."""
        folder = find_folder()
        if folder is None:
            raise Misconfigured(HOW_TO_GET)
        return cls(binary=folder / "claude")

    def about(self) -> str:
        """Which version it is. Blocks for a second. Raises `Misconfigured` if it does not run on this machine."""
        try:
            ran = subprocess.run(
                [self.binary, "--version"], env={"HOME": "/nonexistent"}, capture_output=True, timeout=60, check=True
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Misconfigured(f"Claude Code at {self.binary} does not run here ({type(error).__name__})") from error
        return ran.stdout.decode(errors="replace").strip()

    async def recall(self, sessions: Sequence[str], workspace: Workspace) -> str:
        """The first session whose transcript is in the home that the workspace keeps."""
        look = 'ls "$HOME"/.claude/projects/*/'
        found = (await workspace.exec(["sh", "-c", look], limits=ExecLimits(timeout_s=20))).output.split()
        return next((session for session in sessions if f"{session}.jsonl" in found), "")

    async def run(self, leg: Leg, *, workspace: Workspace, desk: Desk) -> ExecResult:
        """Run one leg."""
        async with serving(desk, model=leg.model) as socket:
            return await workspace.exec(
                [str(self.binary), *arguments(leg)],
                env={**ENVIRONMENT, "ANTHROPIC_DEFAULT_HAIKU_MODEL": leg.model},
                limits=ExecLimits(timeout_s=leg.timeout_s),
                network=leg.network,
                backing=Backing(stdin=words_in(leg), desk=socket),
            )


def arguments(leg: Leg) -> list[str]:
    """The command line of a leg."""
    tools = _READING if leg.only_reads else _WORKING
    servers = {"mcpServers": {OURS.split("__")[1]: {"type": "http", "url": f"{_URL}/mcp"}}}
    return [
        "--print",
        "--verbose",
        *("--input-format", "stream-json", "--output-format", "stream-json"),
        *("--model", leg.model),
        *("--append-system-prompt", leg.rules),
        *("--tools", ",".join(tools)),
        *("--allowedTools", ",".join((*tools, OURS.removesuffix("__")))),
        # What is not allowed above is refused, and nobody is there to be asked.
        *("--permission-mode", "dontAsk"),
        "--setting-sources=",
        *("--settings", json.dumps(_SETTINGS)),
        "--strict-mcp-config",
        *("--mcp-config", json.dumps(servers)),
        *_memory(leg),
    ]


def _memory(leg: Leg) -> Iterator[str]:
    """What it goes on from, and where it writes down what is new: a transcript of its own for each leg."""
    if leg.memory:
        yield f"--resume={leg.memory}"
    if leg.memory != leg.session:
        yield f"--session-id={leg.session}"
        yield from ["--fork-session"] * bool(leg.memory)


def words_in(leg: Leg) -> bytes:
    """What it reads: one message. `client_composed` is the SDK's `verbatim_prompts`: a `/command` or an `@path` in what
    people wrote is no more than that."""
    message = {
        "type": "user",
        "session_id": "",
        "message": {"role": "user", "content": [dict(block) for block in leg.words]},
        "parent_tool_use_id": None,
        "client_composed": True,
    }
    return json.dumps(message).encode() + b"\n"
