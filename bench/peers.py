"""What the same commands cost in other agents: bytes sent and input billed, by the same scripted model.

`python -m bench.peers [--write] NAME=PROGRAM …` names the programs of the peers that are installed here: `mini` of
mini-swe-agent, `claude` of Claude Code (the wheel of claude-agent-sdk has it), the Python that has openhands-sdk.
Honk and the bare loop on the SDK are always measured. Each peer gets an empty home and the scripted model as its API,
and runs unconfined in a scratch folder: its commands are those of the script.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench import report, turns
from bench.processes import MODEL_KEY, scripted_model
from bench.turns import TURNS, Desk, Run, command
from github_app.adapters.model.claude import ClaudeModel
from github_app.core.access import ModelAccess

TARGET = 0.7


@dataclass(frozen=True, kw_only=True)
class Peer:
    """How one peer is started for a task with a model's name, how its shell tool is called, and how its work ends."""

    argv: Callable[[str, str], tuple[str, ...]]
    call: Callable[[str], dict[str, Any]]
    ending: Any


OPENHANDS = """
import os, sys
from pydantic import SecretStr
from openhands.sdk import LLM, Agent, Conversation, Tool
from openhands.tools.file_editor import FileEditorTool
from openhands.tools.terminal import TerminalTool
model = LLM(model=f"anthropic/{sys.argv[2]}", api_key=SecretStr("none"), base_url=os.environ["ANTHROPIC_BASE_URL"])
agent = Agent(llm=model, tools=[Tool(name=TerminalTool.name), Tool(name=FileEditorTool.name)])
conversation = Conversation(agent=agent, workspace=os.getcwd(), visualizer=None)
conversation.send_message(sys.argv[1])
conversation.run()
"""

PEERS = {
    "mini-swe-agent": Peer(
        argv=lambda task, model: (
            "-y", "-t", task, "-m", f"anthropic/{model}", "--exit-immediately", "-l", "0", "-o", "/dev/null",
        ),
        call=lambda command: {"bash": {"command": command}},
        ending={"call": {"bash": {"command": "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"}}},
    ),
    "claude-code": Peer(
        argv=lambda task, model: ("-p", task, "--allowedTools", "Bash Read Edit", "--model", model),
        call=lambda command: {"Bash": {"command": command, "description": "the next 2 KB"}},
        ending="These were all.",
    ),
    "openhands-sdk": Peer(
        argv=lambda task, model: ("-c", OPENHANDS, task, model),
        call=lambda command: {"terminal": {"command": command}},
        ending={"call": {"finish": {"message": "These were all."}}},
    ),
}  # fmt: skip


def task_of(name: str, calls: int) -> str:
    """The words that a peer's scene knows."""
    return f"Please make {calls} calls as {name} would."


def script(names: list[str]) -> dict[str, Any]:
    """The scenes of `bench.turns`, and for each peer the same commands by its own tool."""
    scenes = [
        {
            "name": f"{name} {calls}",
            "when": task_of(name, calls),
            "replies": [{"call": PEERS[name].call(command(turn))} for turn in range(calls)] + [PEERS[name].ending],
        }
        for name in names
        for calls in TURNS
    ]
    return {"scenes": [*turns.script()["scenes"], *scenes]}


def run_peer(desk: Desk, name: str, program: str, calls: int) -> Run:
    """The peer's whole run for so many commands. Raises `RuntimeError` with its output if it did not make them."""
    with tempfile.TemporaryDirectory(dir=desk.room, ignore_cleanup_errors=True) as scratch:
        work, home = Path(scratch, "work"), Path(scratch, "home")
        home.mkdir()
        subprocess.run(["git", "clone", "-q", str(desk.room / "origin"), str(work)], check=True)
        env = {
            "PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TERM": "dumb",
            "ANTHROPIC_BASE_URL": desk.url, "ANTHROPIC_API_BASE": desk.url, "ANTHROPIC_API_KEY": MODEL_KEY,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True", "MSWEA_CONFIGURED": "true", "MSWEA_COST_TRACKING": "ignore_errors",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1",
            "OPENHANDS_SUPPRESS_BANNER": "1",
        }  # fmt: skip
        # A name that peers know, as some set cache marks for those alone; and one that nobody asked yet.
        model = f"claude-sonnet-4-5-{uuid4().hex}"
        argv = (program, *PEERS[name].argv(task_of(name, calls), model))
        try:
            with desk.measured(calls + 1) as run:
                done = subprocess.run(
                    argv, cwd=work, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
                    check=False,
                )  # fmt: skip
        except AssertionError as error:
            raise RuntimeError(f"{name}: {error}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}") from error
    return run


async def compare(desk: Desk, programs: Mapping[str, str]) -> dict[str, list[Run]]:
    """Each loop's runs, one for each number of turns: bytes do not differ from run to run."""
    from anthropic import AsyncAnthropic

    client = AsyncAnthropic(api_key=MODEL_KEY, base_url=desk.url, max_retries=0)
    model = ClaudeModel(ModelAccess(api_key=MODEL_KEY, base_url=desk.url))
    runs: dict[str, list[Run]] = {
        "the bare loop": [await desk.bare(calls, client) for calls in TURNS],
        "Honk": [await desk.honk(calls, model) for calls in TURNS],
    }
    await model.close()
    await client.close()
    for name, program in programs.items():
        runs[name] = [run_peer(desk, name, program, calls) for calls in TURNS]
    return runs


def tables(runs: Mapping[str, list[Run]]) -> str:
    """Sent and billed by loop and number of commands, and whether the aim is reached."""
    head = ("commands", *(f"{kind} at {calls}" for kind in ("sent MB", "billed KB") for calls in TURNS))
    rows = [
        (name, *(f"{run.usage['bytes_received'] / 1e6:.2f}" for run in arm), *(f"{run.billed_kb:,.0f}" for run in arm))
        for name, arm in runs.items()
    ]
    peers = {name: arm for name, arm in runs.items() if name in PEERS}
    best = min(peers, key=lambda name: peers[name][-1].billed_kb)
    share = runs["Honk"][-1].billed_kb / peers[best][-1].billed_kb
    words = "met" if share <= TARGET else "**missed**"
    return (
        f"{report.table(head, rows)}\n\nTarget: at {TURNS[-1]} commands at most {TARGET} × the input of the best peer: "
        f"{words} ({share:.2f} × {best})."
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the result into docs/performance.md")
    parser.add_argument("peers", nargs="+", metavar="NAME=PROGRAM", help=f"of {', '.join(PEERS)}")
    options = parser.parse_args()
    programs = dict(each.split("=", 1) for each in options.peers)
    with tempfile.TemporaryDirectory(prefix="honk-bench-", ignore_cleanup_errors=True) as place:
        room = Path(place)
        room.chmod(0o711)
        with scripted_model(script(list(programs)), room) as url:
            found = asyncio.run(compare(Desk.open(room, url), programs))
    report.publish("peers", f"{report.machine()}\n\n{tables(found)}", write=options.write)
