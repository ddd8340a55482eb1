"""A page to try it in a browser: channels, threads, who sees what, and where to type. Anybody here may be anybody."""

from __future__ import annotations

import re
from html import escape, unescape
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from github_app.localchat.values import Channel, Message
from github_app.localchat.workspace import Workspace

_STYLE = (
    "body{font:15px/1.4 sans-serif;max-width:60em;margin:1em auto;padding:0 1em}"
    "article{border-left:3px solid #ddd;margin:.6em 0;padding:.2em .8em}article article{margin-left:1em}"
    ".whisper{background:#f6f3e6}pre{white-space:pre-wrap;font:inherit;margin:.2em 0}form{display:inline}"
)
_LINK = re.compile(r"&lt;(https?://[^|&]*(?:&amp;[^|&]*)*)(?:\|(.*?))?&gt;")


def page_routes(workspace: Workspace) -> list[Route]:
    """The page, and what its forms do."""

    def show(request: Request) -> Response:
        chosen = request.query_params.get("as", next((u.name for u in workspace.users.values() if not u.is_bot), ""))
        with workspace.lock:
            parts = [_channel(each, chosen) for each in workspace.channels.values()]
        people = " ".join(
            f'<a href="/?as={escape(u.name)}">{escape(u.name)}</a>' for u in workspace.users.values() if not u.is_bot
        )
        body = f"<h1>localchat</h1><p>You are <b>{escape(chosen)}</b>. Be: {people}</p>{''.join(parts)}"
        head = f'<!doctype html><meta charset="utf-8"><title>localchat</title><style>{_STYLE}</style>'
        return HTMLResponse(f'{head}<meta http-equiv="refresh" content="15">{body}')

    async def act(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        _act(workspace, form)
        return RedirectResponse(f"/?as={form.get('as', '')}", 303)

    return [Route("/", show), Route("/act", act, methods=["POST"])]


def _act(workspace: Workspace, form: dict[str, str]) -> None:
    user, channel = workspace.person(form["as"]), workspace.channels[form["channel"]]
    message = channel.find(form.get("thread", ""))
    message = message or next((each for each in channel.messages if each.ts == form.get("thread")), None)
    text = form.get("text", "").strip()
    if form.get("hand") and message is not None:
        workspace.hand_over(user, channel, message)
    elif form.get("press") and message is not None:
        workspace.press(user, channel, message, form["press"])
    elif text.startswith("/honk"):
        workspace.command(user, channel, text.removeprefix("/honk").strip())
    elif text:
        workspace.say(user, channel, text, thread=message)


def _channel(channel: Channel, who: str) -> str:
    if channel.kind == "im" and channel.name != f"@{who}":
        return ""
    seen = [each for each in channel.messages if each.only_for is None or each.only_for.name == who]
    threads = ""
    for first in (each for each in seen if each.thread_ts is None):
        rest = "".join(_message(each, channel, who) for each in seen if each.thread_ts == first.ts)
        threads += _message(first, channel, who, rest + _form(channel, who, first.ts, "Reply"))
    name = channel.name if channel.kind == "im" else f"#{channel.name}"
    return f"<section><h2>{escape(name)}</h2>{threads}{_form(channel, who, '', 'Say')}</section>"


def _message(message: Message, channel: Channel, who: str, more: str = "") -> str:
    text = _LINK.sub(lambda found: _anchor(found[1], found[2] or found[1]), escape(message.shown, quote=False))
    text = text.replace("&amp;lt;", "&lt;").replace("&amp;gt;", "&gt;").replace("&amp;amp;", "&amp;")
    buttons = "".join(_button(each, message, channel, who) for each in message.buttons)
    if not message.user.is_bot:
        hidden = _hidden({"as": who, "channel": channel.id, "thread": message.ts, "hand": "yes"})
        buttons = f'<form method="post" action="/act">{hidden}<button>Hand to Honk</button></form>'
    note = " (only you see this)" if message.only_for else ""
    edited = " (edited)" if message.edits else ""
    kind = ' class="whisper"' if message.only_for else ""
    head = f"<b>{escape(message.user.name)}</b>{note}{edited}"
    return f"<article{kind}>{head}<pre>{text}</pre>{buttons}{more}</article>"


def _anchor(address: str, label: str) -> str:
    return f'<a href="{escape(unescape(address))}" rel="noreferrer">{label}</a>'


def _button(button: dict[str, object], message: Message, channel: Channel, who: str) -> str:
    label = str(button["text"]["text"])  # type: ignore[index]
    if button.get("url"):
        return f'<a href="{escape(str(button["url"]))}">{escape(label)}</a> '
    hidden = _hidden({"as": who, "channel": channel.id, "thread": message.ts, "press": label})
    return f'<form method="post" action="/act">{hidden}<button>{escape(label)}</button></form> '


def _form(channel: Channel, who: str, thread: str, label: str) -> str:
    hidden = _hidden({"as": who, "channel": channel.id, "thread": thread})
    field = '<input name="text" size="60" placeholder="@honk …, or /honk …">'
    return f'<form method="post" action="/act">{hidden}{field}<button>{label}</button></form>'


def _hidden(values: dict[str, str]) -> str:
    return "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in values.items())
