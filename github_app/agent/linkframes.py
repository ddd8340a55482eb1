"""Issues and pull requests that the work refers to, framed for the prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from github_app.agent.templates import filled
from github_app.agent.untrusted import clean, frame
from github_app.core.linked import MAX_BODY_CHARS, Linked, Links


def linked_part(links: Links, boundary: str) -> str:
    """What is told of them, each as worth nothing, and which were not looked at; empty if there are none."""
    lines = [*(_frame(each, boundary) for each in links.shown), *_left_out(links)]
    return f"\n{filled('linked', frames=chr(10).join(lines))}\n" if lines else ""


def _frame(linked: Linked, boundary: str) -> str:
    title = clean(linked.title, max_chars=300).replace("\n", " ")
    body = clean(linked.body, max_chars=2 * MAX_BODY_CHARS)
    return frame(
        "linked",
        f"{title}\n\n{body or '(no description)'}",
        boundary=boundary,
        number=linked.number,
        kind=linked.kind,
        state=linked.state,
        author=linked.author.login,
        permission=linked.permission.name.lower(),
        trust="none",
    )


def _left_out(links: Links) -> Iterator[str]:
    if links.unread:
        yield f"Could not be read: {_named(links.unread)}."
    if links.unheard:
        yield f"Left out, as their authors may not write here: {_named(links.unheard)}."
    if links.more:
        yield f"{links.more} more are left out."
    if links.has_others:
        yield "What is referred to in other repositories was not looked at."


def _named(numbers: Sequence[int]) -> str:
    return ", ".join(f"#{number}" for number in numbers)
