"""The texts in `prompts/`, reviewed as prose and pinned by tests; or those that are tried in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from types import MappingProxyType

from github_app.core.errors import Misconfigured

MAX_BYTES = 200_000

_NOTHING: Mapping[str, Template] = MappingProxyType({})
_replaced: ContextVar[Mapping[str, Template]] = ContextVar("replaced", default=_NOTHING)


def template(name: str) -> Template:
    """The text of that name."""
    return _replaced.get().get(name) or _own(name)


def filled(name: str, **values: str) -> str:
    """The text with its placeholders filled in. Raises `KeyError` for one without a value, so that no prompt goes out
    with a hole."""
    return template(name).substitute(values).strip()


@contextmanager
def replacing(texts: Mapping[str, Template]) -> Iterator[None]:
    """Within it, these texts stand in the place of ours of the same names."""
    token = _replaced.set(texts)
    try:
        yield
    finally:
        _replaced.reset(token)


def read_templates(path: Path) -> dict[str, Template]:
    """The texts of a file `NAME.md`, or of all those in a folder, by name. Raises `Misconfigured` for a name that no
    text of ours has, and for placeholders that would not be filled in."""
    paths = sorted(path.glob("*.md")) if path.is_dir() else [path]
    if not paths:
        raise Misconfigured(f"{path} has no prompts: files that end in .md")
    return {each.stem: _read(each) for each in paths}


def _read(path: Path) -> Template:
    names = _names()
    if path.suffix != ".md" or path.stem not in names:
        known = ", ".join(f"{name}.md" for name in names)
        raise Misconfigured(f"{path.name} stands for no prompt; there are: {known}")
    try:
        with path.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
        text = Template(raw.decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {error}") from error
    if len(raw) > MAX_BYTES:
        raise Misconfigured(f"{path} is larger than {MAX_BYTES:,} bytes")
    wanted = _own(path.stem).get_identifiers()
    # A text without any is sent as it stands, with each `$` that is in it.
    if wanted and (not text.is_valid() or set(text.get_identifiers()) - set(wanted)):
        raise Misconfigured(f"{path}: a `$` stands only before {', '.join(wanted)}; any other is written `$$`")
    return text


def _names() -> list[str]:
    folder = files("github_app.agent") / "prompts"
    return sorted(each.name.removesuffix(".md") for each in folder.iterdir() if each.name.endswith(".md"))


@cache
def _own(name: str) -> Template:
    return Template((files("github_app.agent") / "prompts" / f"{name}.md").read_text(encoding="utf-8"))
