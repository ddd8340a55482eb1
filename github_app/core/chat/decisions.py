"""What is done about what people say and press in a chat. Pure: the shell looks up what `wanted` names, and performs.

Whoever is not known gets a link and nothing else. All rights are the linked account's, as GitHub tells them now; what
the words come to is then decided by `core.machine`, as if they stood on GitHub."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from github_app.core.chat.model import (
    AskWhere,
    Begin,
    Card,
    ChatEffect,
    Linked,
    OfferLink,
    Post,
    Pressed,
    Said,
    Steer,
    Unlink,
    UseRepository,
    Whisper,
    Work,
)
from github_app.core.chat.words import Wish, command_in, repository_to_use, wish_in
from github_app.core.messages import chat as texts
from github_app.core.messages.refusals import refusal
from github_app.core.model import Actor, Repo
from github_app.core.session import Session


@dataclass(frozen=True, kw_only=True)
class ChatFacts:
    """What is known just before a decision. `actor` is the account that the person linked; `work` what the thread is
    about, `session` its newest session, and `may_steer` whether the account may give work there now. `default` is the
    channel's repository, `waiting` what was said before we asked where. `repos` are those that the account may give
    work in of the first of `wanted` that has any, `found_by`; `is_cut`: there are too many to ask for."""

    github_url: str
    actor: Actor | None = None
    work: Work | None = None
    session: Session | None = None
    may_steer: bool = False
    default: Repo | None = None
    waiting: Said | None = None
    repos: tuple[Repo, ...] = ()
    found_by: str = ""
    is_cut: bool = False


ANY = "*"
"""All repositories."""


def wanted(event: Said | Pressed, facts: ChatFacts) -> tuple[str, ...]:
    """Which repositories have to be looked up for a decision, one after the other: full names, or `ANY`."""
    if facts.actor is None:
        return ()
    if isinstance(event, Pressed):
        return (event.about,) if event.action == "choose" else ()
    if event.is_addressed and not event.is_handed and (used := repository_to_use(event.words)) is not None:
        return (used,)
    if facts.work is not None or not (event.is_addressed or facts.waiting is not None):
        return ()
    wish = wish_in(event.words, facts.github_url)
    usual = facts.default.full_name if facts.default is not None else ANY
    return ((wish.repo, usual) if wish.otherwise else (wish.repo,)) if wish.repo else (usual,)


def decide_in_chat(event: Said | Pressed | Linked, facts: ChatFacts) -> tuple[ChatEffect, ...]:
    """What to do about it; nothing for words that are not for us."""
    match event:
        case Linked():
            return (Whisper(card=texts.linked(event.login)),)
        case Said(is_handed=True):
            return _handed(event, facts)
        case Said():
            return _said(event, facts)
        case Pressed():
            return _pressed(event, facts)
        case _:
            assert_never(event)


def _said(said: Said, facts: ChatFacts) -> tuple[ChatEffect, ...]:
    actor = facts.actor
    if actor is None:
        return (OfferLink(),) if said.is_addressed else ()
    if said.is_addressed and said.words.strip().casefold() == "unlink":
        return (Unlink(), Whisper(card=texts.UNLINKED))
    if said.is_addressed and (used := repository_to_use(said.words)) is not None:
        if not facts.repos:
            return (Whisper(card=texts.not_writable(used)),)
        return (UseRepository(repo=facts.repos[0]), Whisper(card=texts.used(facts.repos[0].full_name)))
    if said.is_addressed and command_in(said.words).verb == "help":
        return (Whisper(card=texts.help_card(facts.default.full_name if facts.default is not None else "")),)
    if facts.work is not None:
        return _steer(said, actor, facts.work, facts)
    wish = wish_in(said.words, facts.github_url)
    if facts.waiting is not None and facts.waiting.person == said.person and wish.repo and not wish.words:
        return _begin(facts.waiting, actor, wish_in(facts.waiting.words, facts.github_url), wish.repo, facts)
    if not said.is_addressed:
        return ()
    if command_in(said.words).verb not in ("do", "plan", "explain"):
        return (Whisper(card=texts.NO_WORK),)
    return _begin(said, actor, wish, wish.repo, facts)


def _handed(said: Said, facts: ChatFacts) -> tuple[ChatEffect, ...]:
    """A message of whomever, taken as what shall be done: its words give no orders of their own. Known by its own
    number from here on: whoever hands it over once more begins nothing."""
    actor = facts.actor
    if actor is None:
        return (OfferLink(),)
    said = replace(said, id=f"handed:{said.place.team}:{said.place.channel}:{said.at}")
    if facts.work is not None:
        return _steer(replace(said, words=texts.handed(said.words)), actor, facts.work, facts)
    wish = wish_in(said.words, facts.github_url)
    return _begin(said, actor, wish, wish.repo, facts)


def _steer(said: Said, actor: Actor, work: Work, facts: ChatFacts) -> tuple[ChatEffect, ...]:
    if not facts.may_steer:
        # Others talk in the thread, too; only who spoke to us is told.
        return (Whisper(card=_may_not(actor)),) if said.is_addressed else ()
    words = said.words
    if work.is_pull and facts.session is None and command_in(words).verb not in ("explain", "review", "stop"):
        # Words without a verb would be an order to work on somebody else's pull request.
        if wish_in(words, facts.github_url).verb != "explain":
            return (Whisper(card=texts.ONLY_READ),) if said.is_addressed else ()
        words = f"explain {words}"
    return (Steer(key=said.id, actor=actor, work=work, words=words),)


def _begin(said: Said, actor: Actor, wish: Wish, name: str, facts: ChatFacts) -> tuple[ChatEffect, ...]:
    if wish.otherwise and facts.found_by != wish.repo:
        wish, name = Wish(verb=wish.verb, words=wish.otherwise), ""
    if not wish.words and wish.number is None:
        return (Whisper(card=texts.NOTHING_SAID),)
    if facts.is_cut or len(facts.repos) > 1:
        return (AskWhere(said=said, choices=tuple(sorted(repo.full_name for repo in facts.repos))),)
    if not facts.repos:
        return (Whisper(card=texts.not_writable(name) if name else texts.no_repository()),)
    begin = Begin(
        key=f"{said.id}/said",
        actor=actor,
        repo=facts.repos[0],
        number=wish.number,
        verb=wish.verb,
        words=wish.words,
        said_at=said.at,
    )
    return (begin,)


def _pressed(pressed: Pressed, facts: ChatFacts) -> tuple[ChatEffect, ...]:
    if facts.actor is None:
        return (OfferLink(),)
    if pressed.action == "choose":
        return _chosen(pressed, facts.actor, facts)
    session = facts.session
    if facts.work is None or session is None:
        return (Whisper(card=texts.OUTDATED),)
    # To stop is meant whatever the work has come to meanwhile; all else was meant for what the message showed.
    is_meant = texts.about_of(session) == pressed.about
    if not is_meant and not (pressed.action == "stop" and pressed.about.startswith(f"{session.id}:")):
        return (Whisper(card=texts.OUTDATED),)
    if not facts.may_steer:
        return (Whisper(card=_may_not(facts.actor)),)
    key = f"pressed:{session.id}:{session.version}:{pressed.action}"
    return (Steer(key=key, actor=facts.actor, work=facts.work, words=pressed.action),)


def _chosen(pressed: Pressed, actor: Actor, facts: ChatFacts) -> tuple[ChatEffect, ...]:
    waiting = facts.waiting
    if waiting is None:
        return (Whisper(card=texts.ANSWERED),)
    if waiting.person != pressed.person:
        return (Whisper(card=texts.NOT_YOURS),)
    begun = _begin(waiting, actor, wish_in(waiting.words, facts.github_url), pressed.about, facts)
    is_begun = any(isinstance(effect, Begin) for effect in begun)
    # The work first: it waits for no chat.
    return (*begun, Post(tag=f"where:{waiting.id}", card=texts.chosen(pressed.about))) if is_begun else begun


def _may_not(actor: Actor) -> Card:
    return Card(text=refusal(actor.login, needed="write"))
