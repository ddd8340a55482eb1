"""Whose models are asked: what each provider must be told, its names for models, and what it takes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from github_app.core.access import (
    ModelAccess,
    Provider,
    family_of,
    named_model,
    read_access,
    surcharge_percent,
)
from github_app.core.errors import Misconfigured

BEDROCK = {"HONK_MODEL_PROVIDER": "bedrock", "AWS_REGION": "eu-west-1"}
VERTEX = {"HONK_MODEL_PROVIDER": "vertex", "CLOUD_ML_REGION": "global", "ANTHROPIC_VERTEX_PROJECT_ID": "acme"}
FOUNDRY = {
    "HONK_MODEL_PROVIDER": "foundry",
    "ANTHROPIC_FOUNDRY_API_KEY": "fk",
    "ANTHROPIC_FOUNDRY_RESOURCE": "acme",
}


@pytest.mark.parametrize(
    ("env", "access"),
    [
        ({}, ModelAccess()),
        (
            {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": "http://gateway"},
            ModelAccess(api_key="k", base_url="http://gateway", secrets=("k",)),
        ),
        (BEDROCK, ModelAccess(provider="bedrock", region="eu-west-1")),
        (
            {
                "HONK_MODEL_PROVIDER": "bedrock",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_BEARER_TOKEN_BEDROCK": "b",
                "AWS_SECRET_ACCESS_KEY": "s",
                "AWS_SESSION_TOKEN": "t",
                "AWS_WEB_IDENTITY_TOKEN_FILE": "/run/token",
            },
            ModelAccess(
                provider="bedrock", region="us-east-1", api_key="b", secrets=("b", "s", "t"),
                secret_files=("/run/token",),
            ),
        ),
        (VERTEX, ModelAccess(provider="vertex", region="global", project="acme")),
        (
            FOUNDRY,
            ModelAccess(
                provider="foundry",
                api_key="fk",
                base_url="https://acme.services.ai.azure.com/anthropic/",
                secrets=("fk",),
            ),
        ),
        (
            FOUNDRY | {"ANTHROPIC_FOUNDRY_BASE_URL": "https://models.acme.example"},
            ModelAccess(
                provider="foundry", api_key="fk", base_url="https://models.acme.example", secrets=("fk",)
            ),
        ),
    ],
)  # fmt: skip
def test_each_provider_is_told_by_its_own_variables(env: Mapping[str, str], access: ModelAccess) -> None:
    assert read_access(env) == access


def test_a_key_of_anthropic_is_never_a_clouds_key() -> None:
    assert read_access(BEDROCK | {"ANTHROPIC_API_KEY": "k"}).api_key is None
    assert read_access(FOUNDRY | {"ANTHROPIC_API_KEY": "k"}).api_key == "fk"


@pytest.mark.parametrize(
    ("env", "missing"),
    [
        (BEDROCK, "AWS_REGION"),
        (VERTEX, "CLOUD_ML_REGION"),
        (VERTEX, "ANTHROPIC_VERTEX_PROJECT_ID"),
        (FOUNDRY, "ANTHROPIC_FOUNDRY_API_KEY"),
        (FOUNDRY, "ANTHROPIC_FOUNDRY_RESOURCE"),
    ],
)
def test_what_is_missing_is_named(env: Mapping[str, str], missing: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{missing} is not set"):
        read_access({**env, missing: " "})


def test_a_provider_that_nobody_knows() -> None:
    with pytest.raises(Misconfigured, match="HONK_MODEL_PROVIDER must be one of anthropic, bedrock, vertex, foundry"):
        read_access({"HONK_MODEL_PROVIDER": "azure"})


def test_secrets_do_not_show() -> None:
    assert "hush" not in repr(read_access(BEDROCK | {"AWS_BEARER_TOKEN_BEDROCK": "hush"}))


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("claude-sonnet-5-5", "claude-sonnet-5-5"),
        ("claude-sonnet-5-5-20260801", "claude-sonnet-5-5"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-6", "claude-sonnet-4-6"),
        ("my-deployment", "my-deployment"),
        ("my-claude-sonnet-5-5", "my-claude-sonnet-5-5"),
        ("", ""),
    ],
)
def test_a_model_is_known_by_any_providers_name(model: str, family: str) -> None:
    assert family_of(model) == family


@pytest.mark.parametrize(
    ("provider", "region", "model", "percent"),
    [
        ("anthropic", "", "claude-sonnet-5-5", 0),
        ("foundry", "", "claude-sonnet-5-5", 0),
        ("bedrock", "eu-west-1", "global.anthropic.claude-sonnet-4-6", 0),
        ("bedrock", "eu-west-1", "eu.anthropic.claude-sonnet-4-6", 10),
        ("bedrock", "eu-west-1", "arn:aws:bedrock:eu-west-1:1:application-inference-profile/x", 10),
        ("vertex", "global", "claude-sonnet-4-6", 0),
        ("vertex", "europe-west1", "claude-sonnet-4-6", 10),
    ],
)
def test_staying_in_a_region_costs_a_tenth_more(provider: Provider, region: str, model: str, percent: int) -> None:
    assert surcharge_percent(ModelAccess(provider=provider, region=region), model) == percent


@pytest.mark.parametrize(
    ("provider", "given", "model"),
    [
        ("anthropic", None, "claude-usual"),
        ("anthropic", "", "claude-usual"),
        ("vertex", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5@20250929"),
        ("foundry", "our-deployment", "our-deployment"),
        ("bedrock", "global.anthropic.claude-sonnet-4-6", "global.anthropic.claude-sonnet-4-6"),
    ],
)
def test_a_model_is_named_or_the_usual_one(provider: Provider, given: str | None, model: str) -> None:
    env = {} if given is None else {"HONK_MODEL": given}
    assert named_model(env, "HONK_MODEL", provider, usual="claude-usual") == model


def test_only_a_second_look_may_go_without_a_model() -> None:
    env = {"HONK_JUDGE_MODEL": " "}
    assert named_model(env, "HONK_JUDGE_MODEL", "bedrock", usual="claude-usual", may_be_empty=True) == ""


@pytest.mark.parametrize(
    ("provider", "env", "like"),
    [
        ("bedrock", {}, "global.anthropic.claude-…"),
        ("bedrock", {"HONK_MODEL": "claude-sonnet-5-5"}, "global.anthropic.claude-…"),
        ("anthropic", {"HONK_MODEL": "us.anthropic.claude-sonnet-4-6"}, "claude-usual"),
    ],
)
def test_a_name_of_another_provider_is_refused(provider: Provider, env: Mapping[str, str], like: str) -> None:
    with pytest.raises(Misconfigured, match=rf"HONK_MODEL must be a model's name at {provider}, like `{like}`"):
        named_model(env, "HONK_MODEL", provider, usual="claude-usual")
