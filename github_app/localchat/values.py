"""What is in a Slack: one workspace, its people and channels, and what was said there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class User:
    """A person, or an app's bot."""

    id: str
    name: str
    is_bot: bool = False
    team: str = ""


@dataclass
class Message:
    """One message. `only_for` is whom an ephemeral one is shown to."""

    ts: str
    user: User
    text: str
    thread_ts: str | None = None
    blocks: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] | None = None
    only_for: User | None = None
    edits: int = 0

    @property
    def shown(self) -> str:
        """What a reader sees: the blocks' text, or the text where there are none."""
        parts = [block["text"]["text"] for block in self.blocks if block["type"] == "section"]
        return "\n".join(parts) or self.text

    @property
    def buttons(self) -> list[dict[str, Any]]:
        """What can be pressed."""
        return [each for block in self.blocks if block["type"] == "actions" for each in block["elements"]]


@dataclass
class Channel:
    """A channel, or (`kind` im) what one person and a bot say to each other."""

    id: str
    name: str
    kind: str = "channel"
    members: list[User] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def find(self, ts: str) -> Message | None:
        """A message that everybody sees, by its time."""
        return next((each for each in self.messages if each.ts == ts and each.only_for is None), None)

    def thread(self, ts: str) -> list[Message]:
        """A thread, its first message with it."""
        return [each for each in self.messages if ts in (each.ts, each.thread_ts)]


@dataclass(frozen=True)
class SlackApp:
    """The app that is installed, and where it is reached."""

    id: str
    bot: User
    token: str
    signing_secret: str
    request_url: str
    command: str = "/honk"


@dataclass
class Delivery:
    """One request to the app, with each answer to it: its status, or what went wrong."""

    kind: str
    body: bytes
    answers: list[str] = field(default_factory=list)
    retry_headers: list[dict[str, str]] = field(default_factory=list)
