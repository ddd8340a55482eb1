"""Who asks, and may they: App JWTs, installation tokens, personal tokens, and the permission of each route.

Personal tokens are `user:LOGIN`; everybody on this machine may be anybody. Rules and messages:
https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
"""

from __future__ import annotations

import base64
import secrets
from datetime import timedelta
from typing import Any

import jwt

from .exchange import ApiError, Caller, forbidden, not_found
from .values import ROLES, App, Installation, Issue, Repository, Role, Token
from .world import World

LEVELS = ("none", "read", "write", "admin")
TOKEN_LIFE = timedelta(hours=1)
_UNREACHABLE = "There is at least one repository that does not exist or is not accessible to the parent installation."
_JWT_LIFE_S = 660  # ten minutes and GitHub's tolerance


def identify(world: World, authorization: str) -> Caller:
    """Return who sent an Authorization header; raise 401 with GitHub's words."""
    if not authorization:
        return Caller()
    kind, _, value = authorization.partition(" ")
    if kind.lower() == "basic":
        value = _basic_password(value)
    elif kind.lower() not in ("bearer", "token"):
        raise ApiError(401, "Bad credentials")
    value = value.strip()
    if value.count(".") == 2 and not value.startswith("user:"):
        return Caller(app=_app_of(world, value))
    if value.startswith("user:"):
        user = world.users.get(value[5:].lower())
        if user is None or user.type != "User":
            raise ApiError(401, "Bad credentials")
        return Caller(user=user)
    token = world.tokens.get(value)
    if token is None or token.expires_at <= world.clock():
        raise ApiError(401, "Bad credentials")
    if token.installation.id not in world.installations:
        raise ApiError(401, "Bad credentials")
    if token.installation.suspended_at:
        raise ApiError(403, "This installation has been suspended")
    return Caller(user=token.installation.app.bot, app=token.installation.app, token=token)


def _basic_password(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (ValueError, UnicodeDecodeError):
        raise ApiError(401, "Bad credentials") from None


def _app_of(world: World, token: str) -> App:
    undecodable = ApiError(401, "A JSON web token could not be decoded")
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise undecodable from None
    issuer = str(claims.get("iss", ""))
    app = next((a for a in world.apps.values() if issuer in (str(a.id), a.client_id)), None)
    if app is None or header.get("alg") != "RS256":
        raise ApiError(401, "Integration not found" if app is None else undecodable.message)
    try:
        options: Any = {"verify_exp": False, "verify_iat": False, "verify_iss": False, "verify_aud": False}
        jwt.decode(token, app.public_key, algorithms=["RS256"], options=options)
    except jwt.PyJWTError:
        raise undecodable from None
    _check_times(claims, world.clock().timestamp())
    return app


_ISSUED = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
_EXPIRES = (
    "'Expiration time' claim ('exp') must be a numeric value representing the future time "
    "at which the assertion expires"
)


def _check_times(claims: dict[str, Any], now: float) -> None:
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int | float) or issued > now:
        raise ApiError(401, _ISSUED)
    if not isinstance(expires, int | float) or expires <= now:
        raise ApiError(401, _EXPIRES)
    if expires > now + _JWT_LIFE_S or expires - issued > _JWT_LIFE_S:
        raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")


def covered(world: World, installation: Installation) -> list[Repository]:
    """Return the repositories of an installation."""
    wanted = installation.repository_ids
    return [
        r for r in world.repositories.values()
        if r.owner is installation.account and (wanted is None or r.id in wanted)
    ]  # fmt: skip


def mint(world: World, installation: Installation, asked: dict[str, Any]) -> Token:
    """Make an installation token narrowed as asked; 422 for what the installation does not have.

    https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
    """
    if installation.suspended_at:
        raise ApiError(403, "This installation has been suspended")
    within = covered(world, installation)
    chosen: set[int] | None = None
    if asked.get("repository_ids") or asked.get("repositories"):
        names = {str(n).lower() for n in asked.get("repositories") or ()}
        ids = set(asked.get("repository_ids") or ())
        chosen = {r.id for r in within if r.id in ids or r.name.lower() in names}
        if len(chosen) < max(len(names), len(ids)):
            raise ApiError(422, _UNREACHABLE)
    held = {"metadata": "read", **installation.permissions}
    permissions = dict(asked.get("permissions") or held)
    for name, level in permissions.items():
        if level not in LEVELS or LEVELS.index(level) > LEVELS.index(held.get(name, "none")):
            raise ApiError(422, "The permissions requested are not granted to this installation.")
    permissions.setdefault("metadata", "read")
    now = world.now()
    token = Token(
        f"ghs_{secrets.token_urlsafe(27)}", installation, permissions,
        None if chosen is None else frozenset(chosen), now, now + TOKEN_LIFE,
    )  # fmt: skip
    world.tokens[token.value] = token
    return token


def sees(world: World, caller: Caller, repo: Repository) -> bool:
    """Tell whether a caller may know that a repository exists."""
    if caller.token:
        ids = caller.token.repository_ids
        inside = any(r is repo for r in covered(world, caller.token.installation))
        return (inside and (ids is None or repo.id in ids)) or not repo.private
    if caller.user:
        return world.role(caller.user, repo) != "none"
    return not repo.private


def holds(world: World, caller: Caller, repo: Repository, name: str, level: str) -> bool:
    """Tell whether a caller has a permission (`contents`) at a level (`write`) on a repository."""
    if caller.token:
        ids = caller.token.repository_ids
        inside = any(r is repo for r in covered(world, caller.token.installation))
        if not inside or (ids is not None and repo.id not in ids):
            return not repo.private and level == "read"
        held = caller.token.permissions.get(name, "none")
        return LEVELS.index(held) >= LEVELS.index(level)
    if caller.user is None:
        return not repo.private and level == "read"
    return ROLES.index(world.role(caller.user, repo)) >= ROLES.index(_role_needed(name, level))


def _role_needed(name: str, level: str) -> Role:
    """People need a role where apps need a permission; who may read may also talk."""
    if level == "read" or name == "talk":
        return "read"
    return "triage" if name == "issues" else "admin" if name == "administration" else "write"


def demand(world: World, caller: Caller, repo: Repository, needs: str, issue: Issue | None) -> None:
    """Refuse a caller who lacks every alternative in `needs`; see `exchange.Route`.

    Where a route takes `issues` or `pull_requests`, the latter opens only pull requests.
    """
    if not sees(world, caller, repo):
        raise ApiError(401, "Requires authentication") if caller == Caller() else not_found()
    for alternative in needs.split("|"):
        name, _, level = alternative.partition(":")
        if name == "pull_requests" and "issues:" in needs and issue and not issue.pull:
            continue
        if name == "talk":  # people who can read may do it, apps need the next alternative
            if caller.user and not caller.token and holds(world, caller, repo, "talk", "write"):
                return
            continue
        if holds(world, caller, repo, name, level):
            return
    if caller == Caller():
        raise ApiError(401, "Requires authentication")
    raise forbidden() if caller.token else ApiError(403, "Must have write access to Repository.")
