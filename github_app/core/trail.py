"""Which delivery, session and turn the work at hand is about: by these whatever is logged meanwhile can be found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_TRAIL: ContextVar[Mapping[str, str]] = ContextVar("trail")


@contextmanager
def on_trail(**ids: str | None) -> Iterator[None]:
    """Until the end of the block all that this thread or task does, and what it starts, is about these as well; what is
    empty is left out."""
    token = _TRAIL.set({**trail(), **{name: each for name, each in ids.items() if each}})
    try:
        yield
    finally:
        _TRAIL.reset(token)


def trail() -> Mapping[str, str]:
    """What the work at hand is about, by name."""
    return _TRAIL.get({})
