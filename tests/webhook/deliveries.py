"""Signed deliveries for tests: GitHub's own examples, and the small payloads that the tests spell out."""

from __future__ import annotations

import copy
import gzip
import hashlib
import hmac
import json
from functools import cache
from pathlib import Path
from typing import Any

from github_app.webhook.delivery import ALWAYS_SENT, SUBSCRIBED, Delivery, accept
from github_app.webhook.parse import Parsed, parse

SECRET = b"it's a secret to everybody"
PAYLOADS = Path(__file__).parent / "payloads"
REPO = {"id": 7, "full_name": "ada/engine", "default_branch": "main"}
ADA = {"id": 1, "login": "ada", "type": "User"}
SHA = "a" * 40
OLD_SHA = "b" * 40


def sign(body: bytes, secret: bytes = SECRET) -> str:
    """Compute the header as GitHub's documentation describes it, by other means than the product."""
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


def headers_of(event: str, body: bytes, **more: str) -> dict[str, str]:
    """Give the headers that GitHub sends; `more` replaces some (`_` for `-`), and an empty value drops one."""
    headers = {
        "User-Agent": "GitHub-Hookshot/044aadd",
        "Content-Type": "application/json",
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": "292430182",
        "X-GitHub-Hook-Installation-Target-ID": "79929171",
        "X-GitHub-Hook-Installation-Target-Type": "integration",
        "X-Hub-Signature-256": sign(body),
    }
    names = {name.lower(): name for name in headers}
    for name, value in more.items():
        dashed = name.replace("_", "-")
        headers[names.get(dashed, dashed)] = value
    return {name: value for name, value in headers.items() if value}


def deliver(event: str, payload: object) -> Delivery:
    """Send a payload through the door."""
    body = json.dumps(payload).encode()
    return accept(headers_of(event, body), body, secrets=[SECRET], max_bytes=25 * 2**20)


def read(event: str, payload: object, *, trigger_label: str = "honk") -> Parsed:
    """Send a payload through the door and read what it means."""
    return parse(deliver(event, payload), trigger_label=trigger_label)


def payload(action: str | None = None, **parts: Any) -> dict[str, Any]:
    """Spell out a payload of Ada's in ada/engine; `None` for a part sets it to null."""
    common = {"repository": REPO, "installation": {"id": 5}, "sender": ADA}
    return ({"action": action} if action else {}) | copy.deepcopy(common | parts)


def issue(**parts: Any) -> dict[str, Any]:
    """Spell out an open issue 12."""
    usual = {
        "number": 12,
        "title": "It breaks",
        "body": "Badly.",
        "user": {"id": 2, "login": "bob", "type": "User"},
        "state": "open",
        "locked": False,
        "labels": [],
        "html_url": "https://github.com/ada/engine/issues/12",
    }
    return usual | parts


def pull(**parts: Any) -> dict[str, Any]:
    """Spell out pull request 13 from a branch of the same repository."""
    head = {"ref": "honk/12-it-breaks", "sha": SHA, "repo": REPO}
    return {"number": 13, "head": head, "draft": True, "merged": False} | parts


@cache
def _examples_of(event: str) -> str:
    return gzip.decompress((PAYLOADS / f"{event}.json.gz").read_bytes()).decode()


def examples(event: str) -> list[dict[str, Any]]:
    """GitHub's examples of an event, in order. Some lack the installation: they are a repository webhook's."""
    found: list[dict[str, Any]] = json.loads(_examples_of(event))
    return found


def example_events() -> list[str]:
    """The events that there are examples of."""
    return sorted(path.name.removesuffix(".json.gz") for path in PAYLOADS.glob("*.json.gz"))


def wanted_events() -> list[str]:
    """The events that Honk reads."""
    return [*SUBSCRIBED, *ALWAYS_SENT]
