"""Documents of one query: how often its words stand in each file and its names. Nothing else of a file is kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from posixpath import splitext

from github_app.agent.context.kinds import Kind
from github_app.agent.context.outline import definitions
from github_app.agent.context.query import Query
from github_app.agent.context.words import TOKEN, joined, parts_of, terms_of

_MAX_KNOWN = 500_000
_ENTRIES = frozenset({"__init__", "__main__", "index", "mod", "main"})


@dataclass(frozen=True)
class Field:
    """How many words a piece of text has, and how often each of the query's terms is among them."""

    words: int
    counts: dict[str, int]


@dataclass(frozen=True)
class Name:
    """A name of several words, of which the query has some: those, and how many there are."""

    terms: tuple[str, ...]
    parts: int


@dataclass(frozen=True, kw_only=True)
class Document:
    """One file as a query sees it: its text, the names that it defines, its own name (`stem`) and its folders' names.
    `called` is its name taken apart, `names` are those of the query's that it defines."""

    path: str
    kind: Kind
    whole: Field
    defined: Field
    stem: Field
    folders: Field
    names: frozenset[str]
    called: Name


class Reader:
    """Reads files for one query."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._known: dict[str, tuple[str, ...]] = {}

    def read(self, path: str, kind: Kind, text: str) -> Document:
        """A file as the query sees it."""
        names = [name for _, name in definitions(text)] if kind != "other" else []
        *folders, last = splitext(path)[0].split("/")
        if last in _ENTRIES and folders:
            last = folders[-1]
        return Document(
            path=path,
            kind=kind,
            whole=self._field(TOKEN.findall(text)),
            defined=self._field(names),
            stem=self._stem(last),
            folders=self._field(TOKEN.findall(" ".join(folders))),
            names=self._query.names.intersection(names),
            called=self._name(last),
        )

    def _name(self, name: str) -> Name:
        parts = dict.fromkeys(parts_of(name))
        return Name(tuple(part for part in parts if part in self._query.terms), len(parts))

    def _stem(self, name: str) -> Field:
        found = self._field(TOKEN.findall(name))
        whole = joined(name)
        if "-" in name and whole in self._query.terms:
            found.counts[whole] = 1
        return found

    def _field(self, words: list[str]) -> Field:
        counts: dict[str, int] = {}
        for word, times in Counter(words).items():
            for term in self._terms(word):
                counts[term] = counts.get(term, 0) + times
        return Field(len(words), counts)

    def _terms(self, word: str) -> tuple[str, ...]:
        terms = self._known.get(word)
        if terms is None:
            if len(self._known) > _MAX_KNOWN:
                self._known.clear()
            terms = tuple(term for term in terms_of(word) if term in self._query.terms)
            self._known[word] = terms
        return terms
