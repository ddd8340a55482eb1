"""Signing in to an app: a page where anybody on this machine may be anybody, a code, and a token for it.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

from .exchange import ApiError
from .values import App
from .world import World


def app_of(world: World, client_id: str) -> App:
    """The app that somebody signs in to. Raises `ApiError`."""
    found = next((app for app in world.apps.values() if app.client_id == client_id), None)
    if found is None:
        raise ApiError(404, "Not Found")
    return found


def grant(world: World, form: Mapping[str, str]) -> str:
    """Sign somebody (`login`) in; where the browser is sent then. Raises `ApiError` for a stranger, and for an address
    that is none of the app's."""
    app, user = app_of(world, form.get("client_id", "")), world.users.get(form.get("login", "").lower())
    address = form.get("redirect_uri") or next(iter(app.callback_urls), "")
    if address not in app.callback_urls:
        raise ApiError(400, "The redirect_uri is not associated with this application.")
    if user is None or user.type != "User":
        raise ApiError(404, "Not Found")
    code = secrets.token_hex(10)
    world.grants[code] = (app, user)
    return f"{address}?{urlencode({'code': code, 'state': form.get('state', '')})}"


def exchange(world: World, form: Mapping[str, str]) -> dict[str, object]:
    """A token for a code, once; or what is wrong, with which GitHub answers 200, too."""
    app = app_of(world, form.get("client_id", ""))
    if not app.client_secret or form.get("client_secret") != app.client_secret:
        return {"error": "incorrect_client_credentials"}
    granted, user = world.grants.pop(form.get("code", ""), (None, None))
    if granted is not app or user is None:
        return {"error": "bad_verification_code"}
    return {"access_token": f"user:{user.login}", "token_type": "bearer", "scope": "", "expires_in": 28_800}
