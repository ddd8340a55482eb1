"""More attacks from inside the sandbox: programs that change what they are, or die at a bad moment."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from github_app.core.errors import ToolFailed
from github_app.core.ports import ExecLimits
from tests.adapters.sandbox_room import read_text
from tests.attack.arena import Arena
from tests.attack.cases import attack, python_attack
from tests.attack.repositories import run_git_traps
from tests.attack.walls import SECCOMP

python_attack(
    "S15",
    "give a program capabilities by its file",
    """
with open("/work/prog", "wb") as file:
    file.write(b"#!/bin/sh\\n")
# vfs_cap_data, version 2, with CAP_SYS_ADMIN permitted and effective: what `setcap cap_sys_admin+ep` writes
value = struct.pack("<IIIII", 0x02000001, 1 << 21, 0, 0, 0)
tried("capabilities", lambda: os.setxattr("/work/prog", "security.capability", value))
""",
    stopped_by="no capabilities",
)
python_attack(
    "S21",
    "have the sandbox's first process do what is forbidden",
    """
if os.uname().machine == "x86_64":
    class Regs(ctypes.Structure):
        _fields_ = [(name, ctypes.c_ulonglong) for name in (
            "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss"
            " fs_base gs_base ds es fs gs").split()]
    ATTACH, DETACH, GETREGS, SETREGS, POKE, STEP = 16, 17, 12, 13, 5, 9
    libc.ptrace.argtypes = [ctypes.c_ulong, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    def vsock():
        checked(libc.ptrace(ATTACH, 1, None, None))
        os.waitpid(1, 0)
        regs = Regs()
        checked(libc.ptrace(GETREGS, 1, None, ctypes.addressof(regs)))
        checked(libc.ptrace(POKE, 1, regs.rip, 0x050F))  # syscall
        regs.rax, regs.rdi, regs.rsi, regs.rdx, regs.orig_rax = 41, 40, 1, 0, 2**64 - 1
        checked(libc.ptrace(SETREGS, 1, None, ctypes.addressof(regs)))
        checked(libc.ptrace(STEP, 1, None, None))
        os.waitpid(1, 0)
        checked(libc.ptrace(GETREGS, 1, None, ctypes.addressof(regs)))
        if regs.rax >= 2**64 - 4096:
            raise OSError(2**64 - regs.rax, "refused")
        return regs.rax
    try:
        tried("a vsock socket by the first process", vsock)
    except ChildProcessError:
        pass  # it is no child of ours, and cannot be waited for
""",
    stopped_by="the first process has the filter, too",
)
python_attack(
    "S27",
    "a program that lies in no file escapes the walls",
    """
script = b"#!/bin/sh\\n(echo x > /usr/evil) 2>/dev/null && echo GOT /usr; "
script += b"python3 -c 'import socket; socket.socket(40, 1); print(\\"GOT vsock\\")' 2>/dev/null; "
script += b"cat \\"$1\\" 2>/dev/null && echo GOT the key; true\\n"
fd = os.memfd_create("prog", 0)
os.write(fd, script)
if os.fork() == 0:
    os.execv(f"/proc/self/fd/{fd}", ["prog", sys.argv[1]])
os.wait()
""",
    stopped_by=f"walls are inherited: {SECCOMP}, namespaces",
)


@attack(
    "S33", "kill the launcher while it builds the sandbox, to keep what it left", stopped_by="kill by process handle"
)
async def _killed_early(arena: Arena) -> str:
    mark = f"orphan-{arena.port}"
    script = f"trap '' TERM INT HUP; while :; do sleep 0.05; done; : {mark}"
    for _ in range(25):
        work = asyncio.ensure_future(arena.workspace.exec(["sh", "-c", script], limits=ExecLimits(timeout_s=20)))
        await asyncio.sleep(random.uniform(0, 0.03))  # noqa: S311 - any moment will do
        work.cancel()
        await asyncio.wait([work])
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if mark in read_text(path)]
    return f"GOT {len(left)} processes that nobody ends" if left else ""


attack("S36", "git's own settings in the tree, against the host", stopped_by="no git on the agent's tree")(
    run_git_traps
)


@attack("X55", "git's options that run programs: `grep -O`, aliases, `-c`", stopped_by="no git tool; all runs inside")
async def _git_options(arena: Arena) -> str:
    marker = arena.desk.workspaces.root / "pwned"
    arena.desk.workspaces.root.chmod(0o777)  # whoever runs it could write there
    await arena.shell(
        f"git init -q . 2>/dev/null; git grep '-Otouch {marker}' app; git -c 'alias.x=!touch {marker}' x; "
        f"git -c 'core.sshCommand=touch {marker}' fetch ssh://x/y; git ls-remote 'ext::touch {marker}'; "
        f"rg '--pre=touch {marker}' app; true"
    )
    return "GOT a program on the host" if marker.exists() else ""


@attack("X57", "a folder becomes a link between check and use", stopped_by="openat2: no links, beneath the tree")
async def _swapped(arena: Arena) -> str:
    """Commands and the host's reader wait for each other; here the reader does not, so that they race."""
    script = (
        f"mkdir d real; echo mine > d/honk.pem; cp d/honk.pem real; ln -s {arena.key_file.parent} out; "
        "while :; do mv -T d keep; mv -T out d; mv -T d out; mv -T keep d; done"
    )
    racing = asyncio.ensure_future(arena.workspace.exec(["sh", "-c", script], limits=ExecLimits(timeout_s=3)))
    seen = refused = 0
    while not racing.done():
        await asyncio.sleep(0)
        try:
            content = await asyncio.to_thread(arena.workspace.tree.read, "d/honk.pem", max_bytes=1_000)
        except ToolFailed:
            refused += 1
            continue
        seen += 1
        arena.spoils.append(content.decode("latin-1"))
    assert seen, "nothing was read at all"
    assert refused, "no race took place"
    return ""
