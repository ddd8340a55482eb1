"""What the sender of a delivery is answered, and what is recorded; the door alone, spoken to in ASGI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from github_app.core.errors import Misconfigured, Transient
from github_app.web import webhooks
from github_app.web.webhooks import Door
from github_app.webhook.delivery import Delivery
from tests.edge.cases import shows
from tests.webhook.deliveries import SECRET, headers_of, issue, payload

BODY = json.dumps(payload("opened", issue=issue())).encode()
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


class Inbox:
    """A recorder in memory that can be away, or never come back."""

    def __init__(self, failure: Exception | None = None, *, hangs: bool = False) -> None:
        self.deliveries: dict[tuple[int | None, str], Delivery] = {}
        self.failure = failure
        self.hangs = hangs

    async def record(self, delivery: Delivery) -> bool:
        """Keep a delivery by app and id."""
        if self.failure is not None:
            raise self.failure
        if self.hangs:
            await asyncio.Event().wait()
        key = (delivery.app_id, delivery.id)
        is_new = key not in self.deliveries
        self.deliveries.setdefault(key, delivery)
        return is_new


class Answered:
    """What the door sent back, and how much of the body it took to say so."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.chunks_read = 0

    @property
    def json(self) -> dict[str, str]:
        """The answer's body."""
        parsed: dict[str, str] = json.loads(self.body)
        return parsed


async def post(
    inbox: Inbox,
    body: bytes | Sequence[bytes] = BODY,
    *,
    method: str = "POST",
    event: str = "issues",
    max_body_bytes: int = 10**6,
    secrets: Sequence[bytes] = (SECRET,),
    disconnects: bool = False,
    stalls: bool = False,
    **headers: str,
) -> Answered:
    """Send one request, its body in one chunk or in several (then without a Content-Length)."""
    chunks = [body] if isinstance(body, bytes) else list(body)
    whole = b"".join(chunks)
    sent = headers_of(event, whole, **headers)
    if isinstance(body, bytes):
        sent = {"Content-Length": str(len(body))} | sent
    answered = Answered()

    async def receive() -> dict[str, Any]:
        if answered.chunks_read == len(chunks) - 1 and disconnects:
            return {"type": "http.disconnect"}
        if stalls:
            await asyncio.Event().wait()
        answered.chunks_read += 1
        more = answered.chunks_read < len(chunks)
        return {"type": "http.request", "body": chunks[answered.chunks_read - 1], "more_body": more}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answered.status = message["status"]
            answered.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answered.body += message["body"]

    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in sent.items()]
    door = Door(recorder=inbox, secrets=secrets, max_body_bytes=max_body_bytes)
    await door({"type": "http", "method": method, "path": webhooks.PATH, "headers": raw}, receive, send)
    return answered


# --- taken in --------------------------------------------------------------------------------------------------------


async def test_new_delivery_is_recorded_as_it_came():
    inbox = Inbox()
    answered = await post(inbox)
    assert (answered.status, answered.json) == (202, {"status": "recorded", "delivery": GUID})
    (delivery,) = inbox.deliveries.values()
    assert (delivery.id, delivery.event, delivery.action, delivery.body) == (GUID, "issues", "opened", BODY)


async def test_same_delivery_twice_is_recorded_once():
    inbox = Inbox()
    assert [(await post(inbox)).status, (await post(inbox)).status] == [202, 200]
    assert (await post(inbox)).json["status"] == "duplicate"
    assert len(inbox.deliveries) == 1


async def test_two_apps_get_the_same_event_each_for_itself():
    inbox = Inbox()
    for app in ("1", "2"):
        assert (await post(inbox, x_github_hook_installation_target_id=app)).status == 202


@shows("W02")
async def test_delivery_that_could_not_be_recorded_is_new_when_it_comes_again():
    inbox = Inbox(Transient("the database is locked"))
    assert (await post(inbox)).status == 503
    inbox.failure = None
    assert (await post(inbox)).status == 202


@pytest.mark.parametrize("event", ["ping", "star", "gollum", "no_such_event"])
@shows("W12")
async def test_ping_and_events_that_nothing_reads_are_not_stored(event: str):
    inbox = Inbox()
    answered = await post(inbox, event=event)
    assert (answered.status, answered.json["status"], inbox.deliveries) == (200, "ignored", {})


@shows("W12")
async def test_unknown_action_is_recorded_for_later_to_judge():
    inbox = Inbox()
    assert (await post(inbox, json.dumps(payload("invented")).encode())).status == 202


@shows("W17")
async def test_both_secrets_open_while_one_is_changed():
    assert (await post(Inbox(), secrets=[b"the next one", SECRET])).status == 202


async def test_body_in_pieces_is_taken_whole():
    inbox = Inbox()
    pieces = [BODY[start : start + 7] for start in range(0, len(BODY), 7)]
    assert (await post(inbox, pieces)).status == 202
    assert next(iter(inbox.deliveries.values())).body == BODY


async def test_large_body_is_taken_too():
    body = json.dumps(payload("edited", issue=issue(body="x" * 2**20))).encode()
    assert (await post(Inbox(), body, max_body_bytes=2**22)).status == 202


