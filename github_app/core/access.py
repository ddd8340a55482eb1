"""Where models are asked, and as whom: Anthropic itself or a cloud, whose names for models are its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from github_app.core.errors import Misconfigured

Provider = Literal["anthropic", "bedrock", "vertex", "foundry"]

PROVIDERS: tuple[Provider, ...] = get_args(Provider)

SECRET_NAMES = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_FOUNDRY_API_KEY",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)
"""Variables whose values open a model."""

SECRET_FILES = ("AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "GOOGLE_APPLICATION_CREDENTIALS")
"""Variables that name a file which does."""

_FOUNDRY = "https://{}.services.ai.azure.com/anthropic/"
_BEDROCK_NAME = re.compile(r"arn:aws[a-z-]*:bedrock:|([a-z]{2,12}\.)?anthropic\.claude-")
_PARTS_OF_A_NAME = re.compile(r"(?:.*[./])?(claude-[a-z0-9-]+?)(?:[@-]\d{8})?(?:-v\d+(?::\d+)?)?")


@dataclass(frozen=True, kw_only=True)
class ModelAccess:
    """How the model is reached. Keys do not show in its `repr`.

    `api_key` is what the provider takes as one secret word; without it, a cloud's client finds credentials as that
    cloud does. `region` and `project` are of `bedrock` and `vertex`. `secrets` are all secret values that are known,
    `secret_files` where more of them stand.
    """

    provider: Provider = "anthropic"
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    region: str = ""
    project: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    secret_files: tuple[str, ...] = ()


def read_access(env: Mapping[str, str]) -> ModelAccess:
    """The provider, and what the variables that its own SDK knows say. Raises `Misconfigured` for what is missing.

    How a cloud's credentials are found beyond these is that cloud's business.
    """
    secrets = tuple(value for name in SECRET_NAMES if (value := env.get(name)))
    files = tuple(value for name in SECRET_FILES if (value := env.get(name)))
    match env.get("HONK_MODEL_PROVIDER") or "anthropic":
        case "anthropic":
            key, url = env.get("ANTHROPIC_API_KEY"), env.get("ANTHROPIC_BASE_URL")
            return ModelAccess(api_key=key or None, base_url=url or None, secrets=secrets)
        case "bedrock":
            return ModelAccess(
                provider="bedrock",
                api_key=env.get("AWS_BEARER_TOKEN_BEDROCK") or None,
                base_url=env.get("ANTHROPIC_BEDROCK_BASE_URL") or None,
                region=_first(env, "AWS_REGION", "AWS_DEFAULT_REGION"),
                secrets=secrets,
                secret_files=files,
            )
        case "vertex":
            return ModelAccess(
                provider="vertex",
                base_url=env.get("ANTHROPIC_VERTEX_BASE_URL") or None,
                region=_first(env, "CLOUD_ML_REGION"),
                project=_first(env, "ANTHROPIC_VERTEX_PROJECT_ID"),
                secrets=secrets,
                secret_files=files,
            )
        case "foundry":
            url = env.get("ANTHROPIC_FOUNDRY_BASE_URL") or _FOUNDRY.format(_first(env, "ANTHROPIC_FOUNDRY_RESOURCE"))
            key = _first(env, "ANTHROPIC_FOUNDRY_API_KEY")
            return ModelAccess(provider="foundry", api_key=key, base_url=url, secrets=secrets)
        case unknown:
            known = ", ".join(PROVIDERS)
            raise Misconfigured(f"HONK_MODEL_PROVIDER must be one of {known}, not `{unknown}`")


def _first(env: Mapping[str, str], *names: str) -> str:
    found = next((value for name in names if (value := env.get(name, "").strip())), "")
    if not found:
        provider = env["HONK_MODEL_PROVIDER"]
        raise Misconfigured(
            f"{names[0]} is not set, and HONK_MODEL_PROVIDER={provider} needs it: see docs/configure.md"
        )
    return found


def named_model(
    env: Mapping[str, str], variable: str, provider: Provider, *, usual: str, may_be_empty: bool = False
) -> str:
    """The model that a variable names, or the usual one. Raises `Misconfigured` for a name that is not the provider's.

    Bedrock's names say where they are served, which nobody can guess: there, each must be given.
    """
    given = env.get(variable, usual).strip()
    model = given if given or may_be_empty else usual
    if model and not is_name_of(provider, model):
        example = "global.anthropic.claude-…" if provider == "bedrock" else usual
        raise Misconfigured(f"{variable} must be a model's name at {provider}, like `{example}`, not `{model}`")
    return model


def is_name_of(provider: Provider, model: str) -> bool:
    """Whether a model is named as this provider names models."""
    return bool(_BEDROCK_NAME.match(model)) == (provider == "bedrock")


def family_of(model: str) -> str:
    """Anthropic's own name of a model without its date, from any provider's; the name itself if it is another's.

    https://platform.claude.com/docs/en/build-with-claude/claude-on-amazon-bedrock and claude-on-vertex-ai have tables.
    """
    found = _PARTS_OF_A_NAME.fullmatch(model)
    return found[1] if found else model


def surcharge_percent(access: ModelAccess, model: str) -> int:
    """What a provider takes beyond Anthropic's price. Clouds take a tenth where requests stay within a region.

    https://platform.claude.com/docs/en/about-claude/pricing, "Third-party platform pricing".
    """
    match access.provider:
        case "bedrock":
            return 0 if "global.anthropic." in model else 10
        case "vertex":
            return 0 if access.region == "global" else 10
        case _:
            return 0
