"""Registering GitHub Apps: at once, or by the pages that a manifest is sent to, as a browser walks through them.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from .exchange import ApiError
from .values import App
from .world import World

MAX_NAME = 34
"""https://docs.github.com/en/apps/creating-github-apps/registering-a-github-app/registering-a-github-app"""


@dataclass(frozen=True)
class NewApp:
    """A registered app and the private key (PEM) that its makers keep."""

    app: App
    private_key: str


def register(
    world: World,
    slug: str,
    *,
    permissions: Mapping[str, str],
    events: Sequence[str] = (),
    webhook_url: str = "",
    webhook_secret: str = "",
    private_key: str = "",
    owner: str = "honk-makers",
    callback_urls: Sequence[str] = (),
) -> NewApp:
    """Register a GitHub App; without `private_key` (PEM) one is made, which takes a moment."""
    key = private_key or new_private_key()
    with world.lock:
        app = App(
            world.new_id(), slug, world.user(owner), world.user(f"{slug}[bot]", "Bot"), public_half(key),
            f"Iv23li{slug}", {"metadata": "read", **permissions}, tuple(events), webhook_url, webhook_secret,
            world.now(), secrets.token_hex(20), tuple(callback_urls),
        )  # fmt: skip
        world.apps[app.id] = app
    return NewApp(app, key)


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What a browser brings: the manifest's text, what it wants back (`state`), and for whom the app is to be."""

    manifest: str
    state: str = ""
    owner: str = ""

    def read(self) -> dict[str, Any]:
        """The manifest. Raises `ApiError` for what GitHub's page would not take."""
        try:
            found = json.loads(self.manifest)
        except ValueError:
            raise ApiError(422, "The manifest is no JSON.") from None
        if not isinstance(found, dict):
            raise ApiError(422, "The manifest is no object.")
        hook = found.get("hook_attributes")
        urls = [found.get("url"), found.get("redirect_url"), *([hook.get("url")] if isinstance(hook, dict) else [])]
        if not all(isinstance(url, str) and urlsplit(url).scheme in ("http", "https") for url in urls):
            raise ApiError(422, "The manifest must have `url`, `redirect_url` and the URL of its hook.")
        return found


def accept(world: World, proposal: Proposal, name: str) -> str:
    """Register what was proposed under a name that its maker chose; where the browser is sent then, with a code that
    is good once. Raises `ApiError`."""
    manifest = proposal.read()
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not slug or len(name) > MAX_NAME:
        raise ApiError(422, f"Name must have 1 to {MAX_NAME} characters.")
    if any(app.slug == slug for app in world.apps.values()):
        raise ApiError(422, "Name is already taken.")
    made = register(
        world,
        slug,
        permissions=manifest.get("default_permissions", {}),
        events=manifest.get("default_events", ()),
        webhook_url=manifest["hook_attributes"]["url"],
        webhook_secret=secrets.token_hex(20),
        owner=proposal.owner or "honk-makers",
        callback_urls=manifest.get("callback_urls", ()),
    )
    code = secrets.token_hex(20)
    world.conversions[code] = (made.app, made.private_key)
    return f"{manifest['redirect_url']}?{urlencode({'code': code, 'state': proposal.state})}"


def new_private_key() -> str:
    """Make an RSA key (PEM), as GitHub does for an app."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public_half(private_key: str) -> str:
    """Return the public key (PEM) of a private one."""
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(private_key.encode(), None)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
