"""Each limit ends a command that passes it, and says which; what stays within is left alone."""

from __future__ import annotations

import asyncio
import os
import resource
from pathlib import Path
from types import SimpleNamespace

import pytest

from github_app.adapters.sandbox import limits
from github_app.adapters.sandbox.limits import Output, processes_below
from github_app.core.ports import ExecLimits
from tests.adapters.sandbox_room import Room, with_limits

MB = 2**20


async def test_time(room: Room) -> None:
    result = await room.sh("echo started; trap '' TERM INT; while :; do :; done", limits=with_limits(timeout_s=0.3))

    assert (result.killed_by, result.exit_code, result.output) == ("timeout", 137, "started\n")
    assert room.processes() == []


async def test_memory_of_one_process(room: Room) -> None:
    script = "b = bytearray()\nwhile True: b += b'x' * 1000000"

    result = await room.python(script, limits=with_limits(memory_bytes=200 * MB))

    assert result.killed_by == "memory"


async def test_memory_of_several_processes_together(room: Room) -> None:
    script = "import os\nfor _ in range(3): os.fork()\nb = bytearray(b'x' * 60_000_000)\nimport time; time.sleep(60)"

    result = await room.python(script, limits=with_limits(memory_bytes=300 * MB))

    assert result.killed_by == "memory"


async def test_memory_that_processes_share_counts_once(room: Room) -> None:
    script = (
        "import mmap, os, time\n"
        "m = mmap.mmap(-1, 100 << 20)\n"
        "m.write(b'x' * (100 << 20))\n"
        "for _ in range(2): os.fork()\n"
        "sum(m[at] for at in range(0, 100 << 20, 4096))\n"
        "time.sleep(1)\n"
        "os.getppid() != 1 and os._exit(0)\n"
    )

    result = await room.python(script, limits=with_limits(memory_bytes=300 * MB))

    assert result.killed_by is None


async def test_fork_bomb_hits_a_wall_of_the_kernel(room: Room) -> None:
    script = (
        "import os, time\n"
        "made = 0\n"
        "try:\n"
        "    while True:\n"
        "        if os.fork() == 0: time.sleep(60)\n"
        "        made += 1\n"
        "except OSError as error:\n"
        "    print(made, error.strerror)\n"
    )

    result = await room.python(script, limits=with_limits(processes=40))

    made, why = result.output.split(maxsplit=1)
    assert 30 <= int(made) < 40
    assert why == "Resource temporarily unavailable\n"
    assert result.killed_by is None


async def test_full_sandbox_takes_no_process_from_the_next(room: Room) -> None:
    fill = "for i in $(seq 30); do sleep 60 & done; echo full; sleep 60"
    full = asyncio.ensure_future(room.sh(f"{fill}", tree=room.bind, limits=with_limits(processes=40)))
    async with asyncio.timeout(30):
        while sum("sleep 60" in line for line in room.processes()) < 30:
            await asyncio.sleep(0.02)

    beside = await room.sh("for i in $(seq 30); do sleep 1 & done; wait; echo fine", limits=with_limits(processes=40))

    full.cancel()
    with pytest.raises(asyncio.CancelledError):
        await full
    assert beside.output == "fine\n"


async def test_first_process_has_the_limits_too(room: Room) -> None:
    result = await room.sh("cat /proc/1/limits", limits=with_limits(processes=77, file_bytes=5 * MB))

    limits_of_first = {line[:25].strip(): line.split()[-3:-1] for line in result.output.splitlines()}
    assert limits_of_first["Max processes"] == ["77", "77"]
    assert limits_of_first["Max file size"] == ["5242880", "5242880"]


async def test_size_of_a_file(room: Room) -> None:
    result = await room.sh("head -c 9000000 /dev/zero > big", limits=with_limits(file_bytes=5 * MB))

    assert result.exit_code != 0
    assert (room.top / "upper/big").stat().st_size == 5 * MB


async def test_disk_of_the_overlay(room: Room) -> None:
    script = "i=0; while :; do i=$((i+1)); head -c 5000000 /dev/zero > f$i; sleep 0.02; done"

    result = await room.sh(script, limits=with_limits(disk_bytes=50 * MB))

    assert result.killed_by == "disk"


