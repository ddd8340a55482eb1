"""Lessons are found again by what an issue is about, on both databases; the rest of them stays where it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from github_app.agent.task import Task
from github_app.core.context import Context, RankedFile
from github_app.core.lessons import MAX_TOLD, Lesson, words_of
from github_app.core.model import Permission
from github_app.core.record.audit import document_of
from github_app.core.session import Cause
from github_app.engine.lessons import Lessons, words_about
from github_app.engine.store import Store
from tests.engine.values import FACTS, ISSUE, MovingClock

NOW = FACTS.now
TEXTS = {
    1: "Durations are in seconds everywhere, also in tests",
    2: "Error messages begin in lower case",
    3: "Never parse dates by hand: use the calendar module",
}


def a_lesson(number: int = 1, text: str = "", **more: object) -> Lesson:
    usual = Lesson(
        repo_id=7,
        pull_number=12,
        number=number,
        text=text or TEXTS[number],
        kept_by="ann",
        kept_at=NOW,
        last_used_at=NOW,
        source="/acme/thing/pull/12#discussion_r5",
        said_by="rob",
        path="steep/clock.py",
        kept_in="/acme/thing/pull/12#issuecomment-9",
    )
    return replace(usual, **more)  # type: ignore[arg-type]


@pytest.fixture
def lessons(store: Store) -> Lessons:
    for number in TEXTS:
        store.lessons.keep(a_lesson(number))
    return store.lessons


def found(lessons: Lessons, *texts: str, repo_id: int = 7) -> list[str]:
    return [each.key for each in lessons.recall(repo_id, words_of(texts))]


def test_a_lesson_is_found_by_what_it_is_about(lessons: Lessons) -> None:
    for issue, keys in (
        ("The duration is wrong by a second", ["12-1"]),
        ("messages with an error in capitals", ["12-2"]),
        ("parseDate fails", ["12-3"]),
        ("The kettle explodes", []),
    ):
        assert found(lessons, issue) == keys, issue
    assert found(lessons, "an error message when a duration in seconds is tested everywhere")[0] == "12-1"
    assert found(lessons, "lower case of messages for a wrong duration")[0] == "12-2"
    assert found(lessons, "durations", *(f"word{n}" for n in range(5_000)))[0] == "12-1"
    assert found(lessons, "durations", repo_id=8) == []


def test_no_more_are_told_than_a_prompt_has_room_for(lessons: Lessons) -> None:
    for number in range(10, 30):
        lessons.keep(a_lesson(number, f"Durations, part {number}"))
    assert len(found(lessons, "durations")) == MAX_TOLD
    lessons.keep(a_lesson(4, "Say why.", path="steep/kettle.py"))
    assert found(lessons, "kettle") == ["12-4"], "what was said of a file is found by its name"


def test_an_issue_cannot_write_the_query(lessons: Lessons) -> None:
    for issue, keys in (
        ("", []),
        ("the", []),
        ("' OR 1=1 --", []),
        ('" NEAR(a b', []),
        ("* : ^ - durations & | ! <-> ()", ["12-1"]),
        ("words NOT durations", ["12-1"]),
        ("\u2177 \xb2\xb2 \x00 durations \\'", ["12-1"]),
    ):
        assert found(lessons, issue) == keys, issue
    assert len(lessons.of(7)) == len(TEXTS)


def test_use_is_noted_and_one_that_is_not_used_expires(lessons: Lessons, clock: MovingClock) -> None:
    clock.pass_s(170 * 86_400)
    (told,) = lessons.recall(7, ("durations",))
    assert (told.uses, told.last_used_at > NOW + timedelta(days=169)) == (1, True)
    clock.pass_s(11 * 86_400)
    assert found(lessons, "error messages for durations") == ["12-1"]
    used, *rest = lessons.of(7)
    assert (used.key, used.uses) == ("12-1", 2)
    assert [lessons.is_expired(each) for each in (used, *rest)] == [False, True, True]


def test_one_that_is_kept_again_counts_from_then(lessons: Lessons) -> None:
    lessons.recall(7, ("durations",))
    lessons.keep(a_lesson(text="Durations are in milliseconds", kept_by="eve"))
    (again,) = lessons.recall(7, ("durations",))
    assert (again.text, again.kept_by, again.uses) == ("Durations are in milliseconds", "eve", 1)
    assert found(lessons, "everywhere") == []


def test_what_is_dropped_is_not_found(lessons: Lessons) -> None:
    assert lessons.drop(7, "12-1")
    assert not lessons.drop(7, "12-1")
    assert not lessons.drop(8, "12-2")
    assert found(lessons, "durations") == []


def test_what_the_operator_does_is_on_record(lessons: Lessons, store: Store) -> None:
    lessons.write([a_lesson(9, "Be brief.", pull_number=0, kept_by="the operator")])
    assert lessons.drop(7, "0-9", by_operator=True)
    assert not lessons.drop(7, "0-9", by_operator=True)
    links = store.audit.read("repo-7")
    assert [(link.kind, document_of(link)["is"], document_of(link)["lesson"]) for link in links] == [
        ("lesson", "kept", "0-9"),
        ("lesson", "dropped", "0-9"),
    ]
    assert store.audit.verify("") == []


def test_an_issue_asks_by_its_words_and_its_likeliest_files() -> None:
    files = tuple(
        RankedFile(path=f"src/{name}.py", score=1.0, reasons=(), kind="code")
        for name in ("clock", "a1", "a2", "a3", "a4", "far")
    )
    task = Task(
        repo="acme/thing",
        cause=Cause.IMPLEMENT,
        issue=replace(ISSUE, title="The steepTime is wrong", body="It is one. <!-- secret word -->"),
        issue_permission=Permission.READ,
        branch="b",
        base_branch="main",
        context=Context(files=files),
    )
    assert words_about(task) == ("clock", "a1", "a2", "a3", "a4", "the", "steep", "time", "is", "wrong", "it", "one")
