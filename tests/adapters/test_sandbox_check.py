"""What `honk doctor` says of a sandbox: all well here, and a hole is named."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from github_app.adapters.egress import listener
from github_app.adapters.sandbox import bubblewrap as sandboxes
from github_app.adapters.sandbox.check import check, check_user
from tests.adapters.sandbox_room import Room

ALLOW_ALL = struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)


async def test_every_wall_stands_here(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HONK_CANARY", "1")

    checks = await check(room.sandbox)

    assert [each for each in checks if not each.ok] == []
    assert len(checks) == 18


async def test_missing_filter_is_named(room: Room) -> None:
    checks = await check(replace(room.sandbox, _seccomp=ALLOW_ALL))

    assert {"AF_VSOCK"} <= {each.name for each in checks if not each.ok}


async def test_missing_flag_is_named(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandboxes, "_SEAL", "--chdir /work")

    checks = await check(room.sandbox)

    assert "/ is read-only" in {each.name for each in checks if not each.ok}


async def test_missing_way_out_is_named(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = room.top / "inside.py"
    broken.write_text("raise OSError('no namespaces here')")
    monkeypatch.setattr(listener, "_PROGRAM", broken)

    (wrong,) = [each for each in await check(room.sandbox) if not each.ok]

    assert wrong.name == "the network that policies allow"
    assert "no namespaces here" in wrong.detail


async def test_sandbox_without_python_is_told(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandboxes, "_PATH", "/nowhere")

    (only,) = await check(room.sandbox)

    assert not only.ok
    assert "needs python3" in only.detail


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give sandboxes a user of their own")
def test_secret_that_the_sandboxes_user_could_read_is_named(room: Room) -> None:
    key = room.sandbox.state_dir / "key.pem"
    key.write_text("secret")
    key.chmod(0o600)
    assert [each.ok for each in check_user(room.sandbox, secrets=[key])] == [True]

    key.chmod(0o644)

    (wrong,) = check_user(room.sandbox, secrets=[key])
    assert not wrong.ok
    assert wrong.detail == f"uid {room.sandbox.sandbox_uid} reads {key}"


def test_nothing_is_promised_where_sandboxes_have_our_own_user(room: Room) -> None:
    assert check_user(replace(room.sandbox, sandbox_uid=os.geteuid()), secrets=[Path("/etc/passwd")]) == []
