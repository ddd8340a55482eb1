"""Slack as the rest of Honk sees it: `core.chat.ports.Chat`, made of `slack_sdk`'s client. Nothing here waits for long:
who must wait is told so by `RateLimited` and comes back as another job; while Slack is away it is not asked."""

from __future__ import annotations

import http.client
import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from github_app.adapters.chat.blocks import message_of
from github_app.adapters.vault import Vault
from github_app.core.chat.model import Card, Person, Place, Remark
from github_app.core.errors import AccessDenied, Gone, RateLimited, Refused, Transient
from github_app.core.text.mrkdwn import from_mrkdwn

T = TypeVar("T")

METADATA = "honk_said"
_TIMEOUT_S = 5
_AWAY_S = 10.0
"""After a failure others need not find out the same, each by waiting for its end."""

_PAGES = 5
_REMARKS, _REMARK_CHARS = 50, 3_000
_GONE = {
    "channel_not_found", "not_in_channel", "is_archived", "user_not_in_channel", "user_not_found", "message_not_found",
    "thread_not_found", "cant_update_message", "edit_window_closed", "messages_tab_disabled", "cannot_reply_to_message",
    "restricted_action_thread_locked", "restricted_action", "user_disabled",
}  # fmt: skip
_DENIED = {
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
    "no_permission", "org_login_required", "ekm_access_denied", "not_allowed_token_type", "access_denied",
}  # fmt: skip
_AWAY = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}


class SlackChat:
    """Slack for one bot. Safe to share between threads. All texts pass the vault. `home` is GitHub's address."""

    def __init__(
        self,
        *,
        token: str,
        api_url: str,
        home: str,
        vault: Vault,
        ca_file: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        logging.getLogger("slack_sdk").setLevel(logging.INFO)  # at DEBUG it logs whole answers
        self._client = WebClient(
            token=token,
            base_url=api_url,
            timeout=_TIMEOUT_S,
            ssl=ssl.create_default_context(cafile=str(ca_file)) if ca_file is not None else None,
            # A request whose connection broke may have been done: whoever asks again looks first.
            retry_handlers=[],
        )
        self._home, self._vault, self._clock = home, vault, clock
        self._away_until = 0.0
        self._lock = threading.Lock()
        self._me = ""

    def post(self, place: Place, card: Card, *, tag: str) -> str:
        """Post a message, in the thread or as the first of a new one; its time, by which it is known."""
        answer = self._ask(
            "chat.postMessage",
            channel=place.channel,
            **({"thread_ts": place.thread} if place.thread else {}),
            **self._message(card, place),
            metadata={"event_type": METADATA, "event_payload": {"tag": tag}},
        )
        return str(answer["ts"])

    def edit(self, place: Place, message: str, card: Card) -> None:
        """Put other words into a message of ours."""
        self._ask("chat.update", channel=place.channel, ts=message, **self._message(card, place))

    def find(self, place: Place, *, tag: str) -> str | None:
        """Our message with this tag; its time."""
        me = self._whoami()
        for each in self._messages(place):
            told = each.get("metadata") or {}
            is_ours = each.get("user") == me and told.get("event_type") == METADATA
            if is_ours and (told.get("event_payload") or {}).get("tag") == tag:
                return str(each["ts"])
        return None

    def whisper(self, place: Place, person: Person, card: Card) -> None:
        """Show a message to one person alone; where nobody else is, just say it."""
        where = {"thread_ts": place.thread} if place.thread else {}
        if place.is_direct:
            self._ask("chat.postMessage", channel=place.channel, **where, **self._message(card, place))
        else:
            message = self._message(card, place)
            self._ask("chat.postEphemeral", channel=place.channel, user=person.id, **where, **message)

    def earlier(self, place: Place, message: str) -> tuple[Remark, ...]:
        """What people said in a thread before a message, oldest first; bots are left out."""
        me = self._whoami()
        found = [
            (str(each["user"]), from_mrkdwn(str(each.get("text") or ""), (me,)))
            for each in self._messages(place)
            if each.get("user") and not each.get("bot_id") and float(each["ts"]) < float(message)
        ]
        kept = [(user, words[:_REMARK_CHARS]) for user, words in found if words][-_REMARKS:]
        names = {
            user: self.name_of(Person(team=place.team, id=user)) for user in dict.fromkeys(user for user, _ in kept)
        }
        return tuple(Remark(author=names[user], words=words) for user, words in kept)

    def name_of(self, person: Person) -> str:
        """What a person is called in Slack."""
        user = self._ask("users.info", user=person.id)["user"]
        profile = user.get("profile") or {}
        return str(profile.get("display_name") or user.get("real_name") or user.get("name") or person.id)

    def _message(self, card: Card, place: Place) -> dict[str, Any]:
        fit = Card(
            text=self._vault.fit(card.text, of=f"a message in {place.channel}"), buttons=card.buttons, repo=card.repo
        )
        return {**message_of(fit, home=self._home), "unfurl_links": False, "unfurl_media": False}

    def _whoami(self) -> str:
        if not self._me:
            self._me = str(self._ask("auth.test")["user_id"])
        return self._me

    def _messages(self, place: Place) -> Iterator[dict[str, Any]]:
        method, where = "conversations.history", {}
        if place.thread:
            method, where = "conversations.replies", {"ts": place.thread}
        cursor = ""
        for _ in range(_PAGES if place.thread else 1):
            answer = self._ask(
                method,
                channel=place.channel,
                include_all_metadata=True,
                limit=200,
                **where,
                **({"cursor": cursor} if cursor else {}),
            )
            yield from answer.get("messages") or ()
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _ask(self, method: str, **given: Any) -> dict[str, Any]:
        """Call a method of the Web API. Raises our errors."""
        with self._lock:
            if self._clock() < self._away_until:
                raise Transient("Slack was away a moment ago")
        try:
            if method in ("chat.postMessage", "chat.update", "chat.postEphemeral"):
                answer = self._client.api_call(method, json=given)
            else:
                answer = self._client.api_call(method, params=given)
        except SlackApiError as error:
            raise self._sorted(error, method) from error
        except (SlackClientError, OSError, http.client.HTTPException, ValueError) as error:
            self._note_away()
            raise Transient(f"Slack cannot be reached ({type(error).__name__})") from error
        return dict(answer.data) if isinstance(answer.data, dict) else {}

    def _note_away(self) -> None:
        with self._lock:
            self._away_until = self._clock() + _AWAY_S

    def _sorted(self, error: SlackApiError, method: str) -> Exception:
        answer = error.response
        status, headers = getattr(answer, "status_code", 0), getattr(answer, "headers", None) or {}
        code = str(answer.get("error") or "") if hasattr(answer, "get") else ""
        if status == 429 or code in ("ratelimited", "rate_limited"):
            after = next((value for name, value in headers.items() if name.lower() == "retry-after"), "30")
            told = after[0] if isinstance(after, list) else after
            return RateLimited(
                f"Slack limits {method}", retry_after_s=float(told if str(told).isdecimal() else 30), whose="Slack's"
            )
        if status >= 500 or code in _AWAY:
            self._note_away()
            return Transient(f"Slack answers {method} with {code or status}")
        if code in _GONE:
            return Gone(f"Slack answers {method} with {code}", what="the thread")
        if code in _DENIED:
            return AccessDenied(f"Slack answers {method} with {code}: see docs/slack.md")
        return Refused(f"Slack refuses {method}: {code or status}")
