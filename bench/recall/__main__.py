"""Does the context name the files that a fix touched? Recall at 5 and 20 files, beside what else could be done.

`python -m bench.recall [--write] [--part tuning]`; downloads what `cases.json` names, once.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache

from bench import report
from bench.recall.baselines import aider_map, bm25, grep, sources_of
from bench.recall.collect import CASES, Case, is_source
from bench.recall.sources import Absent, Npm, Pypi, Tree, read
from github_app.agent.context.survey import Bounds, rank_files
from github_app.core.context import Blob

LARGE = 150
"""Projects of more source files than that are told apart."""

_PLACES = (5, 20)
_METHODS = {"grep": grep, "BM25": bm25, "aider-style map": aider_map}


class Released:
    """A release's files, as `core.context.Files`."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def list(self) -> Sequence[Blob]:
        """The files in the order of their names."""
        return [Blob(path=path, id=path, size=len(content)) for path, content in sorted(self._tree.items())]

    def read(self, blobs: Sequence[Blob]) -> Iterator[bytes]:
        """Their contents."""
        return (self._tree[blob.path] for blob in blobs)


@cache
def _registry(kind: str) -> Pypi | Npm:
    return Pypi() if kind == "pypi" else Npm()


def recalls(case: Case) -> dict[tuple[str, int], float] | None:
    """The share of a fix's files that each method names among its first; None if the release is not to be had."""
    try:
        tree = read(_registry(case.registry).fetch(case.project, case.before))
    except Absent:
        return None
    sources = sources_of({path: content for path, content in tree.items() if is_source(path)})
    ranked = {name: method(sources, case.text) for name, method in _METHODS.items()}
    # Without limits of time, which a busy machine could reach: the figures must not hang on that.
    found, _ = rank_files(Released(tree), case.text, bounds=Bounds(seconds=3_600.0))
    ranked["Honk"] = [score.document.path for score in found]
    return {
        (name, place): len(set(paths[:place]) & set(case.truth)) / len(case.truth)
        for name, paths in ranked.items()
        for place in _PLACES
    }


def cases(part: str) -> list[Case]:
    """The cases of a part."""
    found = [Case(**{**each, "truth": tuple(each["truth"])}) for each in json.loads(CASES.read_text())]
    return [case for case in found if case.part == part]


def measure(part: str) -> str:
    """The table, as Markdown."""
    wanted = cases(part)
    with ProcessPoolExecutor(2) as workers:
        found = {case: had for case, had in zip(wanted, workers.map(recalls, wanted), strict=True) if had is not None}
    large = {case: had for case, had in found.items() if case.sources > LARGE}
    rows = []
    for name in [*_METHODS, "Honk"]:
        row: list[object] = [name]
        for group in (large, found):
            row += [f"{_mean(group, name, place):.2f}" for place in _PLACES]
        rows.append([*row, f"{_mean(large, name, 5) / _mean(large, 'grep', 5):.2f}"])
    heads = ["", *(f"{size}, recall@{place}" for size in ("large", "all") for place in _PLACES), "large @5, of `grep`"]
    about = (
        f"{len(found)} fixes of {len({case.project for case in found})} projects; large: {len(large)} fixes of "
        f"{len({case.project for case in large})} projects with more than {LARGE} source files."
    )
    return f"{about}\n\n{report.table(heads, rows)}"


def _mean(group: Mapping[Case, Mapping[tuple[str, int], float]], name: str, place: int) -> float:
    return sum(had[name, place] for had in group.values()) / max(1, len(group))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.recall", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the result into docs/agent.md")
    parser.add_argument("--part", choices=["reported", "tuning"], default="reported", help="which cases (reported)")
    options = parser.parse_args()
    report.publish("recall", measure(options.part), write=options.write)
