"""Run what tells whether the work is good, and say in few words what it said."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from github_app.agent.ecosystems import Verifier
from github_app.agent.files import ALL_FILES
from github_app.agent.outlet import Outlet
from github_app.agent.verifiers import find_verifiers, manifests_in
from github_app.core.distill.distillate import Distillate, distill
from github_app.core.errors import ToolFailed
from github_app.core.model import ChangeSet
from github_app.core.policy import POLICY_PATH, Policy
from github_app.core.ports import ExecLimits, ExecResult, Workspace
from github_app.core.verdicts import ENDED_EARLY, Verdict, is_blamed, new_failures, unmet, was_red_before
from github_app.core.verification import NoVerdicts, Verdicts

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
_NAMED = 10


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What all verifiers said."""

    verdicts: tuple[Verdict, ...]

    @property
    def has_passed(self) -> bool:
        """Whether nothing stands against the change; also if there is no verifier."""
        return not unmet(self.verdicts)

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
    return f"failed with exit code {verdict.exit_code}{_compared(verdict)}: `{verdict.command}`\n{verdict.lines}"


def _compared(verdict: Verdict) -> str:
    """How a failure compares with what the same command said before the change."""
    if not was_red_before(verdict):
        return ", and passed before your change" if verdict.before is not None else ""
    if not is_blamed(verdict):
        same = "with the same failures" if verdict.failures else "in ways that I cannot tell apart"
        return f", as it did before your change, {same}; it does not stand against you"
    new = new_failures(verdict)
    if not new:
        return ", and did before your change, but in another way"
    more = f" and {len(new) - _NAMED} more" if len(new) > _NAMED else ""
    old = len(verdict.failures) - len(new)
    return f"; new with your change: {', '.join(new[:_NAMED])}{more}; {old} failed before as well"


async def look_for_verifiers(workspace: Workspace, policy: Policy) -> tuple[Verifier, ...]:
    """The policy's verifiers; or those that the commit underneath speaks of, whatever the change makes of its files.
    Where it speaks of none, those of the tree as it is now."""
    if policy.verify:
        return tuple(Verifier((command,), source=POLICY_PATH, reason="it says so") for command in policy.verify)
    now = await workspace.list(limit=ALL_FILES)
    tree = await _tree(workspace)
    changed = {change.path: change for change in tree.changes} if tree is not None else {}
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


async def verify(
    outlet: Outlet,
    policy: Policy,
    *,
    time_left_s: Callable[[], float],
    known: Verdicts = NoVerdicts(),  # noqa: B008 - it has no state
    is_merge: bool = False,
) -> Verification:
    """Run every verifier, one after the other, also after one has failed; of those that fail, look whether they did
    before the change (before what `is_merge`, too). One that is `known` to have passed on this very tree is not run
    again."""
    verifiers = await look_for_verifiers(outlet.workspace, policy)
    tree = await _tree(outlet.workspace)
    verdicts: list[Verdict] = []
    for verifier in verifiers:
        verdict = await _verdict(outlet, verifier, time_left_s, tree, known)
        if verdict.exit_code and not verdict.could_not_run and tree is not None and (tree.changes or is_merge):
            before = await known.before(verdict.command, timeout_s=_timeout_s(time_left_s))
            verdict = replace(verdict, before=before)
        verdicts.append(verdict)
    # A verifier that writes files has seen another tree than the one that is left.
    if tree is not None and await _tree(outlet.workspace) == tree:
        for verdict in verdicts:
            await known.remember(tree, verdict)
    return Verification(verdicts=tuple(verdicts))


async def _tree(workspace: Workspace) -> ChangeSet | None:
    try:
        return await workspace.changes()
    except ToolFailed:
        return None  # more than a change set holds, which the agent is told when it matters


async def _verdict(
    outlet: Outlet, verifier: Verifier, time_left_s: Callable[[], float], tree: ChangeSet | None, known: Verdicts
) -> Verdict:
    for command in verifier.commands:
        recalled = None if tree is None else await known.recall(tree, command)
        verdict = recalled or await run_verifier(outlet, command, timeout_s=_timeout_s(time_left_s))
        if not verdict.could_not_run:
            break
    return replace(verdict, source=verifier.source, is_needed=verifier.kind == "test")


def _timeout_s(time_left_s: Callable[[], float]) -> float:
    return min(TIMEOUT_S, max(1.0, time_left_s()))


async def run_verifier(outlet: Outlet, command: str, *, timeout_s: float = TIMEOUT_S) -> Verdict:
    """What a command says of the tree in the workspace."""
    limits = ExecLimits(timeout_s=timeout_s)
    result = await outlet.exec(["sh", "-c", command], env=QUIET_ENV, limits=limits)
    found = distill(result.output) if result.exit_code else Distillate(text="")
    lines = (found.text or "(it printed nothing)") if result.exit_code else ""
    if result.killed_by:
        found = replace(found, failures=(*found.failures, ENDED_EARLY))
        lines = f"{KILLED[result.killed_by]} ({timeout_s:.0f} s allowed)\n{lines}"
    if refused := outlet.words(result) if lines else "":
        lines = f"{lines}\n{refused}"
    return Verdict(
        command=command,
        exit_code=result.exit_code or (1 if result.killed_by else 0),
        duration_s=result.duration_s,
        lines=lines,
        could_not_run=_is_missing(command, result),
        failures=found.failures,
    )


def _is_missing(command: str, result: ExecResult) -> bool:
    """Whether the command's own tool is not there (POSIX: 126 and 127), or Python lacks the module that it names."""
    module = _MODULE.search(command)
    said = result.output.strip()[-_MAX_SAID:]
    lacks_module = module is not None and result.exit_code == 1 and said.endswith(f"No module named {module[1]}")
    return result.killed_by is None and (result.exit_code in (126, 127) or lacks_module)
