"""What stands in the way of publishing a change set: paths that are protected, secrets, weakened tests, too much of it.
Most of it a person may accept; what no repository should ever hold is final. Found again before publishing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from github_app.core.changes.cases import is_test_path
from github_app.core.changes.checkfiles import find_weakened_checks, is_check_file
from github_app.core.changes.paths import flaw_of, is_dot_git
from github_app.core.changes.weakening import find_weakened_tests
from github_app.core.holds import Finding, Kind
from github_app.core.model import ChangeSet, FileChange
from github_app.core.policy import Policy
from github_app.core.ports import SecretScanner, Sighting

SHOWN = 25
"""So many findings of one kind are told one by one."""

MAX_COMPARED_BYTES = 1_000_000
"""Larger files are not compared with what they were."""

_BINARY_LOOK_BYTES = 8_000
_INSTALL_SCRIPTS = ("preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare", "prepublish")

Before = Mapping[str, bytes | None]
"""Contents at the base, by path. None: it is there, and too large to be compared."""

Sightings = Mapping[str, Sequence[Sighting]]
"""What a scanner saw in the new contents, by path."""


def look_for_secrets(changes: ChangeSet, scanner: SecretScanner) -> Sightings:
    """What a scanner sees in all new contents, and, under no path, in the names of the files. Blocks."""
    seen = {
        change.path: scanner.scan(change.content)
        for change in changes.changes
        if change.content is not None and change.mode != "120000"
    }
    seen[""] = scanner.scan("\n".join(change.path for change in changes.changes).encode("utf-8", "replace"))
    return {path: found for path, found in seen.items() if found}


def paths_to_compare(changes: ChangeSet, sightings: Sightings) -> tuple[str, ...]:
    """The paths whose content at the base `find_findings` wants to know: as few as possible, each costs a call."""
    return tuple(
        change.path
        for change in changes.changes
        if change.base_mode in ("100644", "100755")
        and (sightings.get(change.path) or is_test_path(change.path) or is_check_file(change.path))
    )


def find_findings(changes: ChangeSet, policy: Policy, *, before: Before, sightings: Sightings) -> tuple[Finding, ...]:
    """All that was found, what is final first. Empty: it may be published."""
    found = [finding for change in changes.changes for finding in _found_in(change, policy)]
    found += _sizes(changes, policy)
    for seen in sightings.get("", ()):
        found.append(Finding(kind="secrets", path="", text=f"the name of a file holds {seen.what}", final=True))
    for change in changes.changes:
        found += _secrets(change, before, sightings.get(change.path, ()))
        found += _install_scripts(change, before)
    found += [*find_weakened_tests(changes, before), *find_weakened_checks(changes, before)]
    # The lines around a secret are shown to nobody either.
    found = [replace(each, lines=()) if each.path in sightings else each for each in found]
    return _in_bounds(found)


def _found_in(change: FileChange, policy: Policy) -> Iterator[Finding]:
    """What can be told from the change alone."""
    is_new = change.content is not None and change.base_mode is None
    if is_new and (flaw := flaw_of(change.path)):
        yield Finding(kind="paths", path=change.path, text=flaw, final=True)
    if _name(change.path).casefold() == ".gitmodules":
        yield Finding(kind="submodules", path=change.path, text="says what other code comes along", final=True)
    elif pattern := _protection_of(change, policy):
        yield Finding(kind="protected", path=change.path, text=f"is protected ({pattern})")
    if change.content is not None and change.mode == "120000":
        yield from _link(change)
    elif change.content is not None:
        if change.mode == "100755" and change.base_mode == "100644":
            yield Finding(kind="modes", path=change.path, text="becomes a program (its executable bit is set)")
        if b"\0" in change.content[:_BINARY_LOOK_BYTES] and len(change.content) > policy.max_binary_bytes:
            text = f"is a binary file of {len(change.content):,} bytes; {policy.max_binary_bytes:,} are allowed"
            yield Finding(kind="binary", path=change.path, text=text)


def _link(change: FileChange) -> Iterator[Finding]:
    target = change.content or b""
    if _leaves_tree(change.path, target):
        text = "would be a symbolic link that leaves the repository, or has `..` after a name"
        yield Finding(kind="links", path=change.path, text=text, final=True)
    elif any(is_dot_git(part) for part in target.decode("utf-8", "replace").split("/")):
        yield Finding(kind="links", path=change.path, text="would be a symbolic link into `.git`", final=True)
    elif change.base_mode in ("100644", "100755"):
        yield Finding(kind="modes", path=change.path, text="becomes a symbolic link, and was a file")


def _leaves_tree(path: str, target: bytes) -> bool:
    if target.startswith((b"/", b"\\")) or not target or b":" in target.split(b"/")[0]:
        return True
    parts = [part for part in target.replace(b"\\", b"/").split(b"/") if part not in (b"", b".")]
    ups = parts.count(b"..")
    # `..` only at the start: after a name, which may be a link itself, nobody knows from where it goes up.
    return ups > path.count("/") or b".." in parts[ups:]


def _protection_of(change: FileChange, policy: Policy) -> str:
    """The pattern that protects a path, as it is told; empty if none does."""
    for pattern in policy.protected:
        if _matches(change.path, pattern):
            return f"`{pattern}`"
        if change.content is not None and pattern.casefold().startswith(f"{change.path.casefold()}/"):
            return f"it would be in the place of a folder: `{pattern}`"
    if change.mode == "120000" and change.content is not None and _name(change.path).startswith("."):
        return "a link may stand for a folder: `**/.*/**`"
    return ""


def _matches(path: str, pattern: str) -> bool:
    """Match case-folded; `**/` also matches no folder at all. `*` crosses folders, which errs on the safe side."""
    path, pattern = path.casefold(), pattern.casefold()
    return fnmatchcase(path, pattern) or (pattern.startswith("**/") and fnmatchcase(path, pattern[3:]))


def _sizes(changes: ChangeSet, policy: Policy) -> Iterator[Finding]:
    count, size = len(changes.changes), sum(len(change.content or b"") for change in changes.changes)
    if count > policy.max_files:
        text = f"{count:,} files are changed; {policy.max_files:,} are allowed in one change"
        yield Finding(kind="size", path="", text=text)
    if size > policy.max_bytes:
        text = f"the changed files are {size:,} bytes together; {policy.max_bytes:,} are allowed"
        yield Finding(kind="size", path="", text=text)


def _secrets(change: FileChange, before: Before, sightings: Sequence[Sighting]) -> Iterator[Finding]:
    """What a scanner saw on lines that are new. The value is told to nobody."""
    if not sightings or change.content is None:
        return
    old = {line.strip() for line in (before.get(change.path) or b"").split(b"\n")}
    new = change.content.split(b"\n")
    for seen in sightings:
        if seen.is_ours or any(line.strip() not in old for line in new[seen.line - 1 : seen.last_line]):
            yield Finding(
                kind="secrets", path=change.path, text=f"line {seen.line} holds {seen.what}", final=seen.is_ours
            )


def _install_scripts(change: FileChange, before: Before) -> Iterator[Finding]:
    if _name(change.path) != "package.json" or change.content is None:
        return
    old, new = _scripts_of(before.get(change.path)), _scripts_of(change.content)
    for name in _INSTALL_SCRIPTS:
        if name in new and new[name] != old.get(name):
            text = f"runs another `{name}` script wherever it is installed"
            yield Finding(kind="protected", path=change.path, text=text)


def _scripts_of(manifest: bytes | None) -> Mapping[str, object]:
    try:
        scripts = json.loads(manifest or b"{}").get("scripts")
    except (ValueError, AttributeError, RecursionError):
        return {}
    return scripts if isinstance(scripts, dict) else {}


def _in_bounds(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """What is final first, and of each kind no more than people read."""
    kept: list[Finding] = []
    left: dict[tuple[Kind, bool], int] = {}
    for finding in sorted(found, key=lambda finding: not finding.final):
        key = (finding.kind, finding.final)
        left[key] = left.get(key, 0) + 1
        if left[key] <= SHOWN:
            kept.append(finding)
    for (kind, final), count in left.items():
        if count > SHOWN:
            kept.append(Finding(kind=kind, path="", text=f"and {count - SHOWN:,} more like these", final=final))
    return tuple(kept)


def _name(path: str) -> str:
    return path.rpartition("/")[2]
