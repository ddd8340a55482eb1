"""`honk run`, `honk steer`, `honk stop` and `honk mcp`: a Honk elsewhere is asked by its API, with HONK_TOKEN."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from github_app.core.errors import Misconfigured, Refused
from github_app.core.session import Status
from github_app.remote.telling import print_events, print_report, print_session
from github_app.remote.waiting import decided, is_ours
from github_app.settings import read_remote

if TYPE_CHECKING:
    from github_app.remote.client import Client

NEEDS_PERSON = 3
"""The exit code of a run that ended with a question to people."""


def run(
    repository: str,
    *,
    issue: int | None,
    prompt: str,
    title: str,
    text: str,
    review: int | None,
    question: str,
    is_followed: bool,
    is_json: bool,
) -> int:
    """Begin work or a report and say what came of that; followed, until it is people's turn. Exit code 0: it has begun,
    or is ready for review, or the report is made; 3: a person is asked something; 1: it did not begin, or ended
    otherwise."""
    client = _client()
    prompt = sys.stdin.read() if prompt == "-" else prompt
    if not (issue or review or question.strip() or prompt.strip()):
        raise Misconfigured(
            "say what to do: --issue N, --review N, --ask TEXT or --prompt TEXT (`-` reads it from stdin)"
        )
    wanted = {"issue": issue, "prompt": prompt, "title": title, "text": text, "review": review, "question": question}
    asked = decided(client, client.start(repository, **wanted))
    _tell(asked, is_json=is_json)
    if asked["session"] is None or not is_followed:
        return 0 if asked["state"] == "waiting" or asked["session"] is not None else 1
    print_session(client.session(asked["session"]), is_json=is_json)
    status = print_events(client, asked["session"], is_json=is_json, sleep=time.sleep, goes_on=is_ours)
    if status is Status.NEEDS_HUMAN:
        print(f"honk: a person is asked something: see {asked['issue_url']}", file=sys.stderr)
        return NEEDS_PERSON
    about = client.session(asked["session"])
    if about["kind"] != "change":
        return print_report(about, is_json=is_json)
    return 1 if status is Status.CLOSED else 0


def steer(session_id: str, text: str, *, is_json: bool) -> int:
    """Say something to a session, and what came of that."""
    client = _client()
    return _told(decided(client, client.steer(session_id, text)), is_json=is_json)


def stop(session_id: str, *, is_json: bool) -> int:
    """End a session's work."""
    client = _client()
    return _told(decided(client, client.stop(session_id)), is_json=is_json)


def serve_tools() -> int:
    """Serve MCP on stdin and stdout until they close."""
    client = _client()
    try:
        from github_app.remote.toolserver import serve
    except ModuleNotFoundError as error:
        raise Misconfigured(f"{error.name} is not installed: install Honk with its extra `mcp`") from error
    serve(client)
    return 0


def _client() -> Client:
    remote = read_remote()
    if remote is None:
        raise Misconfigured("HONK_TOKEN is not set: make a token on Honk's page `/tokens`, and set HONK_URL, too")
    from github_app.remote.client import Client

    url, token = remote
    return Client(url=url, token=token)


def _told(asked: dict[str, Any], *, is_json: bool) -> int:
    _tell(asked, is_json=is_json)
    return 1 if asked["state"] == "failed" else 0


def _tell(asked: dict[str, Any], *, is_json: bool) -> None:
    if is_json:
        print(json.dumps(asked), flush=True)
        return
    if asked["state"] == "failed":
        raise Refused(f"it could not be decided on; {asked['issue_url']} says why")
    why = asked["why"] or "recorded, and not decided on yet"
    session = f"{asked['session']}: " if asked["session"] else ""
    print(f"{session}{why}\n{asked['issue_url']}", flush=True)
