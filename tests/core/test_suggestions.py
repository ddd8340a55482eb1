"""What a reviewer suggests in a block is applied byte for byte, or it is said why not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from github_app.core.feedback import fresh_words
from github_app.core.messages import account, misfits, suggested
from github_app.core.model import Actor, Comment, Permission, Thread
from github_app.core.session import Feedback
from github_app.core.suggestions import Suggestion, fit, may_suggest, read_blocks, suggestion_of
from tests.core.scene import ALICE, BOB, CAROL, ME, NOW, ROBOT

FILE = b"one\ntwo\nthree\nfour\n"
HUNK = "@@ -1,2 +1,4 @@\n one\n-zwei\n+two\n+three"


def block(*lines: str, fence: str = "```", indent: str = "") -> str:
    return "\n".join(indent + line for line in (f"{fence}suggestion", *lines, fence))


def suggestion(first: int = 2, last: int = 2, *lines: str, **more: Any) -> Suggestion:
    usual = {"thread_id": f"T{first}", "author": ALICE, "path": "a.txt", "first_line": first, "last_line": last}
    return Suggestion(**{**usual, "lines": lines, **more})


@pytest.mark.parametrize(
    ("body", "suggested", "rest"),
    [
        (block("TWO"), [("TWO",)], ""),
        (block(), [()], ""),
        (block(""), [("",)], ""),
        (block("  a", "", "\tb  "), [("  a", "", "\tb  ")], ""),
        (f"Like this:\n\n{block('a', 'b')}\nOr not?".replace("\n", "\r\n"), [("a", "b")], "Like this:\n\n\nOr not?"),
        (block("a", "```", "b", fence="````"), [("a", "```", "b")], ""),
        (block("a", fence="~~~"), [("a",)], ""),
        (block("a", " b", "c", indent="  "), [("a", " b", "c")], ""),
        ("```suggestion fix\na\n```", [("a",)], ""),
        (block("a") + "\n" + block("b"), [("a",), ("b",)], ""),
        ("```python\na\n```", [], "```python\na\n```"),
        ("```\n```suggestion\n```", [], "```\n```suggestion\n```"),
        ("Use `suggestion`.", [], "Use `suggestion`."),
        (f"<!--\n{block('evil')}\n-->", [], f"<!--\n{block('evil')}\n-->"),
    ],
)
def test_blocks_are_read_as_github_shows_them(body: str, suggested: list[tuple[str, ...]], rest: str):
    found = read_blocks(body)
    assert (list(found.suggested), found.rest, found.is_clear) == (suggested, rest, True)


@pytest.mark.parametrize(
    "body",
    [
        "> " + block("a").replace("\n", "\n> "),
        "- " + block("a").replace("\n", "\n  "),
        "```suggestion\na",
        "```suggestion:-0+1\na\n```",
        block("admin\u202e = true"),
        f"zero\u200bwidth\n\n{block('a')}",
    ],
)
def test_what_is_not_plainly_a_suggestion_is_none(body: str):
    assert not read_blocks(body).is_clear


def test_a_block_that_is_never_closed_takes_linear_time():
    body = "```suggestion\n" + "``\n" * 20_000
    assert not read_blocks(body).is_clear


@pytest.mark.parametrize(
    ("content", "those", "expected"),
    [
        (FILE, [suggestion(2, 2, "TWO")], b"one\nTWO\nthree\nfour\n"),
        (FILE, [suggestion(2, 3, "2", "and", "3")], b"one\n2\nand\n3\nfour\n"),
        (FILE, [suggestion(1, 4, "all")], b"all\n"),
        (FILE, [suggestion(2, 3)], b"one\nfour\n"),
        (FILE, [suggestion(2, 2, "")], b"one\n\nthree\nfour\n"),
        (FILE, [suggestion(1, 4)], b""),
        (FILE, [suggestion(1, 1, "1", "1b"), suggestion(4, 4), suggestion(2, 3, "x")], b"1\n1b\nx\n"),
        (FILE, [suggestion(2, 2, "TWO"), suggestion(2, 2, "TWO", thread_id="T9")], b"one\nTWO\nthree\nfour\n"),
        (b"one\r\ntwo\r\nthree\r\n", [suggestion(2, 2, "a", "b")], b"one\r\na\r\nb\r\nthree\r\n"),
        (b"one\r\ntwo\n", [suggestion(2, 2, "a", "b")], b"one\r\na\nb\n"),
        (b"one\ntwo", [suggestion(2, 2, "a", "b")], b"one\na\nb"),
        (b"one\r\ntwo", [suggestion(2, 2, "a", "b")], b"one\r\na\r\nb"),
        (b"one\r\ntwo", [suggestion(1, 2, "a", "b")], b"a\r\nb"),
        (b"one\ntwo", [suggestion(2, 2)], b"one\n"),
        (b"one", [suggestion(1, 1)], b""),
        (b"one", [suggestion(1, 1, "a", "b")], b"a\nb"),
        (b"\xef\xbb\xbfone\ntwo\n", [suggestion(1, 1, "a", replaces=("one",))], b"\xef\xbb\xbfa\ntwo\n"),
        (b"one\ntwo\x0cmore\n", [suggestion(2, 2, "ü", replaces=("two\x0cmore",))], b"one\n\xc3\xbc\n"),
        (FILE, [suggestion(1, 3, "x", replaces=("two", "three"))], b"x\nfour\n"),
    ],
)
def test_what_fits_is_applied_byte_for_byte(content: bytes, those: list[Suggestion], expected: bytes):
    fitted, new = fit(those, content)
    assert new == expected
    assert [each.misfit for each in fitted] == [""] * len(those)


@pytest.mark.parametrize(
    ("content", "those", "told"),
    [
        (FILE, [suggestion(5, 5, "x")], [misfits.CHANGED]),
        (FILE, [suggestion(0, 0, "x")], [misfits.CHANGED]),
        (b"", [suggestion(1, 1, "x")], [misfits.CHANGED]),
        (FILE, [suggestion(2, 2, "x", replaces=("deux",))], [misfits.CHANGED]),
        (FILE, [suggestion(2, 2, "x", misfit=misfits.DISCUSSED)], [misfits.DISCUSSED]),
        (b"\xffone\ntwo\n", [suggestion(2, 2, "x")], [misfits.NO_TEXT]),
        (FILE, [suggestion(1, 2, "x"), suggestion(2, 3, "y")], [misfits.CONTRADICTED] * 2),
        (FILE, [suggestion(2, 2, "x"), suggestion(2, 2, "y")], [misfits.CONTRADICTED] * 2),
        (FILE, [suggestion(3, 3), suggestion(2, 4, "y")], [misfits.CONTRADICTED] * 2),
    ],
)
def test_what_does_not_fit_is_left_alone_and_told(content: bytes, those: list[Suggestion], told: list[str]):
    fitted, new = fit(those, content)
    assert new == content
    assert [each.misfit for each in fitted] == told


def test_one_that_does_not_fit_does_not_keep_others_back():
    gone = suggestion(2, 2, "x", misfit=misfits.OUTDATED)
    fitted, new = fit([gone, suggestion(2, 2, "TWO")], FILE)
    assert new == b"one\nTWO\nthree\nfour\n"
    assert [each.misfit for each in fitted] == [misfits.OUTDATED, ""]


def a_thread(*said: tuple[Actor, str], **more: Any) -> Thread:
    comments = tuple(
        Comment(
            id=900 + number,
            author=author,
            permission=Permission.READ if author == BOB else Permission.WRITE,
            body=body,
            created_at=NOW,
        )
        for number, (author, body) in enumerate(said)
    )
    usual = {
        "id": "T1",
        "reply_to": 900,
        "path": "a.txt",
        "line": 3,
        "first_line": 2,
        "hunk": HUNK,
        "head_sha": "1" * 40,
    }
    return Thread(**{**usual, "comments": comments, **more})


def read(thread: Thread, *, last: int | None = None) -> Suggestion | None:
    fresh = fresh_words(thread, ME, Permission.WRITE)
    known = last if last is not None else fresh[-1].id if fresh else 0
    feedback = Feedback(id=f"thread:T1:{known}", kind="thread", author="", body=block("x"), thread_id="T1")
    assert may_suggest(feedback)
    return suggestion_of(thread, feedback, fresh)


def test_a_thread_suggests_something_for_its_lines():
    assert read(a_thread((ALICE, block("2", "3")))) == Suggestion(
        thread_id="T1",
        author=ALICE,
        path="a.txt",
        first_line=2,
        last_line=3,
        lines=("2", "3"),
        replaces=("two", "three"),
        head_sha="1" * 40,
        is_bare=True,
    )


def test_a_thread_of_one_line_suggests_for_that_line():
    found = read(a_thread((ALICE, f"nit\n{block('3')}"), first_line=None))
    assert found is not None
    assert (found.first_line, found.last_line, found.replaces, found.is_bare) == (3, 3, ("three",), False)


def test_only_what_is_said_since_our_last_answer_by_people_who_may_counts():
    thread = a_thread((ALICE, block("old")), (ME, "Done."), (CAROL, block("new")), (BOB, "no!"), (ROBOT, block("bot")))
    found = read(thread)
    assert found is not None
    assert (found.author, found.lines, found.misfit) == (CAROL, ("new",), "")
    assert read(a_thread((ALICE, block("old")), (ME, "Done."))) is None
    assert read(a_thread((BOB, block("evil")), (ALICE, "Why?"))) is None


@pytest.mark.parametrize(
    ("thread", "misfit"),
    [
        (a_thread((ALICE, block("x")), line=None, first_line=None), misfits.OUTDATED),
        (a_thread((ALICE, block("x")), is_outdated=True), misfits.OUTDATED),
        (a_thread((ALICE, "```suggestion\nx")), misfits.UNCLEAR),
        (a_thread((ALICE, block("x") + "\n" + block("y"))), misfits.ALTERNATIVES),
        (a_thread((ALICE, block("x")), (CAROL, block("y"))), misfits.ALTERNATIVES),
        (a_thread((ALICE, block("x")), (CAROL, "Please don't.")), misfits.DISCUSSED),
        (a_thread((CAROL, "Hm."), (ALICE, block("x"))), ""),
        (a_thread((ALICE, block("x") + "\n" + block("x"))), ""),
    ],
)
def test_where_a_thread_leaves_a_doubt_it_is_for_the_agent(thread: Thread, misfit: str):
    found = read(thread)
    assert found is not None
    assert found.misfit == misfit


def test_words_that_came_after_what_the_session_knows_are_a_doubt():
    found = read(a_thread((ALICE, block("x"))), last=899)
    assert found is not None
    assert found.misfit == misfits.DISCUSSED


def test_other_feedback_suggests_nothing():
    said = Feedback(id="thread:T1:1", kind="thread", author="alice", body="alice: ```suggestion\nx\n```")
    assert may_suggest(said)
    assert not may_suggest(replace(said, kind="review"))
    assert not may_suggest(replace(said, body="alice: a suggestion"))


def test_what_is_handed_in_names_who_suggested_what():
    one = suggested.submission((suggestion(2, 3, path="a b.py"),), ())
    assert (one.title, one.suggested_by) == ("Apply a suggestion of alice", (ALICE,))
    assert one.summary == "As suggested in review by `alice`, word for word:\n\n- `a b.py`, lines 2 to 3"
    many = suggested.submission([suggestion(n, n) for n in range(1, 22)] + [suggestion(30, 30, author=CAROL)], ())
    assert (many.title, many.suggested_by) == ("Apply 22 suggestions", (ALICE, CAROL))
    assert many.summary.endswith("- `a.txt`, line 20\n- and 2 more")
    assert many.needs_approval == "Suggested in review by `alice`, `carol`."


def test_a_commit_credits_them_as_github_does():
    message = account.commit_message(replace(suggested.submission((suggestion(),), ()), summary="As asked."))
    assert message.endswith("\n\nAs asked.\n\nCo-authored-by: alice <2+alice@users.noreply.github.com>")
