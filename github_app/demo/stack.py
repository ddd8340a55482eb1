"""Everything the loop needs, started on this machine: localhub, a scripted model, and Honk as a process of its own that
knows them by environment variables alone, just as in production."""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from github_app.app import permissions_used, subscribed_events
from github_app.core.errors import HonkError
from github_app.core.registration import CALLBACK_PATH
from github_app.localchat.chat import LocalChat
from github_app.localhub import modelrequest
from github_app.localhub.actions import Runner
from github_app.localhub.hub import LocalHub
from github_app.localhub.judge import Judge
from github_app.localhub.limits import WIDE, Limits
from github_app.localhub.model import ScriptedModel, create_model_app
from github_app.localhub.registration import NewApp
from github_app.localhub.script import Script
from github_app.localhub.server import Certificate, Served, serve
from github_app.localhub.values import Repository
from github_app.settings import child_environment

T = TypeVar("T")

SCRIPTED_KEY = "scripted-model-key"
PROGRAM = (sys.executable, "-m", "github_app")
_START_TIMEOUT_S = 60.0
_the_judge = cache(Judge)  # one for all stacks of a process: it reads GitHub's documents and compiles each schema once


class NotReached(HonkError):
    """Something that should have happened did not, in the time it was given."""


@dataclass(kw_only=True)
class Stack:
    """The parts, running. Use as a context manager; `script` None means the real model, by the person's own key.

    `settings` are environment variables for Honk on top of the usual ones. With `keep`, files stay when it ends.
    `program` is Honk, as a command line. GitHub's `limits` are wide, as Honk does not pace its writes here.
    With `tls`, GitHub and the model speak that; `with_chat`, there is a Slack, too. Where there is one, or with
    `has_sign_in`, people sign in to Honk's pages.
    """

    script: Script | None
    runner: Runner | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    keep: bool = False
    program: tuple[str, ...] = PROGRAM
    limits: Limits = WIDE
    tls: Certificate | None = None
    with_chat: bool = False
    has_sign_in: bool = False
    webhook_secret: str = field(default_factory=secrets.token_hex, repr=False)
    chat: LocalChat | None = field(init=False, default=None)
    hub: LocalHub = field(init=False)
    model: ScriptedModel | None = field(init=False, default=None)
    root: Path = field(init=False)
    port: int = field(init=False)
    _app: NewApp = field(init=False)
    _model_server: Served | None = field(init=False, default=None)
    _process: subprocess.Popen[bytes] | None = field(init=False, default=None)

    def __enter__(self) -> Self:
        """Start localhub and the model; Honk starts with `start_honk`."""
        self.root = Path(tempfile.mkdtemp(prefix="honk-"))
        # Others may pass through, not look: sandboxes run as another user where Honk is root.
        self.root.chmod(0o711)
        self.port = _free_port()
        self.hub = LocalHub(self.root / "hub", runner=self.runner, judge=_the_judge(), limits=self.limits).start(
            tls=self.tls
        )
        self._app = self.hub.create_app(
            "honk",
            permissions=permissions_used(),
            events=subscribed_events(),
            webhook_url=f"{self.url}/webhooks/github",
            webhook_secret=self.webhook_secret,
            callback_urls=[f"{self.url}{CALLBACK_PATH}"],
        )
        if self.with_chat:
            self.chat = LocalChat(f"{self.url}/webhooks/slack").start()
        if self.script is not None:
            app = create_model_app(self.script)
            self.model = app.state.model
            # The SDK's types, by which requests are checked, take two seconds to import: not within the story.
            threading.Thread(target=modelrequest.warm, name="warm-up", daemon=True).start()
            self._model_server = serve(app, "127.0.0.1", 0, self.tls)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, in the order of a person closing windows."""
        self.stop_honk()
        if self._model_server is not None:
            self._model_server.stop()
        if self.chat is not None:
            self.chat.stop()
        self.hub.stop()
        if not self.keep:
            shutil.rmtree(self.root, ignore_errors=True)

    @property
    def url(self) -> str:
        """Where Honk listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_path(self) -> Path:
        """Honk's log, JSON lines."""
        return self.root / "honk.log"

    def install(self, repo: Repository) -> None:
        """Install the app on a repository."""
        self.hub.install(self._app.app, repo.owner.login, [repo])

    def environment(self) -> dict[str, str]:
        """The variables by which Honk knows where it is: nothing else tells it that this is not github.com."""
        env = child_environment() if self.script is not None else child_environment("ANTHROPIC_API_KEY")
        env |= child_environment("ANTHROPIC_BASE_URL", "HONK_MODEL") if self.script is None else {}
        env |= {
            "HONK_APP_ID": str(self._app.app.id),
            "HONK_PRIVATE_KEY": self._app.private_key,
            "HONK_WEBHOOK_SECRET": self.webhook_secret,
            "HONK_GITHUB_URL": self.hub.url,
            "HONK_DATA_DIR": str(self.root / "data"),
            "HONK_PORT": str(self.port),
            "HONK_PUBLIC_URL": self.url,
            "HONK_WRITE_PAUSE_S": "0",
            "HONK_CHECKS_GRACE_S": "5",
            "HONK_JUDGE_MODEL": "",  # only where it is wanted
            "HONK_CHECKS_SETTLE_S": "0",  # here all that will begin has begun at once
        }
        if self.has_sign_in or self.chat is not None:
            env |= {"HONK_CLIENT_ID": self._app.app.client_id, "HONK_CLIENT_SECRET": self._app.app.client_secret}
        if self._model_server is not None:
            env |= {
                "ANTHROPIC_API_KEY": SCRIPTED_KEY,
                "ANTHROPIC_BASE_URL": f"{'https' if self.tls else 'http'}://127.0.0.1:{self._model_server.port}",
            }
        if self.chat is not None:
            env |= self.chat.environment()
        return env | dict(self.settings)

    def start_honk(self, *options: str) -> None:
        """Start `honk serve` and return when it takes deliveries. Raises `NotReached` with the end of its log."""
        self._process = self.spawn("serve", *options)
        self.wait_for("Honk to be ready", self.is_ready, timeout_s=_START_TIMEOUT_S)

    def spawn(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command of Honk's, which logs to the same file."""
        with self.log_path.open("ab") as log:
            return subprocess.Popen(
                [*self.program, *words],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.root,
                start_new_session=True,
            )

    def stop_honk(self, *, how: signal.Signals = signal.SIGTERM) -> None:
        """End Honk by a signal and wait for it."""
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def wait_for(self, what: str, look: Callable[[], T | None], *, timeout_s: float = 60.0) -> T:
        """Look again and again until there is something (neither None nor False). Raises `NotReached` after the
        time."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = look()
            if found:
                return found
            if self._process is not None and self._process.poll() is not None:
                raise NotReached(f"Honk ended with {self._process.returncode}.\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise NotReached(f"waited {timeout_s:.0f} s for {what}.\n{self.log_tail()}")
            time.sleep(0.02)

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of Honk's log."""
        if not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text("utf-8", "replace").splitlines()[-lines:])

    def is_ready(self) -> bool:
        """Whether the door takes deliveries."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:  # noqa: S310 — our own URL
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
