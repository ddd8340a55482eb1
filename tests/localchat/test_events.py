"""The local Slack sends as Slack does: signed, again when nobody answers in time, and says why."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from github_app.localchat.chat import LocalChat
from github_app.localchat.post import sign
from github_app.localhub.server import serve


def test_events_are_signed_and_come_again_until_they_are_answered():
    seen: list[tuple[dict[str, str], bytes]] = []
    answers = [500, 503, 200, 401]

    async def take(request: Request) -> Response:
        seen.append((dict(request.headers), await request.body()))
        status = answers[len(seen) - 1]
        return PlainTextResponse("", status, {"X-Slack-No-Retry": "1"} if status == 401 else {})

    served = serve(Starlette(routes=[Route("/", take, methods=["POST"])]), "127.0.0.1", 0)
    chat = LocalChat(f"http://127.0.0.1:{served.port}/").start()
    try:
        workspace = chat.workspace
        ann = workspace.person("ann")
        workspace.say(ann, workspace.direct(ann), "hello")
        chat.post.settle()
        retries = [(each.get("x-slack-retry-num"), each.get("x-slack-retry-reason")) for each, _ in seen]
        assert retries == [(None, None), ("1", "http_error"), ("2", "http_error")]
        assert len({body for _, body in seen}) == 1
        for headers, body in seen:
            at = int(headers["x-slack-request-timestamp"])
            assert headers["x-slack-signature"] == sign(workspace.app.signing_secret, body, at)
        workspace.say(ann, workspace.direct(ann), "refused for good")
        chat.post.settle()
        assert len(seen) == 4
    finally:
        chat.stop()
        served.stop()


def test_what_nobody_answers_comes_again_for_that():
    chat = LocalChat("http://127.0.0.1:9/").start()
    try:
        ann = chat.workspace.person("ann")
        chat.workspace.say(ann, chat.workspace.channel("general", ann), "@honk hello")
        chat.post.settle()
        assert [each.kind for each in chat.post.sent] == ["message", "app_mention"]
        assert {each["X-Slack-Retry-Reason"] for each in chat.post.sent[0].retry_headers} == {"http_timeout"}
    finally:
        chat.stop()
