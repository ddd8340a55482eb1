"""The door's first half: take a POST from anybody, let in only what GitHub signed, and keep it as it came. Nothing is
interpreted here beyond what the inbox sorts by; `parse` does that later, outside the request."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pydantic import BaseModel, ValidationError

from github_app.core.errors import Misconfigured, Rejected

SUBSCRIBED: Mapping[str, str] = {
    "issues": "the trigger label and the text of an issue start, change and end work",
    "issue_comment": "`/honk …` under an issue or a pull request",
    "pull_request": "a merge, a close or a person taking the draft over ends or changes the session",
    "pull_request_review": "reviews go back to the agent",
    "pull_request_review_comment": "`/honk …` in an inline comment",
    "check_run": "checks of GitHub Apps ended, one by one",
    "check_suite": "all checks of one GitHub App ended",
    "status": "CI systems that report by commit status",
    "workflow_run": "a GitHub Actions workflow ended, or waits for approval",
    "push": "a person pushed to, forced or deleted our branch",
}
"""Every event that the app asks GitHub for (`default_events` of the manifest), with its reason."""

ALWAYS_SENT: Mapping[str, str] = {
    "installation": "the app was installed, suspended or removed",
    "installation_repositories": "repositories were given to the app or taken from it",
}
"""Events we use that every GitHub App gets unasked and that a manifest must not list."""

_SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})")
_DELIVERY_ID = re.compile(r"[0-9A-Za-z._:-]{1,100}")
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One verified webhook POST, as it came. `body` is UTF-8 JSON, an object.

    `id` is GitHub's GUID: the same for every delivery of one event, also to two apps, so a store keys on
    (`app_id`, `id`) (https://github.com/github/docs/issues/32822). `app_id` is None if the webhook is not a GitHub
    App's. The signature covers neither `id`, `event` nor `app_id`.
    """

    id: str
    event: str
    action: str | None
    installation_id: int | None
    repo_id: int | None
    app_id: int | None
    body: bytes = field(repr=False)

    @property
    def is_wanted(self) -> bool:
        """Whether this is an event that anything here reads; the rest (`ping` too) need not be stored."""
        return self.event in SUBSCRIBED or self.event in ALWAYS_SENT


def accept(headers: Mapping[str, str], body: bytes, *, secrets: Sequence[bytes], max_bytes: int) -> Delivery:
    """Verify one POST and say what it is. Header names may be in any case.

    Checked in this order, so that strangers learn and cost nothing: size (413), signature over the raw bytes (401),
    JSON (400), headers (400); each raises `Rejected` with that `http_status`. All `secrets` are valid, so that one can
    be changed without a gap. Raises `Misconfigured` if there is none, or an empty one.
    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    values = {name.lower(): value for name, value in headers.items()}
    check_size(len(body), max_bytes=max_bytes)
    _verify(signature_in(values), body, secrets)
    head = _head_of(body, content_type=values.get("content-type", ""))
    return Delivery(
        id=_header(values, "x-github-delivery", _DELIVERY_ID),
        event=_header(values, "x-github-event", _EVENT),
        action=head.action if isinstance(head.action, str) and _EVENT.fullmatch(head.action) else None,
        installation_id=_id_in(head.installation),
        repo_id=_id_in(head.repository),
        app_id=_app_id(values),
        body=body,
    )


def check_size(size: int, *, max_bytes: int) -> None:
    """Raise `Rejected` (413) for a body that is too large; GitHub itself sends at most 25 MB."""
    if size > max_bytes:
        raise Rejected(f"the body is larger than {max_bytes} bytes", http_status=413)


def signature_in(headers: Mapping[str, str]) -> bytes:
    """The SHA-256 signature that headers (names in lower case) claim; raises `Rejected` (401) if there is none.

    The older `X-Hub-Signature` (SHA-1) is not looked at.
    """
    match = _SIGNATURE.fullmatch(headers.get("x-hub-signature-256", ""))
    if match is None:
        raise Rejected("no valid X-Hub-Signature-256 header (sha256= and 64 lower-case hex)", http_status=401)
    return bytes.fromhex(match[1])


def load_object(body: bytes, *, content_type: str = "") -> dict[str, Any]:
    """Parse a body as a JSON object. Raises `Rejected` (400) saying what is wrong with it, and nothing else."""
    if content_type.lower().startswith("application/x-www-form-urlencoded") or body.startswith(b"payload="):
        raise Rejected("the body is form-encoded: set the webhook's content type to application/json", http_status=400)
    try:
        document = _JSON.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Rejected("the body is not valid UTF-8", http_status=400) from None
    except RecursionError:
        raise Rejected("the body is JSON nested too deep", http_status=400) from None
    except ValueError as error:  # malformed, or a number of thousands of digits
        raise Rejected(f"the body is not valid JSON: {error}", http_status=400) from None
    if not isinstance(document, dict):
        raise Rejected("the body is JSON, but not an object", http_status=400)
    return document


class _Head(BaseModel):
    """What the door looks at in a payload. The rest is checked to be JSON, and no objects are made of it."""

    action: Any = None
    installation: Any = None
    repository: Any = None


def _head_of(body: bytes, *, content_type: str) -> _Head:
    """The head of a JSON object. Raises `Rejected` as `load_object` does."""
    # The fast parser takes `NaN` and `Infinity` for numbers, which JSON does not know.
    if content_type.lower() == "application/json" and b"NaN" not in body and b"Infinity" not in body:
        try:
            return _Head.model_validate_json(body)
        except ValidationError:
            pass  # What is wrong, and whether anything is, is for the slower parser to say.
    return _Head.model_validate(load_object(body, content_type=content_type))


def _verify(signature: bytes, body: bytes, secrets: Sequence[bytes]) -> None:
    if not secrets or not all(secrets):
        raise Misconfigured("HONK_WEBHOOK_SECRET is missing or empty: without it anybody could start work")
    # A list, not a generator: every secret is compared, so that the time tells nothing about which one matched.
    matches = [hmac.compare_digest(hmac.digest(secret, body, "sha256"), signature) for secret in secrets]
    if not any(matches):
        raise Rejected("the signature does not match: is the webhook secret the same here and there?", http_status=401)


def _header(headers: Mapping[str, str], name: str, shape: re.Pattern[str]) -> str:
    value = headers.get(name, "")
    if not shape.fullmatch(value):
        raise Rejected(f"the header {name} is {'malformed' if value else 'missing'}", http_status=400)
    return value


def _id_in(value: object) -> int | None:
    number = value.get("id") if isinstance(value, dict) else None
    return number if type(number) is int and 0 < number <= _LARGEST_ID else None


def _app_id(headers: Mapping[str, str]) -> int | None:
    text = headers.get("x-github-hook-installation-target-id", "")
    is_app = headers.get("x-github-hook-installation-target-type") == "integration"
    return int(text) if is_app and re.fullmatch(r"[0-9]{1,18}", text) else None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)
