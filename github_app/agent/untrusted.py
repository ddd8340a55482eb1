"""Text from outside, made fit for a prompt: nothing in it is invisible, none of it is endless, and all of it stands in
a frame whose boundary its author could not know. Frames help the model; they are not the defence: the sandbox is."""

from __future__ import annotations

from html import escape

from github_app.agent.visible import visible
from github_app.core.text.characters import legible, spelled_out


def clean(text: str, *, max_chars: int) -> str:
    """Words of a person: what other people see of them, and no more than `max_chars` of that."""
    return clip(visible(text), max_chars=max_chars)


def show(text: str) -> str:
    """Output of a program: without colours, and all that a terminal would hide or act on written as `\\xNN`."""
    return spelled_out(text)


def clip(text: str, *, max_chars: int, head: float = 0.5) -> str:
    """About `max_chars` characters at most: a beginning (the share `head`) and an end, with a note between them."""
    if len(text) <= max_chars:
        return text
    front = int(max_chars * head)
    back = len(text) - (max_chars - front)
    return f"{text[:front]}\n[… {back - front} characters are left out here …]\n{text[back:]}"


def frame(tag: str, text: str, *, boundary: str, **attributes: object) -> str:
    """`text` between two boundary lines in an element. It has been through `clean` or `show`; attributes have not."""
    words = "".join(f' {name}="{attribute(value)}"' for name, value in attributes.items() if value is not None)
    return f"<{tag}{words}>\n=== {boundary} ===\n{text}\n=== {boundary} ===\n</{tag}>"


def attribute(value: object) -> str:
    """A name (path, login, title) as one short line that cannot leave its quotes."""
    return escape(clip(" ".join(legible(str(value)).split()), max_chars=300), quote=True)
