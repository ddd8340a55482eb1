"""`honk setup` as a person goes through it: a command, a form in the browser, two files."""

from __future__ import annotations

import html
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from github import Auth, GithubIntegration

from github_app.__main__ import main
from github_app.app import permissions_used, subscribed_events
from github_app.localhub.hub import LocalHub
from github_app.localhub.judge import Judge
from github_app.localhub.model import create_model_app
from github_app.localhub.script import Script
from github_app.localhub.server import serve
from github_app.settings import read_settings

URL = "http://127.0.0.1:9"  # where nobody answers


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LocalHub]:
    with LocalHub(tmp_path / "hub", judge=Judge()) as made:
        yield made
        assert made.violations == []


@dataclass
class Browser:
    """A page that is open, and its form."""

    answer: requests.Response

    @classmethod
    def opening(cls, url: str) -> Browser:
        return cls(requests.get(url, timeout=10))

    def submit(self, **filled: str) -> requests.Response:
        """Send the form as it is, with what was filled in; redirects are not followed."""
        page = self.answer.text
        (action,) = re.findall(r'<form method="post" action="([^"]+)"', page)
        given = dict(re.findall(r'<input[^>]*name="([^"]+)" value="([^"]*)"', page))
        fields = {name: html.unescape(value) for name, value in given.items()} | filled
        base = f"{urlsplit(self.answer.url).scheme}://{urlsplit(self.answer.url).netloc}"
        target = html.unescape(action)
        return requests.post(
            target if "://" in target else base + target, data=fields, timeout=10, allow_redirects=False
        )


