"""Running commands and searching, as tools. Both happen in the sandbox; what they print is cut and made visible."""

from __future__ import annotations

import re

from github_app.agent.outlet import Outlet
from github_app.agent.untrusted import clip, show
from github_app.agent.verify import KILLED, QUIET_ENV
from github_app.core.errors import ToolFailed
from github_app.core.ports import ExecLimits, Workspace

_OUTPUT_CHARS = 20_000
_MAX_COMMAND_CHARS = 100_000  # one argument of execve may have 128 KiB on Linux
_MAX_MATCHES = 200
_MATCH_CHARS = 300
_MATCH = re.compile(r":\d+:")

_BASH = 'command -v bash >/dev/null 2>&1 && exec bash -c "$1"; exec sh -c "$1"'
_SEARCH = """
if command -v rg >/dev/null 2>&1; then
  exec rg --no-config --line-number --no-heading --with-filename --color never --sort path --hidden --glob '!.git' \
    --max-columns 1000 --max-columns-preview -e "$1" -- "$2"
fi
exec grep -rnIHE --exclude-dir=.git -e "$1" -- "$2"
"""


async def run_command(outlet: Outlet, command: str, *, timeout_s: float) -> str:
    """What a shell command printed, how it ended, and what it was refused; a failing one is a result like any other.

    Raises `ToolFailed` if it cannot be handed to a shell.
    """
    if len(command.encode(errors="replace")) > _MAX_COMMAND_CHARS or "\0" in command:
        raise ToolFailed(f"a command may have {_MAX_COMMAND_CHARS} bytes and no NUL; write large texts with `edit`")
    limits = ExecLimits(timeout_s=timeout_s)
    result = await outlet.exec(["sh", "-c", _BASH, "sh", command], env=QUIET_ENV, limits=limits)
    output = clip(show(result.output).rstrip(), max_chars=_OUTPUT_CHARS, head=0.4)
    ending = f"exit code {result.exit_code}"
    if result.killed_by:
        ending = f"{KILLED[result.killed_by]}, after {result.duration_s:.0f} s"
    if refused := outlet.words(result):
        ending = f"{ending}; {refused}"
    return f"{output}\n[{ending}]" if output else f"[no output; {ending}]"


async def search(workspace: Workspace, pattern: str, *, path: str) -> str:
    """Lines that match a regular expression, as `path:line:text`. Raises `ToolFailed` for a bad pattern or path."""
    if len(pattern) > 10_000 or "\0" in pattern + path:
        raise ToolFailed("the pattern is too long, or holds a NUL")
    limits = ExecLimits(timeout_s=60.0)
    result = await workspace.exec(["sh", "-c", _SEARCH, "sh", pattern, path], limits=limits)
    lines = [show(line) for line in result.output.splitlines()]
    # 1 says "nothing found" with rg and grep alike, 2 that something was wrong; with output, it was wrong in part only.
    if result.killed_by or (result.exit_code > 1 and not any(_MATCH.search(line) for line in lines)):
        why = KILLED[result.killed_by] if result.killed_by else clip("\n".join(lines), max_chars=1_000)
        raise ToolFailed(f"the search failed: {why}")
    if not lines:
        return "No line matches."
    cut = [line if len(line) <= _MATCH_CHARS else f"{line[:_MATCH_CHARS]}[…]" for line in lines[:_MAX_MATCHES]]
    more = (
        f"\n[… {len(lines) - _MAX_MATCHES} more lines; search for something narrower]" if len(lines) > len(cut) else ""
    )
    return "\n".join(cut) + more
