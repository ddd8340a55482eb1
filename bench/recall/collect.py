"""Builds the cases from the registries: `python -m bench.recall.collect`. Done once; the result is committed.

A case is a release whose changelog names one fix and nothing else, so that what changed since the release before it is
that fix: its entry is the issue's text, the source files it changed are the truth. Nothing here ranks anything.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.recall.changelogs import Entry, all_single_fixes
from bench.recall.sources import Absent, Npm, Pypi, Tree, read

HERE = Path(__file__).parent
CASES = HERE / "cases.json"

MOST_TRUTH, MOST_CASES, MOST_TRIES, FEWEST_FILES = 5, 8, 20, 15

_SOURCE = re.compile(
    r"\.(py|pyx|pxd|js|mjs|cjs|ts|jsx|tsx|vue|c|h|cc|cpp|rs|go|java|rb|php|html|pt|jinja2?|css|scss|less)$"
)
_ASIDE = re.compile(
    r"(^|/)(tests?|testing|specs?|__tests__|docs?|examples?|samples?|benchmarks?|demos?|locales?|i18n|_?vendor(ed)?|"
    r"third[-_]?party|node_modules|dist|build|migrations|fixtures|tools|scripts|debian|\.[^/]+)/|(^|/)(test_[^/]*|[^/]*_tests?\.py|"
    r"tests?\.py|conftest\.py|setup\.py|conf\.py|_?version\.py|__about__\.py|[^/]*[._](min|test|spec|bundle)\.[^/]*|[^/]*\.d\.ts)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Case:
    """One fix. `part` is `tuning` or `reported`, the same for a whole project."""

    part: str
    registry: str
    project: str
    before: str
    after: str
    text: str
    truth: tuple[str, ...]
    sources: int


def is_source(path: str) -> bool:
    """Whether a file counts as a project's own source: neither tests, documentation nor what others wrote."""
    return bool(_SOURCE.search(path)) and not _ASIDE.search(path)


def part_of(project: str) -> str:
    """Which part a project belongs to, by its name alone: nobody chose a project for a part."""
    return "tuning" if hashlib.sha256(project.encode()).digest()[0] % 6 in (0, 1, 3) else "reported"


def changed_sources(old: Tree, new: Tree, versions: tuple[str, str]) -> tuple[str, ...]:
    """The source files of `old` that are not the same in `new`, but for the version in them."""
    return tuple(
        sorted(
            path for path in old.keys() & new.keys() if is_source(path) and _is_changed(old[path], new[path], versions)
        )
    )


def _is_changed(old: bytes, new: bytes, versions: tuple[str, str]) -> bool:
    if old == new:
        return False
    before, after = (
        Counter(line.strip() for line in text.decode("utf-8", "replace").splitlines()) for text in (old, new)
    )
    lines = [*(before - after), *(after - before)]
    told = "|".join(re.escape(each) for version in versions for each in (version, version.replace(".", ", ")))
    return any(
        line and not re.search(rf"{told}|version|copyright|__date__|20\d\d-\d\d-\d\d", line, re.IGNORECASE)
        for line in lines
    )


def cases_of(registry: Pypi | Npm, kind: str, spec: str) -> Iterator[Case]:
    """The cases of one project, newest first. Raises what the registry's client raises."""
    name, _, last = spec.partition("=")
    versions = registry.versions(name)
    order = {version: number for number, version in enumerate(versions)}
    entries = all_single_fixes(read(registry.fetch(name, last or versions[-1])), versions)
    wanted: list[Entry] = sorted(entries, key=lambda each: -order[each.version])
    count, told = 0, set()
    for entry in wanted[:MOST_TRIES]:
        place = order[entry.version]
        # The same fix in several branches counts once.
        if place == 0 or count == MOST_CASES or entry.text in told:
            continue
        before = versions[place - 1]
        try:
            old, new = read(registry.fetch(name, before)), read(registry.fetch(name, entry.version))
        except Absent:
            continue
        truth = changed_sources(old, new, (before, entry.version))
        sources = sum(map(is_source, old))
        if 1 <= len(truth) <= MOST_TRUTH and sources >= FEWEST_FILES:
            count += 1
            told.add(entry.text)
            yield Case(part_of(name), kind, name, before, entry.version, entry.text, truth, sources)


def look(line: str) -> list[Case]:
    """The cases of a project (`registry name[=version of the changelog]`); none, and why, where it cannot be had."""
    kind, _, spec = line.partition(" ")
    try:
        found = list(cases_of(Pypi() if kind == "pypi" else Npm(), kind, spec))
    except Exception as error:  # one project less, whatever is wrong with it
        print(f"{line}: left out, {type(error).__name__}: {error}", flush=True)
        return []
    print(f"{line}: {len(found)}", flush=True)
    return found


def main() -> None:
    """Write the cases of all projects."""
    lines = [line for line in (HERE / "projects.txt").read_text().splitlines() if line and not line.startswith("#")]
    with ProcessPoolExecutor(2) as workers:
        found = [case for cases in workers.map(look, lines) for case in cases]
    CASES.write_text(json.dumps([asdict(case) for case in found], indent=1) + "\n")
    print(f"{len(found)} cases in {len({case.project for case in found})} projects")


if __name__ == "__main__":
    main()
