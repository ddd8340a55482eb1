"""https://docs.github.com/rest/apps : the app itself, its installations, tokens and deliveries."""

from __future__ import annotations

from typing import Any

from github_app.localhub import auth, shapes
from github_app.localhub.exchange import ApiError, Call, Reply, not_found, route
from github_app.localhub.values import App, Delivery, Installation


def _app(call: Call) -> App:
    if call.caller.app is None:
        raise ApiError(401, "A JSON web token could not be decoded")
    return call.caller.app


def _installation(call: Call) -> Installation:
    found = call.world.installations.get(call.number("installation_id"))
    if found is None or found.app is not _app(call):
        raise not_found()
    return found


@route("GET", "/app", "app")
def get_app(call: Call) -> Any:
    """The authenticated app."""
    app = _app(call)
    count = sum(i.app is app for i in call.world.installations.values())
    return {**shapes.app(call.world, app), "installations_count": count}


@route("POST", "/app-manifests/{code}/conversions", "anybody")
def convert_manifest(call: Call) -> Any:
    """A new app with its secrets, for the code that its registration ended with; once."""
    app, private_key = call.world.conversions.pop(call.params["code"], (None, ""))
    if app is None:
        raise not_found()
    own = {"client_secret": app.client_secret, "webhook_secret": app.webhook_secret, "pem": private_key}
    return Reply({**shapes.app(call.world, app), **own}, 201)


@route("GET", "/app/installations", "app")
def list_installations(call: Call) -> Any:
    """The app's installations."""
    mine = [i for i in call.world.installations.values() if i.app is _app(call)]
    return call.page(mine, lambda i: shapes.installation(call.world, i))


@route("GET", "/app/installations/{installation_id}", "app")
def get_installation(call: Call) -> Any:
    """One installation."""
    return shapes.installation(call.world, _installation(call))


@route("POST", "/app/installations/{installation_id}/access_tokens", "app")
def create_token(call: Call) -> Any:
    """A token, narrowed to what the body names."""
    installation = _installation(call)
    token = auth.mint(call.world, installation, call.body)
    chosen = [r for r in auth.covered(call.world, installation) if r.id in (token.repository_ids or ())]
    return Reply(shapes.token(call.world, token, chosen), 201)


@route("GET", "/repos/{owner}/{repo}/installation", "app")
def get_repository_installation(call: Call) -> Any:
    """The app's installation that covers a repository."""
    repo = call.world.repository(f"{call.params['owner']}/{call.params['repo']}")
    found = call.world.installation_for(_app(call), repo) if repo else None
    if found is None:
        raise not_found()
    return shapes.installation(call.world, found)


@route("GET", "/users/{username}/installation", "app")
def get_user_installation(call: Call) -> Any:
    """The app's installation on an account."""
    for found in call.world.installations.values():
        if found.app is _app(call) and found.account.login.lower() == call.params["username"].lower():
            return shapes.installation(call.world, found)
    raise not_found()


@route("GET", "/installation/repositories", "installation")
def list_repositories(call: Call) -> Any:
    """The repositories that an installation token reaches."""
    token = call.caller.token
    if token is None:
        raise ApiError(
            403,
            "You must authenticate with an installation access token in order to list repositories "
            "for an installation.",
        )
    ids = token.repository_ids
    reached = [r for r in auth.covered(call.world, token.installation) if ids is None or r.id in ids]
    reply: Reply = call.page(reached, lambda r: shapes.repository(call.world, r), "repositories")
    selection = "all" if token.installation.repository_ids is None else "selected"
    return Reply({**reply.body, "repository_selection": selection}, headers=reply.headers)


def _delivery_item(it: Delivery) -> dict[str, Any]:
    return {
        "id": it.id,
        "guid": it.guid,
        "delivered_at": shapes.iso(it.delivered_at),
        "redelivery": it.redelivery,
        "duration": round(it.duration_s, 2),
        "status": it.status,
        "status_code": it.status_code,
        "event": it.event,
        "action": it.payload.get("action"),
        "installation_id": it.installation_id,
        "repository_id": it.repository_id,
        "throttled_at": None,
    }


def _delivery(call: Call) -> Delivery:
    for found in call.world.deliveries:
        if found.id == call.number("delivery_id") and found.app is _app(call):
            return found
    raise not_found()


@route("GET", "/app/hook/config", "app")
def get_hook(call: Call) -> Any:
    """Where the app's deliveries go."""
    app = _app(call)
    return {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": app.webhook_url}


@route("GET", "/app/hook/deliveries", "app")
def list_deliveries(call: Call) -> Any:
    """Attempts, newest first; pages go on by `cursor`, as on GitHub."""
    mine = [d for d in reversed(call.world.deliveries) if d.app is _app(call) and d.status != "pending"]
    cursor = call.query.get("cursor", "")
    if cursor.isdecimal():
        mine = [d for d in mine if d.id <= int(cursor)]
    size = min(max(int(call.query.get("per_page", "30") or 30), 1), 100)
    headers = {}
    if len(mine) > size:
        url = f"{call.url}?per_page={size}&cursor={mine[size].id}"
        headers["Link"] = f'<{url}>; rel="next"'
    return Reply([_delivery_item(d) for d in mine[:size]], headers=headers)


@route("GET", "/app/hook/deliveries/{delivery_id}", "app")
def get_delivery(call: Call) -> Any:
    """One attempt with request and answer."""
    it = _delivery(call)
    return {
        **_delivery_item(it),
        "url": it.app.webhook_url,
        "request": {"headers": it.request_headers, "payload": it.payload},
        "response": {"headers": it.response_headers, "payload": it.response_body},
    }


@route("POST", "/app/hook/deliveries/{delivery_id}/attempts", "app")
def redeliver(call: Call) -> Any:
    """Send it again, with the same GUID."""
    call.world.redeliver(_delivery(call))
    return Reply({}, 202)


@route("GET", "/rate_limit", "anybody")
def rate_limit(call: Call) -> Any:
    """The limits; reading them costs nothing."""
    shown = call.world.meter.shown(call.caller)
    return {"resources": shown, "rate": shown["core"]}


@route("GET", "/user", "user")
def get_user(call: Call) -> Any:
    """The account that asks; installation tokens are nobody here."""
    if call.caller.token:
        raise ApiError(403, "Resource not accessible by integration")
    return _public(call, call.user.login)


@route("GET", "/users/{username}", "anybody")
def get_user_by_name(call: Call) -> Any:
    """An account."""
    return _public(call, call.params["username"])


def _public(call: Call, login: str) -> dict[str, Any]:
    who = call.world.users.get(login.lower())
    if who is None:
        raise not_found()
    none = ("company", "blog", "location", "email", "hireable", "bio", "twitter_username")
    zero = ("public_repos", "public_gists", "followers", "following")
    when = shapes.iso(call.world.now())
    return {
        **shapes.user(call.world, who),
        "name": who.login,
        **dict.fromkeys(none),
        **dict.fromkeys(zero, 0),
        "created_at": when,
        "updated_at": when,
    }
