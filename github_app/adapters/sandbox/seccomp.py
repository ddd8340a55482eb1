"""The seccomp filter of every sandbox: a classic BPF program for `bwrap --seccomp`, made with `struct` alone.

Everything is allowed but what opens the kernel to a hostile program and no build or test needs: namespaces
and mounts, key rings, bpf, io_uring and other wide surfaces, injecting terminal input, and sockets of
families that no network namespace confines (AF_VSOCK) or that nobody uses. A denied call gets an error, not a
death, so programs can fall back; only calls by a foreign ABI (i386, x32) kill, because the table would not
fit them.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterable

from github_app.core.errors import SandboxUnavailable

# name: (x86_64, aarch64), from <asm/unistd_64.h> and <asm-generic/unistd.h>; None where an architecture has
# no such call.
_DENIED: dict[str, tuple[int | None, int | None]] = {
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "syslog": (103, 116),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "acct": (163, 89),
    "iopl": (172, None),
    "ioperm": (173, None),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
}
_CLONE, _CLONE3, _IOCTL = (56, 220), (435, 435), (16, 29)
_SOCKETS = ((41, 198), (53, 199))  # socket, socketpair

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000
_NO_SYSCALL = 0xFFFFFFFF  # a tracer's "skip this call", not an x32 one
_CLONE_NEW_MASK = 0x7E020000  # NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_FAMILIES = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK

# <linux/filter.h>, <linux/seccomp.h>; offsets into struct seccomp_data (both architectures are little-endian
# here).
_LOAD, _JEQ, _JGE, _JSET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NR_AT, _ARCH_AT, _ARG0_AT, _ARG1_AT = 0, 4, 16, 24
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000

_Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, operand


def make_filter(machine: str = platform.machine()) -> bytes:
    """The program for an architecture as `uname -m` names it: 8 bytes an instruction, ready for `bwrap --seccomp`.

    Raises `SandboxUnavailable` for an architecture without a table: no filter is no sandbox.
    """
    if machine not in _AUDIT_ARCH:
        raise SandboxUnavailable(f"No seccomp table for {machine}. Run Honk on x86_64 or aarch64 Linux.")
    program = list(_instructions(machine))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _instructions(machine: str) -> Iterable[_Instruction]:
    column = 0 if machine == "x86_64" else 1
    yield _LOAD, 0, 0, _ARCH_AT
    yield _JEQ, 1, 0, _AUDIT_ARCH[machine]
    yield _RETURN, 0, 0, _KILL
    yield _LOAD, 0, 0, _NR_AT
    if machine == "x86_64":
        yield _JEQ, 2, 0, _NO_SYSCALL
        yield _JGE, 0, 1, _X32_BIT
        yield _RETURN, 0, 0, _KILL
    for numbers in _DENIED.values():
        number = numbers[column]
        if number is not None:
            yield _JEQ, 0, 1, number
            yield _RETURN, 0, 0, _ERRNO | errno.EPERM
    # ENOSYS, because clone3 takes its flags by pointer, which a filter cannot read: libc falls back to clone.
    yield _JEQ, 0, 1, _CLONE3[column]
    yield _RETURN, 0, 0, _ERRNO | errno.ENOSYS
    yield from _when(_CLONE[column], [(_LOAD, 0, 0, _ARG0_AT), (_JSET, 0, 1, _CLONE_NEW_MASK)], errno.EPERM)
    # Only the low 32 bits of the request: the kernel cuts it to those, so a high bit must not hide it from
    # us.
    ioctl = [(_LOAD, 0, 0, _ARG1_AT), (_JEQ, 1, 0, _TIOCSTI), (_JEQ, 0, 1, _TIOCLINUX)]
    yield from _when(_IOCTL[column], ioctl, errno.EPERM)
    for numbers in _SOCKETS:
        known = [(_JEQ, len(_FAMILIES) - at, 0, family) for at, family in enumerate(_FAMILIES)]
        yield from _when(numbers[column], [(_LOAD, 0, 0, _ARG0_AT), *known], errno.EAFNOSUPPORT)
    yield _RETURN, 0, 0, _ALLOW


def _when(number: int, test: list[_Instruction], code: int) -> Iterable[_Instruction]:
    """For one system call: a test of an argument that falls through to refuse and jumps by one to allow."""
    yield _JEQ, 0, len(test) + 2, number
    yield from test
    yield _RETURN, 0, 0, _ERRNO | code
    yield _RETURN, 0, 0, _ALLOW
