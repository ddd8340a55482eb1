"""What is measured beside Honk, over the projects' own source files: unlike Honk, they are told where not to look."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log, sqrt

from github_app.agent.context.outline import definitions
from github_app.agent.context.words import TOKEN, is_common

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@dataclass(frozen=True)
class Source:
    """A source file: its text in lower case, how often each identifier stands in it, what it defines."""

    lower: str
    words: Counter[str]
    defined: frozenset[str]


def sources_of(tree: Mapping[str, bytes]) -> dict[str, Source]:
    """The files, read for the baselines."""
    found = {}
    for path, content in sorted(tree.items()):
        text = content.decode("utf-8", "replace")
        defined = frozenset(name for _, name in definitions(text))
        found[path] = Source(text.lower(), Counter(TOKEN.findall(text)), defined)
    return found


def grep(sources: Mapping[str, Source], issue: str) -> list[str]:
    """By how many of the issue's words a file has (whole or within others, any case), then by how often it has them."""
    words = {word.lower() for word in TOKEN.findall(issue) if len(word) > 2 and not is_common(word)}
    hits = {path: [source.lower.count(word) for word in words] for path, source in sources.items()}
    return sorted(sources, key=lambda path: (-sum(map(bool, hits[path])), -sum(hits[path]), path))


def bm25(sources: Mapping[str, Source], issue: str) -> list[str]:
    """BM25 (k1 1.2, b 0.75) over contents and paths; identifiers count whole and in their parts."""
    query = {part for word in TOKEN.findall(issue) if not is_common(word) for part in _parts(word)}
    counts: dict[str, dict[str, int]] = {}
    lengths: dict[str, int] = {}
    for path, source in sources.items():
        words: Counter[str] = Counter()
        for word, times in [*source.words.items(), *Counter(TOKEN.findall(path)).items()]:
            for part in _parts(word):
                words[part] += times
        counts[path] = {word: words[word] for word in query if word in words}
        lengths[path] = words.total()
    mean = sum(lengths.values()) / max(1, len(lengths)) or 1.0
    frequency = Counter(word for found in counts.values() for word in found)

    def score(path: str) -> float:
        norm = 1.2 * (0.25 + 0.75 * lengths[path] / mean)
        return sum(
            log(1 + (len(counts) - frequency[word] + 0.5) / (frequency[word] + 0.5)) * times * 2.2 / (times + norm)
            for word, times in sorted(counts[path].items())
        )

    return sorted(sources, key=lambda path: (-score(path), path))


@lru_cache(maxsize=500_000)
def _parts(word: str) -> frozenset[str]:
    return frozenset(part.lower() for part in [word.strip("_$"), *_PART.findall(word)])


def aider_map(sources: Mapping[str, Source], issue: str) -> list[str]:
    """PageRank over who refers to what others define, begun at the files that the issue names, with edges of names
    that it mentions ten times as heavy: the rules of aider's repository map, written anew."""
    mentioned = set(TOKEN.findall(issue))
    definers: dict[str, list[str]] = defaultdict(list)
    users: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for path, source in sources.items():
        for name in sorted(source.defined):
            definers[name].append(path)
    for path, source in sources.items():
        for name, times in source.words.items():
            if name in definers:
                users[name].append((path, times))
    edges: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for name, owners in sorted(definers.items()):
        if len(owners) * len(users[name]) > 20_000:
            continue  # everywhere: aider gives such names a tenth of nearly nothing
        weight = _edge_weight(name, owners, mentioned)
        for path, times in users[name]:
            for owner in owners:
                edges[path][owner] += weight * sqrt(times)
    start = {path: 1.0 for path in sources if mentioned & set(re.split(r"[/.]", path))}
    ranks = _page_rank(list(sources), edges, start)
    return sorted(sources, key=lambda path: (-ranks[path], path))


def _edge_weight(name: str, owners: Sequence[str], mentioned: set[str]) -> float:
    weight = 10.0 if name in mentioned else 1.0
    if len(name) >= 8 and len(_PART.findall(name)) > 1:
        weight *= 10
    if name.startswith("_"):
        weight *= 0.1
    return weight * 0.1 if len(owners) > 5 else weight


def _page_rank(
    nodes: Sequence[str], edges: Mapping[str, Mapping[str, float]], start: Mapping[str, float], rounds: int = 30
) -> dict[str, float]:
    total = sum(start.values())
    base = {node: start.get(node, 0.0) / total if total else 1 / len(nodes) for node in nodes}
    sums = {node: sum(edges[node].values()) for node in nodes if node in edges}
    ranks = dict(base)
    for _ in range(rounds):
        lost = sum(rank for node, rank in ranks.items() if not sums.get(node))
        following = {node: (0.15 + 0.85 * lost) * base[node] for node in nodes}
        for node, out in edges.items():
            share = 0.85 * ranks[node] / sums[node] if sums[node] else 0.0
            for owner, weight in out.items():
                following[owner] += share * weight
        ranks = following
    return ranks
