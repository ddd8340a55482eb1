"""The model adapter by way of a cloud: a local endpoint that answers only what Bedrock, Vertex AI and Foundry would."""

from __future__ import annotations

import base64
import json
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from github_app.adapters.model.claude import ClaudeModel
from github_app.core.access import ModelAccess
from github_app.core.errors import AccessDenied, HonkError, LimitReached, Misconfigured, RateLimited, Transient
from github_app.core.model import Usage
from github_app.core.ports import ModelReply
from github_app.localhub.model import events_of
from tests.adapters.test_models import REQUEST, serving

USAGE = {"input_tokens": 1_000_000, "output_tokens": 0, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
MESSAGE = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "x",
    "content": [{"type": "text", "text": "Hi."}],
    "stop_reason": "end_turn",
    "usage": USAGE,
}
NAMES = {
    "bedrock": "global.anthropic.claude-sonnet-5-5-20260801-v1:0",
    "vertex": "claude-sonnet-5-5@20260801",
    "foundry": "claude-sonnet-5-5",
}
PATHS = {
    "/model/global.anthropic.claude-sonnet-5-5-20260801-v1:0/invoke-with-response-stream": "bedrock",
    "/projects/acme/locations/global/publishers/anthropic/models/claude-sonnet-5-5@20260801:streamRawPredict": "vertex",
    "/anthropic/v1/messages": "foundry",
}


@dataclass
class Cloud:
    """What was asked of the endpoint, and what it says instead of a message."""

    url: str = ""
    asked: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    refusal: tuple[int, Any] | None = None
    frames: bytes = b""

    async def answer(self, request: Request) -> Response:
        body, headers = json.loads(await request.body()), dict(request.headers)
        self.asked.append((request.url.path, headers, body))
        provider = PATHS.get(request.url.path)
        if provider is None:
            return JSONResponse({"message": f"no such path: {request.url.path}"}, 404)
        if self.refusal is not None:
            status, said = self.refusal
            return JSONResponse(said, status, headers={"x-amzn-requestid": "aws-7"})
        if provider == "bedrock":
            frames = self.frames or b"".join(frame(chunk(event)) for event in events_of(MESSAGE))
            return Response(
                frames, media_type="application/vnd.amazon.eventstream", headers={"x-amzn-requestid": "aws-7"}
            )
        return Response(b"".join(events_of(MESSAGE)), media_type="text/event-stream", headers={"request-id": "r-7"})


def chunk(event: bytes) -> bytes:
    """A server-sent event as Bedrock wraps it: base64 within JSON."""
    data = event.split(b"data: ", 1)[1].strip()
    return json.dumps({"bytes": base64.b64encode(data).decode()}).encode()


def frame(payload: bytes, kind: str = "event", name: str = "chunk") -> bytes:
    """One message of AWS's event stream: https://smithy.io/2.0/aws/amazon-eventstream.html"""
    given = {":message-type": kind, f":{kind}-type": name, ":content-type": "application/json"}
    headers = b"".join(
        bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for key, value in given.items()
    )
    start = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    start += struct.pack(">I", zlib.crc32(start))
    whole = start + headers + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Cloud]:
    cloud = Cloud()
    app = Starlette(routes=[Route("/{path:path}", cloud.answer, methods=["POST"])])
    with serving(app) as cloud.url:
        yield cloud


