"""The record of what was done and on whose word: a chain of hashes for each session, with a sealed head. Whoever
changes, adds, moves or removes a record without the key breaks the chain or the seal; `verify_chain` says where.

    hash = SHA-256(hash of the record before ‖ the record as canonical JSON), the first one's "before" being zeros
    seal = HMAC-SHA-256(key, chain, number and hash of the last record)

What the records say is in `records`."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "opened",
    "decision",
    "prompt",
    "told",
    "model",
    "command",
    "network",
    "verifier",
    "change_set",
    "push",
    "lesson",
    "doubt",
]

START = "0" * 64
"""What the first record of a chain follows."""

_PIN = re.compile(r"(?P<chain>[\w-]{1,100})@(?P<number>[1-9][0-9]{0,9}):(?P<hash>[0-9a-f]{16})")


@dataclass(frozen=True, kw_only=True)
class Record:
    """Something that happened, as JSON values without fractions (see `records`)."""

    kind: Kind
    document: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Link:
    """A record in its chain. `document` is canonical JSON text, `number` counts from 1."""

    chain: str
    number: int
    at: str
    kind: str
    document: str
    hash: str


@dataclass(frozen=True, kw_only=True)
class Head:
    """The end of a chain: number and hash of its last record, under a seal."""

    number: int
    hash: str
    seal: str


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong in a chain, and with which record; without a number, with its head or with all of it."""

    chain: str
    number: int | None
    text: str

    def __str__(self) -> str:
        return f"{self.chain}: {f'record {self.number} ' if self.number is not None else ''}{self.text}"


def canonical(value: Any) -> str:
    """JSON in the one form that is hashed: what RFC 8785 gives for strings, whole numbers, lists and objects.

    Halves of characters, which no file can hold, become `?`.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()


_MAX_CHARS = 200


def clip(text: str) -> str:
    """A text cut to what the audit keeps of one."""
    return text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 1] + "…"


def digest(text: str) -> str:
    """The SHA-256 of a text, also of one that is no valid Unicode."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def document_of(link: Link) -> dict[str, Any]:
    """What a record says; nothing, if that is no JSON object."""
    try:
        document = json.loads(link.document)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def line_of(link: Link) -> dict[str, Any]:
    """What of a record is hashed. Raises `ValueError` if its document is no JSON."""
    return {
        "at": link.at,
        "chain": link.chain,
        "document": json.loads(link.document),
        "kind": link.kind,
        "number": link.number,
    }


def append(head: Head, chain: str, record: Record, *, at: str) -> Link:
    """The record as the next link of a chain."""
    link = Link(
        chain=chain,
        number=head.number + 1,
        at=at,
        kind=record.kind,
        document=canonical(record.document),
        hash="",
    )
    return Link(**{**vars(link), "hash": _hash(head.hash, link)})


def _hash(previous: str, link: Link) -> str:
    return digest(previous + canonical(line_of(link)))


def sealed(key: bytes, chain: str, *, number: int, hash_: str) -> Head:
    """The head of a chain, with the seal that only the key's holder can make."""
    seal = hmac.new(key, canonical(["honk audit head", chain, number, hash_]).encode(), "sha256").hexdigest()
    return Head(number=number, hash=hash_, seal=seal)


def is_sealed(key: bytes, chain: str, head: Head) -> bool:
    """Whether a head is one that was sealed with this key."""
    made = sealed(key, chain, number=head.number, hash_=head.hash).seal
    return hmac.compare_digest(made.encode(), head.seal.encode("utf-8", "replace"))


def doubt(head: Head) -> Record:
    """Says that the head which the next record follows is not under our seal: it was made by somebody else, or with
    another key. Stays in the chain for ever, so that no later seal covers it up."""
    return Record(kind="doubt", document={"seal": head.seal})


def pin(link: Link) -> str:
    """A record's name for a commit's trailer: `<chain>@<number>:<first 16 digits of its hash>`."""
    return f"{link.chain}@{link.number}:{link.hash[:16]}"


def chain_of_pin(text: str) -> str | None:
    """The chain that a pin names; None if the text is no pin."""
    match = _PIN.fullmatch(text)
    return match["chain"] if match else None


def verify_chain(chain: str, links: Sequence[Link], head: Head | None, *, keys: Sequence[bytes]) -> list[Problem]:
    """All that is wrong with a chain, given its records by number. `keys` are those that may have sealed its heads."""
    problems: list[Problem] = []
    before = Head(number=0, hash=START, seal="")
    for link in links:
        if link.number != before.number + 1:
            problems.append(Problem(chain=chain, number=before.number + 1, text="is missing"))
        elif not _follows(before, link):
            text = "is not what was recorded, or not after what stands before it"
            problems.append(Problem(chain=chain, number=link.number, text=text))
        elif link.kind == "doubt" and not _is_cleared(chain, before, link, keys):
            text = "follows a head that somebody else made (or: give the App's former key)"
            problems.append(Problem(chain=chain, number=link.number, text=text))
        before = Head(number=link.number, hash=link.hash, seal="")
    return [*problems, *_verify_head(chain, before, head, keys)]


def _follows(before: Head, link: Link) -> bool:
    try:
        is_canonical = canonical(json.loads(link.document)) == link.document
    except (ValueError, RecursionError):
        return False
    return is_canonical and _hash(before.hash, link) == link.hash


def _is_cleared(chain: str, before: Head, link: Link, keys: Sequence[bytes]) -> bool:
    found = Head(number=before.number, hash=before.hash, seal=str(document_of(link).get("seal")))
    return any(is_sealed(key, chain, found) for key in keys)


def _verify_head(chain: str, last: Head, head: Head | None, keys: Sequence[bytes]) -> list[Problem]:
    if head is None:
        text = "its head is missing" if last.number else "there is no record"
        return [Problem(chain=chain, number=None, text=text)]
    if not any(is_sealed(key, chain, head) for key in keys):
        text = "its head is not under our seal (or: give the App's former key)"
        return [Problem(chain=chain, number=None, text=text)]
    if head.number != last.number:
        text = f"it ends with record {last.number}, and its head says {head.number}"
        return [Problem(chain=chain, number=None, text=text)]
    if head.hash != last.hash:
        return [Problem(chain=chain, number=last.number, text="is not the one under the head's seal")]
    return []


def verify_pin(text: str, links: Sequence[Link]) -> list[Problem]:
    """Whether the record that a commit's trailer names is the one in its chain."""
    chain = chain_of_pin(text) or text
    if any(pin(link) == text for link in links):
        return []
    return [Problem(chain=chain, number=None, text=f"it holds no record `{text}`; what a commit names was replaced")]


def verify_openings(opened: Mapping[str, str], begun: Mapping[str, Link | None]) -> list[Problem]:
    """Hold the sessions that the repositories' chains saw open (by id, with the chain that says so) against the
    sessions' own chains (with their first records): neither can be taken away alone."""
    problems = [
        Problem(chain=session, number=None, text=f"{opened[session]} saw it open, and there is no record of it")
        for session in sorted(opened.keys() - begun.keys())
    ]
    for session, first in sorted(begun.items()):
        if session not in opened:
            problems.append(Problem(chain=session, number=None, text="no repository's record saw it open"))
        elif first is not None and not is_opening(first):
            problems.append(Problem(chain=session, number=first.number, text="is not how a session begins"))
    return problems


def is_opening(link: Link) -> bool:
    """Whether a record is a decision that began a session."""
    return link.kind == "decision" and "opens" in document_of(link)
