"""Wiring of the door: what answers webhooks and shows pages, health and metrics, over the store and, where this process
works too, its engine."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from github_app.core.builds import LINK_LIFE
from github_app.core.errors import HonkError
from github_app.core.links import PageLinks
from github_app.core.tracing import Spans
from github_app.settings import Settings
from github_app.workshop import system_clock

if TYPE_CHECKING:
    from starlette.routing import Mount, Route
    from starlette.types import ASGIApp

    from github_app.core.builds import Builds
    from github_app.core.chat.access import SlackAccess
    from github_app.core.doors import Desk
    from github_app.core.lessons import Lesson
    from github_app.core.ports import Hub
    from github_app.core.session import Session
    from github_app.engine.browsing import Browsing
    from github_app.engine.flows import Engine
    from github_app.engine.inbox import GroupRecorder
    from github_app.engine.readers import Readers
    from github_app.engine.store import Store
    from github_app.web.api import Api
    from github_app.web.sessions import SessionPages
    from github_app.web.streams import Streams
    from github_app.web.visits import SignIn, Visits
    from github_app.web.webhooks import Application

    class GitHub(Hub, Desk, Protocol):
        """What pages and the API need of it."""

        @property
        def builds(self) -> Builds:
            """What CI left there."""


_READY_S = 1.0
"""Whoever asks whether we are ready makes us write at most so often."""


def make_door(
    settings: Settings,
    store: Store,
    secrets_removed: Callable[[], int],
    recorder: GroupRecorder,
    engine: Engine | None,
    *,
    spans: Spans,
    clean: Callable[[str], str],
    build_hub: Callable[[], GitHub],
    build_sign_in: Callable[[], SignIn],
) -> Application:
    """The application that `serve` runs; `clean` takes secrets out of what pages and the API show, `build_sign_in` is
    called only where people can sign in. Raises `Misconfigured` for a bad private key."""

    from github_app.engine.browsing import Browsing
    from github_app.engine.readers import Readers
    from github_app.web.api import create_api
    from github_app.web.lessons import lesson_routes
    from github_app.web.rendering import asset_routes
    from github_app.web.server import create_app
    from github_app.web.sessions import SessionPages, page_routes
    from github_app.web.streams import Streams

    links = page_links(settings)
    # What was said in steps is for people who can read the repository now: links are passed on.
    records, record_alone = Browsing(store), Browsing(store, has_steps=False)
    drawing = SessionPages(clean=clean, github_url=settings.github_url, build_url=lambda it: build_url(links, it))
    streams, linked = Streams(source=records, drawing=drawing), Streams(source=record_alone, drawing=drawing)
    hub = build_hub()
    readers = Readers(hub, system_clock())
    visits: list[Route] = []
    if settings.client_id:
        visits = _visits(settings, records, drawing, streams, recorder, hub, readers, links, build_sign_in())
    return create_app(
        recorder=recorder,
        secrets=settings.webhook_secrets,
        ready=_readiness(store),
        metrics=lambda: _metrics(store, secrets_removed(), engine),
        pages=[
            *asset_routes(),
            _below("/api", create_api(_api(settings, record_alone, hub, readers, engine, spans, clean))),
            *visits,  # before the links, for which the name of a page would be a token
            *page_routes(links, record_alone.story, drawing, linked),
            *lesson_routes(
                links, lambda repo_id: _lessons_of(store, repo_id), github_url=settings.github_url, clean=clean
            ),
        ],
    )


def _below(path: str, app: ASGIApp) -> Mount:
    """All that begins with a path is an application's to answer, also what has a line break in it."""
    from starlette.routing import Mount

    mount = Mount(path, app)
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount


def _api(
    settings: Settings,
    records: Browsing,
    hub: Desk,
    readers: Readers,
    engine: Engine | None,
    spans: Spans,
    clean: Callable[[str], str],
) -> Api:
    from github_app.engine.requests import Requests
    from github_app.web.api import Api

    store = records.store
    wake = engine.wake if engine is not None else lambda: None
    return Api(
        holder=store.tokens.find,
        records=records,
        rights=readers,
        desk=hub,
        inbox=Requests(entries=store.entries, on_recorded=wake, spans=spans),
        clock=system_clock(),
        clean=clean,
        github_url=settings.github_url,
    )


