"""Run what tells whether the work is good, and say in few words what it said."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from github_app.agent.ecosystems import Verifier
from github_app.agent.files import ALL_FILES
from github_app.agent.outlet import Outlet
from github_app.agent.verifiers import find_verifiers, manifests_in
from github_app.core.distill.distillate import distill
from github_app.core.errors import ToolFailed
from github_app.core.model import Verdict
from github_app.core.policy import POLICY_PATH, Policy
from github_app.core.ports import ExecLimits, ExecResult, Workspace

TIMEOUT_S = 900.0
"""What one verifier may take."""

QUIET_ENV = {"CI": "1", "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": "-p no:cacheprovider"}
"""Keeps tools from asking, from colours, and from leaving caches where nothing ignores them."""

KILLED = {
    "timeout": "it ran into its time limit and was stopped",
    "memory": "it was stopped for using too much memory",
    "processes": "it was stopped for starting too many processes",
    "disk": "it was stopped for writing too much",
    "output": "it was stopped for printing too much",
    "stop": "it was stopped because the work was withdrawn",
}
"""Why the sandbox ended a command, by `ExecResult.killed_by`."""


_MODULE = re.compile(r"\bpython3? -m (\w+)")
_MAX_SAID = 500


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What all verifiers said."""

    verdicts: tuple[Verdict, ...]

    @property
    def has_passed(self) -> bool:
        """Whether every verifier passed, but for linters that this sandbox lacks; also if there is none."""
        return not self.unmet

    @property
    def unmet(self) -> tuple[Verdict, ...]:
        """Those that stand against the change, or that are needed and could not run."""
        return tuple(each for each in self.verdicts if each.exit_code and (each.is_needed or not each.could_not_run))

    @property
    def text(self) -> str:
        """For the model: a line for what passed, the lines that matter for what did not."""
        if not self.verdicts:
            return "No verifier: nothing in this repository says how it is tested. Check your work by hand with `bash`."
        return "\n\n".join(map(_line, self.verdicts))


def _line(verdict: Verdict) -> str:
    if verdict.exit_code == 0:
        return f"passed: `{verdict.command}` ({verdict.duration_s:.1f} s)"
    if verdict.could_not_run:
        return f"could not run here: `{verdict.command}`. This says nothing about your change.\n{verdict.lines}"
    return f"failed with exit code {verdict.exit_code}: `{verdict.command}`\n{verdict.lines}"


async def look_for_verifiers(workspace: Workspace, policy: Policy) -> tuple[Verifier, ...]:
    """The policy's verifiers; or those that the commit underneath speaks of, whatever the change makes of its files.
    Where it speaks of none, those of the tree as it is now."""
    if policy.verify:
        return tuple(Verifier((command,), source=POLICY_PATH, reason="it says so") for command in policy.verify)
    now = await workspace.list(limit=ALL_FILES)
    try:
        changed = {change.path: change for change in (await workspace.changes()).changes}
    except ToolFailed:
        changed = {}  # more than a change set holds, which the agent is told when it matters
    before = sorted({*now, *changed} - {path for path, change in changed.items() if change.base_mode is None})
    contents = {
        path: await _text(workspace, path, is_changed=path in changed) for path in manifests_in(before, changed)
    }
    found = find_verifiers(before, contents, changed)
    if found or not changed:
        return found
    return find_verifiers(now, {path: await _text(workspace, path) for path in manifests_in(now, changed)}, changed)


async def _text(workspace: Workspace, path: str, *, is_changed: bool = False) -> str:
    try:
        content = await (workspace.read_base(path) if is_changed else workspace.read(path))
    except ToolFailed:
        return ""  # a link or a giant: not a manifest that we follow
    return (content or b"").decode(errors="replace")


async def verify(outlet: Outlet, policy: Policy, *, time_left_s: Callable[[], float]) -> Verification:
    """Run every verifier, one after the other, also after one has failed."""
    verifiers = await look_for_verifiers(outlet.workspace, policy)
    return Verification(verdicts=tuple([await _verdict(outlet, verifier, time_left_s) for verifier in verifiers]))


async def _verdict(outlet: Outlet, verifier: Verifier, time_left_s: Callable[[], float]) -> Verdict:
    for command in verifier.commands:
        verdict = await run_verifier(outlet, command, timeout_s=min(TIMEOUT_S, max(1.0, time_left_s())))
        if not verdict.could_not_run:
            break
    return replace(verdict, source=verifier.source, is_needed=verifier.kind == "test")


async def run_verifier(outlet: Outlet, command: str, *, timeout_s: float = TIMEOUT_S) -> Verdict:
    """What a command says of the tree in the workspace."""
    limits = ExecLimits(timeout_s=timeout_s)
    result = await outlet.exec(["sh", "-c", command], env=QUIET_ENV, limits=limits)
    lines = "" if result.exit_code == 0 else distill(result.output).text or "(it printed nothing)"
    if result.killed_by:
        lines = f"{KILLED[result.killed_by]} ({timeout_s:.0f} s allowed)\n{lines}"
    if refused := outlet.words(result) if lines else "":
        lines = f"{lines}\n{refused}"
    return Verdict(
        command=command,
        exit_code=result.exit_code or (1 if result.killed_by else 0),
        duration_s=result.duration_s,
        lines=lines,
        could_not_run=_is_missing(command, result),
    )


def _is_missing(command: str, result: ExecResult) -> bool:
    """Whether the command's own tool is not there (POSIX: 126 and 127), or Python lacks the module that it names."""
    module = _MODULE.search(command)
    said = result.output.strip()[-_MAX_SAID:]
    lacks_module = module is not None and result.exit_code == 1 and said.endswith(f"No module named {module[1]}")
    return result.killed_by is None and (result.exit_code in (126, 127) or lacks_module)
