"""Git over HTTP: `git http-backend` behind a token check, with bodies streamed both ways.

What a push moved is found by comparing the refs before and after, so it takes the same road as a ref moved by REST.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

from fastapi.concurrency import run_in_threadpool

from . import auth, git
from .deeds import refs
from .exchange import ApiError, Caller, Message, Receive, Scope, Send
from .faults import Faults
from .values import Repository
from .world import World

PATH = re.compile(
    r"^/(?P<owner>[^/]+)/(?P<name>[^/]+?)\.git(?P<rest>/(?:info/refs|git-(?:upload|receive)-pack|HEAD|objects/.*))$"
)


class Refused(Exception):
    """The request gets this status and text instead of git."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class GitOverHttp:
    """ASGI application for `/{owner}/{name}.git/…`."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world, self._faults = world, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of a git client."""
        headers = {k.decode().lower(): v.decode("latin-1") for k, v in scope["headers"]}
        match = PATH.match(scope["path"])
        writing = "receive-pack" in scope["path"] + scope["query_string"].decode()
        try:
            if match is None:
                raise Refused(404, "Repository not found.")
            caller, repo = await run_in_threadpool(self._admit, match, headers, writing)
            fault = self._faults.take(f"{scope['method']} {scope['path']}", ("before", "declined"), repo=repo.full_name)
            if fault and fault.kind == "before":
                raise Refused(fault.status, "localhub: a fault was asked for")
        except Refused as refused:
            await _refuse(send, refused)
            return
        more = {
            "GIT_PROJECT_ROOT": str(repo.git_dir.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{repo.git_dir.name}{match['rest']}",
            "REQUEST_METHOD": scope["method"],
            "QUERY_STRING": scope["query_string"].decode(),
            "CONTENT_TYPE": headers.get("content-type", ""),
            "REMOTE_USER": caller.user.login if caller.user else "anonymous",
            "REMOTE_ADDR": "127.0.0.1",
            "GIT_PROTOCOL": headers.get("git-protocol", ""),
            "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
            "LOCALHUB_PROTECTED": ":".join(sorted(repo.protected)),
            "LOCALHUB_WORKFLOWS": "yes" if self._workflows(caller, repo) else "no",
            "LOCALHUB_DECLINE": fault.text or "declined" if fault else "",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        if "content-length" in headers:
            more["CONTENT_LENGTH"] = headers["content-length"]

        async def settle() -> None:
            if writing:
                await run_in_threadpool(self._tell, repo, caller)

        await _serve(git.environment(**more), receive, send, settle=settle)

    def _workflows(self, caller: Caller, repo: Repository) -> bool:
        return caller.token is None or auth.holds(self._world, caller, repo, "workflows", "write")

    def _admit(self, match: re.Match[str], headers: dict[str, str], writing: bool) -> tuple[Caller, Repository]:
        with self._world.lock:
            try:
                caller = auth.identify(self._world, headers.get("authorization", ""))
            except ApiError as problem:
                raise Refused(401, "Invalid username or token.") from problem
            repo = self._world.repository(f"{match['owner']}/{match['name']}")
            if repo is None or not auth.sees(self._world, caller, repo) or (caller.app and not caller.token):
                raise Refused(404 if caller.user else 401, "Repository not found.")
            if not auth.holds(self._world, caller, repo, "contents", "write" if writing else "read"):
                raise Refused(
                    403 if caller.user else 401, f"Write access to repository not granted for {repo.full_name}."
                )
            if writing and repo.archived:
                raise Refused(403, "This repository was archived so it is read-only.")
            return caller, repo

    def _tell(self, repo: Repository, caller: Caller) -> None:
        # Compared with what the world knew last, so that of two pushes at once each move is told exactly once.
        with self._world.lock:
            if caller.user and git.refs(repo.git_dir) != repo.refs:
                refs.refs_changed(self._world, repo, dict(repo.refs), caller.user)


async def _refuse(send: Send, refused: Refused) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    if refused.status == 401:
        headers.append((b"www-authenticate", b'Basic realm="GitHub"'))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{refused.text}\n".encode()})


async def _serve(env: dict[str, str], receive: Receive, send: Send, *, settle: Any) -> None:
    """Run the backend; `settle` is awaited when it has ended and before the client learns that it has."""
    pipe = asyncio.subprocess.PIPE
    backend = await asyncio.create_subprocess_exec(
        git.GIT, "http-backend", env=env, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
    )
    if backend.stdin is None or backend.stdout is None:
        raise RuntimeError("git http-backend without pipes")
    feeding = asyncio.create_task(_feed(receive, backend.stdin))
    try:
        head = await backend.stdout.readuntil(b"\r\n\r\n")
        status, headers = _head(head)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        while chunk := await backend.stdout.read(65_536):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await backend.wait()
        await settle()
        await send({"type": "http.response.body", "body": b""})
    finally:
        feeding.cancel()
        if backend.returncode is None:
            backend.kill()
            await backend.wait()


async def _feed(receive: Receive, stdin: asyncio.StreamWriter) -> None:
    more = True
    try:
        while more:
            message: Message = await receive()
            if message["type"] == "http.disconnect":
                break
            stdin.write(message.get("body", b""))
            await stdin.drain()
            more = message.get("more_body", False)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the backend read all that it wanted
    finally:
        stdin.close()


def _head(raw: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
    status, headers = 200, []
    for line in raw.strip().split(b"\r\n"):
        name, _, value = line.partition(b": ")
        if name.lower() == b"status":
            status = int(value.split()[0])
        else:
            headers.append((name.lower(), value))
    return status, headers
