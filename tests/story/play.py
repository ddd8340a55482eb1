"""What the scripted model does in a story, in few words: replies to write scenes with."""

from __future__ import annotations

from typing import Any

Reply = dict[str, Any]


def calls(*each: dict[str, Any], **more: Any) -> Reply:
    """One reply with these tool calls, run one after the other; `gate` and `faults` as in a script's file."""
    return {"call": list(each), **more}


def bash(command: str) -> dict[str, Any]:
    """Run a command."""
    return {"bash": {"command": command}}


def write(path: str, text: str) -> dict[str, Any]:
    """Create a file."""
    return {"edit": {"path": path, "old_text": "", "new_text": text}}


def edit(path: str, old: str, new: str) -> dict[str, Any]:
    """Change a file in one place."""
    return {"edit": {"path": path, "old_text": old, "new_text": new}}


def ask(question: str) -> dict[str, Any]:
    """End the turn with a question."""
    return {"ask": {"question": question}}


def submit(
    title: str = "Say hello", *, answers: tuple[str, ...] = (), outcome: str = "fixed", **more: str
) -> dict[str, Any]:
    """Hand in, with an answer for each thread in the order of the prompt."""
    threads = [
        {"thread_id": f"{{{{thread:{n}}}}}", "outcome": outcome, "reply": answer} for n, answer in enumerate(answers, 1)
    ]
    asked: dict[str, Any] = {"title": title, "summary": f"{title}, as asked.", "threads": threads, **more}
    return {"submit": asked}
