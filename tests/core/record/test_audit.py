"""The chain of the audit: whatever is changed in it without the key is found, and told by its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from github_app.core.record.audit import (
    START,
    Head,
    Link,
    Record,
    append,
    canonical,
    chain_of_pin,
    digest,
    document_of,
    doubt,
    is_sealed,
    pin,
    sealed,
    verify_chain,
    verify_openings,
    verify_pin,
)

KEY, FORMER = b"ours", b"ours until last year"
CHAIN = "7-12-1"
RECORDS = (
    Record(kind="decision", document={"opens": {"session": CHAIN}, "why": "asked for"}),
    Record(kind="prompt", document={"turn": "7-12-1/turn-1"}),
    Record(kind="model", document={"cost_micro_usd": 300}),
    Record(kind="push", document={"sha": "1" * 40}),
)


def chained(records: Sequence[Record] = RECORDS, *, key: bytes = KEY, chain: str = CHAIN) -> tuple[list[Link], Head]:
    """Records as they would be stored."""
    links: list[Link] = []
    head = sealed(key, chain, number=0, hash_=START)
    for record in records:
        links.append(append(head, chain, record, at="2026-01-01T00:00:00+00:00"))
        head = sealed(key, chain, number=links[-1].number, hash_=links[-1].hash)
    return links, head


def rehashed(links: Sequence[Link]) -> list[Link]:
    """The same rows with hashes that fit them: what somebody can do who may write the table and has no key."""
    made: list[Link] = []
    before = START
    for link in links:
        made.append(replace(link, hash=digest(before + _line(link))))
        before = made[-1].hash
    return made


def _line(link: Link) -> str:
    document = document_of(link)
    return canonical(
        {"at": link.at, "chain": link.chain, "document": document, "kind": link.kind, "number": link.number}
    )


def problems(links: Sequence[Link], head: Head | None, *keys: bytes) -> list[str]:
    return [str(each) for each in verify_chain(CHAIN, links, head, keys=keys or (KEY,))]


def test_a_chain_as_it_was_made_has_no_problem():
    links, head = chained()
    assert problems(links, head) == []
    assert [link.number for link in links] == [1, 2, 3, 4]


def test_the_form_that_is_hashed_is_fixed():
    """Whoever keeps an export for years must be able to check it then: `docs/audit.md` tells how."""
    assert canonical({"b": [1, "ü\n\x1f"], "a": None, "é": True}) == '{"a":null,"b":[1,"ü\\n\\u001f"],"é":true}'
    link = append(Head(number=0, hash=START, seal=""), "c", Record(kind="push", document={"sha": "1"}), at="t")
    line = '{"at":"t","chain":"c","document":{"sha":"1"},"kind":"push","number":1}'
    assert link.hash == digest("0" * 64 + line)


def test_halves_of_characters_can_be_recorded():
    links, head = chained([Record(kind="command", document={"argv": ["\ud800"]})])
    assert problems(links, head) == []
    assert digest("\ud800") != digest("?")


Change = Callable[[list[Link]], list[Link]]

CHANGES: dict[str, tuple[Change, str]] = {
    "its document": (lambda links: [links[0], replace(links[1], document="{}"), *links[2:]], "record 2 is not what"),
    "its time": (lambda links: [*links[:3], replace(links[3], at="2025")], "record 4 is not what"),
    "its kind": (lambda links: [replace(links[0], kind="push"), *links[1:]], "record 1 is not what"),
    "its hash": (lambda links: [replace(links[0], hash="0" * 64), *links[1:]], "record 1 is not what"),
    "white space": (
        lambda links: [replace(links[0], document=links[0].document + " "), *links[1:]],
        "record 1 is not what",
    ),
    "no JSON": (lambda links: [replace(links[0], document="{"), *links[1:]], "record 1 is not what"),
    "too deep": (lambda links: [replace(links[0], document="[" * 99_999), *links[1:]], "record 1 is not what"),
    "document and hash": (
        lambda links: [*rehashed([links[0], replace(links[1], document="{}")]), *links[2:]],
        "record 3 is not what",
    ),
    "one in the middle taken out": (lambda links: [links[0], *links[2:]], "record 2 is missing"),
    "two changed about": (
        lambda links: [links[0], replace(links[2], number=2), replace(links[1], number=3), links[3]],
        "record 2 is not what",
    ),
    "one put in": (
        lambda links: [*links[:2], replace(links[1], number=3), *(replace(e, number=e.number + 1) for e in links[2:])],
        "record 3 is not what",
    ),
    "all rewritten": (
        lambda links: rehashed([replace(links[0], document="{}"), *links[1:]]),
        "record 4 is not the one under the head's seal",
    ),
    "the end cut off": (lambda links: links[:2], "it ends with record 2, and its head says 4"),
    "one put at the end": (
        lambda links: rehashed([*links, replace(links[1], number=5)]),
        "it ends with record 5, and its head says 4",
    ),
    "all taken away": (lambda _links: [], "it ends with record 0, and its head says 4"),
    "of another session": (
        lambda links: [replace(link, chain="7-13-1") for link in links],
        "record 1 is not what",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_changed_without_the_key_is_found(what: str):
    change, found = CHANGES[what]
    links, head = chained()
    assert problems(change(links), head)[0].startswith(f"{CHAIN}: {found}")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda _head: None, "its head is missing"),
        (lambda head: replace(head, seal="0" * 64), "its head is not under our seal"),
        (lambda head: replace(head, number=3), "its head is not under our seal"),
        (lambda head: sealed(b"a guess", CHAIN, number=head.number, hash_=head.hash), "its head is not under our seal"),
        (lambda head: sealed(KEY, "7-13-1", number=head.number, hash_=head.hash), "its head is not under our seal"),
    ],
)
def test_a_head_is_made_by_the_keys_holder_only(change, found):
    links, head = chained()
    assert problems(links, change(head))[0].startswith(f"{CHAIN}: {found}")


def test_no_record_is_a_problem_too():
    assert problems([], None) == [f"{CHAIN}: there is no record"]


def test_a_later_seal_does_not_cover_up_a_head_that_was_not_ours():
    """Somebody cut the end off, and made the head fit; we go on from there, and say that we did not trust it."""
    links, _ = chained()
    cut = Head(number=2, hash=links[1].hash, seal="a guess")
    assert not is_sealed(KEY, CHAIN, cut)
    going_on = append(cut, CHAIN, doubt(cut), at="t")
    head = sealed(KEY, CHAIN, number=3, hash_=going_on.hash)
    [problem] = problems([*links[:2], going_on], head)
    assert problem.startswith(f"{CHAIN}: record 3 follows a head that somebody else made")


def test_a_doubt_that_says_nothing_clears_nothing():
    links, head = chained([*RECORDS[:2], Record(kind="doubt", document={})])
    assert len(problems(links, head)) == 1


def test_after_a_change_of_the_apps_key_the_former_key_clears_all():
    links, head = chained(key=FORMER)
    assert len(problems(links, head)) == 1
    assert problems(links, head, KEY, FORMER) == []
    going_on = append(head, CHAIN, doubt(head), at="t")
    newest = sealed(KEY, CHAIN, number=5, hash_=going_on.hash)
    assert len(problems([*links, going_on], newest)) == 1
    assert problems([*links, going_on], newest, KEY, FORMER) == []


def test_what_a_commit_names_is_in_the_chain():
    links, _ = chained()
    named = pin(links[2])
    assert named == f"{CHAIN}@3:{links[2].hash[:16]}"
    assert chain_of_pin(named) == CHAIN
    assert chain_of_pin(CHAIN) is None
    assert verify_pin(named, links) == []
    [problem] = verify_pin(named, links[:2])
    assert str(problem) == f"{CHAIN}: it holds no record `{named}`; what a commit names was replaced"
    assert len(verify_pin("no pin", links)) == 1


def test_sessions_and_the_repositorys_record_of_their_openings_belong_together():
    first, second = chained()[0][:2]
    assert verify_openings({CHAIN: "repo-7"}, {CHAIN: first}) == []
    for opened, begun, found in [
        ({CHAIN: "repo-7"}, {}, "7-12-1: repo-7 saw it open, and there is no record of it"),
        ({}, {CHAIN: first}, "7-12-1: no repository's record saw it open"),
        ({CHAIN: "repo-7"}, {CHAIN: second}, "7-12-1: record 2 is not how a session begins"),
        ({CHAIN: "repo-7"}, {CHAIN: replace(first, document="{")}, "7-12-1: record 1 is not how a session begins"),
        ({CHAIN: "repo-7"}, {CHAIN: replace(first, document="[]")}, "7-12-1: record 1 is not how a session begins"),
    ]:
        assert [str(each) for each in verify_openings(opened, begun)] == [found]
    assert verify_openings({CHAIN: "repo-7"}, {CHAIN: None}) == [], "that there is none is told of the chain"
