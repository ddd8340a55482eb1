"""Which files an issue is about: BM25F over paths, definitions and contents, and what it names outright."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from posixpath import splitext

from github_app.agent.context.index import Document, Field
from github_app.agent.context.query import Query


@dataclass(frozen=True, kw_only=True)
class Weights:
    """How much each thing counts; tuned on the tuning part of `bench.recall` and nowhere else."""

    k1: float = 1.2
    b: float = 0.35
    stem: float = 1.0
    folders: float = 2.0
    defined: float = 4.0
    called: float = 3.0
    name: float = 1.0
    path: float = 10.0
    module: float = 5.0
    place: float = 15.0
    test: float = 0.1
    other: float = 0.1


@dataclass(kw_only=True)
class Score:
    """What speaks for a file, and how much."""

    document: Document
    value: float = 0.0
    reasons: list[str] = field(default_factory=list)


def rank(documents: Sequence[Document], query: Query, weights: Weights) -> list[Score]:
    """The documents for which anything speaks, the likeliest first; equals by their paths."""
    words = _Words(documents, query, weights)
    owners = Counter(name for document in documents for name in document.names)
    mentions = _Mentions(documents, query, weights)
    scores: list[Score] = []
    for document in documents:
        value, best = words.score(document)
        reasons = [f"words: {', '.join(best)}"] if best else []
        for name in sorted(document.names):
            value += weights.name * log(1 + len(documents) / owners[name])
        if document.names:
            reasons.insert(0, f"defines {', '.join(sorted(document.names)[:4])}")
        more, why = mentions.score(document.path)
        value = (value + more) * {"code": 1.0, "test": weights.test, "other": weights.other}[document.kind]
        if value > 0:
            scores.append(Score(document=document, value=value, reasons=[*why, *reasons]))
    return sorted(scores, key=lambda each: (-each.value, each.document.path))


class _Words:
    """BM25F; and beside it, how much of a file's own name the query has: `select_all.js` is about selecting all."""

    def __init__(self, documents: Sequence[Document], query: Query, weights: Weights) -> None:
        self._terms, self._spelled, self._weights = query.terms, query.spelled, weights
        frequency = Counter(term for document in documents for term in _terms_in(document))
        count = len(documents)
        self._idf = {term: log(1 + (count - n + 0.5) / (n + 0.5)) for term, n in frequency.items()}
        self._mean_words = _mean([document.whole for document in documents])
        self._mean_defined = _mean([document.defined for document in documents])

    def score(self, document: Document) -> tuple[float, list[str]]:
        """How much a file's words speak for it, and the words that do most."""
        weights = self._weights
        whole, defined = self._norm(document.whole, self._mean_words), self._norm(document.defined, self._mean_defined)
        parts: dict[str, float] = {}
        for term in _terms_in(document):
            times = (
                document.whole.counts.get(term, 0) / whole
                + weights.defined * document.defined.counts.get(term, 0) / defined
                + weights.stem * document.stem.counts.get(term, 0)
                + weights.folders * document.folders.counts.get(term, 0)
            )
            parts[term] = self._worth(term, times)
        best = sorted(parts, key=lambda term: (-parts[term], term))[:4]
        called = document.called
        share = len(called.terms) / called.parts if called.parts else 0.0
        own = weights.called * share * sum(self._idf.get(term, 0.0) for term in called.terms)
        return sum(parts[term] for term in sorted(parts)) + own, list(
            dict.fromkeys(self._spelled[term] for term in best)
        )

    def _worth(self, term: str, times: float) -> float:
        k1 = self._weights.k1
        return self._terms[term] * self._idf.get(term, 0.0) * times * (k1 + 1) / (k1 + times)

    def _norm(self, part: Field, mean: float) -> float:
        return 1 - self._weights.b + self._weights.b * part.words / mean


def _terms_in(document: Document) -> set[str]:
    fields = (document.whole, document.defined, document.stem, document.folders)
    return {term for each in fields for term in each.counts}


def _mean(parts: Sequence[Field]) -> float:
    return sum(part.words for part in parts) / len(parts) or 1.0 if parts else 1.0


class _Mentions:
    """Files that the text names: by path, as a module, in a stack trace."""

    def __init__(self, documents: Sequence[Document], query: Query, weights: Weights) -> None:
        self._found: dict[str, tuple[float, list[str]]] = {}
        by_name: dict[str, list[str]] = {}
        for document in documents:
            by_name.setdefault(document.path.rpartition("/")[2], []).append(document.path)
        by_stem: dict[str, list[str]] = {}
        for document in documents:
            root = splitext(document.path)[0].removesuffix("/__init__")
            by_stem.setdefault(root.rpartition("/")[2], []).append(document.path)
        for place, age in zip(reversed(query.places), range(len(query.places)), strict=True):
            self._add(_ending(by_name, place.path), weights.place / (1 + age), f"stack trace, line {place.line}")
        for path in query.paths:
            self._add(_ending(by_name, re.split(r"[:(]", path)[0]), weights.path, "named in the text")
        for module in query.modules:
            parts = re.split(r"\.|::|#", module)
            for end in range(len(parts), 1, -1):
                if found := _module(by_stem, parts[:end]):
                    self._add(found, weights.module, f"named as {'.'.join(parts[:end])}")
                    break

    def score(self, path: str) -> tuple[float, list[str]]:
        """How much is said of a file, and what."""
        return self._found.get(path, (0.0, []))

    def _add(self, paths: list[str], value: float, why: str) -> None:
        for path in paths:
            before, reasons = self._found.get(path, (0.0, []))
            self._found[path] = (before + value / len(paths), reasons if why in reasons else [*reasons, why])


def _ending(by_name: dict[str, list[str]], named: str) -> list[str]:
    """The files whose path shares the longest end with a named one, its last name at least."""
    parts = [part for part in named.split("/") if part not in ("", ".", "..")]
    if not parts:
        return []
    found = by_name.get(parts[-1], [])
    for size in range(2, len(parts) + 1):
        end = "/".join(parts[-size:])
        closer = [path for path in found if path == end or path.endswith(f"/{end}")]
        if not closer:
            break
        found = closer
    return found


def _module(by_stem: dict[str, list[str]], parts: list[str]) -> list[str]:
    end = "/".join(parts)
    roots = ((path, splitext(path)[0].removesuffix("/__init__")) for path in by_stem.get(parts[-1], []))
    return [path for path, root in roots if root == end or root.endswith(f"/{end}")]
