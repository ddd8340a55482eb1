"""`honk setup`: registers Honk as a GitHub App by a form in the browser, and writes what comes of it to two files."""

from __future__ import annotations

import os
import re
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TextIO

import yaml

from github_app.adapters.hub.registration import convert
from github_app.core.errors import Misconfigured
from github_app.core.messages import setup
from github_app.core.registration import CALLBACK_PATH, MAX_NAME, WEBHOOK_PATH, Registered, Registration, settings_text
from github_app.settings import read_hosts

KEY_FILE, SETTINGS_FILE = "honk.private-key.pem", "honk.env"
INTERRUPTED = 130


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was asked for: the server's address (`url`), another one for deliveries (`webhook_url`, such as a tunnel's),
    whose App, its name, the folder for the files, and the port on this machine (0: any)."""

    url: str
    webhook_url: str
    organization: str
    name: str
    folder: Path
    port: int


def set_up(choice: Choice) -> int:
    """Serve the form until the App is registered; the exit code. Raises `Misconfigured`, before anything is done."""
    import uvicorn
    from starlette.applications import Starlette

    from github_app.web.registration import registration_routes

    _check(choice)
    key_file, settings_file = (choice.folder.absolute() / name for name in (KEY_FILE, SETTINGS_FILE))
    hosts = read_hosts()
    done: list[Registered] = []
    with socket.create_server(("127.0.0.1", choice.port)) as listening:
        here = f"http://127.0.0.1:{listening.getsockname()[1]}"
        registration = Registration(
            github_url=hosts.github_url,
            organization=choice.organization,
            name=choice.name or f"honk-{choice.organization or secrets.token_hex(2)}"[:MAX_NAME],
            webhook_url=choice.webhook_url or f"{choice.url.rstrip('/')}{WEBHOOK_PATH}",
            return_url=f"{here}/created",
            callback_url=f"{choice.url.rstrip('/')}{CALLBACK_PATH}" if choice.url else "",
        )

        def finish(code: str) -> Registered:
            with _fresh(key_file) as key, _fresh(settings_file) as settings:
                app = convert(code, api_url=hosts.api_url, ca_file=hosts.ca_file)
                key.write(app.private_key)
                public_url = choice.url.rstrip("/")
                settings.write(
                    settings_text(app, key_file=str(key_file), github_url=hosts.github_url, public_url=public_url)
                )
            done.append(app)
            return app

        def close() -> None:
            server.should_exit = True

        state = secrets.token_urlsafe(24)
        routes = registration_routes(registration, _wanted(), state=state, finish=finish, close=close)
        config = uvicorn.Config(Starlette(routes=routes), log_level="warning", ws="none", lifespan="off")
        server = uvicorn.Server(config)
        print(setup.opening(f"{here}/{state}"), flush=True)
        with suppress(KeyboardInterrupt):
            server.run([listening])
    if not done:
        print(setup.left())
        return INTERRUPTED
    program = str(Path(sys.executable).with_name("honk"))
    files_made = {"settings_file": str(settings_file), "key_file": str(key_file)}
    print(setup.done(done[0], webhook_url=registration.webhook_url, program=program, **files_made))
    return 0


def _check(choice: Choice) -> None:
    for name in (KEY_FILE, SETTINGS_FILE):
        if (path := choice.folder / name).exists():
            raise Misconfigured(f"{path} is there already; move it away, or name another folder by --folder")
    if not (choice.url or choice.webhook_url):
        raise Misconfigured("say by --url where people and GitHub will reach this server, or --webhook-url a tunnel's")
    for name, url in (("--url", choice.url), ("--webhook-url", choice.webhook_url)):
        if url and not re.fullmatch(r"https?://[^\s/?#]+[^\s]*", url):
            raise Misconfigured(f"{name} must be an http(s) URL, not `{url}`")
    if not re.fullmatch(r"[\w-]*", choice.organization, re.ASCII):
        raise Misconfigured(f"--organization must be the account's name, not `{choice.organization}`")
    if len(choice.name) > MAX_NAME:
        raise Misconfigured(f"--name may have {MAX_NAME} characters at most")


def _wanted() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((files("github_app") / "app.yml").read_text(encoding="utf-8"))
    return found


@contextmanager
def _fresh(path: Path) -> Iterator[TextIO]:
    """A new file that only its owner may read; it is gone again if what was to stand in it could not be had."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
    except BaseException:
        path.unlink()
        raise
