"""A local GitHub per test, judged by GitHub's documents, with an app, a repository and people."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from github import Auth, Github, GithubIntegration
from github.Repository import Repository as RemoteRepository

from github_app.localhub.actions import ScriptedRunner
from github_app.localhub.hub import LocalHub
from github_app.localhub.judge import Judge
from github_app.localhub.people import Person
from github_app.localhub.registration import NewApp, new_private_key
from github_app.localhub.values import Installation, Repository

PERMISSIONS = {
    "actions": "write", "checks": "write", "contents": "write", "issues": "write", "pull_requests": "write",
    "statuses": "write",
}  # fmt: skip
EVENTS = (
    "check_run", "check_suite", "create", "delete", "issue_comment", "issues", "pull_request", "pull_request_review",
    "pull_request_review_comment", "pull_request_review_thread", "push", "status", "workflow_run",
)  # fmt: skip
FILES = {"a.txt": "one\ntwo\nthree\n", "docs/b.txt": "b\n"}
WORKFLOW = (
    "name: CI\non: [push, pull_request]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps: [{run: 'true'}]\n"
)


class Clock:
    """The time of the test's world."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Receiver:
    """A webhook receiver on a real socket; `status` is what it answers."""

    url: str = ""
    status: int = 202
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture(scope="session")
def key() -> str:
    return new_private_key()


@pytest.fixture(scope="session")
def judge() -> Judge:
    return Judge()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    it = Receiver()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            it.received.append((dict(self.headers.items()), body))
            self.send_response(it.status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    it.url = f"http://127.0.0.1:{server.server_port}/webhooks/github"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield it
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def runner() -> ScriptedRunner:
    return ScriptedRunner()


@pytest.fixture
def hub(tmp_path: Path, judge: Judge, clock: Clock, runner: ScriptedRunner) -> Iterator[LocalHub]:
    with LocalHub(tmp_path / "hub", judge=judge, clock=clock, runner=runner) as it:
        yield it
        it.settle()
    assert it.violations == []


@dataclass
class Story:
    """The cast: an app that is installed on acme/app, and alice, who may write there."""

    hub: LocalHub
    made: NewApp
    installation: Installation
    repo: Repository
    alice: Person

    def integration(self) -> GithubIntegration:
        auth = Auth.AppAuth(self.made.app.id, self.made.private_key)
        return GithubIntegration(
            auth=auth, base_url=self.hub.api_url, seconds_between_requests=0, seconds_between_writes=0,
            retry=None,
        )  # fmt: skip

    def client(self, **permissions: str) -> Github:
        auth = Auth.AppAuth(self.made.app.id, self.made.private_key)
        return self.as_(auth.get_installation_auth(self.installation.id, permissions or PERMISSIONS))

    def as_(self, auth: Auth.Auth) -> Github:
        return Github(
            auth=auth, base_url=self.hub.api_url, seconds_between_requests=0, seconds_between_writes=0,
            retry=None,
        )  # fmt: skip

    def remote(self, **permissions: str) -> RemoteRepository:
        return self.client(**permissions).get_repo(self.repo.full_name)

    def events(self) -> list[str]:
        self.hub.settle()
        return [f"{d.event}.{d.payload.get('action', '')}".rstrip(".") for d in self.hub.deliveries]

    def token(self, **permissions: str) -> str:
        """Mint an installation token for acme/app alone."""
        body: dict[str, Any] = {"repository_ids": [self.repo.id], "permissions": permissions or PERMISSIONS}
        url = f"/app/installations/{self.installation.id}/access_tokens"
        _, answer = self.integration().requester.requestJsonAndCheck("POST", url, input=body)
        return str(answer["token"])

    def text(self, path: str, ref: str = "main") -> str:
        """Read a file through REST."""
        found = self.remote().get_contents(path, ref=ref)
        assert not isinstance(found, list)
        return found.decoded_content.decode()

    def names(self, path: str) -> set[str]:
        """List a folder through REST."""
        found = self.remote().get_contents(path)
        assert isinstance(found, list)
        return {f.path for f in found}

    def git_url(self, token: str) -> str:
        return f"http://x-access-token:{token}@{self.hub.url.removeprefix('http://')}/{self.repo.full_name}.git"


@pytest.fixture
def story(hub: LocalHub, key: str, receiver: Receiver) -> Story:
    made = hub.create_app(
        "honk", permissions=PERMISSIONS, events=EVENTS, webhook_url=receiver.url, webhook_secret="s3cret",
        private_key=key,
    )  # fmt: skip
    repo = hub.create_repository("acme/app", FILES)
    alice = hub.grant(repo, "alice", "write")
    return Story(hub, made, hub.install(made.app, "acme", [repo]), repo, alice)
