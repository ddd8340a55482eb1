"""The port behind which a chat is: the few things that Honk does there."""

from __future__ import annotations

from typing import Protocol

from github_app.core.chat.model import Card, Person, Place, Remark


class Chat(Protocol):
    """A chat. All calls block for a few seconds at most, and raise `Transient`/`RateLimited`, `Gone` for a place or
    person that is not there (any more) for us, and `AccessDenied`."""

    def post(self, place: Place, card: Card, *, tag: str) -> str:
        """Post a message, in the thread or as the first of a new one; what it is known by there. The chat keeps the tag
        with it."""

    def edit(self, place: Place, message: str, card: Card) -> None:
        """Put other words into a message of ours. Raises `Gone` if it was deleted."""

    def find(self, place: Place, *, tag: str) -> str | None:
        """Our message with this tag in a thread (or, without one, among the channel's last): after an answer that got
        lost."""

    def whisper(self, place: Place, person: Person, card: Card) -> None:
        """Show a message to one person alone."""

    def earlier(self, place: Place, message: str) -> tuple[Remark, ...]:
        """What people said in a thread before a message, oldest first, with what they are called: the last of it, where
        that is much."""

    def name_of(self, person: Person) -> str:
        """What a person is called there."""
