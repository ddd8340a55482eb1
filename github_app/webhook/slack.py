"""Slack's requests at the door: verified, then translated. What is no word to us and no button of ours is not kept.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast
from urllib.parse import parse_qsl

from pydantic import BaseModel, Field, StringConstraints, ValidationError
from slack_sdk.signature import SignatureVerifier

from github_app.core.chat.model import Action, ChatEvent, Person, Place, Pressed, Said
from github_app.core.errors import Rejected
from github_app.core.text.mrkdwn import from_mrkdwn
from github_app.webhook.delivery import load_object
from github_app.webhook.readers import Ignored

WINDOW_S = 300
"""A request that was signed longer ago may be one that somebody kept and sends again."""

_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)
_KNOWN_SUBTYPES = (None, "thread_broadcast", "file_share")
_MAX_WORDS_CHARS = 20_000
_ACTIONS = ("go", "stop", "retry", "undo", "ship", "choose")
_SHORTCUT = "hand_to_honk"

Id = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,30}$")]
Time = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}\.[0-9]{1,6}$")]


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """Slack asks whether the address is ours: it wants this text back."""

    text: str


def verify(headers: Mapping[str, str], body: bytes, *, secrets: Sequence[str], now: float) -> None:
    """Raise `Rejected` (401) unless one of the secrets signed this body within the last minutes."""
    signed_at = headers.get("x-slack-request-timestamp", "")
    signature = headers.get("x-slack-signature", "")
    if not _TIMESTAMP.fullmatch(signed_at) or not _SIGNATURE.fullmatch(signature):
        raise Rejected("no valid X-Slack-Signature and X-Slack-Request-Timestamp headers", http_status=401)
    if abs(now - int(signed_at)) > WINDOW_S:
        raise Rejected("signed more than five minutes ago: is this machine's clock right?", http_status=401)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Rejected("the body is not valid UTF-8", http_status=400) from None
    # The SDK looks at the time by its own clock; here it is the caller's. All are compared, as for GitHub.
    made = [SignatureVerifier(secret).generate_signature(timestamp=signed_at, body=text) for secret in secrets]
    if not any([hmac.compare_digest(each or "", signature) for each in made]):
        raise Rejected("the signature does not match: is the signing secret the same here and there?", http_status=401)


def read(headers: Mapping[str, str], body: bytes, *, teams: Sequence[str]) -> ChatEvent | Challenge | Ignored:
    """What a verified request says. Raises `Rejected`: 403 for a workspace that is not listened to, 400 for what is not
    as Slack documents it."""
    try:
        if headers.get("content-type", "").startswith("application/json"):
            return _event(load_object(body), teams)
        form = dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=100))
        if "payload" in form:
            return _interaction(load_object(form["payload"].encode()), teams)
        return _command(form, teams)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Rejected(f"{where}: {first['msg']}", http_status=400) from None
    except ValueError as error:
        raise Rejected(f"the form cannot be read: {error}", http_status=400) from None


# --- events ----------------------------------------------------------------------------------------------------------


class _Authorization(BaseModel):
    user_id: Id
    is_bot: bool = False


class _Message(BaseModel):
    type: str
    user: Id | None = None
    bot_id: str | None = None
    subtype: str | None = None
    text: str = ""
    ts: Time
    thread_ts: Time | None = None
    channel: Id
    channel_type: str = ""
    user_team: str | None = None
    team: str | None = None


class _Envelope(BaseModel):
    team_id: Id
    authorizations: list[_Authorization] = Field(default_factory=list)
    event: dict[str, Any]


def _event(document: dict[str, Any], teams: Sequence[str]) -> ChatEvent | Challenge | Ignored:
    """https://docs.slack.dev/apis/events-api"""
    if document.get("type") == "url_verification":
        return Challenge(text=str(document.get("challenge", ""))[:500])
    if document.get("type") != "event_callback":
        return Ignored(reason=f"nothing follows from {str(document.get('type'))[:40]}")
    envelope = _Envelope.model_validate(document)
    _require_team(envelope.team_id, teams)
    kind = envelope.event.get("type")
    if kind not in ("message", "app_mention") or envelope.event.get("subtype") not in _KNOWN_SUBTYPES:
        return Ignored(reason="not something that a person says")
    message = _Message.model_validate(envelope.event)
    ours = {each.user_id for each in envelope.authorizations if each.is_bot}
    if message.user is None or message.bot_id is not None or message.user in ours:
        return Ignored(reason="not something that a person says")
    if not {message.user_team, message.team} <= {None, *teams}:
        return Ignored(reason="said by somebody of another workspace")
    is_direct = message.channel_type == "im"
    mentions = {*re.findall(r"<@([A-Z0-9]+)(?:\|[^>]*)?>", message.text)} & ours
    is_addressed = kind == "app_mention" or is_direct or bool(mentions)
    first = re.match(r"\s*<@([A-Z0-9]+)", message.text)
    if not is_addressed and (message.thread_ts is None or (first and first[1] not in ours)):
        return Ignored(reason="said to others")
    return Said(
        # The message's own number: a mention in a thread comes as two events, and each may come again.
        id=f"slack:{envelope.team_id}:{message.channel}:{message.ts}",
        person=Person(team=envelope.team_id, id=message.user),
        place=Place(
            team=envelope.team_id,
            channel=message.channel,
            thread=message.thread_ts or message.ts,
            is_direct=is_direct,
        ),
        words=from_mrkdwn(message.text, ours)[:_MAX_WORDS_CHARS],
        at=message.ts,
        is_addressed=is_addressed,
    )


