"""What a command in the sandbox sees, can change and cannot do; and that nothing of it is left when it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from github_app.adapters.sandbox.binary import is_reachable
from github_app.adapters.sandbox.bubblewrap import Bubblewrap, OverlayMount
from github_app.core.errors import SandboxUnavailable, ToolFailed
from tests.adapters.sandbox_room import Room, read_text, with_limits

AS_ROOT = os.geteuid() == 0


async def test_command_runs_in_the_tree_and_tells_its_exit_code_and_output(room: Room) -> None:
    room.put("lower/src/a.txt", "hello\n")

    result = await room.sh("cat src/a.txt; echo oops >&2; exit 3")

    assert (result.exit_code, result.output, result.killed_by) == (3, "hello\noops\n", None)
    assert (result.output_bytes, result.truncated) == (11, False)


async def test_command_that_does_not_exist_is_the_commands_failure_not_the_sandboxs(room: Room) -> None:
    result = await room.sandbox.run(["no-such-program"], tree=room.overlay, home=None)

    assert result.exit_code == 127
    assert "no-such-program: not found" in result.output


async def test_folder_that_does_not_exist_is_the_commands_failure(room: Room) -> None:
    result = await room.sandbox.run(["true"], tree=room.overlay, home=None, cwd="nowhere")

    assert result.exit_code == 126
    assert "can't cd to ./nowhere" in result.output


async def test_command_ended_by_a_signal_has_128_and_the_signal(room: Room) -> None:
    assert (await room.sh("kill -SEGV $$")).exit_code == 128 + signal.SIGSEGV


@pytest.mark.parametrize("argv", [[], ["echo", "a\0b"], ["echo", "x" * 2_000_000]])
async def test_what_is_not_a_command_line_is_told_to_the_model(room: Room, argv: list[str]) -> None:
    with pytest.raises(ToolFailed):
        await room.sandbox.run(argv, tree=room.overlay, home=None)


async def test_overlay_keeps_exactly_the_change_and_leaves_the_checkout_alone(room: Room) -> None:
    room.put("lower/keep.txt", "keep")
    room.put("lower/change.txt", "old")
    room.put("lower/gone.txt", "gone")
    room.put("lower/folder/inner.txt", "inner")

    await room.sh("echo new > change.txt; rm gone.txt; mkdir made; echo x > made/new.txt; chmod +x folder/inner.txt")

    upper = room.top / "upper"
    changed = sorted(str(path.relative_to(upper)) for path in upper.rglob("*"))
    assert changed == ["change.txt", "folder", "folder/inner.txt", "gone.txt", "made", "made/new.txt"]
    whiteout = (upper / "gone.txt").lstat()
    assert stat.S_ISCHR(whiteout.st_mode)
    assert whiteout.st_rdev == 0
    assert (upper / "folder/inner.txt").stat().st_mode & 0o111
    lower = {str(path.relative_to(room.top)): path.read_text() for path in (room.top / "lower").rglob("*.txt")}
    assert lower == {
        "lower/keep.txt": "keep",
        "lower/change.txt": "old",
        "lower/gone.txt": "gone",
        "lower/folder/inner.txt": "inner",
    }


async def test_next_command_sees_what_the_last_one_wrote(room: Room) -> None:
    await room.sh("echo one > a; echo two > ~/b; echo three > /tmp/c")

    assert (await room.sh("cat a ~/b; ls /tmp")).output == "one\ntwo\n"


async def test_plain_folder_can_be_mounted_where_there_is_no_overlay(room: Room) -> None:
    room.put("bind/a.txt", "old")

    await room.sh("echo new > a.txt", tree=room.bind)

    assert (room.top / "bind/a.txt").read_text() == "new\n"


async def test_files_belong_to_an_unprivileged_uid_and_a_set_uid_bit_gains_nothing(room: Room) -> None:
    await room.sh("cp /bin/true tool && chmod 4755 tool && id -u")

    found = (room.top / "upper/tool").stat()
    assert found.st_mode & stat.S_ISUID
    assert found.st_uid == room.sandbox.sandbox_uid != 0
    assert found.st_gid == room.sandbox.sandbox_gid != 0


async def test_processes_run_by_the_unprivileged_uid_without_groups(room: Room) -> None:
    running = asyncio.ensure_future(room.sh("touch started; sleep 30"))
    started = room.top / "upper/started"
    await _until(started.exists)
    owners = {
        tuple(line.split()[1:])
        for status in Path("/proc").glob("[0-9]*/status")
        if room.mark in read_text(status.with_name("cmdline")) + read_text(status.with_name("environ"))
        for line in read_text(status).splitlines()
        if line.startswith(("Uid:", "Groups:"))
    }

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    uid = str(room.sandbox.sandbox_uid)
    assert (uid,) * 4 in owners
    if AS_ROOT:
        assert owners == {(uid,) * 4, ()}


def test_root_never_sandboxes_as_root(open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(SandboxUnavailable, match="never run as root"):
        Bubblewrap.probe(state_dir=open_tmp_path, uid=0)


@pytest.mark.skipif(not AS_ROOT, reason="only root has other uids to choose from")
async def test_root_may_choose_the_uid(open_tmp_path: Path) -> None:
    sandbox = Bubblewrap.probe(state_dir=open_tmp_path, uid=60999)

    assert (sandbox.sandbox_uid, sandbox.sandbox_gid) == (60999, 60999)


def test_ordinary_user_cannot_sandbox_as_somebody_else(open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    with pytest.raises(SandboxUnavailable, match="Only root"):
        Bubblewrap.probe(state_dir=open_tmp_path, uid=1235)


async def test_no_environment_of_ours_gets_in(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HONK_CANARY", "canary-1f7a")

    result = await room.sh("env; cat /proc/*/environ | tr '\\0' '\\n'; tr '\\0' '\\n' </proc/1/environ | wc -l")

    assert "canary" not in result.output
    assert result.output.endswith("0\n")
    assert "CI=true" in result.output


async def test_environment_that_the_caller_gives_wins(room: Room) -> None:
    result = await room.sandbox.run(
        ["/bin/sh", "-c", 'echo "$TERM $MINE"'], tree=room.overlay, home=None, env={"TERM": "xterm", "MINE": "a b"}
    )

    assert result.output == "xterm a b\n"


async def test_host_is_out_of_sight(room: Room) -> None:
    secret = room.put("secret.txt", "canary")
    look = f"cat {secret} /etc/shadow; ls -A /root /home/agent /run /sys /mnt; cat /proc/cmdline; hostname"

    result = await room.sh(look)

    assert result.output.count("No such file or directory") == 5, result.output
    assert "canary" not in result.output
    assert result.output.endswith("/home/agent:\n\n/run:\nsandbox\n")


async def test_processes_of_the_host_are_out_of_sight(room: Room) -> None:
    result = await room.sh("ls /proc | grep -c '^[0-9]'; tr '\\0' ' ' </proc/1/cmdline; kill -9 -1; echo alive")

    assert int(result.output.split()[0]) <= 4
    assert str(room.top) not in result.output, "bwrap's own command line names no host path"
    assert result.output.endswith("alive\n")


async def test_system_cannot_be_written(room: Room) -> None:
    result = await room.sh(
        "for f in /usr/bin/evil /etc/cron /dev/foo /x /run/x /proc/sys/kernel/core_pattern; do"
        ' echo x 2>/dev/null > $f && echo "wrote $f"; done; true'
    )

    assert "wrote" not in result.output


async def test_what_the_caller_shows_read_only_can_be_read_and_not_written(room: Room) -> None:
    shown = room.put("cache/data.txt", "data").parent

    result = await room.sandbox.run(
        ["/bin/sh", "-c", "cat /opt/cache/data.txt; echo x > /opt/cache/new"],
        tree=room.overlay,
        home=None,
        read_only=[(shown, "/opt/cache")],
    )

    assert result.output.startswith("data")
    assert "Read-only file system" in result.output
    assert not (shown / "new").exists()


async def test_toolchain_outside_usr_is_shown_and_on_the_path(open_tmp_path: Path, room: Room) -> None:
    tool = room.put("toolchain/bin/frobnicate", "#!/bin/sh\necho frobnicated\n")
    tool.chmod(0o755)
    closed = open_tmp_path / "closed"
    (closed / "chain").mkdir(parents=True)
    closed.chmod(0o000)
    paths = [open_tmp_path / "toolchain", closed / "chain", open_tmp_path / "absent"]
    sandbox = Bubblewrap.probe(state_dir=open_tmp_path / "state", tool_paths=paths)
    closed.chmod(0o700)

    result = await sandbox.run(["frobnicate"], tree=room.overlay, home=None)

    assert result.output == "frobnicated\n"
    assert (sandbox.tool_paths, sandbox.unreachable) == ((paths[0],), (paths[1], paths[2]))


async def test_daemons_die_with_the_command_and_do_not_hold_it(room: Room) -> None:
    result = await room.sh("setsid nohup sleep 300 & (sleep 300 &) ; echo done")

    assert "done\n" in result.output
    assert room.processes() == []


async def test_cancelled_command_is_gone_before_the_cancellation_goes_on(room: Room) -> None:
    running = asyncio.ensure_future(room.sh("trap '' TERM INT; touch started; sleep 300 & while :; do sleep 1; done"))
    await _until((room.top / "upper/started").exists)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert room.processes() == []


async def test_cancelling_at_any_moment_of_the_start_leaves_nothing(room: Room) -> None:
    for step in range(40):
        running = asyncio.ensure_future(room.sh("sleep 300"))
        await asyncio.sleep(step / 1000)
        running.cancel()
        await asyncio.sleep(0)
        running.cancel()  # must not cut the killing short
        with pytest.raises(asyncio.CancelledError):
            await running

    assert room.processes() == []


async def test_sandboxes_leave_no_file_descriptor_open(room: Room) -> None:
    await room.sh("true")
    before = _open_files()

    for _ in range(5):
        await room.sh("true")
    await room.sh("sleep 60", limits=with_limits(timeout_s=0.05))

    assert _open_files() == before


async def test_sandbox_dies_with_honk(room: Room) -> None:
    """Even by SIGKILL, where no code of ours can run."""
    script = (
        "import asyncio, pathlib, sys\n"
        "from tests.adapters.sandbox_room import Room, LIMITS\n"
        "from github_app.adapters.sandbox.bubblewrap import Bubblewrap\n"
        "top = pathlib.Path(sys.argv[1])\n"
        "room = Room(sandbox=Bubblewrap.probe(state_dir=top / 'state'), top=top)\n"
        "asyncio.run(room.sh('touch started; sleep 300'))\n"
    )
    launcher = subprocess.Popen([sys.executable, "-c", script, str(room.top)], cwd=Path(__file__).parents[2])
    await _until((room.top / "upper/started").exists)

    launcher.kill()
    launcher.wait()

    await _until(lambda: room.processes() == [])


async def test_sandbox_that_cannot_be_made_is_not_taken_for_the_commands_failure(room: Room) -> None:
    gone = OverlayMount(lower=room.top / "absent", upper=room.top / "upper", work=room.top / "work")

    with pytest.raises(SandboxUnavailable, match="absent"):
        await room.sandbox.run(["true"], tree=gone, home=None)


async def test_bwrap_that_is_gone_is_told(room: Room) -> None:
    broken = replace(room.sandbox, binary=room.top / "absent-bwrap")

    with pytest.raises(SandboxUnavailable, match="absent-bwrap"):
        await broken.run(["true"], tree=room.overlay, home=None)


def test_state_that_the_sandbox_cannot_reach_is_told_at_the_start(open_tmp_path: Path) -> None:
    closed = open_tmp_path / "closed"
    closed.mkdir(mode=0o700)
    if AS_ROOT:
        with pytest.raises(SandboxUnavailable, match="cannot reach"):
            Bubblewrap.probe(state_dir=closed / "state")
    else:
        assert Bubblewrap.probe(state_dir=closed / "state").sandbox_uid == os.geteuid()


def test_machine_without_bwrap_is_told_how_to_get_one(open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("github_app.adapters.sandbox.bubblewrap.find_binaries", lambda *_: [])

    with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap"):
        Bubblewrap.probe(state_dir=open_tmp_path)


def test_bwrap_that_refuses_is_told_with_its_own_words(open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = open_tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setattr("github_app.adapters.sandbox.bubblewrap.find_binaries", lambda *_: [refusing])

    with pytest.raises(SandboxUnavailable, match="No permissions to create new namespace"):
        Bubblewrap.probe(state_dir=open_tmp_path)


async def test_probe_works_inside_a_running_loop_and_twice_at_once(open_tmp_path: Path) -> None:
    found = await asyncio.gather(
        *(asyncio.to_thread(Bubblewrap.probe, state_dir=open_tmp_path / "state") for _ in range(4))
    )

    assert len(set(found)) == 1
    assert Bubblewrap.probe(state_dir=open_tmp_path / "state") in found


def test_reachability_goes_by_every_folder_on_the_way(open_tmp_path: Path) -> None:
    file = open_tmp_path / "a/b"
    file.parent.mkdir()
    file.touch(mode=0o644)
    stranger = 54321

    assert is_reachable(file, stranger, stranger)
    file.parent.chmod(0o700)
    assert not is_reachable(file, stranger, stranger)
    assert is_reachable(file, os.geteuid(), os.getegid())


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.01)


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
