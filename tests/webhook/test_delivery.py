"""Who gets through the door, and what the others are told."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_app.core.errors import Misconfigured, Rejected
from github_app.webhook.delivery import Delivery, accept
from tests.edge.cases import shows
from tests.webhook.deliveries import SECRET, deliver, headers_of, payload, sign

BODY = json.dumps(payload("opened")).encode()


def knock(
    body: bytes = BODY,
    *,
    signed: bytes | None = None,
    secrets: tuple[bytes, ...] = (SECRET,),
    max_bytes: int = 10**6,
    **headers: str,
) -> Delivery:
    """Post a body, by default signed rightly; `signed` is what the signature was made of, if not the body."""
    usual = headers_of("issues", body if signed is None else signed, **headers)
    return accept(usual, body, secrets=secrets, max_bytes=max_bytes)


def refusal(body: bytes = BODY, **parts: object) -> tuple[int, str]:
    with pytest.raises(Rejected) as caught:
        knock(body, **parts)  # type: ignore[arg-type]
    return caught.value.http_status, str(caught.value)


# --- who it is -------------------------------------------------------------------------------------------------------


def test_signed_delivery_is_taken_as_it_came():
    assert knock() == Delivery(
        id="72d3162e-cc78-11e3-81ab-4c9367dc0958",
        event="issues",
        action="opened",
        installation_id=5,
        repo_id=7,
        app_id=79929171,
        body=BODY,
    )


def test_githubs_documented_example_is_right():
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert sign(b"Hello, World!", b"It's a Secret to Everybody") == f"sha256={digest}"
    status, reason = refusal(
        b"Hello, World!", secrets=(b"It's a Secret to Everybody",), x_hub_signature_256=f"sha256={digest}"
    )
    assert (status, "not valid JSON" in reason) == (400, True)


def test_header_names_are_read_in_any_case():
    lower = {name.lower(): value for name, value in headers_of("issues", BODY).items()}
    upper = {name.upper(): value for name, value in headers_of("issues", BODY).items()}
    assert accept(lower, BODY, secrets=[SECRET], max_bytes=10**6) == knock()
    assert accept(upper, BODY, secrets=[SECRET], max_bytes=10**6) == knock()


def test_repository_webhook_is_no_apps():
    assert knock(x_github_hook_installation_target_type="repository").app_id is None
    assert knock(x_github_hook_installation_target_id="seven").app_id is None


@pytest.mark.parametrize("value", [None, 5, "5", [], {}, {"id": "5"}, {"id": True}, {"id": 0}, {"id": 2**63}])
def test_ids_that_are_none_are_not_taken(value: object):
    delivery = deliver("issues", {"installation": value, "repository": value, "action": value})
    assert (delivery.installation_id, delivery.repo_id, delivery.action) == (None, None, None)


def test_body_is_kept_out_of_logs():
    assert "ada" not in repr(knock())


def test_only_events_that_something_reads_are_wanted():
    wanted = {event: deliver(event, {}).is_wanted for event in ("issues", "installation", "ping", "star", "gollum")}
    assert wanted == {"issues": True, "installation": True, "ping": False, "star": False, "gollum": False}


# --- signatures ------------------------------------------------------------------------------------------------------

RIGHT = sign(BODY)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        RIGHT[:-1],
        RIGHT + "0",
        RIGHT + "\n",
        " " + RIGHT,
        RIGHT.upper(),
        "sha256=" + RIGHT[7:].upper(),
        "SHA256=" + RIGHT[7:],
        RIGHT[7:],
        "sha1=" + RIGHT[7:],
        "sha512=" + RIGHT[7:],
        "sha256=" + "0" * 64,
        "sha256=" + "x" * 64,
        "sha256=" + "٣" * 64,
        sign(BODY, b"another secret"),
        sign(BODY + b" "),
        sign(b""),
    ],
)
def test_any_other_signature_is_refused(signature: str):
    assert refusal(x_hub_signature_256=signature)[0] == 401


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_body_changed_by_one_byte_is_refused(place: int, difference: int):
    changed = bytearray(BODY)
    changed[place] ^= difference
    assert refusal(bytes(changed), signed=BODY)[0] == 401


def test_sha1_alone_is_not_enough():
    sha1 = "sha1=" + hmac.new(SECRET, BODY, hashlib.sha1).hexdigest()
    status, reason = refusal(x_hub_signature_256="", x_hub_signature=sha1)
    assert (status, "X-Hub-Signature-256" in reason) == (401, True)


@shows("W17")
def test_two_secrets_are_valid_while_one_is_changed():
    old, new = b"the old one", b"the new one"
    for secret in (old, new):
        assert knock(secrets=(old, new), x_hub_signature_256=sign(BODY, secret)).event == "issues"
    assert refusal(secrets=(new,), x_hub_signature_256=sign(BODY, old))[0] == 401


def test_every_secret_is_compared_whichever_matches(monkeypatch: pytest.MonkeyPatch):
    compared = []

    def compare(left: bytes, right: bytes) -> bool:
        compared.append(left)
        return left == right

    monkeypatch.setattr("github_app.webhook.delivery.hmac.compare_digest", compare)
    knock(secrets=(SECRET, b"another", b"a third"))
    assert len(compared) == 3


@pytest.mark.parametrize("secrets", [(), (b"",), (SECRET, b"")])
def test_missing_or_empty_secret_lets_nobody_in(secrets: tuple[bytes, ...]):
    with pytest.raises(Misconfigured, match="HONK_WEBHOOK_SECRET"):
        knock(secrets=secrets, x_hub_signature_256=sign(BODY, b""))


@pytest.mark.parametrize("body", ['{"title": "\N{ROCKET} ž"}', r'{"title": "half a pair: \ud83d, NUL: \u0000"}'])
@shows("W10")
def test_emoji_and_escapes_do_not_disturb_the_signature(body: str):
    assert knock(body.encode()).body == body.encode()


# --- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"{} {}", "not valid JSON"),
        (b"{'a': 1}", "not valid JSON"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": "\n"}', "not valid JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b"\xef\xbb\xbf{}", "not valid JSON"),
        (b'{"a": "\xff"}', "not valid UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "not valid UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not valid UTF-8"),
        (b"[]", "not an object"),
        (b"null", "not an object"),
        (b'"text"', "not an object"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 100_000, "nested too deep"),
        (b"payload=%7B%22action%22%3A%22opened%22%7D", "content type to application/json"),
    ],
)
@shows("W10")
def test_malformed_body_is_refused_with_its_reason(body: bytes, reason: str):
    status, text = refusal(body)
    assert (status, reason in text) == (400, True), text


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '{"a": "NaN"}', '{"a":' * 500 + "1" + "}" * 500])
def test_what_only_the_slower_parser_takes_is_taken(text: str):
    assert knock(text.encode()).body == text.encode()


@shows("W11")
def test_form_is_refused_with_what_to_do():
    status, text = refusal(content_type="application/x-www-form-urlencoded; charset=utf-8")
    assert (status, text) == (
        400,
        "the body is form-encoded: set the webhook's content type to application/json",
    )


def test_last_of_a_doubled_key_counts():
    assert knock(b'{"action": "opened", "action": "closed"}').action == "closed"


@pytest.mark.parametrize("header", ["x_github_delivery", "x_github_event"])
@pytest.mark.parametrize("value", ["", " ", "a b", "../x", "issues\n", "é", "x" * 200])
@shows("W13")
def test_missing_or_malformed_header_is_refused(header: str, value: str):
    status, text = refusal(**{header: value})  # type: ignore[arg-type]
    assert (status, header.replace("_", "-") in text) == (400, True)


@shows("W08")
def test_body_of_exactly_the_limit_is_taken_and_one_more_byte_is_not():
    assert knock(max_bytes=len(BODY)).event == "issues"
    assert refusal(max_bytes=len(BODY) - 1)[0] == 413


def test_strangers_learn_nothing_but_the_size():
    """Size, then signature, then JSON, then headers: whatever else is wrong, the first of them answers."""
    everything_wrong = {"x_hub_signature_256": "", "x_github_event": "", "x_github_delivery": ""}
    assert refusal(b"{" * 10, max_bytes=5, **everything_wrong)[0] == 413
    assert refusal(b"{" * 10, **everything_wrong)[0] == 401
    assert "JSON" in refusal(b"{" * 10, x_github_event="", x_github_delivery="")[1]
    assert "event" in refusal(x_github_event="")[1]


# --- anything at all -------------------------------------------------------------------------------------------------

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(), parts, max_size=4),
)


@given(st.binary(), st.dictionaries(st.text(), st.text()))
def test_strangers_bytes_and_headers_never_do_more_than_be_refused(body: bytes, headers: dict[str, str]):
    with pytest.raises(Rejected) as caught:
        accept(headers, body, secrets=[SECRET], max_bytes=100)
    assert caught.value.http_status in (401, 413)


@given(st.binary())
def test_signed_bytes_are_taken_or_refused(body: bytes):
    try:
        taken = knock(body).body
    except Rejected as error:
        taken = body if error.http_status == 400 else b"refused for another reason"
    assert taken == body


@given(ANY_JSON)
def test_signed_json_is_taken_if_it_is_an_object(document: object):
    body = json.dumps(document).encode()
    if isinstance(document, dict):
        assert knock(body).body == body
    else:
        assert refusal(body)[0] == 400