def _visits(
    settings: Settings,
    records: Browsing,
    pages: SessionPages,
    streams: Streams,
    recorder: GroupRecorder,
    hub: GitHub,
    readers: Readers,
    links: PageLinks,
    sign_in: SignIn,
) -> list[Route]:
    from github_app.core.signin import Seals
    from github_app.engine.holdings import Holdings
    from github_app.engine.policies import Policies, read_floor
    from github_app.engine.signing import visitor_key
    from github_app.web.repositories import RepositoryPages
    from github_app.web.tokens import TokenPages
    from github_app.web.visits import Visits

    clock = system_clock()
    policies = Policies(hub=hub, floor=read_floor(settings.policy_file))
    visits = Visits(
        seals=Seals(key=visitor_key(settings.private_key)),
        sign_in=sign_in,
        records=records,
        readable=readers.readable,
        clock=clock,
        pages=pages,
        streams=streams,
        origin="{0.scheme}://{0.netloc}".format(urlsplit(settings.public_url)),
    )
    repositories = RepositoryPages(
        visits=visits,
        holdings=Holdings(store=records.store, clock=clock),
        policy=policies.explained,
        quota=policies.floor.per_repository,
        permission=readers.permission,
        may_write_somewhere=readers.may_write_somewhere,
        clean=pages.clean,
        github_url=settings.github_url,
    )
    chats = _slack(settings.slack, records.store, recorder, visits) if settings.slack is not None else []
    builds = _builds(visits, links, records.store, hub, readers)
    tokens = TokenPages(visits=visits, tokens=records.store.tokens)
    return [*visits.routes(), *repositories.routes(), *tokens.routes(), *builds, *chats]


def _builds(visits: Visits, links: PageLinks, store: Store, hub: GitHub, readers: Readers) -> list[Route]:
    """What CI made, for who can read its repository at that moment."""
    from github_app.web.builds import BuildPages

    pages = BuildPages(
        visits=visits,
        links=links,
        builds=hub.builds,
        find=store.session,
        permission=readers.permission,
        clean=visits.pages.clean,
        github_url=visits.pages.github_url,
    )
    return pages.routes()


def _slack(slack: SlackAccess, store: Store, recorder: GroupRecorder, visits: Visits) -> list[Route]:
    """What Slack sends to, and the page on which people link their accounts."""
    from github_app.web.linking import link_routes
    from github_app.web.slack import SlackDoor

    door = SlackDoor(
        recorder=recorder,
        secrets=slack.secrets,
        teams=slack.teams,
        is_known=store.conversations.is_known,
    )
    links = link_routes(visits.seals, store.conversations, visits.guarded, visits.clock, note=store.entries.add_said)
    return [door.route(), *links]


def _metrics(store: Store, secrets_removed: int, engine: Engine | None) -> str:
    from github_app.engine.leases import beats
    from github_app.engine.tallies import read_tallies
    from github_app.web.metrics import metrics_text

    day = store.figures.day()
    return metrics_text(
        inbox=store.entries.counts(),
        oldest_s=store.entries.oldest_s(),
        sessions=store.count_sessions(),
        waiting=store.waits.count(),
        silent_s=store.figures.silent_s(),
        day_usd=day.cost_micro_usd / 1e6,
        turn_s=day.turn_s,
        secrets_removed=secrets_removed,
        tallies=read_tallies(store.engine),
        workers={beat.name: (beat.age_s, beat.takeovers) for beat in beats(store.engine)},
        traffic=engine.lookup.hub.traffic() if engine is not None else None,
    )


def build_url(links: PageLinks, session: Session) -> str:
    """The address of a session's build, good for as long as one is; empty if there is none, or nobody can sign in."""
    if session.build is None:
        return ""
    return links.of_build(session.id, session.build.head_sha, system_clock().now() + LINK_LIFE)


def page_links(settings: Settings) -> PageLinks:
    """The addresses of pages. Raises `Misconfigured` for a bad private key."""
    from github_app.engine.signing import link_key

    return PageLinks(
        public_url=settings.public_url, key=link_key(settings.private_key), signs_in=bool(settings.client_id)
    )


def _lessons_of(store: Store, repo_id: int) -> tuple[str, list[tuple[Lesson, bool]]] | None:
    session = store.any_session(repo_id)
    if session is None:
        return None
    return session.repo.full_name, [(each, store.lessons.is_expired(each)) for each in store.lessons.of(repo_id)]


def _readiness(store: Store) -> Callable[[], Awaitable[list[str]]]:
    from github_app.engine.database import try_write

    written_at = -math.inf

    async def ready() -> list[str]:
        nonlocal written_at
        if time.monotonic() - written_at < _READY_S:
            return []
        try:
            await asyncio.to_thread(try_write, store.engine)
        except HonkError as error:
            return [str(error)]
        except Exception as error:
            return [f"the database cannot be used: {type(error).__name__}"]
        written_at = time.monotonic()
        return []

    return ready
