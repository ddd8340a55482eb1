"""The filter, run by a small interpreter of its instruction set, for both architectures on any machine."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from github_app.adapters.sandbox import seccomp
from github_app.adapters.sandbox.seccomp import make_filter
from github_app.core.errors import SandboxUnavailable

ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS, EAFNOSUPPORT = 0x50001, 0x50026, 0x50061
CALLS = {
    "x86_64": {"read": 0, "ioctl": 16, "socket": 41, "socketpair": 53, "clone": 56, "ptrace": 101, "clone3": 435},
    "aarch64": {"read": 63, "ioctl": 29, "socket": 198, "socketpair": 199, "clone": 220, "ptrace": 117, "clone3": 435},
}


def judge(machine: str, call: int, *arguments: int, arch: int | None = None) -> int:
    """What the kernel would answer: a classic BPF machine over `struct seccomp_data`."""
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("<iIQ6Q", _signed(call), arch or ARCH[machine], 0, *padded)
    program = list(struct.iter_unpack("=HBBI", make_filter(machine)))
    at = accumulator = 0
    while True:
        code, if_true, if_false, operand = program[at]
        at += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, operand)
            case 0x15:
                at += if_true if accumulator == operand else if_false
            case 0x35:
                at += if_true if accumulator >= operand else if_false
            case 0x45:
                at += if_true if accumulator & operand else if_false
            case 0x06:
                return int(operand)
            case _:
                raise AssertionError(f"instruction {code:#x} is not known to this interpreter")


def _signed(number: int) -> int:
    return number - 2**32 if number >= 2**31 else number


@pytest.mark.parametrize("machine", ARCH)
def test_ordinary_calls_pass(machine: str) -> None:
    calls = CALLS[machine]

    assert judge(machine, calls["read"]) == ALLOW
    assert judge(machine, calls["ptrace"]) == ALLOW, "debuggers work"
    assert judge(machine, calls["clone"], 0x003D0F00) == ALLOW, "threads"
    assert judge(machine, calls["ioctl"], 0, 0x5401) == ALLOW


@pytest.mark.parametrize("machine", ARCH)
def test_every_denied_call_is_an_error_and_not_a_death(machine: str) -> None:
    column = list(ARCH).index(machine)
    for name, numbers in seccomp._DENIED.items():
        number = numbers[column]
        if number is not None:
            assert judge(machine, number) == EPERM, name


@pytest.mark.parametrize("machine", ARCH)
@pytest.mark.parametrize("flag", [0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000])
def test_no_way_of_cloning_makes_a_namespace(machine: str, flag: int) -> None:
    assert judge(machine, CALLS[machine]["clone"], flag | 17) == EPERM
    assert judge(machine, CALLS[machine]["clone3"]) == ENOSYS


@pytest.mark.parametrize("machine", ARCH)
@pytest.mark.parametrize("request_code", [0x5412, 0x541C, 0x5412 | 1 << 32, 0x541C | 0xFFFF << 40])
def test_terminal_input_cannot_be_injected(machine: str, request_code: int) -> None:
    assert judge(machine, CALLS[machine]["ioctl"], 0, request_code) == EPERM


@pytest.mark.parametrize("machine", ARCH)
@pytest.mark.parametrize("call", ["socket", "socketpair"])
def test_only_four_families_of_sockets_exist(machine: str, call: str) -> None:
    allowed = [family for family in range(60) if judge(machine, CALLS[machine][call], family) == ALLOW]

    assert allowed == [1, 2, 10, 16]
    assert judge(machine, CALLS[machine][call], 40) == EAFNOSUPPORT, "AF_VSOCK"


def test_foreign_abis_kill() -> None:
    assert judge("x86_64", 0, arch=0x40000003) == KILL, "i386"
    assert judge("x86_64", 0x40000000) == KILL, "x32"
    assert judge("aarch64", 0, arch=0x40000028) == KILL, "32-bit arm"
    assert judge("x86_64", 0xFFFFFFFF) == ALLOW, "a tracer's skipped call is not x32"


def test_machine_without_a_table_is_refused() -> None:
    with pytest.raises(SandboxUnavailable, match="riscv64"):
        make_filter("riscv64")


@pytest.mark.parametrize(
    ("header", "column"),
    [("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", 0), ("/usr/include/asm-generic/unistd.h", 1)],
)
def test_numbers_are_those_of_the_kernels_headers(header: str, column: int) -> None:
    """Where the headers are installed; an older header may lack a newer call."""
    text = Path(header).read_text() if Path(header).exists() else ""
    known = {name: int(number) for name, number in re.findall(r"__NR(?:3264)?_(\w+)\s+(\d+)", text)}

    wrong = {
        name: (numbers[column], known[name])
        for name, numbers in seccomp._DENIED.items()
        if name in known and known[name] != numbers[column]
    }
    assert wrong == {}
