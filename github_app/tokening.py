"""`honk tokens`: the tokens of the API, for the operator."""

from __future__ import annotations

from datetime import timedelta

from github_app.app import build_hub, make_vault, open_store
from github_app.core.errors import Refused
from github_app.core.ports import Unfenced
from github_app.core.requests import Scope
from github_app.core.text.characters import spelled_out
from github_app.settings import read_settings


def create(login: str, *, scope: Scope, name: str, days: int) -> int:
    """Make a token of an account at GitHub, and print it. Raises `Refused` for an account that is not there."""
    settings = read_settings()
    account = build_hub(settings, make_vault(settings), Unfenced()).find_account(login)
    if account is None or account.is_bot:
        raise Refused(f"GitHub knows no person `{login}`")
    token, secret = open_store(settings).tokens.create(account, scope, name=name, lives_for=timedelta(days=days))
    print(secret)
    print(f"{token.id}: {account.login}, {scope}, until {token.expires_at:%Y-%m-%d}. It is not shown again.")
    return 0


def list_tokens() -> int:
    """Print what is known of each token."""
    for token in open_store(read_settings()).tokens.all():
        used = f"used {token.used_at:%Y-%m-%d}" if token.used_at else "never used"
        until, whose = f"until {token.expires_at:%Y-%m-%d}", f"{token.actor.login}  {spelled_out(token.name)}"
        print(f"{token.id}  {token.scope:<5}  {until}  {used:<15}  {whose}".rstrip())
    return 0


def revoke(key: str) -> int:
    """Take a token back."""
    if not open_store(read_settings()).tokens.revoke(key):
        raise Refused(f"there is no token {key}; `honk tokens list` lists them")
    print(f"Revoked: {key}.")
    return 0