# --- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (BODY, {"x_hub_signature_256": "sha256=" + "0" * 64}, 401),
        (b"{", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b'{"a": "\xff"}', {}, 400),
        (b"payload=%7B%7D", {"content_type": "application/x-www-form-urlencoded"}, 400),
        (BODY, {"x_github_event": ""}, 400),
        (BODY, {"x_github_delivery": ""}, 400),
    ],
)
@shows("W10", "W11", "W13")
async def test_bad_delivery_is_refused_with_its_reason_and_not_stored(
    body: bytes, headers: dict[str, str], status: int
):
    inbox = Inbox()
    answered = await post(inbox, body, **headers)  # type: ignore[arg-type]
    assert (answered.status, answered.json["status"], inbox.deliveries) == (status, "rejected", {})
    assert len(answered.json["reason"]) > 10


async def test_unsigned_delivery_is_refused_before_its_body_is_read():
    answered = await post(Inbox(), x_hub_signature_256="")
    assert (answered.status, answered.chunks_read) == (401, 0)


@shows("W08")
async def test_announced_size_is_judged_before_the_body_is_read():
    answered = await post(Inbox(), max_body_bytes=len(BODY) - 1)
    assert (answered.status, answered.chunks_read) == (413, 0)


@shows("W08")
async def test_body_in_pieces_is_cut_off_at_the_first_byte_too_many():
    pieces = [b"x" * 100] * 1_000
    answered = await post(Inbox(), pieces, max_body_bytes=1_000)
    assert (answered.status, answered.chunks_read) == (413, 11)


async def test_body_larger_than_announced_is_cut_off_too():
    answered = await post(Inbox(), b"x" * 5_000, max_body_bytes=1_000, content_length="10")
    assert answered.status == 413


@pytest.mark.parametrize("length", ["", "many", "-5", "9" * 30, "²"])
async def test_nonsense_for_a_length_is_passed_over(length: str):
    assert (await post(Inbox(), content_length=length)).status == 202


@shows("W08")
async def test_body_of_exactly_the_limit_is_taken():
    assert (await post(Inbox(), max_body_bytes=len(BODY))).status == 202


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_other_methods_are_told_what_this_address_is_for(method: str):
    answered = await post(Inbox(), method=method)
    assert (answered.status, answered.headers["allow"]) == (405, "POST")
    assert "webhook URL" in answered.json["reason"]


@pytest.mark.parametrize("secrets", [(), (b"",), (SECRET, b"")])
def test_door_without_a_secret_is_not_built(secrets: tuple[bytes, ...]):
    with pytest.raises(Misconfigured, match="HONK_WEBHOOK_SECRET"):
        Door(recorder=Inbox(), secrets=secrets, max_body_bytes=1)


# --- trouble ---------------------------------------------------------------------------------------------------------


async def test_store_that_is_away_is_said_with_when_to_come_again():
    answered = await post(Inbox(Transient("the database is locked")))
    assert (answered.status, answered.json["status"]) == (503, "unavailable")
    assert int(answered.headers["retry-after"]) > 0
    assert "locked" not in answered.json["reason"]


@shows("W05", "W06")
async def test_store_that_does_not_answer_does_not_keep_github_waiting(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(webhooks, "_ANSWER_TIMEOUT_S", 0.01)
    assert (await post(Inbox(hangs=True))).status == 503


async def test_body_that_does_not_arrive_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(webhooks, "_ANSWER_TIMEOUT_S", 0.01)
    assert (await post(Inbox(), stalls=True)).status == 408


async def test_bug_in_the_store_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        await post(Inbox(ZeroDivisionError()))


async def test_sender_that_goes_away_leaves_nothing_behind():
    inbox = Inbox()
    answered = await post(inbox, [BODY[:50], BODY[50:]], disconnects=True)
    assert (answered.status, inbox.deliveries) == (0, {})


async def test_secrets_and_bodies_are_not_logged(caplog: pytest.LogCaptureFixture):
    await post(Inbox(), b"{ private words", x_github_event="")
    await post(Inbox(Transient("away")))
    text = caplog.text + repr(Door(recorder=Inbox(), secrets=[SECRET], max_body_bytes=1))
    assert "rejected" in text
    assert "private words" not in text
    assert "secret to everybody" not in text


@shows("W09")
async def test_push_of_thousands_of_files_is_recorded_from_its_body_alone():
    """Nothing is looked up before the answer, however much there would be to look up."""
    files = [f"src/file-{number}.py" for number in range(3_000)]
    commits = [{"id": "c" * 40, "added": files, "removed": [], "modified": []} for _ in range(20)]
    body = json.dumps(payload(None, ref="refs/heads/main", after="c" * 40, commits=commits)).encode()
    assert len(body) > webhooks._LARGE_BYTES
    assert (await post(Inbox(), body, event="push", max_body_bytes=25 * 2**20)).status == 202


@shows("W12")
async def test_what_was_answered_is_counted():
    door = Door(recorder=Inbox(), secrets=(SECRET,), max_body_bytes=10**6)

    async def knock(event: str) -> None:
        raw = [(name.lower().encode(), value.encode()) for name, value in headers_of(event, BODY).items()]

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": BODY, "more_body": False}

        async def send(_: Any) -> None:
            pass

        await door({"type": "http", "method": "POST", "path": webhooks.PATH, "headers": raw}, receive, send)

    for event in ("ping", "star", "issues", "issues"):
        await knock(event)
    assert door.answers == {(200, "ignored"): 2, (202, "recorded"): 1, (200, "duplicate"): 1}
