"""Run a command in bubblewrap: a fresh sandbox for each one, by an unprivileged uid, without network or with the little
that is allowed (`egress`), within limits.

Inside, a command sees a root made by hand: /usr and the few things of /etc that programs need, its tree at
/work, its home at /home/agent, a private /proc, /dev and /tmp; nothing else of the host. It has no
capabilities, cannot make namespaces, and a seccomp filter (`seccomp`) closes what namespaces do not. The
host's kernel is shared: this holds a hostile repository, not a kernel exploit.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from github_app.adapters.egress.listener import listen_inside
from github_app.adapters.egress.proxy import Egress
from github_app.adapters.egress.relay import relaying
from github_app.adapters.egress.rules import Ledger
from github_app.adapters.sandbox.binary import ask_binary, find_binaries, is_reachable, write_once
from github_app.adapters.sandbox.limits import Output, Writable, rlimit_flags
from github_app.adapters.sandbox.process import Command, SandboxProcess
from github_app.adapters.sandbox.seccomp import make_filter
from github_app.core.backing import DESK_PORT, NO_BACKING, Backing
from github_app.core.errors import SandboxUnavailable, ToolFailed
from github_app.core.ports import ExecLimits, ExecResult, KilledBy

# Whose processes and files these are where Honk is root and there is no user `honk-sandbox`. Not `nobody`:
# other daemons share it, and a sandbox of the same uid could signal them and read their files. This number
# lies in the gap between people's uids and systemd's dynamic ones (61184 to 65519),
# https://systemd.io/UIDS-GIDS/.
_UNNAMED_UID = 60737
_USER = "honk-sandbox"
_LIMITS = ExecLimits()
_NO_ENV: Mapping[str, str] = MappingProxyType({})

_HOW_TO_GET = (
    "Install bubblewrap 0.8 or newer (Debian, Ubuntu: `apt-get install bubblewrap`; or `pip install 'honk[demo]'`, "
    "which brings a bwrap of its own) and allow unprivileged user namespaces."
)

# Run inside, before the command: `exec` keeps its exit code and signals. The first process gets the limits
# too, because a command may take it over by ptrace.
_PREPARE = (
    'limits=$1; cd "./$2" || exit 126; unset OLDPWD; shift 2; echo 1000 >/proc/self/oom_score_adj; '
    'prlimit --pid 1 $limits && prlimit --pid $$ $limits || exit 126; exec "$@"'
)
# bwrap's flags, in the order in which it does them.
_WALLS = """
--unshare-user --unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup-try --disable-userns
--uid 1000 --gid 1000 --hostname sandbox --new-session --die-with-parent --cap-drop ALL --clearenv
--size 16777216 --tmpfs / --ro-bind /usr /usr
--symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64
"""
_SYSTEM = "--proc /proc --dev /dev"
_VAR = "--dir /run --dir /var --symlink ../tmp /var/tmp --symlink ../run /var/run"
_SEAL = "--chdir /work --remount-ro /dev --remount-ro /"
_ETC = (
    "alternatives",
    "ssl/certs",
    "ssl/openssl.cnf",
    "ld.so.cache",
    "localtime",
    "mime.types",
    "protocols",
    "services",
)
_ETC_GENERATED = {
    "passwd": "root:x:0:0:root:/root:/usr/sbin/nologin\nagent:x:1000:1000:agent:/home/agent:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "group": "root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "empty": "",
}
_TMP, _SHM = "/tmp", "/dev/shm"  # noqa: S108 - the sandbox's own
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, kw_only=True)
class OverlayMount:
    """A writable view over a read-only tree, at /work. `upper` gets exactly what changes.

    `upper` and the empty `work` lie on one file system; all three are owned by `Bubblewrap.sandbox_uid` (a
    file that somebody else owns in `lower` cannot be changed) and can be reached by it. `lower` does not
    change meanwhile. Never the same `upper` twice at once.
    """

    lower: Path
    upper: Path
    work: Path


@dataclass(frozen=True, kw_only=True)
class BindMount:
    """A directory, writable at /work; owned by `Bubblewrap.sandbox_uid` and reachable for it."""

    path: Path


@dataclass(frozen=True, kw_only=True)
class Bubblewrap:
    """A bubblewrap that was seen to work on this machine.

    `hard_limits` names what the kernel holds without a look from us: "processes" and "file" by resource
    limits, "tmpfs" by size. Memory, disk, output and time are watched. `tool_paths` are the toolchains
    outside /usr that it can show, each read-only at its own path; `unreachable` are those that the sandbox's
    uid may not enter. `egress` is the way out for commands that are allowed one.
    """

    binary: Path
    version: str
    has_overlay: bool
    sandbox_uid: int
    sandbox_gid: int
    hard_limits: tuple[str, ...]
    state_dir: Path
    tool_paths: tuple[Path, ...] = ()
    unreachable: tuple[Path, ...] = ()
    egress: Egress = field(default_factory=Egress)
    _seccomp: bytes = field(default_factory=make_filter, repr=False)

    @classmethod
    def probe(
        cls,
        *,
        state_dir: Path,
        uid: int | None = None,
        tool_paths: Sequence[Path] = (),
        egress: Egress | None = None,
    ) -> Bubblewrap:
        """Find a bwrap and try it for real. Blocks (under a second). Raises `SandboxUnavailable` with what to do.

        `uid` is for whom sandboxes run where Honk is root; by default the user `honk-sandbox`, else a number
        of our own. `state_dir` gets a few small files and must be reachable for that uid, as must all that is
        mounted later.
        """
        sandbox_uid, sandbox_gid = _choose_ids(uid)
        etc = state_dir / "sandbox-etc"
        etc.mkdir(parents=True, exist_ok=True, mode=0o755)
        for name, text in _ETC_GENERATED.items():
            write_once(etc / name, text)
        if not is_reachable(etc / "empty", sandbox_uid, sandbox_gid):
            raise SandboxUnavailable(
                f"uid {sandbox_uid}, by which sandboxes run, cannot reach {state_dir}. Set HONK_DATA_DIR to a folder "
                "whose parents all may enter, such as /var/lib/honk."
            )
        reachable = {path: is_reachable(path, sandbox_uid, sandbox_gid) for path in tool_paths}
        failures = []
        for binary in find_binaries(state_dir, sandbox_uid, sandbox_gid):
            answers = ask_binary(binary)
            found = cls(
                binary=binary,
                version=answers.version,
                has_overlay=answers.has_overlay,
                sandbox_uid=sandbox_uid,
                sandbox_gid=sandbox_gid,
                hard_limits=("processes", "file", "tmpfs"),
                state_dir=state_dir,
                tool_paths=tuple(path for path, can in reachable.items() if can),
                unreachable=tuple(path for path, can in reachable.items() if not can),
                egress=egress or Egress(),
            )
            try:
                return found._tried()
            except SandboxUnavailable as error:
                failures.append(f"{binary} ({answers.version}): {error}")
        raise SandboxUnavailable(" ".join(["No working sandbox.", *failures, _HOW_TO_GET]))

    async def run(
        self,
        argv: Sequence[str],
        *,
        tree: OverlayMount | BindMount,
        home: Path | None,
        cwd: str = ".",
        env: Mapping[str, str] = _NO_ENV,
        limits: ExecLimits = _LIMITS,
        read_only: Sequence[tuple[Path, str]] = (),
        network: tuple[str, ...] = (),
        backing: Backing = NO_BACKING,
    ) -> ExecResult:
        """Run one command and wait for it; never raises for what the command does. Cancelling kills all of it first.

        `home` (owned as the tree is) outlives the command at /home/agent; without one, home is empty each
        time. `cwd` is relative to the tree. `env` adds to, and wins over, what the sandbox sets; nothing of
        our own environment gets in. `read_only` shows host paths at absolute paths inside. `network` are the
        hosts that it may reach, `backing` is what it finds at its back. What a command leaves running dies with it.
        Raises `ToolFailed` if that is not a command line, `SandboxUnavailable` if the sandbox cannot be made.
        """
        if not argv or any("\0" in word for word in (*argv, *env, *env.values(), cwd)):
            raise ToolFailed("Not a command: it is empty or holds a NUL character.")
        started = time.monotonic()
        command = Command(
            binary=self.binary,
            flags=list(
                self._flags(
                    tree, home=home, env={**self.egress.environment(network), **env}, limits=limits, read_only=read_only
                )
            ),
            argv=["/bin/sh", "-c", _PREPARE, "sandbox", " ".join(rlimit_flags(limits)), cwd, *argv],
            seccomp=self._seccomp,
            wrapper=self._become() if os.geteuid() == 0 else (),
            is_held=bool(network) or backing.desk is not None,
            stdin=backing.stdin,
        )
        output = Output(limit=limits.output_bytes)
        killed_by: KilledBy | None
        async with SandboxProcess.start(command, output=output) as process, contextlib.AsyncExitStack() as stack:
            ledger = None
            if command.is_held:
                ledger = await stack.enter_async_context(self._way_out(process, network, backing.desk))
            killed_by = await process.finish(_writables(tree, home), limits)
        exit_code = 137 if killed_by else process.exit_code()
        return ExecResult(
            exit_code=exit_code,
            output=output.text(),
            output_bytes=output.total,
            truncated=output.truncated,
            killed_by=killed_by,
            duration_s=time.monotonic() - started,
            network=ledger.decisions() if ledger is not None else (),
        )

    @contextlib.asynccontextmanager
    async def _way_out(
        self, process: SandboxProcess, network: tuple[str, ...], desk: Path | None
    ) -> AsyncIterator[Ledger | None]:
        """Serve a held command's network and its desk, and let the command begin."""
        pid = await process.first_pid()
        ids = {"uid": self.sandbox_uid, "gid": self.sandbox_gid}
        async with contextlib.AsyncExitStack() as stack:
            ledger = None
            if network:
                listener = await listen_inside(pid, **ids)
                ledger = await stack.enter_async_context(self.egress.serve(listener, network))
            if desk is not None:
                await stack.enter_async_context(relaying(await listen_inside(pid, port=DESK_PORT, **ids), desk))
            process.release()
            yield ledger

    def _flags(
        self,
        tree: OverlayMount | BindMount,
        *,
        home: Path | None,
        env: Mapping[str, str],
        limits: ExecLimits,
        read_only: Sequence[tuple[Path, str]],
    ) -> Iterator[str]:
        yield from _WALLS.split()
        yield from self._etc_flags()
        # `--dev` is a writable tmpfs without a size, hence read-only below; the kernel's command line may
        # name the host.
        yield from _SYSTEM.split()
        yield from ("--ro-bind", str(self.state_dir / "sandbox-etc" / "empty"), "/proc/cmdline")
        yield from ("--perms", "1777", "--size", str(limits.memory_bytes // 4), "--tmpfs", _TMP)
        yield from ("--perms", "1777", "--size", str(limits.memory_bytes // 16), "--tmpfs", _SHM)
        yield from _VAR.split()
        if home is None:
            yield from ("--perms", "700", "--size", str(limits.memory_bytes // 16), "--tmpfs", "/home/agent")
        else:
            yield from ("--bind", str(home), "/home/agent")
        for path in self.tool_paths:
            if not path.is_relative_to("/usr"):
                yield from ("--ro-bind", str(path), str(path))
        for host, inside in read_only:
            yield from ("--ro-bind", str(host), inside)
        match tree:
            case BindMount(path=path):
                yield from ("--bind", str(path), "/work")
            case OverlayMount(lower=lower, upper=upper, work=work):
                yield from ("--overlay-src", str(lower), "--overlay", str(upper), str(work), "/work")
        for name, value in (self._environment() | dict(env)).items():
            yield from ("--setenv", name, value)
        yield from _SEAL.split()

    def _etc_flags(self) -> Iterator[str]:
        generated = self.state_dir / "sandbox-etc"
        for name in _ETC_GENERATED:
            if name != "empty":
                yield from ("--ro-bind", str(generated / name), f"/etc/{name}")
        # Debian's Java and Maven are unusable without their folders here.
        java = [path.name for path in Path("/etc").glob("java*")] + ["maven", "gradle"]
        for name in (*_ETC, *java):
            if Path("/etc", name).exists():
                yield from ("--ro-bind", f"/etc/{name}", f"/etc/{name}")

    def _become(self) -> tuple[str, ...]:
        ids = (f"--reuid={self.sandbox_uid}", f"--regid={self.sandbox_gid}", "--clear-groups")
        return ("/usr/bin/setpriv", *ids, "--")  # of util-linux, as the `prlimit` that is used inside

    def _environment(self) -> dict[str, str]:
        tools = [path / "bin" if (path / "bin").is_dir() else path for path in self.tool_paths]
        return {
            "PATH": ":".join([*map(str, tools), _PATH]),
            "HOME": "/home/agent",
            "USER": "agent",
            "LOGNAME": "agent",
            "SHELL": "/bin/sh",
            "LANG": "C.UTF-8",
            "TMPDIR": _TMP,
            "TERM": "dumb",
            "CI": "true",
        }

    def _tried(self) -> Bubblewrap:
        """Self, after a command was seen to run; without overlay where the kernel or the file system refuses it."""
        with tempfile.TemporaryDirectory(dir=self.state_dir, prefix="probe-") as name:
            top = Path(name)
            parts = {part: top / part for part in ("lower", "upper", "work", "bind")}
            for folder in (top, *parts.values()):
                folder.mkdir(exist_ok=True)
                if os.geteuid() == 0:
                    os.chown(folder, self.sandbox_uid, self.sandbox_gid)
            if self.has_overlay:
                try:
                    self._try(OverlayMount(lower=parts["lower"], upper=parts["upper"], work=parts["work"]))
                    return self
                except SandboxUnavailable:
                    pass  # the plain mount tells whether it is the overlay that fails
            self._try(BindMount(path=parts["bind"]))
        return replace(self, has_overlay=False)

    def _try(self, tree: OverlayMount | BindMount) -> None:
        argv = ["/bin/sh", "-c", "echo seen > seen && cat seen"]
        result = _wait_for(self.run(argv, tree=tree, home=None, limits=ExecLimits(timeout_s=20)))
        if result.exit_code != 0 or result.output != "seen\n":
            raise SandboxUnavailable(f"a trial command failed: {result.output.strip()[:300]}")


def _choose_ids(uid: int | None) -> tuple[int, int]:
    if os.geteuid() != 0:
        if uid not in (None, os.geteuid()):
            raise SandboxUnavailable(f"Only root can run sandboxes by another uid ({uid}); leave it unset.")
        return os.geteuid(), os.getegid()
    if uid == 0:
        raise SandboxUnavailable("Sandboxes never run as root: a set-uid file made inside would be root's outside.")
    if uid is not None:
        return uid, uid
    try:
        user = pwd.getpwnam(_USER)
    except KeyError:
        return _UNNAMED_UID, _UNNAMED_UID
    return user.pw_uid, user.pw_gid


def _writables(tree: OverlayMount | BindMount, home: Path | None) -> list[Writable]:
    inner = (
        Writable(path=tree.upper, is_layer=True)
        if isinstance(tree, OverlayMount)
        else Writable(path=tree.path, is_layer=False)
    )
    # Home is empty at first: all in it is growth, whichever command wrote it.
    return [inner] if home is None else [inner, Writable(path=home, is_layer=True)]


def _wait_for(work: Coroutine[Any, Any, ExecResult]) -> ExecResult:
    """From a thread of its own, so that it may be called inside a running event loop too."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(asyncio.run, work).result()
