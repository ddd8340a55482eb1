"""Looks through the files of a commit for an issue: bounded, the same answer each time; runs and follows nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname

from github_app.agent.context.index import Document, Reader
from github_app.agent.context.kinds import MAX_FILE_BYTES, kind_of
from github_app.agent.context.outline import definitions
from github_app.agent.context.query import Query, read_query
from github_app.agent.context.ranking import Score, Weights, rank
from github_app.agent.context.words import terms_of
from github_app.agent.task import INSTRUCTION_PATHS
from github_app.agent.verifiers import find_verifiers, manifests_in
from github_app.agent.workflows import FOLDER as WORKFLOWS
from github_app.agent.workflows import checks_in
from github_app.core.context import Blob, Command, Context, Definition, Files, Instruction, RankedFile

SHOWN_FILES = 20
"""As many files as are named."""

_OUTLINED_FILES, _OUTLINE_LINES = 10, 6
_MAX_COMMANDS, _COMMAND_CHARS = 8, 300
_MAX_INSTRUCTIONS, _MAX_INSTRUCTION_BYTES = 5, 30_000
_LINE_CHARS = 160


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a survey may take. A repository that needs more is looked at in part: its code first."""

    files: int = 40_000
    bytes: int = 64_000_000
    seconds: float = 20.0


def survey(files: Files, issue: str, *, bounds: Bounds, clock: Callable[[], float] = time.monotonic) -> Context:
    """What a commit has on an issue (first line: its title). Blocks; raises what `files` raises."""
    found, is_partial = rank_files(files, issue, bounds=bounds, clock=clock)
    scores, query = found[:SHOWN_FILES], read_query(issue)
    blobs = files.list()
    by_path = {blob.path: blob for blob in blobs}
    likely = [score.document.path for score in scores[:_OUTLINED_FILES]]
    outlined = [by_path[path] for path in likely]
    outlines = {
        blob.path: _outline(_text(content), query) for blob, content in zip(outlined, files.read(outlined), strict=True)
    }
    return Context(
        files=tuple(_ranked(score, outlines.get(score.document.path, ())) for score in scores),
        instructions=_instructions(files, blobs, likely),
        commands=_commands(files, blobs, likely),
        is_partial=is_partial,
    )


def rank_files(
    files: Files, issue: str, *, bounds: Bounds, clock: Callable[[], float] = time.monotonic
) -> tuple[list[Score], bool]:
    """The files for which anything speaks, likeliest first, and whether some could not be looked at."""
    query = read_query(issue)
    documents, is_partial = _read(files, query, files.list(), bounds, clock)
    return rank(documents, query, Weights()), is_partial


def _read(
    files: Files, query: Query, blobs: Sequence[Blob], bounds: Bounds, clock: Callable[[], float]
) -> tuple[list[Document], bool]:
    """The files worth reading as the query sees them, and whether some had to be left out."""
    kinds = {
        blob.path: kind for blob in blobs if blob.size <= MAX_FILE_BYTES and (kind := kind_of(blob.path)) is not None
    }
    order = {"code": 0, "test": 1, "other": 2}
    worth = sorted((blob for blob in blobs if blob.path in kinds), key=lambda blob: order[kinds[blob.path]])
    wanted = list(_within(worth[: bounds.files], bounds.bytes))
    reader = Reader(query)
    documents: list[Document] = []
    started = clock()
    for blob, content in zip(wanted, files.read(wanted), strict=True):
        if clock() - started > bounds.seconds:
            return documents, True
        if not _is_binary(content):
            documents.append(reader.read(blob.path, kinds[blob.path], _text(content)))
    return documents, len(wanted) < len(worth)


def _within(blobs: Sequence[Blob], size: int) -> Iterator[Blob]:
    for blob in blobs:
        size -= blob.size
        if size < 0:
            return
        yield blob


def _is_binary(content: bytes) -> bool:
    return b"\0" in content[:8_000]


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _ranked(score: Score, outline: tuple[Definition, ...]) -> RankedFile:
    return RankedFile(
        path=score.document.path,
        score=round(score.value, 3),
        reasons=tuple(score.reasons),
        kind=score.document.kind,
        outline=outline,
    )


def _outline(text: str, query: Query) -> tuple[Definition, ...]:
    """The definitions whose names and lines have most of the query's words, in the order of their lines."""
    found = list(definitions(text))
    ends = [*(start for start, _ in found), len(text)][1:]
    worth: list[tuple[float, int, str]] = []
    for (start, name), end in zip(found, ends, strict=True):
        words = set(re.findall(r"[A-Za-z_$][\w$]*", text[start : min(end, start + 4_000)]))
        inside = {term for word in words for term in terms_of(word)}
        named = 3.0 * sum(query.terms.get(term, 0.0) for term in terms_of(name))
        worth.append((named + sum(query.terms.get(term, 0.0) for term in sorted(inside)), start, name))
    best = sorted(worth, key=lambda each: (-each[0], each[1]))[:_OUTLINE_LINES]
    return tuple(
        Definition(line=text.count("\n", 0, start) + 1, text=text[start:].partition("\n")[0].strip()[:_LINE_CHARS])
        for value, start, _ in sorted(best, key=lambda each: each[1])
        if value > 0
    )


def _instructions(files: Files, blobs: Sequence[Blob], paths: Sequence[str]) -> tuple[Instruction, ...]:
    """The instruction files of the folders that the ranked files are in, those of the top folder first."""
    names = {basename(path) for path in INSTRUCTION_PATHS[:2]}
    folders = {folder for path in paths for folder in _above(path)}
    wanted = [
        blob
        for blob in blobs
        if blob.size <= _MAX_INSTRUCTION_BYTES
        and (blob.path in INSTRUCTION_PATHS or (basename(blob.path) in names and dirname(blob.path) in folders))
    ]
    wanted.sort(key=lambda blob: (blob.path not in INSTRUCTION_PATHS, blob.path.count("/"), blob.path))
    some = wanted[: _MAX_INSTRUCTIONS + len(INSTRUCTION_PATHS)]
    return tuple(
        Instruction(path=blob.path, text=_text(content)) for blob, content in zip(some, files.read(some), strict=True)
    )


def _above(path: str) -> Iterator[str]:
    while path := dirname(path):
        yield path


def _commands(files: Files, blobs: Sequence[Blob], ranked: Sequence[str]) -> tuple[Command, ...]:
    """What manifests and workflows run to build and test, for a change of the likeliest files."""
    paths = [blob.path for blob in blobs]
    manifests = set(manifests_in(paths, ranked))
    some = [blob for blob in blobs if blob.path in manifests and blob.size <= MAX_FILE_BYTES]
    texts = {blob.path: _text(content) for blob, content in zip(some, files.read(some), strict=True)}
    workflows = {path: text for path, text in texts.items() if path.startswith(WORKFLOWS)}
    found = [(verifier.commands[0], verifier.source) for verifier in find_verifiers(paths, texts, ranked)]
    found += [(check.command, check.source) for check in checks_in(workflows)]
    first: dict[str, str] = {}
    for command, source in found:
        first.setdefault(command[:_COMMAND_CHARS], source)
    return tuple(Command(command=command, source=source) for command, source in first.items())[:_MAX_COMMANDS]
