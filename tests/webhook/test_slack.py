"""Slack's requests at the door: what is believed, what is kept, and what it says."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_sdk.signature import SignatureVerifier

from github_app.core.chat.model import Person, Place, Pressed, Said
from github_app.core.errors import Rejected
from github_app.webhook.readers import Ignored
from github_app.webhook.slack import Challenge, read, verify

NOW = 1_780_000_000
SECRETS = ("old", "new")
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def signed(body: bytes, *, key: str = "new", at: int = NOW) -> dict[str, str]:
    made = SignatureVerifier(key).generate_signature(timestamp=str(at), body=body)
    return {"x-slack-request-timestamp": str(at), "x-slack-signature": made or ""}


def event(text: str = "<@U0BOT> fix it", **changes: Any) -> bytes:
    said = {"type": "app_mention", "user": "U1", "text": text, "ts": "1.5", "channel": "C1", **changes}
    ours = [{"user_id": "U0BOT", "is_bot": True}]
    return json.dumps({"type": "event_callback", "team_id": "T1", "authorizations": ours, "event": said}).encode()


def heard(body: bytes, headers: dict[str, str] = JSON) -> Any:
    return read(headers, body, teams=("T1",))


def test_what_one_of_the_secrets_signed_a_moment_ago_is_believed():
    for secret in SECRETS:
        verify(signed(b"{}", key=secret), b"{}", secrets=SECRETS, now=NOW + 299)
    body = b"{}"
    now = int(time.time())
    assert SignatureVerifier("new").is_valid_request(body, signed(body, at=now))


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b"{}", 401),
        (signed(b"{}", key="other"), b"{}", 401),
        (signed(b"{}"), b"{ }", 401),
        (signed(b"{}", at=NOW - 301), b"{}", 401),
        (signed(b"{}", at=NOW + 301), b"{}", 401),
        ({**signed(b"{}"), "x-slack-request-timestamp": "\u0661"}, b"{}", 401),
        ({**signed(b"{}"), "x-slack-signature": "v0=\u0661"}, b"{}", 401),
        (signed(b"{}"), b"\xff", 400),
    ],
)
def test_all_else_is_refused(headers: dict[str, str], body: bytes, status: int):
    with pytest.raises(Rejected) as refused:
        verify(headers, body, secrets=SECRETS, now=NOW)
    assert refused.value.http_status == status


def test_a_mention_begins_a_thread():
    said = heard(event())
    assert said == Said(
        id="slack:T1:C1:1.5",
        person=Person(team="T1", id="U1"),
        place=Place(team="T1", channel="C1", thread="1.5"),
        words="fix it",
        is_addressed=True,
        at="1.5",
    )


def test_one_message_has_one_id_however_it_comes():
    assert heard(event(type="message", channel_type="channel")) == heard(event())


def test_in_a_thread_words_need_no_mention_unless_they_are_for_somebody_else():
    said = heard(event("go on", type="message", thread_ts="1.0", channel_type="channel"))
    assert isinstance(said, Said)
    assert not said.is_addressed
    assert said.place.thread == "1.0"
    for text, changes in (("<@U2> what do you think?", {"thread_ts": "1.0"}), ("hello all", {})):
        assert isinstance(heard(event(text, type="message", channel_type="channel", **changes)), Ignored)


def test_a_direct_message_is_for_us():
    said = heard(event("fix it", type="message", channel="D1", channel_type="im"))
    assert said.is_addressed
    assert said.place.is_direct


@pytest.mark.parametrize(
    "changes",
    [
        {"bot_id": "B1"},
        {"user": "U0BOT"},
        {"user": None},
        {"subtype": "message_changed"},
        {"type": "reaction_added"},
        {"user_team": "T9"},
        {"team": "T9"},
    ],
)
def test_what_no_person_here_says_is_not_kept(changes: dict[str, Any]):
    assert isinstance(heard(event(**changes)), Ignored)


def test_other_workspaces_and_odd_shapes_are_refused():
    for body, headers, status in (
        (event().replace(b'"T1"', b'"T2"'), JSON, 403),
        (event(ts="now"), JSON, 400),
        (event(channel="../x"), JSON, 400),
        (b"[]", JSON, 400),
        (b"command=/honk", FORM, 400),
        (b"payload=%7B", FORM, 400),
        (b"a=1&" * 200, FORM, 400),
    ):
        with pytest.raises(Rejected) as refused:
            heard(body, headers)
        assert refused.value.http_status == status


def test_slack_asks_whether_the_address_is_ours():
    assert heard(b'{"type": "url_verification", "challenge": "abc"}') == Challenge(text="abc")
    assert isinstance(heard(b'{"type": "app_rate_limited", "team_id": "T1"}'), Ignored)
    assert isinstance(heard(b"ssl_check=1&token=x", FORM), Ignored)


def test_a_command_is_said_in_the_channel():
    form = {"team_id": "T1", "user_id": "U1", "channel_id": "C1", "command": "/honk", "text": "fix &lt;b&gt;"}
    said = heard(urlencode({**form, "trigger_id": "1.2.abc"}).encode(), FORM)
    assert (said.id, said.words, said.is_command, said.place.thread) == ("slack:1.2.abc", "fix <b>", True, "")


def test_a_button_is_pressed_in_its_thread():
    pressed: dict[str, Any] = {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "channel": {"id": "C1"},
        "container": {"message_ts": "1.5", "thread_ts": "1.0"},
        "trigger_id": "1.2.abc",
        "actions": [{"action_id": "go:0", "value": "7-12-1:1:abc"}],
    }

    def press(**changes: Any) -> Any:
        return heard(urlencode({"payload": json.dumps({**pressed, **changes})}).encode(), FORM)

    found = press()
    assert isinstance(found, Pressed)
    assert (found.action, found.about, found.place.thread) == ("go", "7-12-1:1:abc", "1.0")
    assert isinstance(press(actions=[{"action_id": "link:0"}]), Ignored)
    assert isinstance(press(type="view_submission"), Ignored)


def test_somebodys_message_is_handed_over_by_our_shortcut_alone():
    handed: dict[str, Any] = {
        "type": "message_action",
        "callback_id": "hand_to_honk",
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "channel": {"id": "C1"},
        "trigger_id": "1.2.abc",
        "message": {"type": "message", "user": "U2", "text": "the till is &lt;off&gt;", "ts": "1.5"},
    }

    def hand(**changes: Any) -> Any:
        return heard(urlencode({"payload": json.dumps({**handed, **changes})}).encode(), FORM)

    assert hand() == Said(
        id="slack:1.2.abc",
        person=Person(team="T1", id="U1"),
        place=Place(team="T1", channel="C1", thread="1.5"),
        words="the till is <off>",
        at="1.5",
        is_addressed=True,
        is_handed=True,
    )
    assert hand(message={**handed["message"], "thread_ts": "1.0"}).place.thread == "1.0"
    assert isinstance(hand(callback_id="another"), Ignored)
    with pytest.raises(Rejected, match="T2"):
        hand(team={"id": "T2"})
