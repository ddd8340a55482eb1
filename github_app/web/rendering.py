"""How pages are made: files of `pages`, filled in by a template engine that escapes everything; and the headers that
all of them have."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from github_app.core.messages.figures import money

HEADERS = {
    # What a page shows is for who may see it now: it must not stay behind, nor its address travel on.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


def render(name: str, **values: Any) -> str:
    """A page. A name that its template uses and that is not given is an error."""
    return _environment().get_template(name).render(**values)


@cache
def text_of(name: str) -> str:
    """A file of `pages`, as it is."""
    return (files("github_app.web") / "pages" / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, loader=FunctionLoader(text_of))
    made.filters["money"] = money
    return made
