"""Settings from the environment: complete, or an error that names the variable and what it must be."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from github_app.core.errors import Misconfigured
from github_app.settings import read_settings
from tests.edge.cases import shows

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n"
LEAST = {"HONK_APP_ID": "1", "HONK_PRIVATE_KEY": PEM, "HONK_WEBHOOK_SECRET": "s"}


def test_three_settings_are_enough_for_github_com() -> None:
    settings = read_settings(LEAST)

    assert settings.github_api_url == "https://api.github.com"
    assert settings.github_graphql_url == "https://api.github.com/graphql"
    assert (settings.host, settings.port, settings.turns, settings.publish) == ("127.0.0.1", 8000, 4, "api")
    assert settings.database_url == f"sqlite:///{settings.data_dir}/honk.sqlite"


def test_a_second_look_is_usual_and_can_be_switched_off() -> None:
    assert read_settings(LEAST).judge_model == "claude-haiku-5-5"
    assert read_settings(LEAST | {"HONK_JUDGE_MODEL": ""}).judge_model == ""


@shows("W82")
def test_hosts_of_github_enterprise_server_are_derived() -> None:
    settings = read_settings(LEAST | {"HONK_GITHUB_URL": "https://ghe.example/"})

    assert settings.github_url == "https://ghe.example"
    assert settings.github_api_url == "https://ghe.example/api/v3"
    assert settings.github_graphql_url == "https://ghe.example/api/graphql"


@shows("W82")
@pytest.mark.parametrize(
    ("given", "api", "graphql"),
    [
        ({"HONK_GITHUB_URL": "https://acme.ghe.com"}, "https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql"),
        ({"HONK_GITHUB_URL": "https://tools.example/ghe"}, "https://tools.example/ghe/api/v3",
         "https://tools.example/ghe/api/graphql"),
        ({"HONK_GITHUB_URL": "https://ghe.example", "HONK_GITHUB_API_URL": "https://api.ghe.example/"},
         "https://api.ghe.example", "https://api.ghe.example/graphql"),
        ({"HONK_GITHUB_URL": "https://ghe.example", "HONK_GITHUB_GRAPHQL_URL": "https://ghe.example/graph"},
         "https://ghe.example/api/v3", "https://ghe.example/graph"),
    ],
)  # fmt: skip
def test_hosts_of_every_kind_are_derived_or_given(given: dict[str, str], api: str, graphql: str) -> None:
    settings = read_settings(LEAST | given)
    assert (settings.github_api_url, settings.github_graphql_url) == (api, graphql)


@shows("W82")
def test_one_file_names_all_certificates_that_are_trusted(tmp_path: Path) -> None:
    trusted = tmp_path / "trusted.pem"
    trusted.touch()
    settings = read_settings(LEAST | {"SSL_CERT_FILE": str(trusted), "PATH": "/bin"})
    assert settings.ca_file == trusted
    assert settings.git_env == {"PATH": "/bin", "GIT_SSL_CAINFO": str(trusted)}
    assert read_settings(LEAST).ca_file is None


@pytest.mark.parametrize("missing", LEAST)
def test_what_is_missing_is_named(missing: str) -> None:
    with pytest.raises(Misconfigured, match=missing):
        read_settings({name: value for name, value in LEAST.items() if name != missing})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HONK_PROT", "8000"),
        ("HONK_PORT", "99999"),
        ("HONK_PORT", "80.5"),
        ("HONK_TURNS", "0"),
        ("HONK_TURNS", "inf"),
        ("HONK_TURNS_PER_REPO", "nan"),
        ("HONK_WRITE_PAUSE_S", "nan"),
        ("HONK_CHECKS_GRACE_S", "-1"),
        ("HONK_CHECKS_SETTLE_S", "soon"),
        ("HONK_KEEP_DAYS", "0"),
        ("HONK_KEEP_DAYS", "-0.5"),
        ("HONK_GITHUB_URL", "github.com"),
        ("HONK_PUBLIC_URL", "honk.example.com"),
        ("HONK_DATABASE_URL", "mysql://x/y"),
        ("HONK_SANDBOX", "none"),
        ("HONK_PUBLISH", "email"),
        ("HONK_TOOL_PATHS", "/nowhere/at/all"),
        ("HONK_PRIVATE_KEY_FILE", "/nowhere/key.pem"),
        ("SSL_CERT_FILE", "/nowhere/ca.pem"),
    ],
)
def test_what_is_wrong_is_named(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        read_settings(LEAST | {name: value})


def test_days_may_be_parts_of_days() -> None:
    assert read_settings(LEAST | {"HONK_KEEP_DAYS": "0.01"}).keep_days == 0.01


@pytest.mark.parametrize("text", [PEM, PEM.replace("\n", "\\n"), base64.b64encode(PEM.encode()).decode()])
def test_the_key_comes_in_three_forms(text: str) -> None:
    assert read_settings(LEAST | {"HONK_PRIVATE_KEY": text}).private_key == PEM


def test_the_key_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text(PEM)
    rest = {name: value for name, value in LEAST.items() if name != "HONK_PRIVATE_KEY"}

    assert read_settings(rest | {"HONK_PRIVATE_KEY_FILE": str(path)}).private_key == PEM


def test_two_secrets_are_valid_at_once() -> None:
    assert read_settings(LEAST | {"HONK_WEBHOOK_SECRET": "old new"}).webhook_secrets == (b"old", b"new")


def test_tool_servers_are_allowed_by_origin_each_with_its_own_token() -> None:
    given = " https://mcp.example.com/=t=1  http://localhost:9000 "
    assert read_settings(LEAST | {"HONK_MCP_ORIGINS": given}).mcp_tokens == {
        "https://mcp.example.com:443": "t=1",
        "http://localhost:9000": "",
    }
    with pytest.raises(Misconfigured, match="HONK_MCP_ORIGINS: entry 2 is not a plain") as caught:
        read_settings(LEAST | {"HONK_MCP_ORIGINS": "https://a.example hush"})
    assert "hush" not in str(caught.value)


def test_no_secret_shows() -> None:
    secrets = {"HONK_WEBHOOK_SECRET": "hush", "ANTHROPIC_API_KEY": "sk-hush", "AWS_SESSION_TOKEN": "t-hush"}
    secrets |= {"HONK_MCP_ORIGINS": "https://a.example=hush"}
    shown = repr(read_settings(LEAST | secrets))

    assert "hush" not in shown
    assert "MIIB" not in shown
