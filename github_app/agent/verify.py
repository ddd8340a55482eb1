"""Run what tells whether the work is good, and say in few words what it said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from github_app.agent.files import ALL_FILES
from github_app.agent.outlet import Outlet
from github_app.agent.verifiers import Verifier, find_verifiers, manifests_in
from github_app.core.distill.distillate import distill
from github_app.core.errors import ToolFailed
from github_app.core.model import Verdict
from github_app.core.policy import Policy
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


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What all verifiers said. `could_not_run` are those commands that this sandbox lacks the tools for."""

    verdicts: tuple[Verdict, ...]
    could_not_run: tuple[str, ...] = ()

    @property
    def has_passed(self) -> bool:
        """Whether every verifier ran and passed; also if there is none."""
        return all(verdict.exit_code == 0 for verdict in self.verdicts)

    @property
    def text(self) -> str:
        """For the model: a line for what passed, the lines that matter for what did not."""
        if not self.verdicts:
            return "No verifier: nothing in this repository says how it is tested. Check your work by hand with `bash`."
        return "\n\n".join(self._line(verdict) for verdict in self.verdicts)

    def _line(self, verdict: Verdict) -> str:
        if verdict.exit_code == 0:
            return f"passed: `{verdict.command}` ({verdict.duration_s:.1f} s)"
        if verdict.command in self.could_not_run:
            return f"could not run here: `{verdict.command}`. This says nothing about your change.\n{verdict.lines}"
        return f"failed with exit code {verdict.exit_code}: `{verdict.command}`\n{verdict.lines}"


async def look_for_verifiers(workspace: Workspace, policy: Policy, files: Sequence[str]) -> tuple[Verifier, ...]:
    """The verifiers for the tree as it is now, with these files: the policy's, or those that the files speak of."""
    if policy.verify:
        return tuple(Verifier((command,)) for command in policy.verify)
    contents: dict[str, str] = {}
    for path in manifests_in(files):
        try:
            contents[path] = (await workspace.read(path)).decode(errors="replace")
        except ToolFailed:
            continue  # a link or a giant: not a manifest that we follow
    return find_verifiers(files, contents)


async def verify(outlet: Outlet, policy: Policy, *, time_left_s: Callable[[], float]) -> Verification:
    """Run every verifier, one after the other, also after one has failed."""
    verdicts: list[Verdict] = []
    missing: list[str] = []
    files = await outlet.workspace.list(limit=ALL_FILES)
    for verifier in await look_for_verifiers(outlet.workspace, policy, files):
        for command in verifier.commands:
            verdict, ran = await _run(outlet, command, timeout_s=min(TIMEOUT_S, max(1.0, time_left_s())))
            if ran:
                break
        else:
            missing.append(command)
        verdicts.append(verdict)
    return Verification(verdicts=tuple(verdicts), could_not_run=tuple(missing))


async def _run(outlet: Outlet, command: str, *, timeout_s: float) -> tuple[Verdict, bool]:
    limits = ExecLimits(timeout_s=timeout_s)
    result = await outlet.exec(["sh", "-c", command], env=QUIET_ENV, limits=limits)
    lines = "" if result.exit_code == 0 else distill(result.output).text or "(it printed nothing)"
    if result.killed_by:
        lines = f"{KILLED[result.killed_by]} ({timeout_s:.0f} s allowed)\n{lines}"
    if refused := outlet.words(result) if lines else "":
        lines = f"{lines}\n{refused}"
    exit_code = result.exit_code or (1 if result.killed_by else 0)
    verdict = Verdict(command=command, exit_code=exit_code, duration_s=result.duration_s, lines=lines)
    return verdict, not _is_missing(result)


def _is_missing(result: ExecResult) -> bool:
    """Whether the command's own tool is not there (POSIX: 126 and 127), or Python lacks the module that it names."""
    lacks_module = result.exit_code == 1 and result.output.strip().endswith("No module named pytest")
    return result.killed_by is None and (result.exit_code in (126, 127) or lacks_module)
