"""What a session's page says under each line: what the model said, called and was answered; clean, and cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pytest

from github_app.core.ports import Step
from github_app.core.record.audit import Link, canonical
from github_app.core.record.story import HEAD_CHARS, MAX_EXCERPTS, TAIL_CHARS, Row, StepKey, Story, rows_of, step_of
from tests.engine.values import a_session

SECRET = "sesame-open"
CALL = {"type": "tool_use", "id": "c", "name": "bash", "input": {"command": "make\ntest", "timeout_s": 5}}


def link(kind: str, number: int, step: object = None) -> Link:
    document = canonical({"turn": "t", "step": number if step is None else step, "calls": []})
    return Link(chain="7-1-1", number=number + 1, at="2026-01-02T03:04:05", kind=kind, document=document, hash="")


def a_step(number: int, role: Literal["user", "assistant", "judge"], *blocks: dict[str, Any]) -> Step:
    return Step(number=number, role=role, content=blocks)


def rows(*links: Link, steps: Mapping[StepKey, Step] | None = None) -> list[Row]:
    story = Story(session=a_session(), links=links, steps=steps or {})
    return list(rows_of(story, lambda text: text.replace(SECRET, "[gone]")))


def shown(*blocks: dict[str, Any], before: Step | None = None) -> list[tuple[str, str]]:
    steps = {("t", 1): a_step(1, "user" if before else "assistant", *blocks)} | ({("t", 0): before} if before else {})
    found = rows(link("told" if before else "model", 1), steps=steps)
    return [(each.title, each.text) for row in found for each in row.excerpts]


def test_a_reply_shows_its_words_and_calls_and_an_answer_whose_it_is():
    assert shown({"type": "text", "text": "I look."}, CALL) == [
        ("says", "I look."),
        ("calls bash", "command: make\ntest\ntimeout_s: 5"),
    ]
    answer = {"type": "tool_result", "tool_use_id": "c", "content": "passed"}
    assert shown(answer, before=a_step(0, "assistant", CALL)) == [("bash answers", "passed")]
    stranger = {"type": "tool_result", "tool_use_id": "x", "content": [{"text": "a"}, {"type": "image"}, 7]}
    assert shown(stranger, before=a_step(0, "assistant", CALL)) == [("a tool answers", "a\n(an image)")]


def test_what_else_was_said_to_the_model_is_not_shown_and_its_record_has_no_row_then():
    told = {("t", 1): a_step(1, "user", {"type": "text", "text": "the task"})}
    assert rows(link("told", 1), steps=told) == []
    assert rows(link("told", 1)) == []
    assert shown({"type": "thinking", "thinking": "hm"}, {"type": "text", "text": " "}) == []


def test_arguments_may_be_anything():
    assert shown({**CALL, "input": ["ä"]}) == [("calls bash", '["ä"]')]
    assert len(shown(*[CALL] * (MAX_EXCERPTS + 1))) == MAX_EXCERPTS


def test_a_step_that_is_gone_leaves_its_line_as_it_was():
    (row,) = rows(link("model", 1))
    assert (row.line.text, row.excerpts) == ("the model calls no tool: $0.00", ())


@pytest.mark.parametrize(
    "text", [SECRET, f"{'x' * (HEAD_CHARS - 5)}{SECRET}{'y' * 5_000}", f"{'x' * 5_000}{SECRET}{'y' * (TAIL_CHARS - 5)}"]
)
def test_secrets_are_gone_also_across_a_cut(text: str):
    ((title, said),) = shown({"type": "text", "text": text})
    assert title == "says"
    assert "[gon" in said or "one]" in said
    assert not any(SECRET[start : start + 5] in said for start in range(len(SECRET) - 4))
    (row,) = rows(Link(**{**vars(link("decision", 1)), "document": canonical({"kind": "Ticked", "why": SECRET})}))
    assert row.line.text == "ticked: [gone]"


def test_a_long_text_is_shown_from_both_ends_and_says_so():
    ((_, said),) = shown({"type": "text", "text": "a" * 600 + "b" * 9_000 + "c" * 1_000})
    assert said.startswith("a" * HEAD_CHARS + "\n… 9,100 characters left out …\n")
    assert said.endswith("c" * TAIL_CHARS)
    ((_, said),) = shown({"type": "text", "text": "\u202e\x1b[31mred"})
    assert said == "\\u202ered"


@pytest.mark.parametrize("strange", [link("model", 1, step="1"), link("decision", 1)])
def test_a_record_that_is_about_no_step_is_told(strange: Link):
    assert step_of(strange) is None
