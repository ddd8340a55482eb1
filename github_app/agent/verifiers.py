"""Which commands tell whether a repository still works, found from what lies in it. Pure: a listing and some contents
in, commands out. What a repository's policy names under `verify` comes before all of this."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from posixpath import basename, dirname
from shlex import quote

from github_app.agent.ecosystems import GRADLE, MANIFESTS, PROJECT_ENDS, Folder, Verifier, verifiers_of
from github_app.agent.workflows import FOLDER, checks_in

_MAX_FOLDERS = 4
_MAX_MANIFESTS = 60
_TOPMOST = ("pom.xml", *GRADLE)
"""Where one of these lies above a folder, that is built as a part of what is above."""


def is_manifest(path: str) -> bool:
    """Whether a file's content may say how something is tested."""
    name = basename(path)
    return name in MANIFESTS or name.endswith(PROJECT_ENDS) or _is_workflow(path)


def manifests_in(files: Sequence[str], changed: Iterable[str] = ()) -> tuple[str, ...]:
    """The files whose contents `find_verifiers` wants: workflows, and manifests around what changed, of the top folder,
    or else of the folders below it."""
    found = [path for path in files if is_manifest(path)]
    near = {folder for path in changed for folder in _upwards(dirname(path))}
    workflows = [path for path in found if _is_workflow(path)]
    around = [path for path in found if dirname(path) in near or "/" not in path]
    chosen = around or [path for path in found if path.count("/") == 1]
    return tuple([*chosen[:_MAX_MANIFESTS], *workflows[:_MAX_MANIFESTS]])


def find_verifiers(
    files: Sequence[str], contents: Mapping[str, str], changed: Iterable[str] = ()
) -> tuple[Verifier, ...]:
    """The verifiers of a tree with these files (paths from its top), for a change of these paths: of each, those of the
    nearest folder that has any. Without such, what the workflows run; none if nothing in the tree tells."""
    of_folder = {folder: _of_folder(folder, files, contents) for folder in sorted({"", *map(dirname, contents)})}
    has_any = [folder for folder, verifiers in of_folder.items() if verifiers and not folder.startswith(".github")]
    nearest = {near for path in changed if (near := _nearest(path, has_any, files)) is not None}
    folders = sorted(nearest) or ([""] if "" in has_any else has_any)
    found = [verifier for folder in folders[:_MAX_FOLDERS] for verifier in of_folder[folder]]
    if any(verifier.kind == "test" for verifier in found):
        return tuple(found)
    workflows = {path: text for path, text in contents.items() if _is_workflow(path)}
    steps = [Verifier((check.command,), source=check.source, reason="it runs that") for check in checks_in(workflows)]
    return (*steps, *found)


def _of_folder(folder: str, files: Sequence[str], contents: Mapping[str, str]) -> tuple[Verifier, ...]:
    prefix = f"{folder}/" if folder else ""
    inside = [path.removeprefix(prefix) for path in files if path.startswith(prefix)]
    texts = {path.removeprefix(prefix): text for path, text in contents.items() if dirname(path) == folder}
    above = set(_upwards(dirname(folder))) if folder else set()
    names = frozenset(basename(path) for path in files if dirname(path) in above)
    return tuple(_inside(folder, each) for each in verifiers_of(Folder(files=inside, texts=texts, above=names)))


def _nearest(path: str, folders: Sequence[str], files: Sequence[str]) -> str | None:
    around = [folder for folder in _upwards(dirname(path)) if folder in folders]
    if not around:
        return None
    named = {file for file in files if basename(file) in _TOPMOST}
    parts = [folder for folder in around if any(_at(folder, name) in named for name in _TOPMOST)]
    # A module is built from the top of its build; any other project by itself.
    return parts[-1] if around[0] in parts else around[0]


def _upwards(folder: str) -> Iterator[str]:
    """A folder and all above it, the nearest first, the top (the empty name) last."""
    while folder:
        yield folder
        folder = dirname(folder)
    yield ""


def _at(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _is_workflow(path: str) -> bool:
    return path.startswith(FOLDER) and path.endswith((".yml", ".yaml")) and path.count("/") == 2


def _inside(folder: str, verifier: Verifier) -> Verifier:
    if not folder:
        return verifier
    commands = tuple(f"cd {quote(folder)} && {each}" for each in verifier.commands)
    return replace(verifier, commands=commands, source=f"{folder}/{verifier.source}")
