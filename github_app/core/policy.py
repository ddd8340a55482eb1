"""What a repository allows: `.github/honk.yml`, read at the base commit only, parsed strictly into one frozen value;
and the check of a change set against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from github_app.core.errors import Refused
from github_app.core.model import ChangeSet, FileChange, Permission

POLICY_PATH = ".github/honk.yml"

PROTECTED = (
    ".github/workflows/**",
    ".github/honk.yml",
    "CODEOWNERS",
    "**/CODEOWNERS",
    ".gitmodules",
    "**/.gitmodules",
)
"""Paths that no change set may touch: what runs with secrets, who must review, and Honk's own policy."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Ceilings of one session: money in millionths of a dollar over its whole life, the rest for each turn."""

    cost_micro_usd: int = 5_000_000
    tokens: int = 20_000_000
    steps: int = 100
    time_s: float = 3_000.0


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The rules in force for one session. `verify` replaces the commands that Honk finds by itself, if not empty."""

    limits: Limits = Limits()
    fix_rounds: int = 3
    review_rounds: int = 10
    verify: tuple[str, ...] = ()
    protected: tuple[str, ...] = PROTECTED
    max_files: int = 100
    max_bytes: int = 2_000_000
    may_command: Permission = Permission.WRITE


def parse_policy(document: object) -> Policy:
    """Read the parsed YAML of a policy file; None (an empty file) gives the defaults.

    Raises `Refused` naming file and key for anything unknown or of the wrong kind: a policy that is only half
    understood is not followed.
    """
    if document is None:
        return Policy()
    top = _mapping(document, "", ("limits", "rounds", "verify", "protected"))
    limits = _mapping(top.get("limits", {}), "limits", ("usd", "steps", "minutes"))
    rounds = _mapping(top.get("rounds", {}), "rounds", ("checks", "reviews"))
    usual = Policy()
    return Policy(
        limits=Limits(
            cost_micro_usd=round(_number(limits, "limits.usd", 5.0, ceiling=1_000) * 1_000_000),
            steps=_whole(limits, "limits.steps", usual.limits.steps, ceiling=1_000),
            time_s=_number(limits, "limits.minutes", usual.limits.time_s / 60, ceiling=24 * 60) * 60,
        ),
        fix_rounds=_whole(rounds, "rounds.checks", usual.fix_rounds, ceiling=50),
        review_rounds=_whole(rounds, "rounds.reviews", usual.review_rounds, ceiling=50),
        verify=_texts(top, "verify"),
        protected=(*PROTECTED, *_texts(top, "protected")),
    )


def find_problems(changes: ChangeSet, policy: Policy) -> tuple[str, ...]:
    """What forbids publishing a change set: one sentence each, for the model and for people. Empty: nothing."""
    problems = [_problem_of(change, policy) for change in changes.changes]
    if len(changes.changes) > policy.max_files:
        problems.append(f"{len(changes.changes)} files are changed; {policy.max_files} are allowed in one pull request")
    size = sum(len(change.content or b"") for change in changes.changes)
    if size > policy.max_bytes:
        problems.append(f"the changed files are {size} bytes together; {policy.max_bytes} are allowed")
    return tuple(problem for problem in problems if problem)


def _problem_of(change: FileChange, policy: Policy) -> str:
    for pattern in policy.protected:
        if _matches(change.path, pattern):
            return f"`{change.path}` is protected (`{pattern}`): a human has to change it"
        if change.content is not None and pattern.casefold().startswith(f"{change.path.casefold()}/"):
            return f"`{change.path}` would be in the place of a folder that is protected (`{pattern}`)"
    if change.mode == "120000" and change.content is not None and _leaves_tree(change.path, change.content):
        return f"`{change.path}` would be a symbolic link that leaves the repository, or has `..` after a name"
    return ""


def _matches(path: str, pattern: str) -> bool:
    """Match case-folded; `**/` also matches no folder at all. `*` crosses folders, which errs on the safe side."""
    path, pattern = path.casefold(), pattern.casefold()
    return fnmatchcase(path, pattern) or (pattern.startswith("**/") and fnmatchcase(path, pattern[3:]))


def _leaves_tree(path: str, target: bytes) -> bool:
    if target.startswith(b"/") or not target:
        return True
    parts = [part for part in target.split(b"/") if part not in (b"", b".")]
    ups = parts.count(b"..")
    # `..` only at the start: after a name, which may be a link itself, nobody knows from where it goes up.
    return ups > path.count("/") or b".." in parts[ups:]


def _mapping(value: object, where: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Refused(f"`{POLICY_PATH}`: `{where or 'the file'}` must be a mapping")
    for key in value:
        if key not in known:
            path = f"{where}.{key}" if where else str(key)
            raise Refused(f"`{POLICY_PATH}`: unknown key `{path}`; known here: {', '.join(known)}")
    return value


def _number(values: Mapping[str, Any], where: str, usual: float, *, ceiling: float) -> float:
    value = values.get(where.rpartition(".")[2], usual)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= ceiling:
        raise Refused(f"`{POLICY_PATH}`: `{where}` must be a number from 0 to {ceiling:g}")
    return float(value)


def _whole(values: Mapping[str, Any], where: str, usual: int, *, ceiling: int) -> int:
    value = values.get(where.rpartition(".")[2], usual)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= ceiling:
        raise Refused(f"`{POLICY_PATH}`: `{where}` must be a whole number from 0 to {ceiling}")
    return value


def _texts(values: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = values.get(key, [])
    if not isinstance(value, list) or not all(isinstance(text, str) and text.strip() for text in value):
        raise Refused(f"`{POLICY_PATH}`: `{key}` must be a list of texts")
    return tuple(value)