# --- commands, buttons and shortcuts ---------------------------------------------------------------------------------


class _Command(BaseModel):
    team_id: Id
    user_id: Id
    channel_id: Id
    channel_name: str = ""
    command: str
    text: str = ""
    trigger_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _command(form: Mapping[str, str], teams: Sequence[str]) -> ChatEvent | Ignored:
    """https://docs.slack.dev/interactivity/implementing-slash-commands"""
    if form.get("ssl_check"):
        return Ignored(reason="Slack looks whether the certificate is good")
    said = _Command.model_validate(form)
    _require_team(said.team_id, teams)
    is_direct = said.channel_name == "directmessage"
    return Said(
        id=f"slack:{said.trigger_id}",
        person=Person(team=said.team_id, id=said.user_id),
        place=Place(team=said.team_id, channel=said.channel_id, is_direct=is_direct),
        words=from_mrkdwn(said.text)[:_MAX_WORDS_CHARS],
        is_addressed=True,
        is_command=True,
    )


class _Named(BaseModel):
    id: Id


class _Container(BaseModel):
    message_ts: Time
    thread_ts: Time | None = None


class _Press(BaseModel):
    action_id: str
    value: Annotated[str, StringConstraints(max_length=2000)] = ""


class _Interaction(BaseModel):
    type: Literal["block_actions"]
    team: _Named
    user: _Named
    channel: _Named
    container: _Container
    trigger_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    actions: Annotated[list[_Press], Field(min_length=1)]


class _HandedMessage(BaseModel):
    text: str = ""
    ts: Time
    thread_ts: Time | None = None


class _Shortcut(BaseModel):
    team: _Named
    user: _Named
    channel: _Named
    message: _HandedMessage
    trigger_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _shortcut(document: dict[str, Any], teams: Sequence[str]) -> ChatEvent | Ignored:
    """https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload"""
    if document.get("callback_id") != _SHORTCUT:
        return Ignored(reason="a shortcut that is not ours")
    handed = _Shortcut.model_validate(document)
    _require_team(handed.team.id, teams)
    message = handed.message
    return Said(
        id=f"slack:{handed.trigger_id}",
        person=Person(team=handed.team.id, id=handed.user.id),
        place=Place(
            team=handed.team.id,
            channel=handed.channel.id,
            thread=message.thread_ts or message.ts,
            is_direct=handed.channel.id.startswith("D"),
        ),
        words=from_mrkdwn(message.text)[:_MAX_WORDS_CHARS],
        at=message.ts,
        is_addressed=True,
        is_handed=True,
    )


def _interaction(document: dict[str, Any], teams: Sequence[str]) -> ChatEvent | Ignored:
    """https://docs.slack.dev/reference/interaction-payloads/block_actions-payload"""
    if document.get("type") == "message_action":
        return _shortcut(document, teams)
    if document.get("type") != "block_actions":
        return Ignored(reason=f"nothing follows from {str(document.get('type'))[:40]}")
    pressed = _Interaction.model_validate(document)
    _require_team(pressed.team.id, teams)
    action = pressed.actions[0].action_id.partition(":")[0]
    if action not in _ACTIONS:
        return Ignored(reason="a button that only leads somewhere")
    container = pressed.container
    return Pressed(
        id=f"slack:{pressed.trigger_id}",
        person=Person(team=pressed.team.id, id=pressed.user.id),
        place=Place(
            team=pressed.team.id,
            channel=pressed.channel.id,
            thread=container.thread_ts or container.message_ts,
            is_direct=pressed.channel.id.startswith("D"),
        ),
        action=cast("Action", action),
        about=pressed.actions[0].value,
    )


def _require_team(team: str, teams: Sequence[str]) -> None:
    if team not in teams:
        raise Rejected(f"workspace {team} is not listened to: see HONK_SLACK_TEAMS", http_status=403)
