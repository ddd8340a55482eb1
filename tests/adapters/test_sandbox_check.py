"""What `honk doctor` says of a sandbox: all well here, and a hole is named."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from github_app.adapters.sandbox import bubblewrap as sandboxes
from github_app.adapters.sandbox.check import check
from tests.adapters.sandbox_room import Room

ALLOW_ALL = struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)


async def test_every_wall_stands_here(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HONK_CANARY", "1")

    checks = await check(room.sandbox)

    assert [each for each in checks if not each.ok] == []
    assert len(checks) == 17


async def test_missing_filter_is_named(room: Room) -> None:
    checks = await check(replace(room.sandbox, _seccomp=ALLOW_ALL))

    assert {"AF_VSOCK"} <= {each.name for each in checks if not each.ok}


async def test_missing_flag_is_named(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandboxes, "_SEAL", "--chdir /work")

    checks = await check(room.sandbox)

    assert "/ is read-only" in {each.name for each in checks if not each.ok}


async def test_sandbox_without_python_is_told(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandboxes, "_PATH", "/nowhere")

    (only,) = await check(room.sandbox)

    assert not only.ok
    assert "needs python3" in only.detail
