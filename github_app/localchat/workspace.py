"""The workspace: what people and bots do in it, and what the app hears of that."""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from github_app.localchat.laws import CALLS_PEOPLE, wrong_with
from github_app.localchat.post import Post
from github_app.localchat.values import Channel, Message, SlackApp, User


def typed(text: str) -> str:
    """What a person types, as Slack keeps it: nothing in it is markup but addresses, which are links."""
    for character, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, escaped)
    return re.sub(r"https?://[^\s<>]+", r"<\g<0>>", text)


@dataclass
class Workspace:
    """One workspace with one app. Safe to share between threads. `violations` are messages that Slack would not have
    taken, or that called people."""

    app: SlackApp
    post: Post
    team: str = "T0LOCAL"
    users: dict[str, User] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _last_ts: float = 0.0
    _ids: int = 0

    def __post_init__(self) -> None:
        self.app.bot.team = self.team
        self.users[self.app.bot.id] = self.app.bot

    # People's acts

    def person(self, name: str) -> User:
        """A person of this name, who joins if need be."""
        with self.lock:
            found = next((each for each in self.users.values() if each.name == name and not each.is_bot), None)
            if found is None:
                found = User(self._new_id("U"), name, team=self.team)
                self.users[found.id] = found
            return found

    def channel(self, name: str, *members: User, with_bot: bool = True) -> Channel:
        """A channel of this name with these people in it, and the bot unless it was not invited."""
        with self.lock:
            found = next((each for each in self.channels.values() if each.name == name), None)
            if found is None:
                found = Channel(self._new_id("C"), name)
                self.channels[found.id] = found
            for each in (*members, *((self.app.bot,) if with_bot else ())):
                if each not in found.members:
                    found.members.append(each)
            return found

    def direct(self, user: User) -> Channel:
        """Where a person and the bot are alone."""
        with self.lock:
            name = f"@{user.name}"
            found = next((each for each in self.channels.values() if each.name == name), None)
            if found is None:
                found = Channel(self._new_id("D"), name, "im", [user, self.app.bot])
                self.channels[found.id] = found
            return found

    def say(self, user: User, channel: Channel, text: str, *, thread: Message | None = None) -> Message:
        """A person says something; `@honk` is the mention of the bot. The app hears of it."""
        text = re.sub(rf"@{re.escape(self.app.bot.name)}\b", f"<@{self.app.bot.id}>", typed(text))
        with self.lock:
            thread_ts = (thread.thread_ts or thread.ts) if thread is not None else None
            said = Message(self._new_ts(), user, text, thread_ts)
            channel.messages.append(said)
        if self.app.bot in channel.members:
            kinds = (
                ["message", "app_mention"] if f"<@{self.app.bot.id}>" in text and channel.kind != "im" else ["message"]
            )
            for kind in kinds:
                self.post.emit(self.envelope(self._event(kind, channel, said)))
        return said

    def command(self, user: User, channel: Channel, text: str) -> str:
        """A person writes `/honk` and this; what Slack shows them at once."""
        answer = self.post.submit(
            {
                "token": "legacy",
                "team_id": self.team,
                "team_domain": "local",
                "channel_id": channel.id,
                "channel_name": "directmessage" if channel.kind == "im" else channel.name,
                "user_id": user.id,
                "user_name": user.name,
                "command": self.app.command,
                "text": typed(text),
                "api_app_id": self.app.id,
                "response_url": "https://hooks.slack.example/commands",
                "trigger_id": self._new_trigger(),
            }
        )
        if answer is None or not answer.is_success:
            return "operation_timeout"
        shown = answer.json()["text"] if answer.headers.get("content-type", "").startswith("application/json") else ""
        if shown:
            with self.lock:
                channel.messages.append(Message(self._new_ts(), self.app.bot, shown, only_for=user))
        return str(shown)

    def press(self, user: User, channel: Channel, message: Message, label: str) -> None:
        """A person presses the button with this label. Raises `LookupError` if there is none."""
        button = next((each for each in message.buttons if each["text"]["text"] == label), None)
        if button is None:
            raise LookupError(f"no button {label!r}: {[each['text']['text'] for each in message.buttons]}")
        payload = {
            "type": "block_actions",
            "team": {"id": self.team, "domain": "local"},
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": self.team},
            "api_app_id": self.app.id,
            "token": "legacy",
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": channel.id,
                "is_ephemeral": message.only_for is not None,
                **({"thread_ts": message.thread_ts} if message.thread_ts else {}),
            },
            "trigger_id": self._new_trigger(),
            "channel": {"id": channel.id, "name": channel.name},
            "message": self.shape(message),
            "actions": [{**button, "block_id": "b", "action_ts": self._new_ts()}],
        }
        self.post.submit({"payload": json.dumps(payload)})

    def hand_over(self, user: User, channel: Channel, message: Message) -> None:
        """A person chooses the app's shortcut in a message's menu."""
        payload = {
            "type": "message_action",
            "callback_id": "hand_to_honk",
            "token": "legacy",
            "team": {"id": self.team, "domain": "local"},
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": self.team},
            "channel": {"id": channel.id, "name": channel.name},
            "trigger_id": self._new_trigger(),
            "action_ts": self._new_ts(),
            "message_ts": message.ts,
            "response_url": "https://hooks.slack.example/app",
            "message": self.shape(message),
        }
        self.post.submit({"payload": json.dumps(payload)})

    # The bot's acts

    def put(self, channel: Channel, given: dict[str, Any], *, only_for: User | None = None) -> Message:
        """The bot posts a message."""
        self._judge(given)
        with self.lock:
            message = Message(
                self._new_ts(),
                self.app.bot,
                given["text"],
                given.get("thread_ts"),
                given.get("blocks") or [],
                given.get("metadata"),
                only_for,
            )
            channel.messages.append(message)
            return message

    def change(self, message: Message, given: dict[str, Any]) -> None:
        """The bot puts other words into a message."""
        self._judge(given)
        with self.lock:
            message.text, message.blocks = given["text"], given.get("blocks") or []
            message.edits += 1

    def _judge(self, given: dict[str, Any]) -> None:
        self.violations += wrong_with(given)
        if CALLS_PEOPLE.search(json.dumps(given, ensure_ascii=False)):
            self.violations.append(f"the bot calls people: {given['text'][:200]}")

    # Shapes

    def shape(self, message: Message) -> dict[str, Any]:
        """A message as the Web API and events have it."""
        found: dict[str, Any] = {"type": "message", "user": message.user.id, "text": message.text, "ts": message.ts}
        if message.thread_ts is not None:
            found["thread_ts"] = message.thread_ts
        if message.user.is_bot:
            found |= {"bot_id": f"B{message.user.id[1:]}", "app_id": self.app.id}
        if message.blocks:
            found["blocks"] = message.blocks
        return found

    def envelope(self, event: dict[str, Any]) -> dict[str, Any]:
        """What comes around an event."""
        return {
            "token": "legacy",
            "team_id": self.team,
            "api_app_id": self.app.id,
            "event": event,
            "type": "event_callback",
            "event_id": self._new_id("Ev"),
            "event_time": int(time.time()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": self.team,
                    "user_id": self.app.bot.id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
        }

    def _event(self, kind: str, channel: Channel, message: Message) -> dict[str, Any]:
        found = {
            **self.shape(message),
            "type": kind,
            "channel": channel.id,
            "team": self.team,
            "event_ts": message.ts,
        }
        return found if kind == "app_mention" else {**found, "channel_type": channel.kind}

    def _new_id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}0{self._ids:08d}"

    def _new_trigger(self) -> str:
        with self.lock:
            self._ids += 1
            return f"{self._ids}.1.localchat"

    def _new_ts(self) -> str:
        with self.lock:
            self._last_ts = max(time.time(), self._last_ts + 0.000_01)
            return f"{self._last_ts:.6f}"
