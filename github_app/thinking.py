"""Wiring of what thinks: the model, by way of the provider that the settings name. With `app`, `workshop` and
`registering`, the only file that names concrete adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.core.errors import Misconfigured
from github_app.core.ports import Fence
from github_app.core.programs import Program
from github_app.core.toolservers import ToolHosts
from github_app.settings import Settings

if TYPE_CHECKING:
    from github_app.adapters.model.claude import ClaudeModel


def build_model(settings: Settings, fence: Fence) -> ClaudeModel:
    """The model, asked only while the fence stands."""
    from github_app.adapters.model.claude import ClaudeModel

    return ClaudeModel(settings.model_access, fence=fence)


async def ask_model(settings: Settings) -> str:
    """Have the model say a word, which costs next to nothing; what came of it. Raises our errors."""
    from github_app.core.ports import ModelRequest, Unfenced

    model = build_model(settings, Unfenced())
    say = {"role": "user", "content": [{"type": "text", "text": "Say ok."}]}
    try:
        reply = await model.reply(
            ModelRequest(model=settings.model, system=(), tools=(), messages=(say,), max_tokens=64)
        )
    finally:
        await model.close()
    return f"{settings.model} answered, for {reply.usage.cost_micro_usd / 1e6:.4f} $"


def build_program(settings: Settings) -> Program | None:
    """What works through turns in the place of our own loop, if anything. Raises `Misconfigured`."""
    if settings.engine == "own":
        return None
    from github_app.adapters.claudecode.program import ClaudeCode

    return ClaudeCode.installed()


def describe_engine(settings: Settings) -> str:
    """What works through turns, in a line. Blocks for a second. Raises `Misconfigured` if it does not run."""
    if settings.engine == "own":
        return "Honk's own loop"
    from github_app.adapters.claudecode.program import ClaudeCode

    return ClaudeCode.installed().about()


def build_tool_hosts(settings: Settings) -> ToolHosts:
    """What asks tool servers by URL, at the origins that the operator allows."""
    from github_app.adapters.toolhosts import HttpToolHosts

    return HttpToolHosts(tokens=settings.mcp_tokens)


def describe_model(settings: Settings) -> str:
    """Which models are asked, where, and how they are priced, in a line. Raises `Misconfigured` for what is missing."""
    from github_app.adapters.model.clouds import require_packages
    from github_app.adapters.model.prices import is_known

    access = settings.model_access
    if access.provider == "anthropic" and not (access.api_key or access.base_url):
        raise Misconfigured("set ANTHROPIC_API_KEY, or ANTHROPIC_BASE_URL for a gateway")
    require_packages(access.provider)
    where = access.base_url or "the Anthropic API"
    if access.provider in ("bedrock", "vertex"):
        key = "the bearer token" if access.api_key else "the credentials that the cloud's own tools would use"
        where = f"{access.provider} in {access.region}{f' at {access.base_url}' * bool(access.base_url)}, with {key}"
    names = dict.fromkeys(name for name in (settings.model, settings.judge_model) if name)
    dear = "".join(
        f"; {name} is not in the table of prices and counts as the dearest" for name in names if not is_known(name)
    )
    return f"{settings.model} at {where}{dear}"