async def test_disk_of_the_home(room: Room) -> None:
    script = "i=0; while :; do i=$((i+1)); head -c 5000000 /dev/zero > ~/f$i; sleep 0.02; done"

    result = await room.sh(script, limits=with_limits(disk_bytes=50 * MB))

    assert result.killed_by == "disk"


async def test_tree_above_the_disk_limit_may_be_cleaned_up(room: Room) -> None:
    for name in "abcdefgh":
        file = room.put(f"upper/{name}", "")
        file.write_bytes(os.urandom(8 * MB))

    result = await room.sh("for f in *; do rm $f; sleep 0.2; done", limits=with_limits(disk_bytes=20 * MB))

    assert (result.exit_code, result.killed_by) == (0, None)


async def test_temporary_files_have_a_size(room: Room) -> None:
    script = "head -c 90000000 /dev/zero > /tmp/x; head -c 90000000 /dev/zero > /dev/shm/x; df -k /tmp /dev/shm"

    result = await room.sh(script, limits=with_limits(memory_bytes=160 * MB))

    assert result.output.count("No space left on device") == 2
    assert " 40960 " in result.output
    assert " 10240 " in result.output


async def test_output_keeps_head_and_tail(room: Room) -> None:
    result = await room.sh("echo first; seq 1 20000; echo last", limits=with_limits(output_bytes=5000))

    assert result.output.startswith("first\n1\n2\n")
    assert result.output.endswith("\n20000\nlast\n")
    assert f"[… {result.output_bytes - 5000} bytes of output cut …]" in result.output
    assert (result.truncated, result.killed_by, result.exit_code) == (True, None, 0)


async def test_flood_of_output(room: Room) -> None:
    result = await room.sh("echo first; exec yes", limits=with_limits(output_bytes=10_000))

    assert result.killed_by == "output"
    assert result.output.startswith("first\ny\n")
    assert len(result.output) < 10_100


async def test_open_files(room: Room) -> None:
    result = await room.sh("ulimit -Hn; ulimit -c")

    assert result.output == "4096\n0\n"


def test_output_is_whole_up_to_its_limit() -> None:
    output = Output(limit=10)
    for piece in (b"abc", b"defg", b"hij"):
        output.add(piece)

    assert (output.text(), output.truncated) == ("abcdefghij", False)
    output.add(b"k")
    assert output.text() == "abcde\n[… 1 bytes of output cut …]\nghijk"


def test_output_holds_little_of_much() -> None:
    output = Output(limit=100)
    for number in range(5000):
        output.add(b"%06d" % (number % 1000000) * 1000)

    assert output.total == 30_000_000
    assert output.text().endswith("004999" * 8)
    assert len(output._head) + len(output._tail) < 100_000


def test_undecodable_output_is_shown_all_the_same() -> None:
    output = Output(limit=100)
    output.add(b"\xff\xfe ok")

    assert output.text() == "�� ok"


def test_processes_are_found_with_all_descendants() -> None:
    assert os.getpid() in [process.pid for process in processes_below(os.getppid())]
    assert processes_below(2**22 + 5) == []


def test_limits_never_ask_for_more_than_we_have_ourselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (5, 50))

    assert limits.rlimit_flags(ExecLimits()) == ["--core=1:1", "--fsize=50:50", "--nofile=50:50", "--nproc=50:50"]


async def test_home_is_limited_over_all_commands_of_a_session(room: Room) -> None:
    limits = with_limits(disk_bytes=20_000_000)
    assert (await room.sh("head -c 15000000 /dev/zero > ~/first", limits=limits)).exit_code == 0
    result = await room.sh("head -c 15000000 /dev/zero > ~/second; sleep 60", limits=limits)
    assert result.killed_by == "disk"


@pytest.mark.parametrize(("first_gib", "enough_gib", "little_gib"), [(100.0, 1.1, 0.9), (0.5, 0.3, 0.2)])
def test_commands_end_before_the_file_system_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_gib: float, enough_gib: float, little_gib: float
) -> None:
    free_gib = first_gib
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_frsize=1, f_bavail=int(free_gib * 2**30)))
    disk = limits._Disk(writables=[limits.Writable(path=tmp_path, is_layer=True)], limit=2**40)
    assert disk.is_due()
    assert not disk.is_passed()
    free_gib = enough_gib
    assert not disk.is_passed()
    assert not disk.is_due()
    free_gib = little_gib  # by files that have no name any more, or by others
    assert disk.is_due()
    assert disk.is_passed()
