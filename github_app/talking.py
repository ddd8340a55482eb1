"""Wiring of chats: Slack as settings name it, if they do. Its library is imported where it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from github_app.core.chat.model import ChatEvent
from github_app.core.doors import Desk
from github_app.core.listing import Listing
from github_app.settings import Settings
from github_app.workshop import system_clock

if TYPE_CHECKING:
    from github_app.adapters.vault import Vault
    from github_app.engine.store import Store


def build_chat(
    settings: Settings, store: Store, desk: Desk, listing: Listing, vault: Vault
) -> Callable[[ChatEvent], None]:
    """What takes in what comes from chats; where there is none (any more), it is passed over."""
    if settings.slack is None:
        return lambda _: None
    from github_app.adapters.chat.slack import SlackChat
    from github_app.core.signin import Seals
    from github_app.engine.catalogue import Catalogue
    from github_app.engine.chatting import Chatter
    from github_app.engine.signing import visitor_key

    clock = system_clock()
    chatter = Chatter(
        chat=SlackChat(
            token=settings.slack.token,
            api_url=settings.slack.api_url,
            home=settings.github_url,
            vault=vault,
            ca_file=settings.ca_file,
        ),
        store=store,
        desk=desk,
        catalogue=Catalogue(listing, clock),
        seals=Seals(key=visitor_key(settings.private_key)),
        public_url=settings.public_url,
        github_url=settings.github_url,
        clock=clock,
    )
    return chatter.take_in