@contextmanager
def running(hub: LocalHub, folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`honk setup` in a process of its own, and where its form is."""
    process = subprocess.Popen(
        [sys.executable, "-m", "github_app", "setup", "--url", URL, "--folder", str(folder), *options],
        env={**os.environ, "HONK_GITHUB_URL": hub.url},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = next(line for line in process.stdout if "http://127" in line)
        yield process, said.strip()
    finally:
        process.kill()
        process.communicate()


def created(url: str) -> str:
    """Where GitHub sends the browser back to."""
    return f"{url.rpartition('/')[0]}/created"


def test_a_form_in_the_browser_and_the_app_is_there_with_its_key_and_settings(hub: LocalHub, tmp_path: Path):
    with running(hub, tmp_path, "--organization", "acme") as (process, url):
        form = Browser.opening(url)
        assert f"form-action {hub.url}" in form.answer.headers["Content-Security-Policy"]
        asked = Browser(form.submit())
        assert "Create GitHub App for acme" in asked.answer.text
        back = asked.submit(name="Acme Honk")
        told = requests.get(back.headers["Location"], timeout=10)
        assert f"{hub.url}/apps/acme-honk/installations/new" in told.text
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "`acme-honk` is registered" in out
    key, env = tmp_path / "honk.private-key.pem", tmp_path / "honk.env"
    assert [path.stat().st_mode & 0o777 for path in (key, env)] == [0o600, 0o600]
    sourced = subprocess.check_output(["sh", "-c", f"set -a; . {env}; env"], env={}, text=True)
    variables = dict(line.split("=", 1) for line in sourced.splitlines())
    settings = read_settings({name: value for name, value in variables.items() if "HONK" in name})
    (app,) = hub.world.apps.values()
    assert (settings.github_url, settings.public_url) == (hub.url, URL)
    assert settings.webhook_secrets == (app.webhook_secret.encode(),)
    assert app.webhook_url == f"{URL}/webhooks/github"
    assert app.permissions == permissions_used()
    assert set(app.events) == set(subscribed_events())
    asking = GithubIntegration(auth=Auth.AppAuth(int(settings.app_id), settings.private_key), base_url=hub.api_url)
    assert asking.get_app().slug == "acme-honk"


def test_the_doctor_asks_github_and_the_model_whether_all_is_well(
    hub: LocalHub, open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    made = hub.create_app(
        "honk", permissions={**permissions_used(), "actions": "read"}, events=subscribed_events(),
        webhook_url=f"{URL}/webhooks/github",
    )  # fmt: skip
    hub.install(made.app, "acme")
    hub.settle()
    with ExitStack() as end:
        model = serve(create_model_app(Script.of("ok")), "127.0.0.1", 0)
        end.callback(model.stop)
        for name, value in {
            "HONK_APP_ID": str(made.app.id),
            "HONK_PRIVATE_KEY": made.private_key,
            "HONK_WEBHOOK_SECRET": "s",
            "HONK_GITHUB_URL": hub.url,
            "HONK_PUBLIC_URL": URL,
            "HONK_DATA_DIR": str(open_tmp_path),
            "ANTHROPIC_API_KEY": "k",
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{model.port}",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("github_app.doctor._sandbox", lambda _settings: ())
        assert main(["doctor", "--online"]) == 1
        said = capsys.readouterr().out
    assert "ok    GitHub: knows the App as honk\n" in said
    assert [line for line in said.splitlines() if line.startswith("FAIL")] == [
        "FAIL  permissions: add in the App's settings: actions: write",
        "FAIL  installation acme: an owner has to accept on its page: actions: write",
        "FAIL  deliveries: 1 of the newest 1 were not taken in, the last one got no answer: is the address right, "
        "does Honk run, does your proxy let it through?",
    ]
    assert f"ok    webhook: GitHub sends to {URL}/webhooks/github\n" in said
    assert "ok    model's answer: claude-sonnet-5-5 answered, for 0.000" in said


def test_the_doctor_says_what_does_not_answer(
    hub: LocalHub, open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    stranger = hub.create_app("honk", permissions={})
    hub.world.apps.clear()
    for name, value in {
        "HONK_APP_ID": str(stranger.app.id),
        "HONK_PRIVATE_KEY": stranger.private_key,
        "HONK_WEBHOOK_SECRET": "s",
        "HONK_GITHUB_URL": hub.url,
        "HONK_DATA_DIR": str(open_tmp_path),
        "ANTHROPIC_API_KEY": "k",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("github_app.doctor._sandbox", lambda _settings: ())
    monkeypatch.setattr("github_app.adapters.hub.clients.LAG_PAUSES_S", ())
    monkeypatch.setattr("github_app.adapters.model.claude._RETRIES", 0)
    assert main(["doctor", "--online"]) == 1
    wrong = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert [line.partition(":")[0] for line in wrong] == ["FAIL  GitHub", "FAIL  model's answer"]


def test_an_answer_that_nobody_here_asked_for_changes_nothing(hub: LocalHub, tmp_path: Path):
    with running(hub, tmp_path) as (process, url):
        sent = Browser(Browser.opening(url).submit())
        code = parse_qs(urlsplit(sent.submit(name="honk").headers["Location"]).query)["code"][0]
        assert requests.get(f"{created(url)}?code={code}&state=guessed", timeout=10).status_code == 400
        assert requests.get(f"{url.rpartition('/')[0]}/", timeout=10).status_code == 404
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert list(tmp_path.glob("honk*")) == []


def test_a_code_that_is_not_good_leaves_no_files_and_can_be_tried_again(hub: LocalHub, tmp_path: Path):
    with running(hub, tmp_path) as (process, url):
        state = url.rpartition("/")[2]
        refused = requests.get(f"{created(url)}?code=old&state={state}", timeout=10)
        assert (refused.status_code, "good for one hour, and once" in refused.text) == (502, True)
        assert list(tmp_path.glob("honk*")) == []
        back = Browser(Browser.opening(url).submit()).submit(name="honk").headers["Location"]
        assert requests.get(back, timeout=10).status_code == 200
        assert process.wait(20) == 0


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ([], "say by --url"),
        (["--url", "honk.example.com"], "--url must be an http(s) URL"),
        (["--url", URL, "--organization", "a/b"], "--organization must be"),
        (["--url", URL, "--name", "x" * 35], "34 characters"),
    ],
)
def test_what_cannot_be_is_said_before_anything_happens(
    options: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["setup", "--folder", str(tmp_path), *options]) == 2
    assert why in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_there_are_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "honk.env").write_text("mine")
    assert main(["setup", "--url", URL, "--folder", str(tmp_path)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "honk.env").read_text() == "mine"
