"""What an issue's text asks for: words with their weights, and the files, lines and names that it mentions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from github_app.agent.context.words import HYPHENATED, TOKEN, is_common, is_compound, joined, terms_of

_MAX_CHARS = 30_000
_MAX_TERMS = 400
_MAX_MENTIONS = 100
_CODE_SPAN = re.compile(r"`{1,3}([^`\n]{1,400})`{1,3}")
_PATH = re.compile(r"(?:[\w@.+-]{1,100}/){0,20}[\w@+-][\w@.+-]{0,100}\.[A-Za-z]\w{0,9}(?:[:(]\d{1,6})?")
_MODULE = re.compile(r"\b[A-Za-z_]\w{0,60}(?:(?:\.|::|#)[A-Za-z_]\w{0,60}){1,8}")
_FRAME = re.compile(
    r"File \"(?P<python>[^\"\n]{1,400})\", line (?P<python_line>\d{1,7})"
    r"|\bat [^\n]{0,300}?(?P<other>[\w@./\\:$+-]{1,400}\.[A-Za-z]{1,5}):(?P<other_line>\d{1,7})"
    r"|^\s*(?P<plain>[\w@./+-]{1,400}\.(?:go|rs|rb|c|cc|cpp|h|py|php|ex)):(?P<plain_line>\d{1,7})",
    re.MULTILINE,
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A line of a file that a stack trace names; the path as it stood there."""

    path: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Query:
    """`terms` by weight, each as it was `spelled` first; `names`: identifiers as they stand; `paths`, dotted `modules`,
    and `places` of traces, the innermost last."""

    terms: dict[str, float] = field(default_factory=dict)
    spelled: dict[str, str] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()


def read_query(text: str) -> Query:
    """Read an issue: its first line is the title. Takes time in proportion to the text, of which the end is cut."""
    text = text[:_MAX_CHARS]
    coded = {word for span in _CODE_SPAN.finditer(text) for word in TOKEN.findall(span[1])}
    terms: dict[str, float] = {}
    spelled: dict[str, str] = {}
    names: set[str] = set()
    for number, word in enumerate(_words(text)):
        if len(terms) >= _MAX_TERMS or number > 20_000:
            break
        is_name = word in coded or is_compound(word)
        if is_name:
            names.add(word.strip("_$"))
        elif is_common(word):
            continue
        for place, term in enumerate(terms_of(word)):
            weight = 1.0 if place == 0 or not is_compound(word) else 0.6
            spelled.setdefault(term, word)
            terms[term] = max(terms.get(term, 0.0), weight)
    for found in HYPHENATED.finditer(text):
        if len(terms) < _MAX_TERMS:
            terms.setdefault(joined(found[0]), 1.0)
            spelled.setdefault(joined(found[0]), found[0])
    return Query(
        terms=terms,
        spelled=spelled,
        names=frozenset(names),
        paths=_first(found[0] for found in _PATH.finditer(text)),
        modules=_first(found[0] for found in _MODULE.finditer(text)),
        places=tuple(_places(text))[-_MAX_MENTIONS:],
    )


def _words(text: str) -> Iterator[str]:
    return (found[0] for found in TOKEN.finditer(re.sub(r"https?://\S{1,2000}", " ", text)))


def _first(found: Iterator[str]) -> tuple[str, ...]:
    unique: dict[str, None] = {}
    for each in found:
        unique.setdefault(each)
        if len(unique) >= _MAX_MENTIONS:
            break
    return tuple(unique)


def _places(text: str) -> Iterator[Place]:
    for found in _FRAME.finditer(text):
        for kind in ("python", "other", "plain"):
            if path := found[kind]:
                yield Place(path=path.replace("\\", "/"), line=int(found[f"{kind}_line"]))
