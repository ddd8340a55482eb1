"""How Slack is reached, read from settings; off where none is set."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from github_app.core.errors import Misconfigured

API_URL = "https://slack.com/api/"

NAMES: dict[str, str] = {
    "HONK_SLACK_SIGNING_SECRET": "the Slack app's signing secret; several, separated by spaces, are valid (no Slack)",
    "HONK_SLACK_BOT_TOKEN": "the token of its bot, `xoxb-…`",
    "HONK_SLACK_TEAMS": "the ids of the workspaces that are listened to, `T…`, separated by spaces",
    "HONK_SLACK_API_URL": f"another Web API, such as GovSlack's ({API_URL})",
}

_TEAM = re.compile(r"[TE][A-Z0-9]{2,20}")


@dataclass(frozen=True, kw_only=True)
class SlackAccess:
    """What opens Slack, and which workspaces are listened to."""

    secrets: tuple[str, ...] = field(repr=False)
    token: str = field(repr=False)
    teams: tuple[str, ...]
    api_url: str = API_URL


def read_slack(env: Mapping[str, str]) -> SlackAccess | None:
    """Read it; None where nothing is set. Raises `Misconfigured` for half of it."""
    given = {name: env.get(name, "").strip() for name in NAMES}
    if not any(given.values()):
        return None
    missing = [name for name in NAMES if not given[name] and name != "HONK_SLACK_API_URL"]
    if missing:
        raise Misconfigured(f"{missing[0]} is not set: {NAMES[missing[0]]}; all of Slack's settings go together")
    if not env.get("HONK_CLIENT_ID"):
        raise Misconfigured("Slack needs HONK_CLIENT_ID: people link their GitHub account by signing in")
    teams = tuple(given["HONK_SLACK_TEAMS"].split())
    for team in teams:
        if not _TEAM.fullmatch(team):
            raise Misconfigured(f"HONK_SLACK_TEAMS: `{team}` is no workspace's id, which begins with T")
    url = given["HONK_SLACK_API_URL"] or API_URL
    if not url.startswith(("https://", "http://")):
        raise Misconfigured(f"HONK_SLACK_API_URL must be an http(s) URL, not `{url}`")
    return SlackAccess(
        secrets=tuple(given["HONK_SLACK_SIGNING_SECRET"].split()),
        token=given["HONK_SLACK_BOT_TOKEN"],
        teams=teams,
        api_url=f"{url.rstrip('/')}/",
    )
