"""The way out of a real sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from github_app.adapters.egress import listener
from github_app.core.errors import SandboxUnavailable
from github_app.core.ports import ExecResult
from tests.adapters.outside import GREETING, NAME, Outside, open_outside
from tests.adapters.sandbox_room import Room

GREET = f"""
import http.client, ssl, sys, urllib.request
proxy = urllib.request.getproxies()["https"]
tunnel = http.client.HTTPConnection(proxy.removeprefix("http://"), timeout=10)
tunnel.set_tunnel("{NAME}", int(sys.argv[1]))
tunnel.connect()
context = ssl.create_default_context(cafile="/run/outside.pem")
print(context.wrap_socket(tunnel.sock, server_hostname="{NAME}").recv({len(GREETING)}).decode())
"""


async def run(room: Room, outside: Outside, *argv: str, network: tuple[str, ...]) -> ExecResult:
    """Run a command that trusts the outside."""
    sandbox = replace(room.sandbox, egress=outside.egress())
    shown = [(outside.certificate, "/run/outside.pem")]
    return await sandbox.run(argv, tree=room.bind, home=room.home, read_only=shown, network=network)


async def test_a_command_reaches_what_it_may_and_says_what_it_did(room: Room):
    async with open_outside(room.top) as outside:
        allowed = f"{NAME}:{outside.port}"
        result = await run(room, outside, "python3", "-c", GREET, str(outside.port), network=(allowed,))
        assert result.output.encode().strip() == GREETING
        assert [(each.host, each.is_allowed, each.times) for each in result.network] == [(NAME, True, 1)]


async def test_without_network_there_is_nothing_to_talk_to(room: Room):
    look = "env | grep -i -e proxy -e npm -e pip; cat /proc/net/tcp | tail -n +2; cat /proc/net/route | tail -n +2"
    async with open_outside(room.top) as outside:
        result = await run(room, outside, "sh", "-c", look, network=())
        assert result.output == ""
        assert result.network == ()


async def test_commands_do_not_get_each_others_network(room: Room):
    async with open_outside(room.top) as outside:
        wide, narrow = f"{NAME}:{outside.port}", "other.example"
        first, second = await asyncio.gather(
            run(room, outside, "python3", "-c", GREET, str(outside.port), network=(wide,)),
            run(room, outside, "python3", "-c", GREET, str(outside.port), network=(narrow,)),
        )
        assert first.output.encode().strip() == GREETING
        assert "403" in second.output
        assert [(each.host, each.is_allowed) for each in second.network] == [(NAME, False)]


async def test_what_is_left_running_loses_its_network(room: Room):
    async with open_outside(room.top) as outside:
        script = f"(sleep 60; python3 -c '{GREET}' {outside.port}) >/dev/null 2>&1 & echo left"
        result = await run(room, outside, "sh", "-c", script, network=(NAME,))
        assert result.output == "left\n"
        assert room.processes() == []


async def test_a_process_with_many_files_open_has_commands_too(room: Room):
    with contextlib.ExitStack() as stack:
        for _ in range(1_024):
            try:
                stack.callback(os.close, os.open(os.devnull, os.O_RDONLY))
            except OSError:
                pytest.skip("fewer files may be open here")
        async with open_outside(room.top) as outside:
            result = await run(room, outside, "echo", "ran", network=(NAME,))
            assert result.output.startswith("ran")


async def test_a_command_that_is_cancelled_leaves_nothing(room: Room):
    async with open_outside(room.top) as outside:
        for delay_s in (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1):
            argv = ("/usr/bin/env", room.mark, "sleep", "60")
            running = asyncio.ensure_future(run(room, outside, *argv, network=(NAME,)))
            await asyncio.sleep(delay_s)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert room.processes() == []


async def test_where_no_listener_can_be_made_no_command_runs(room: Room, monkeypatch: pytest.MonkeyPatch):
    broken = Path(room.top, "inside.py")
    broken.write_text("raise OSError('no namespaces here')")
    monkeypatch.setattr(listener, "_PROGRAM", broken)
    async with open_outside(room.top) as outside:
        with pytest.raises(SandboxUnavailable, match="no namespaces here"):
            await run(room, outside, "touch", "/work/ran", network=(NAME,))
    assert not (room.top / "bind/ran").exists()
    assert room.processes() == []
