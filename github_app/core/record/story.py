"""A session as people look at it: its records line by line, and excerpts of what the model said and was answered. All
of it passes `clean`, which takes secrets out, before anything is cut: half a secret is none that could be found."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from github_app.core.ports import Step
from github_app.core.record.audit import Link, document_of
from github_app.core.record.timeline import Line, lines_of
from github_app.core.session import Session
from github_app.core.text.characters import spelled_out
from github_app.core.waits import Wait

StepKey = tuple[str, int]
"""A turn's id and the number of a step in it."""

HEAD_CHARS, TAIL_CHARS = 500, 1_000
"""What is shown of a long text: how it begins, and how it ends, where programs say what came of it."""

MAX_EXCERPTS = 8
_MARGIN = 1_000
"""So much beside what is shown is cleaned with it: a secret that lies across the cut is found by its shape."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """A session, some of its records, what it waits for, and those steps of its turns that are at hand."""

    session: Session
    links: Sequence[Link]
    wait: Wait | None = None
    steps: Mapping[StepKey, Step] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """What the model said, asked a tool for, or was answered by it."""

    title: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a session's page, and what can be unfolded under it."""

    line: Line
    excerpts: tuple[Excerpt, ...] = ()


def step_of(link: Link) -> StepKey | None:
    """The step that a record is about; None where it is about none."""
    if link.kind not in ("model", "told"):
        return None
    document = document_of(link)
    turn, number = document.get("turn"), document.get("step")
    return (turn, number) if isinstance(turn, str) and isinstance(number, int) else None


def rows_of(story: Story, clean: Callable[[str], str]) -> tuple[Row, ...]:
    """The rows of a story's page. What was said to the model is left out but for the answers of its tools."""
    found: list[Row] = []
    for link in story.links:
        key = step_of(link)
        step = story.steps.get(key) if key is not None else None
        excerpts = _excerpts(step, story.steps.get((key[0], key[1] - 1)), clean) if step and key else ()
        if link.kind == "told" and excerpts:
            line = Line(number=link.number, at=link.at, kind=link.kind, text="what came of it")
            found.append(Row(line=line, excerpts=excerpts))
        found += [Row(line=_cleaned(line, clean), excerpts=excerpts) for line in lines_of([link])]
    return tuple(found)


def _cleaned(line: Line, clean: Callable[[str], str]) -> Line:
    return replace(line, text=clean(line.text), detail=clean(line.detail))


def _excerpts(step: Step, before: Step | None, clean: Callable[[str], str]) -> tuple[Excerpt, ...]:
    called = {block.get("id"): block.get("name") for block in before.content} if before is not None else {}
    texts = (_text_of(block, called) for block in step.content if step.role != "user" or _is_answer(block))
    kept = [each for each in texts if each is not None and each[1].strip()][:MAX_EXCERPTS]
    return tuple(Excerpt(title=clean(spelled_out(title)), text=_cut(text, clean)) for title, text in kept)


def _text_of(block: Mapping[str, Any], called: Mapping[Any, Any]) -> tuple[str, str] | None:
    """Title and text of a block of a message; None for what is not shown."""
    match block:
        case {"type": "text", "text": str(text)}:
            return "says", text
        case {"type": "tool_use", "name": str(name), "input": arguments}:
            return f"calls {name}", _arguments(arguments)
        case {"type": "tool_result", "content": str(text)}:
            return f"{called.get(block.get('tool_use_id'), 'a tool')} answers", text
        case {"type": "tool_result", "content": list(parts)}:
            text = "\n".join(str(part.get("text", "(an image)")) for part in parts if isinstance(part, dict))
            return f"{called.get(block.get('tool_use_id'), 'a tool')} answers", text
        case _:
            return None


def _is_answer(block: Mapping[str, Any]) -> bool:
    return block.get("type") == "tool_result"


def _arguments(arguments: Any) -> str:
    if not isinstance(arguments, dict):
        return json.dumps(arguments, ensure_ascii=False)
    shown = {name: each if isinstance(each, str) else json.dumps(each) for name, each in arguments.items()}
    return "\n".join(f"{name}: {each}" for name, each in shown.items())


def _cut(text: str, clean: Callable[[str], str]) -> str:
    if len(text) <= HEAD_CHARS + TAIL_CHARS:
        return clean(spelled_out(text))
    head = clean(spelled_out(text[: HEAD_CHARS + _MARGIN]))[:HEAD_CHARS]
    tail = clean(spelled_out(text[-TAIL_CHARS - _MARGIN :]))[-TAIL_CHARS:]
    return f"{head}\n… {len(text) - HEAD_CHARS - TAIL_CHARS:,} characters left out …\n{tail}"