@pytest.fixture
def cloud(endpoint: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Cloud:
    endpoint.asked.clear()
    endpoint.refusal, endpoint.frames = None, b""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-of-anthropic")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return endpoint


def access_to(cloud: Cloud, provider: str, **more: Any) -> ModelAccess:
    match provider:
        case "bedrock":
            return ModelAccess(**{
                "provider": "bedrock", "region": "us-east-1", "base_url": cloud.url, "api_key": "hush", **more
            })  # fmt: skip
        case "vertex":
            return ModelAccess(**{
                "provider": "vertex", "region": "global", "project": "acme", "base_url": cloud.url, **more
            })  # fmt: skip
        case _:
            return ModelAccess(provider="foundry", api_key="hush", base_url=f"{cloud.url}/anthropic/", **more)


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that Google's own library finds credentials on."""
    from google.oauth2.credentials import Credentials

    def found(**_: Any) -> tuple[Credentials, str]:
        credentials = Credentials(token="hush")
        monkeypatch.setattr(credentials, "refresh", lambda _request: None)
        return credentials, "acme"

    monkeypatch.setattr("google.auth.default", found)


async def ask(access: ModelAccess, model: str) -> ModelReply:
    claude = ClaudeModel(access)
    try:
        return await claude.reply(replace(REQUEST, model=model))
    finally:
        await claude.close()


@pytest.mark.usefixtures("google")
@pytest.mark.parametrize(
    ("provider", "proof", "request_id"),
    [
        ("bedrock", {"authorization": "Bearer hush"}, "aws-7"),
        ("vertex", {"authorization": "Bearer hush"}, "r-7"),
        ("foundry", {"x-api-key": "hush"}, "r-7"),
    ],
)
async def test_each_cloud_is_asked_in_its_own_way(cloud: Cloud, provider: str, proof: dict[str, str], request_id: str):
    reply = await ask(access_to(cloud, provider), NAMES[provider])

    assert (reply.content, reply.request_id) == (({"type": "text", "text": "Hi."},), request_id)
    [(path, headers, body)] = cloud.asked
    assert PATHS[path] == provider
    assert proof.items() <= headers.items()
    assert "sk-of-anthropic" not in json.dumps([headers, body])
    # What a cloud takes out of the body stands in the address; all else is as Anthropic's own API has it.
    assert body.get("model") == (NAMES["foundry"] if provider == "foundry" else None)
    assert ("anthropic_version" in body) == (provider != "foundry")
    assert body["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert body["thinking"] == {"type": "adaptive"}
    assert (body["tools"], body["messages"]) == (list(REQUEST.tools), list(REQUEST.messages))
    assert reply.usage.cost_micro_usd == 2_000_000


async def test_bedrock_is_signed_for_with_the_machines_own_credentials(cloud: Cloud, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")

    await ask(access_to(cloud, "bedrock", api_key=None), NAMES["bedrock"])

    [(_, headers, _)] = cloud.asked
    signed = headers["authorization"]
    assert signed.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/us-east-1/bedrock/aws4_request" in signed
    assert "hush" not in json.dumps(headers)


async def test_a_region_of_its_own_costs_a_tenth_more(cloud: Cloud):
    model = ClaudeModel(access_to(cloud, "vertex", region="europe-west1"))

    assert model.price_of("claude-sonnet-5-5@20260801", Usage(output_tokens=10**6)) == 11_000_000
    assert model.price_of("claude-haiku-5-5", Usage(cache_read_tokens=1)) == 2  # rounded up


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (400, {"message": "The provided model identifier is invalid."}, Misconfigured),
        (400, {"message": "Invocation of model ID x with on-demand throughput isn't supported."}, Misconfigured),
        (400, {"message": "Input is too long for requested model."}, LimitReached),
        (403, {"message": "The security token included in the request is invalid."}, AccessDenied),
        (404, {"message": "Could not resolve the foundation model"}, Misconfigured),
    ],
)
async def test_what_bedrock_refuses_is_named_by_who_must_act(
    cloud: Cloud, status: int, said: Any, error: type[HonkError]
):
    cloud.refusal = status, said
    with pytest.raises(error) as caught:
        await ask(access_to(cloud, "bedrock"), NAMES["bedrock"])
    assert type(caught.value) is error
    if error is not LimitReached:
        assert "aws-7" in str(caught.value)


async def test_what_was_signed_is_not_told(cloud: Cloud):
    words = "The request signature we calculated does not match.\n\nThe Canonical String: x-amz-security-token:hush"
    cloud.refusal = 403, {"message": words}
    with pytest.raises(AccessDenied, match="signature we calculated") as caught:
        await ask(access_to(cloud, "bedrock"), NAMES["bedrock"])
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("throttlingException", RateLimited),
        ("internalServerException", Transient),
        ("modelStreamErrorException", Transient),
    ],
)
async def test_a_stream_of_bedrocks_may_break_off(cloud: Cloud, name: str, error: type[HonkError]):
    first = next(iter(events_of(MESSAGE)))
    cloud.frames = frame(chunk(first)) + frame(b'{"message": "later"}', "exception", name)
    with pytest.raises(error):
        await ask(access_to(cloud, "bedrock"), NAMES["bedrock"])


async def test_a_machine_without_credentials_for_aws(cloud: Cloud):
    # The SDK keeps what it found, for each region.
    with pytest.raises(AccessDenied, match="no credentials"):
        await ask(access_to(cloud, "bedrock", api_key=None, region="eu-north-1"), NAMES["bedrock"])
    assert cloud.asked == []


def _raising(error: Exception) -> Callable[..., Any]:
    def default(**_: Any) -> Any:
        raise error

    return default


async def test_a_machine_without_credentials_for_google(cloud: Cloud, monkeypatch: pytest.MonkeyPatch):
    from google.auth.exceptions import DefaultCredentialsError, TransportError

    for raised, error in ((DefaultCredentialsError("hush"), AccessDenied), (TransportError("hush"), Transient)):
        monkeypatch.setattr("google.auth.default", _raising(raised))
        with pytest.raises(error) as caught:
            await ask(access_to(cloud, "vertex"), NAMES["vertex"])
        assert "hush" not in str(caught.value)
    assert cloud.asked == []


@pytest.mark.parametrize(("provider", "module"), [("bedrock", "boto3"), ("vertex", "google.auth")])
async def test_a_package_that_is_missing_is_named(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, provider: str, module: str
):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "google.auth.transport.requests", raising=False)
    with pytest.raises(Misconfigured, match=rf"pip install 'honk\[{provider}\]'"):
        await ask(access_to(cloud, provider), NAMES[provider])
