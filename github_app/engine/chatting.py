"""Carries out what is decided about chats. All of it may run twice and must then change nothing; it is apart from the
work on GitHub, which waits for no chat: what came in and what is to be told are rows of the inbox like all else."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from github_app.core.chat.decisions import ANY, ChatFacts, decide_in_chat, wanted
from github_app.core.chat.model import (
    AskWhere,
    Begin,
    Card,
    ChatEffect,
    ChatEvent,
    Linked,
    OfferLink,
    Place,
    Post,
    Pressed,
    Remark,
    Said,
    Steer,
    Told,
    Unlink,
    UseRepository,
    Whisper,
    Work,
)
from github_app.core.chat.ports import Chat
from github_app.core.chat.words import command_in
from github_app.core.commands import Command
from github_app.core.doors import Desk, Request, issue_of, said_by_door
from github_app.core.errors import AccessDenied, Gone, HonkError, Refused
from github_app.core.messages import chat as texts
from github_app.core.messages import refusals
from github_app.core.model import Actor, Permission, Repo
from github_app.core.ports import Clock
from github_app.core.signin import Invitation, Seals
from github_app.core.subjects import Subject
from github_app.engine.catalogue import Catalogue
from github_app.engine.conversations import Conversations
from github_app.engine.performance import explain
from github_app.engine.store import Store

log = logging.getLogger(__name__)

_MANY = 30
"""Of more repositories than so many, GitHub is not asked one by one whether somebody may write."""

_OLD_NEWS = timedelta(days=1)
_LOST = (Gone, AccessDenied, Refused)


@dataclass(frozen=True, kw_only=True)
class Chatter:
    """Takes in what people say and press in a chat, and tells threads what became of it."""

    chat: Chat
    store: Store
    desk: Desk
    catalogue: Catalogue
    seals: Seals
    public_url: str
    github_url: str
    clock: Clock

    @property
    def _known(self) -> Conversations:
        return self.store.conversations

    def take_in(self, event: ChatEvent) -> None:
        """Do what follows from it. Raises `Transient` where that must be tried again; what the chat will never take is
        the operator's business alone."""
        match event:
            case Told():
                self._tell(event)
            case Linked():
                for effect in decide_in_chat(event, ChatFacts(github_url=self.github_url)):
                    self._perform(event, effect)
            case Said() | Pressed():
                self._answer(event)
            case _:
                assert_never(event)

    def _answer(self, event: Said | Pressed) -> None:
        try:
            facts = self._facts_for(event)
        except _LOST as error:
            self._whisper(event, texts.failed(explain(error)))
            return
        for effect in decide_in_chat(event, facts):
            self._perform(event, effect)

    # Facts

    def _facts_for(self, event: Said | Pressed) -> ChatFacts:
        actor, topic = self._known.actor_of(event.person), self._known.topic_of(event.place)
        facts = ChatFacts(github_url=self.github_url, actor=actor, work=topic.work, waiting=topic.waiting)
        if actor is None:
            return facts
        if topic.work is not None:
            number = topic.work.issue_number
            session = self.store.find_session(Subject(repo_id=topic.work.repo.id, issue_number=number))
            repo = session.repo if session is not None else topic.work.repo
            may_steer = self._may_write(repo, actor)
            facts = replace(facts, work=replace(topic.work, repo=repo), session=session, may_steer=may_steer)
        facts = replace(facts, default=self._known.default_of(event.place))
        for name in wanted(event, facts):
            repos, is_cut = self._writable(name, actor)
            if repos or is_cut:
                return replace(facts, repos=repos, is_cut=is_cut, found_by=name)
        return facts

    def _writable(self, name: str, actor: Actor) -> tuple[tuple[Repo, ...], bool]:
        """The repositories of this name that an account may give work in; of all, none if they are too many."""
        if name == ANY:
            every = self.catalogue.all()
            if len(every) > _MANY:
                return (), True
            return tuple(repo for repo in every if self._may_write(repo, actor)), False
        found = self.desk.find_repo(name)
        return ((found,) if found is not None and self._may_write(found, actor) else ()), False

    def _may_write(self, repo: Repo, actor: Actor) -> bool:
        try:
            return self.desk.permission(repo, actor) >= Permission.WRITE
        except (AccessDenied, Gone):
            return False

    # Effects

    def _perform(self, event: Said | Pressed | Linked, effect: ChatEffect) -> None:
        match effect:
            case Whisper():
                self._whisper(event, effect.card)
            case Post():
                self._say(event.place, effect.tag, effect.card)
            case OfferLink():
                self._offer_link(event)
            case Begin():
                self._begin(self._thread_of(event, effect.actor), effect)
            case Steer():
                self._steer(event, effect)
            case AskWhere():
                place = self._thread_of(event, self._known.actor_of(event.person))
                self._known.wait_for_place(place, effect.said)
                self._say(place, f"where:{effect.said.id}", texts.which_repository(effect.choices))
            case UseRepository():
                self._known.use(event.place, effect.repo)
            case Unlink():
                self._known.unlink(event.person)
            case _:
                assert_never(effect)

    def _offer_link(self, event: Said | Pressed | Linked) -> None:
        name = self.chat.name_of(event.person)
        invitation = Invitation(nonce=secrets.token_urlsafe(12), person=event.person, place=_aside(event), name=name)
        words = self.seals.invitation(invitation, self.clock.now())
        self._whisper(event, texts.link_offer(f"{self.public_url}/link/{words}"))

    def _thread_of(self, event: Said | Pressed | Linked, actor: Actor | None) -> Place:
        """The thread that an event is in; a command has none, so its words are said again to begin one."""
        if event.place.thread or not isinstance(event, Said):
            return event.place
        card = texts.asked(actor.login if actor is not None else "", event.words)
        message = self._say(event.place, f"asked:{event.id}", card)
        return replace(event.place, thread=message)

    def _begin(self, place: Place, effect: Begin) -> None:
        repo, number, words = effect.repo, effect.number, ""
        is_report = effect.verb in ("explain", "review")
        try:
            if number is None:
                title, body = issue_of(effect.words, effect.actor, "slack")
                number = self.desk.open_issue(repo, key=effect.key, title=title, body=body)
            if effect.number is not None or is_report:
                words = effect.words
            found = self.desk.linked(repo, number)
        except _LOST as error:
            self._say(place, f"failed:{effect.key}", texts.failed(explain(error)))
            return
        text: tuple[str, str] | None = (found.title, found.body)
        is_read = is_report and found.kind == "pull request"
        if is_read:
            text = None
        elif found.kind == "pull request":
            session = self.store.find_session(Subject(repo_id=repo.id, pull_number=number))
            if session is None:
                card = Card(text=refusals.foreign_pull_refusal(), repo=repo.full_name)
                self._say(place, f"failed:{effect.key}", card)
                return
            number, text = session.issue_number, None
        command = Command(verb=effect.verb, text=words)
        request = Request(key=effect.key, door="slack", actor=effect.actor, command=command)
        work = Work(repo=repo, issue_number=number, is_pull=is_read)
        self._known.begin(place, work, self._said_before(place, effect.said_at))
        said = said_by_door(request, repo, number, is_pull=is_read, issue_text=text)
        self.store.entries.add_found([said], delay_s=0)

    def _said_before(self, place: Place, message: str) -> tuple[Remark, ...]:
        """What the thread has for the agent. It only helps, so the work begins without where it cannot be had."""
        if not message or message == place.thread:
            return ()
        try:
            return self.chat.earlier(place, message)
        except HonkError as error:
            log.warning("a thread was not read", extra={"channel": place.channel, "why": str(error)})
            return ()

    def _steer(self, event: Said | Pressed | Linked, effect: Steer) -> None:
        key, work = f"{effect.key}/said", effect.work
        request = Request(key=key, door="slack", actor=effect.actor, command=command_in(effect.words))
        said = said_by_door(request, work.repo, work.issue_number, is_pull=work.is_pull)
        is_new = self.store.entries.add_found([said], delay_s=0) > 0
        if is_new or not (isinstance(event, Pressed) or (isinstance(event, Said) and event.is_handed)):
            return
        self._whisper(event, texts.ALREADY_PRESSED if isinstance(event, Pressed) else texts.ALREADY_HANDED)

    def _whisper(self, event: Said | Pressed | Linked, card: Card) -> None:
        try:
            self.chat.whisper(_aside(event), event.person, card)
        except _LOST as error:
            log.warning("nobody was told", extra={"channel": event.place.channel, "why": str(error)})

    # What a thread is told

    def _tell(self, told: Told) -> None:
        if self.clock.now().timestamp() - told.decided_at > _OLD_NEWS.total_seconds():
            log.warning("a thread was not told", extra={"channel": told.place.channel, "why": "it is a day late"})
            return
        work = self._known.topic_of(told.place).work
        repo = work.repo.full_name if work is not None else ""
        for tag, body in told.words:
            self._say(told.place, tag, texts.said(tag, body, repo))
        session = self.store.session(told.session_id) if told.session_id else None
        if session is not None:
            card = texts.progress(session, page=f"{self.public_url}/sessions/{session.id}")
            # As it stands now: what is told late passes over what came between.
            self._say(told.place, f"progress:{session.id}", card, version=session.version)

    def _say(self, place: Place, tag: str, card: Card, *, version: int = 0) -> str:
        """Post a message, or edit ours with the same tag unless it shows a newer version; what it is known by."""
        known = self._known.message(place, tag)
        message, shown = known or ("", 0)
        if message and version and shown >= version:
            return message
        try:
            if known is None:
                self._known.note_message(place, tag, "")
            elif not message:  # It was about to be posted, and nobody knows whether it was.
                message = self.chat.find(place, tag=tag) or ""
            if message:
                self.chat.edit(place, message, card)
            else:
                message = self.chat.post(place, card, tag=tag)
        except _LOST as error:
            log.warning("a thread was not told", extra={"channel": place.channel, "why": str(error)})
            return message
        self._known.note_message(place, tag, message, version=version)
        return message


def _aside(event: Said | Pressed | Linked) -> Place:
    """Where something is shown to one person alone: a message that has no answer yet is no thread to show it in."""
    is_first = isinstance(event, Said) and event.at == event.place.thread
    return replace(event.place, thread="") if is_first else event.place
