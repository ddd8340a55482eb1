"""The values of a chat: places and people, what people say and press there, and what is said to them. None of them
knows which chat it is: an adapter behind `chat.ports.Chat` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from github_app.core.model import Actor, Repo


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody in a chat, known by number there. Nothing is proven by that but who said something."""

    team: str
    id: str


@dataclass(frozen=True, kw_only=True)
class Place:
    """A thread in a channel; without `thread` the channel itself, where what is said begins one. `is_direct`: nobody
    is there but one person and us."""

    team: str
    channel: str
    thread: str = ""
    is_direct: bool = False


@dataclass(frozen=True, kw_only=True)
class Said:
    """A person said something, without the mention of us. `is_addressed`: to us, by a mention, a command or alone with
    us; other words are in a thread of ours. `is_command`: by a command, which leaves no message in the channel; `at` is
    what another message is known by there. `is_handed`: the words are somebody's message, which the person handed over
    as it is: no command is in them."""

    id: str
    person: Person
    place: Place
    words: str
    is_addressed: bool
    is_command: bool = False
    at: str = ""
    is_handed: bool = False


Action = Literal["go", "stop", "retry", "undo", "ship", "choose"]


@dataclass(frozen=True, kw_only=True)
class Pressed:
    """A person pressed a button. `about` is what the button was for: a session and its turn, or a repository."""

    id: str
    person: Person
    place: Place
    action: Action
    about: str


@dataclass(frozen=True, kw_only=True)
class Linked:
    """A person in a chat is a GitHub account from now on, as they confirmed."""

    id: str
    person: Person
    place: Place
    login: str


@dataclass(frozen=True, kw_only=True)
class Told:
    """Something was decided that a thread is to hear of: words, each with the tag of its message, and whether the
    message with the session's state is to be brought up to date. `decided_at` is in seconds since 1970."""

    id: str
    place: Place
    decided_at: float
    words: tuple[tuple[str, str], ...] = ()
    session_id: str = ""
    version: int = 0


ChatEvent = Said | Pressed | Linked | Told


@dataclass(frozen=True, kw_only=True)
class Button:
    """A button of a message; with `url` it only leads there."""

    label: str
    action: str = ""
    about: str = ""
    url: str = ""
    style: Literal["", "primary", "danger"] = ""
    confirm: str = ""


@dataclass(frozen=True, kw_only=True)
class Card:
    """A message: Markdown, as everything that Honk says, and buttons under it. Issue numbers in it are those of
    `repo`, a full name."""

    text: str
    buttons: tuple[Button, ...] = ()
    repo: str = ""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a thread is about: one issue; or, with `is_pull`, a pull request that is only read."""

    repo: Repo
    issue_number: int
    is_pull: bool = False


@dataclass(frozen=True, kw_only=True)
class Remark:
    """What somebody said in a thread before we were asked: for the agent to know, and nobody's order."""

    author: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Post:
    """Say something in the thread, once for each tag."""

    tag: str
    card: Card


@dataclass(frozen=True, kw_only=True)
class Whisper:
    """Say something that one person alone sees."""

    card: Card


@dataclass(frozen=True, kw_only=True)
class OfferLink:
    """Show one person alone where to say which GitHub account is theirs."""


@dataclass(frozen=True, kw_only=True)
class Begin:
    """Begin work or a report in the name of an account: on an issue (a report: or a pull request), or on a new issue
    with these words, where there is no number. The thread is about it from then on. `key` is the same for the same
    words: they begin it once. `said_at` is their message: what was said before it in the thread is told to the
    agent."""

    key: str
    actor: Actor
    repo: Repo
    number: int | None
    verb: Literal["do", "plan", "explain", "review"]
    words: str
    said_at: str = ""


@dataclass(frozen=True, kw_only=True)
class Steer:
    """Hand words on to the work that the thread is about. `key` is the same for what shall be heard once."""

    key: str
    actor: Actor
    work: Work
    words: str


@dataclass(frozen=True, kw_only=True)
class AskWhere:
    """Ask which repository is meant, and keep the words until somebody says so."""

    said: Said
    choices: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class UseRepository:
    """Where this channel's requests go from now on, unless they name another."""

    repo: Repo


@dataclass(frozen=True, kw_only=True)
class Unlink:
    """Forget whose account a person's is."""


ChatEffect = Post | Whisper | OfferLink | Begin | Steer | AskWhere | UseRepository | Unlink
