"""Record what real tools print, for the golden tests of `core/distill`: `python scripts/record_logs.py [NAME…]`.

Each `tests/core/data/logs/*.case` is a small project with its commands. `$ NAME: COMMAND` is run by `sh -c` in a fresh
copy of the project at /repo (made and deleted here, so run this on a machine of your own); what it prints, stdout and
stderr as they come, becomes NAME.log beside it, as it is but for paths of the machine: `NEUTRAL` says which become
what. The tools must be on PATH, Node's in /node_modules; their versions stand in the first line of each case.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CASES = Path(__file__).resolve().parent.parent / "tests/core/data/logs"
REPO = Path("/repo")
TIMEOUT_S = 300
NEUTRAL = (
    (re.escape(str(Path(sys.base_prefix))), "/usr"),
    (re.escape(str(Path(sys.prefix))), "/usr"),
    (r"/root/\.pyenv/versions/[\d.]+", "/usr"),
    (r"/root/\.rustup/toolchains/[\w.-]+", "/usr"),
    (re.escape(str(Path.home())), "/home/user"),
)
ENV = {"HOME": str(Path.home()), "LANG": "C.UTF-8", "TERM": "dumb", "CI": "1", "PATH": os.environ["PATH"]}


def main(wanted: list[str]) -> None:
    """Record the logs that are named; all without names."""
    for case in sorted(CASES.glob("*.case")):
        commands, files = read_case(case.read_text("utf-8"))
        for name, command in commands.items():
            if not wanted or name in wanted:
                record(name, command, files)


def read_case(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """The commands of a case by the names of their logs, and its files by their paths."""
    head, *parts = re.split(r"^-- (.+) --\n", text, flags=re.MULTILINE)
    commands = dict(re.findall(r"^\$ (\w+): (.+)$", head, re.MULTILINE))
    return commands, dict(zip(parts[::2], parts[1::2], strict=True))


def record(name: str, command: str, files: dict[str, str]) -> None:
    """Run one command in a fresh project, and keep what it printed."""
    shutil.rmtree(REPO, ignore_errors=True)
    for path, content in files.items():
        (REPO / path).parent.mkdir(parents=True, exist_ok=True)
        (REPO / path).write_text(content, "utf-8")
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=REPO, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    shutil.rmtree(REPO)
    output = done.stdout
    for machine, neutral in NEUTRAL:
        output = re.sub(machine.encode(), neutral.encode(), output)
    (CASES / f"{name}.log").write_bytes(output)
    print(f"{name}: exit code {done.returncode}, {len(output)} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
