"""The model port on Anthropic's Messages API, or a gateway or a cloud that speaks it: streamed, with few retries, each
call within a deadline, every failure named by who must act."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import WeakKeyDictionary

from github_app.adapters.model import clouds, prices
from github_app.core.access import ModelAccess, surcharge_percent
from github_app.core.errors import AccessDenied, HonkError, LimitReached, Misconfigured, RateLimited, Transient
from github_app.core.model import Usage
from github_app.core.ports import Fence, ModelReply, ModelRequest, Unfenced

if TYPE_CHECKING:
    # Importing the SDK takes two seconds, so that is left to `warm_up` or the first call.
    from anthropic import APIStatusError
    from anthropic.types import Message

_RETRIES = 2
_LONGEST_WAIT_S = 20.0  # a longer `retry-after` is for the engine to wait out, not for a call that holds a sandbox
_USUAL_WAIT_S = 30.0
# Also what Bedrock says in the middle of a stream, whose status was 200:
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ResponseStream.html
_PASSING = {
    "overloaded_error",
    "api_error",
    "timeout_error",
    "internalServerException",
    "modelStreamErrorException",
    "modelTimeoutException",
    "serviceUnavailableException",
}
_LIMITING = {"rate_limit_error", "throttlingException"}
_TOO_LONG = ("prompt is too long", "exceed context limit", "context window", "input is too long")
_NO_SUCH_MODEL = ("model identifier is invalid", "on-demand throughput")


class ClaudeModel:
    """Claude, from the provider that `access` names; or whatever stands at its `base_url`, which may want no key.

    Raises `AccessDenied` for keys and credentials that are missing, wrong or out of credit, `RateLimited` and
    `Transient` after its own retries, `LimitReached` where the conversation is too long for the model, `Misconfigured`
    for a model that does not exist and a package that is missing.
    """

    def __init__(self, access: ModelAccess, *, deadline_s: float = 900.0, fence: Fence | None = None) -> None:
        self._access = access
        self._deadline_s = deadline_s
        self._fence = fence or Unfenced()
        # A connection belongs to the event loop that opened it.
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, clouds.Client] = WeakKeyDictionary()

    def warm_up(self) -> None:
        """Import what a call needs. Blocks for seconds; meant for a thread at start."""
        _ = self._connect().messages

    async def reply(self, request: ModelRequest) -> ModelReply:
        """Ask for one reply. A stream that breaks off is a failure as a whole: nothing of it is kept."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = await asyncio.to_thread(self._connect)
        try:
            async with asyncio.timeout(self._deadline_s):
                message, request_id = await _stream(self._clients[loop], request)
        except clouds.credential_errors(self._access.provider) as error:
            translated = clouds.translate_credentials(error)
            raise error if translated is None else translated from error
        except TimeoutError:
            raise Transient(f"the model took longer than {self._deadline_s:.0f} s for a reply") from None
        if message is None or message.stop_reason is None:
            raise Transient("the model's reply broke off")
        return ModelReply(
            content=tuple(_block(each) for each in message.content),
            stop_reason=message.stop_reason,
            usage=self._usage(request.model, message),
            request_id=request_id,
        )

    def price_of(self, model: str, usage: Usage) -> int:
        """What an amount of tokens costs, in millionths of a US dollar."""
        percent = 100 + surcharge_percent(self._access, model)
        return -(-prices.price_of(model, usage) * percent // 100)

    async def close(self) -> None:
        """Let go of this loop's connections."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    def _connect(self) -> clouds.Client:
        return clouds.connect(
            self._access,
            max_retries=_RETRIES,
            timeout=self._deadline_s,
            middleware=[self._require_fence, _refuse_long_waits],
        )

    async def _require_fence(self, request: Any, call_next: Any) -> Any:
        """SDK middleware: each request costs money, a repeated one too, so each wants the work to be ours."""
        await asyncio.to_thread(self._fence.require)
        return await call_next(request)

    def _usage(self, model: str, message: Message) -> Usage:
        counted = message.usage
        usage = Usage(
            input_tokens=counted.input_tokens,
            output_tokens=counted.output_tokens,
            cache_read_tokens=counted.cache_read_input_tokens or 0,
            cache_write_tokens=counted.cache_creation_input_tokens or 0,
            steps=1,
        )
        return usage + Usage(cost_micro_usd=self.price_of(model, usage))


async def _stream(client: clouds.Client, request: ModelRequest) -> tuple[Message | None, str]:
    import httpx2
    from anthropic import APIConnectionError, APIStatusError

    more: dict[str, Any] = {}
    if request.tool_choice is not None:
        # A tool that must be called leaves no room for thinking: the API refuses both at once.
        more = {"tool_choice": dict(request.tool_choice)}
    elif prices.thinks_adaptively(request.model):
        more = {"thinking": {"type": "adaptive"}}
    message: Message | None = None
    try:
        async with client.messages.stream(
            model=request.model,
            max_tokens=request.max_tokens,
            system=list(request.system),  # type: ignore[arg-type]
            tools=list(request.tools),  # type: ignore[arg-type]
            messages=list(request.messages),  # type: ignore[arg-type]
            **more,
        ) as stream:
            async for event in stream:
                if event.type == "message_stop":
                    message = event.message
            return message, _request_id(stream.response)
    except APIStatusError as error:
        _translate(error)
    except (APIConnectionError, httpx2.HTTPError) as error:
        raise Transient(f"no connection to the model, or it broke: {type(error).__name__}") from error
    except ValueError as error:
        # The SDK's word for a tool call that is no JSON, such as one with half of a character; not worth its text.
        raise Transient("the model's reply could not be read") from error


async def _refuse_long_waits(request: Any, call_next: Any) -> Any:
    """SDK middleware: the SDK would sleep for whatever `retry-after` says; where that is long, we say so instead."""
    response = await call_next(request)
    wait_s = _wait_s(response.headers)
    if response.status_code >= 429 and wait_s is not None and wait_s > _LONGEST_WAIT_S:
        raise RateLimited(f"the model asks for {wait_s:.0f} s of patience", retry_after_s=wait_s, whose="the model's")
    return response


def _translate(error: APIStatusError) -> NoReturn:
    status, kind = error.status_code, error.type or ""
    said = f"{status} {kind}: {_words_of(error)} (request {_request_id(error.response) or 'without id'})"
    translated: HonkError | None = None
    if status == 429 or kind in _LIMITING:
        wait_s = _wait_s(error.response.headers)
        translated = RateLimited(
            f"the model is rate limited: {said}",
            retry_after_s=_USUAL_WAIT_S if wait_s is None else wait_s,
            whose="the model's",
        )
    elif status >= 500 or status in (408, 409, 424) or kind in _PASSING:
        translated = Transient(f"the model is not available: {said}")
    elif status in (401, 402, 403) or "credit balance" in said:
        translated = AccessDenied(f"the model refuses our key: {said}")
    elif status == 413 or any(words in said.lower() for words in _TOO_LONG):
        translated = LimitReached("the conversation has outgrown what the model can read", limit="tokens")
    elif status == 404 or any(words in said for words in _NO_SUCH_MODEL):
        translated = Misconfigured(f"the model or its address does not exist: {said}")
    # What is left (400, 422) is our own malformed request: a bug, and it looks like one.
    raise error if translated is None else translated from error


def _request_id(response: Any) -> str:
    headers = response.headers
    return str(headers.get("request-id") or headers.get("x-amzn-requestid") or "")


def _words_of(error: APIStatusError) -> str:
    """The server's own words: the first line, since Bedrock shows below it what was signed, a token among it."""
    body = error.body
    words = error.api_message or (body.get("message") if isinstance(body, dict) else None) or ""
    return str(words).partition("\n")[0][:300]


def _wait_s(headers: Any) -> float | None:
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return float(headers[name]) * unit_s
        except (KeyError, ValueError):
            continue  # absent, or a date; then the usual wait is as good a guess
    return None


def _block(block: Any) -> dict[str, Any]:
    """A content block as it may be sent back: what the API said, without the SDK's own additions."""
    plain: dict[str, Any] = block.model_dump(mode="json", exclude_none=True, exclude={"parsed_output"})
    return plain
