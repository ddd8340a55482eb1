"""Slack by its Web API: messages within its limits, found again after a lost answer, and errors that are ours."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from github_app.adapters.chat.blocks import SECTION_CHARS, SECTIONS, message_of, split
from github_app.adapters.chat.slack import SlackChat
from github_app.adapters.vault import Vault
from github_app.core.chat.model import Button, Card, Person, Place
from github_app.core.errors import AccessDenied, Gone, RateLimited, Transient
from github_app.localchat.chat import LocalChat
from github_app.localchat.laws import wrong_with

HOME = "https://github.com"


@pytest.fixture(scope="module")
def local() -> Iterator[LocalChat]:
    chat = LocalChat("http://127.0.0.1:9/webhooks/slack").start()
    yield chat
    chat.stop()


@pytest.fixture
def place(local: LocalChat) -> Iterator[Place]:
    local.faults.clear()
    yield Place(team=local.workspace.team, channel=local.workspace.channel("general").id)
    local.faults.clear()


def make(local: LocalChat, *, token: str = "", clock: list[float] | None = None) -> SlackChat:
    now = clock or [0.0]
    return SlackChat(
        token=token or local.workspace.app.token,
        api_url=f"{local.url}/api/",
        home=HOME,
        vault=Vault(["xoxb-4711-hush0815hush"], homes=(HOME,)),
        clock=lambda: now[0],
    )


def test_what_is_posted_can_be_edited_and_found_and_holds_no_secret(local: LocalChat, place: Place):
    chat, channel = make(local), local.workspace.channels[place.channel]
    ts = chat.post(
        place,
        Card(text="**first** <!channel> xoxb-4711-hush0815hush", buttons=(Button(label="Go", action="go"),)),
        tag="a",
    )
    first = channel.find(ts)
    assert first is not None
    assert first.shown.startswith("*first* &lt;!channel&gt; ")
    assert "hush" not in json.dumps(first.blocks)
    thread = Place(team=place.team, channel=place.channel, thread=ts)
    reply = chat.post(thread, Card(text="second"), tag="b")
    assert (chat.find(place, tag="a"), chat.find(thread, tag="b"), chat.find(thread, tag="c")) == (ts, reply, None)
    chat.edit(thread, reply, Card(text="third"))
    assert [each.shown for each in channel.thread(ts)][1:] == ["third"]
    assert local.workspace.violations == []


def test_what_was_said_before_is_told_with_names_and_without_bots(local: LocalChat, place: Place):
    workspace = local.workspace
    channel, bea = workspace.channels[place.channel], workspace.person("bea")
    first = workspace.say(bea, channel, "it crashes at <0>")
    thread = Place(team=place.team, channel=place.channel, thread=first.ts)
    make(local).post(thread, Card(text="ours"), tag="ours")
    workspace.say(workspace.person("cid"), channel, "here, too", thread=first)
    asked = workspace.say(bea, channel, "@honk fix it", thread=first)
    workspace.say(bea, channel, "later", thread=first)
    told = [(each.author, each.words) for each in make(local).earlier(thread, asked.ts)]
    assert told == [("bea", "it crashes at <0>"), ("cid", "here, too")]


def test_one_person_alone_is_told(local: LocalChat, place: Place):
    ann = local.workspace.person("ann")
    chat, who = make(local), Person(team=place.team, id=ann.id)
    with pytest.raises(Gone, match="user_not_in_channel"):
        chat.whisper(place, who, Card(text="psst"))
    local.workspace.channel("general", ann)
    chat.whisper(place, who, Card(text="psst"))
    assert local.workspace.channels[place.channel].messages[-1].only_for is ann
    direct = local.workspace.direct(ann)
    chat.whisper(Place(team=place.team, channel=direct.id, is_direct=True), who, Card(text="psst"))
    assert direct.messages[-1].shown == "psst"
    assert chat.name_of(who) == "ann"


def test_errors_say_who_must_act(local: LocalChat, place: Place):
    chat = make(local)
    with pytest.raises(Gone):
        chat.post(Place(team=place.team, channel="C404"), Card(text="x"), tag="a")
    with pytest.raises(AccessDenied, match="invalid_auth"):
        make(local, token="xoxb-other").post(place, Card(text="x"), tag="a")
    local.faults.add("chat.postMessage", "secondary", seconds=7)
    with pytest.raises(RateLimited) as limited:
        chat.post(place, Card(text="x"), tag="a")
    assert (limited.value.retry_after_s, limited.value.whose) == (7.0, "Slack's")


def test_who_is_away_is_not_asked_again_at_once(local: LocalChat, place: Place):
    clock = [0.0]
    chat = make(local, clock=clock)
    local.faults.add("chat.postMessage", "before", status=503)
    calls = len(local.api.calls)
    for _ in range(3):
        with pytest.raises(Transient):
            chat.post(place, Card(text="x"), tag="away")
    clock[0] = 11.0
    assert chat.find(place, tag="away") is None
    assert chat.post(place, Card(text="x"), tag="away")
    assert [method for method, _ in local.api.calls[calls:]].count("chat.postMessage") == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 100_000,
        "line & <b>\n" * 5_000,
        "```\n" + "code\n" * 3_000 + "```",
        "&" * 20_000,
        ("[label](https://example.com/" + "a" * 200 + ") ") * 100,
    ],
)
def test_messages_keep_slacks_limits(text: str):
    buttons = tuple(Button(label=f"{'b' * 80}{n}", action="choose", about="v", confirm="Sure?") for n in range(30))
    message = message_of(Card(text=text, buttons=buttons), home=HOME)
    assert wrong_with(message) == []
    assert len(message["blocks"]) <= SECTIONS + 1


def test_a_parted_block_of_code_is_code_in_both_parts():
    parts = split("before\n```\n" + "code\n" * 2_000 + "```\nafter", SECTION_CHARS)
    assert all(part.count("```") % 2 == 0 for part in parts)
    assert "".join(parts).count("code") == 2_000


def test_the_laws_see_what_slack_would_refuse(local: LocalChat, place: Place):
    long = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}
    assert wrong_with({"text": "x", "blocks": [long]})
    assert wrong_with({"text": "x", "blocks": [{"type": "section", "txt": "y"}]})
    assert wrong_with({"text": "", "blocks": []})
    local.workspace.put(local.workspace.channels[place.channel], {"text": "<!channel> look"})
    assert "calls people" in local.workspace.violations.pop()
