"""How Slack is reached, read from settings."""

from __future__ import annotations

import pytest

from github_app.core.chat.access import API_URL, read_slack
from github_app.core.chat.ports import Chat
from github_app.core.errors import Misconfigured

WHOLE = {
    "HONK_CLIENT_ID": "Iv1",
    "HONK_SLACK_SIGNING_SECRET": "one two",
    "HONK_SLACK_BOT_TOKEN": "xoxb-1",
    "HONK_SLACK_TEAMS": "T123 T456",
}


def test_without_settings_there_is_no_slack():
    assert read_slack({"HONK_CLIENT_ID": "Iv1"}) is None


def test_what_is_set_is_read_and_secrets_are_not_shown():
    found = read_slack({**WHOLE, "HONK_SLACK_API_URL": "https://slack-gov.com/api"})
    assert found is not None
    assert (found.secrets, found.token, found.teams) == (("one", "two"), "xoxb-1", ("T123", "T456"))
    assert found.api_url == "https://slack-gov.com/api/"
    assert "xoxb" not in repr(found)
    usual = read_slack(WHOLE)
    assert usual is not None
    assert usual.api_url == API_URL


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"HONK_SLACK_BOT_TOKEN": ""}, "HONK_SLACK_BOT_TOKEN"),
        ({"HONK_SLACK_TEAMS": ""}, "HONK_SLACK_TEAMS"),
        ({"HONK_SLACK_TEAMS": "my-team"}, "my-team"),
        ({"HONK_CLIENT_ID": ""}, "HONK_CLIENT_ID"),
        ({"HONK_SLACK_API_URL": "ftp://x"}, "HONK_SLACK_API_URL"),
    ],
)
def test_half_of_it_says_what_is_missing(changed: dict[str, str], named: str):
    with pytest.raises(Misconfigured, match=named):
        read_slack({**WHOLE, **changed})


def test_the_port_is_what_an_adapter_must_do():
    assert {"post", "edit", "find", "whisper", "name_of"} <= set(vars(Chat))
