"""The Web API, as far as it is used: https://docs.slack.dev/reference/methods."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from github_app.localchat.values import Channel, User
from github_app.localchat.workspace import Workspace
from github_app.localhub.faults import REQUEST_KINDS, Fault, Faults


class _Refused(Exception):
    """An answer with `ok: false`."""


class WebApi:
    """The methods, each by its name. `faults` strike by `METHOD`; `calls` are all that were made."""

    def __init__(self, workspace: Workspace, faults: Faults) -> None:
        self._workspace = workspace
        self._faults = faults
        self.calls: list[tuple[str, dict[str, Any]]] = []

    async def answer(self, request: Request) -> Response:
        """Answer one call."""
        method = request.path_params["method"]
        body = await request.body()
        is_json = request.headers.get("content-type", "").startswith("application/json")
        given = {**dict(request.query_params), **(json.loads(body) if is_json and body else dict(_form(body)))}
        fault = self._faults.take(method, REQUEST_KINDS)
        if fault is not None and (struck := _before(fault)) is not None:
            return struck
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if request.headers.get("authorization") != f"Bearer {self._workspace.app.token}":
            return JSONResponse({"ok": False, "error": "invalid_auth"})
        self.calls.append((method, given))
        try:
            told = await run_in_threadpool(self._do, method, given)
        except _Refused as refused:
            return JSONResponse({"ok": False, "error": str(refused)})
        if fault is not None and fault.kind == "after":
            return JSONResponse({"ok": False, "error": "internal_error"}, 500)
        return JSONResponse({"ok": True, **told})

    def _do(self, method: str, given: dict[str, Any]) -> dict[str, Any]:
        acts = {
            "auth.test": self._who,
            "chat.postMessage": self._post,
            "chat.postEphemeral": self._whisper,
            "chat.update": self._update,
            "conversations.history": self._list,
            "conversations.replies": self._list,
            "users.info": self._user,
        }
        if method not in acts:
            raise _Refused("unknown_method")
        with self._workspace.lock:
            return acts[method](given)

    def _who(self, _: dict[str, Any]) -> dict[str, Any]:
        bot = self._workspace.app.bot
        return {"team_id": self._workspace.team, "user_id": bot.id, "user": bot.name, "bot_id": f"B{bot.id[1:]}"}

    def _post(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(given)
        message = self._workspace.put(channel, given)
        return {"channel": channel.id, "ts": message.ts, "message": self._workspace.shape(message)}

    def _whisper(self, given: dict[str, Any]) -> dict[str, Any]:
        channel, user = self._channel(given), self._person(given)
        if user not in channel.members:
            raise _Refused("user_not_in_channel")
        if (thread := given.get("thread_ts")) is not None and len(channel.thread(thread)) < 2:
            # As in the real one: such a message is shown only where there is a thread already.
            return {"message_ts": thread}
        return {"message_ts": self._workspace.put(channel, given, only_for=user).ts}

    def _update(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(given)
        message = channel.find(given.get("ts", ""))
        if message is None:
            raise _Refused("message_not_found")
        if message.user is not self._workspace.app.bot:
            raise _Refused("cant_update_message")
        self._workspace.change(message, given)
        return {"channel": channel.id, "ts": message.ts, "text": message.text}

    def _list(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(given)
        shown = [each for each in channel.messages if each.only_for is None]
        if (thread := given.get("ts")) is not None:
            if channel.find(thread) is None:
                raise _Refused("thread_not_found")
            shown = [each for each in channel.thread(thread) if each.only_for is None]
        else:
            shown = [each for each in shown if each.thread_ts is None][::-1]
        with_metadata = given.get("include_all_metadata") in ("1", "true", True)
        begin, limit = int(given.get("cursor") or 0), int(given.get("limit") or 100)
        page, rest = shown[begin : begin + limit], shown[begin + limit :]
        messages = [
            {**self._workspace.shape(each), **({"metadata": each.metadata} if with_metadata and each.metadata else {})}
            for each in page
        ]
        cursor = {"next_cursor": str(begin + limit) if rest else ""}
        return {"messages": messages, "has_more": bool(rest), "response_metadata": cursor}

    def _user(self, given: dict[str, Any]) -> dict[str, Any]:
        user = self._person(given)
        profile = {"display_name": user.name, "real_name": user.name}
        return {"user": {"id": user.id, "team_id": user.team, "name": user.name, "profile": profile}}

    def _channel(self, given: dict[str, Any]) -> Channel:
        found = self._workspace.channels.get(str(given.get("channel")))
        if found is None:
            raise _Refused("channel_not_found")
        if self._workspace.app.bot not in found.members:
            raise _Refused("not_in_channel")
        return found

    def _person(self, given: dict[str, Any]) -> User:
        found = self._workspace.users.get(str(given.get("user")))
        if found is None:
            raise _Refused("user_not_found")
        return found


def _form(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("utf-8", "replace"))


def _before(fault: Fault) -> Response | None:
    """The answer of faults that strike before anything is done: a limit, or a server in trouble.

    https://docs.slack.dev/apis/web-api/rate-limits
    """
    if fault.kind == "secondary":
        told = {"ok": False, "error": "ratelimited"}
        return JSONResponse(told, 429, {"Retry-After": str(max(1, round(fault.seconds)))})
    if fault.kind == "before":
        return JSONResponse({"ok": False, "error": "service_unavailable"}, fault.status)
    return None
