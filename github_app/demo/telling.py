"""How the demo speaks: one line a stage, with the time it took and where to look."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape


class Telling:
    """Prints the story as it happens; times are seconds since `began`."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._began = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the story began."""
        return time.monotonic() - self._began

    def begin(self) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def title(self, text: str) -> None:
        """A heading."""
        self.console.print(f"\n[bold]{escape(text)}[/bold]")

    def note(self, text: str) -> None:
        """A quiet line."""
        self.console.print(f"  [dim]{escape(text)}[/dim]")

    def person(self, text: str, link: str = "") -> None:
        """Something that a person does."""
        self._line("[cyan]●[/cyan]", escape(text), link)

    @contextmanager
    def stage(self, waiting: str) -> Iterator[Stage]:
        """A stage that Honk or CI must reach; shows what is waited for, then what came of it."""
        reached = Stage()
        begun = time.monotonic()
        with self.console.status(f"  {escape(waiting)} …", spinner="dots"):
            yield reached
        self._line("[green]✓[/green]", escape(reached.text or waiting), reached.link, took_s=time.monotonic() - begun)
        for line in reached.details:
            self.note(f"           {line}")

    def failure(self, text: str) -> None:
        """The end of a story that went wrong."""
        self.console.print(f"\n[red]✗[/red] {escape(text)}")

    def _line(self, mark: str, text: str, link: str, *, took_s: float | None = None) -> None:
        took = f" [dim]({took_s:.1f} s)[/dim]" if took_s is not None else ""
        self.console.print(f"{self.elapsed_s:7.1f} s  {mark} {text}{took}")
        if link:
            self.note(f"           {link}")


class Stage:
    """What a stage came to, filled in by whoever reached it."""

    def __init__(self) -> None:
        self.text = ""
        self.link = ""
        self.details: list[str] = []
