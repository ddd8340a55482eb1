"""The SDK's client for each provider: one Messages API, reached and paid for in four ways.

A client reads its cloud's own credentials, from where that cloud's tools keep them, and only when a call is made.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from github_app.core.access import ModelAccess, Provider
from github_app.core.errors import AccessDenied, HonkError, Misconfigured, Transient

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic, AsyncAnthropicBedrock, AsyncAnthropicVertex

    Client = AsyncAnthropic | AsyncAnthropicBedrock | AsyncAnthropicVertex

API_URL = "https://api.anthropic.com"

_NEEDS: dict[Provider, tuple[str, ...]] = {
    "bedrock": ("boto3", "botocore.eventstream", "botocore.parsers"),
    "vertex": ("google.auth.transport.requests",),
}
_BROKEN_WAYS = ("HTTPClientError", "ConnectionError", "TransportError", "TimeoutError")


def connect(access: ModelAccess, **more: Any) -> Client:
    """A client for this provider; `more` is what all of the SDK's clients take. Imports the SDK: that takes seconds."""
    import anthropic

    require_packages(access.provider)
    match access.provider:
        case "anthropic":
            # The SDK looks for credentials of its own where it is given none, and refuses to go without.
            headers: Any = {} if access.api_key else {"Authorization": anthropic.Omit()}
            key, url = access.api_key or "none", access.base_url or API_URL
            return anthropic.AsyncAnthropic(api_key=key, base_url=url, default_headers=headers, **more)
        case "bedrock":
            return anthropic.AsyncAnthropicBedrock(
                api_key=access.api_key, aws_region=access.region, base_url=access.base_url, **more
            )
        case "vertex":
            return anthropic.AsyncAnthropicVertex(
                region=access.region, project_id=access.project, base_url=access.base_url, **more
            )
        case "foundry":
            return anthropic.AsyncAnthropicFoundry(api_key=access.api_key, base_url=access.base_url or "", **more)


def require_packages(provider: Provider) -> None:
    """Import what a call would import in the middle of an event loop. Raises `Misconfigured` with what to install."""
    try:
        for name in _NEEDS.get(provider, ()):
            import_module(name)
    except ImportError as error:
        raise Misconfigured(f"a package is missing ({error.name}): pip install 'honk[{provider}]'") from error


def credential_errors(provider: Provider) -> tuple[type[Exception], ...]:
    """What this provider's client raises where it finds no credentials, or cannot use them."""
    match provider:
        case "bedrock":
            from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]

            return (BotoCoreError, RuntimeError)
        case "vertex":
            from google.auth.exceptions import GoogleAuthError

            return (GoogleAuthError,)
        case _:
            return ()


def translate_credentials(error: Exception) -> HonkError | None:
    """One of `credential_errors` by who must act; None where it is about something else. Tells nothing of its text."""
    if isinstance(error, RuntimeError):
        none_found = "credentials" in str(error)
        return (
            AccessDenied("there are no credentials for the model's cloud; see docs/configure.md")
            if none_found
            else None
        )
    kinds = [each.__name__ for each in type(error).__mro__]
    if any(kind in _BROKEN_WAYS for kind in kinds):
        return Transient(f"the model's cloud was asked for credentials and gave no answer: {kinds[0]}")
    return AccessDenied(f"the credentials for the model's cloud cannot be used: {kinds[0]}")
