"""What became of review comments, told in one line and as a list."""

from __future__ import annotations

from dataclasses import replace

from github_app.core.ledger import ENTRIES_KEPT, Entry, committed, entered, reopened
from github_app.core.messages import account
from github_app.core.messages.threads import listing, tally
from tests.core.scene import HEAD, NEW, SUBMISSION, session

ENTRY = Entry(thread_id="T1", reply_to=900, path="goose.py", line=3, author="alice", standing="fixed")
LEDGER = (
    replace(ENTRY, head_sha=NEW),
    replace(ENTRY, thread_id="T2", line=None),
    replace(ENTRY, thread_id="T3", standing="answered"),
    replace(ENTRY, thread_id="T4", standing="declined", path="a`[\n@bob"),
    replace(ENTRY, thread_id="T5", standing="question"),
    replace(ENTRY, thread_id="T6", standing="open", reply_to=None),
)


def test_one_line_counts_what_is_done_and_names_what_is_open():
    assert tally(LEDGER) == "1 fixed · 1 answered · 1 declined · 1 question · open: `goose.py:3`"
    assert tally(committed(LEDGER, HEAD)).startswith("2 fixed")
    assert tally(()) == ""
    assert tally(reopened(LEDGER[:1], NEW)) == "open: `goose.py:3`"
    assert reopened(LEDGER[:1], HEAD) == LEDGER[:1]


def test_the_pull_request_lists_each_with_a_link():
    told = account.pull_body(session(submission=SUBMISSION, ledger=LEDGER))
    assert told.partition("### Review comments\n\n")[2].partition("\n\n###")[0].splitlines() == [
        f"- [`goose.py:3`](/acme/goose/pull/34#discussion_r900) of `alice`: fixed in {NEW}",
        "- [`goose.py`](/acme/goose/pull/34#discussion_r900) of `alice`: fixed",
        "- [`goose.py:3`](/acme/goose/pull/34#discussion_r900) of `alice`: answered",
        "- [`a'[ @\u200bbob:3`](/acme/goose/pull/34#discussion_r900) of `alice`: not done; the reason is in the thread",
        "- [`goose.py:3`](/acme/goose/pull/34#discussion_r900) of `alice`: a question is in the thread",
        "- `goose.py:3` of `alice`: open",
    ]
    assert listing(session()) == []


def test_a_long_list_is_cut_at_its_old_end():
    many = tuple(replace(ENTRY, thread_id=f"T{n}", line=n) for n in range(40))
    lines = listing(session(ledger=many))
    assert lines[3] == "- 10 earlier ones"
    assert len(lines) == 34
    assert "goose.py:39" in lines[-1]


def test_the_newest_word_about_a_thread_counts_and_the_ledger_does_not_grow_for_ever():
    fixed = replace(ENTRY, standing="declined")
    assert entered((ENTRY, LEDGER[2]), (fixed,)) == (fixed, LEDGER[2])
    many = tuple(replace(ENTRY, thread_id=f"T{n}") for n in range(ENTRIES_KEPT + 5))
    assert entered((), many) == many[5:]
