"""A whole local GitHub and Honk's pages over it, for tests of who sees what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import requests
from starlette.testclient import TestClient

from github_app.app import build, make_vault, permissions_used, subscribed_events
from github_app.core.decisions import Decision
from github_app.core.events import Ticked
from github_app.core.lessons import Proposal
from github_app.core.model import Repo, Usage
from github_app.core.session import Status
from github_app.engine.store import Store
from github_app.localhub.actions import ScriptedRunner
from github_app.localhub.hub import LocalHub
from github_app.localhub.judge import Judge
from github_app.localhub.values import Repository
from github_app.settings import Settings, read_settings
from tests.engine.values import FACTS, a_session

PROPOSAL = Proposal(number=1, text="", cites="t", source="/x", said_by="rob")
URL = "http://127.0.0.1:9"  # the pages' own address; the browser below reaches them without a port


@dataclass
class Site:
    hub: LocalHub
    browser: TestClient
    store: Store
    repos: list[Repository]
    codes: list[str] = field(default_factory=list)
    settings: Settings = field(kw_only=True)

    def sign_in(self, login: str, wanted: str = "/sessions") -> str:
        """Go to a page, sign in on the way, and read the page."""
        went = self.browser.get(wanted)
        assert went.history[-1].headers["location"].startswith(f"{self.hub.url}/login/oauth/authorize")
        return self.back(login, went.history[-1].headers["location"])

    def back(self, login: str, address: str) -> str:
        form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', requests.get(address, timeout=10).text))
        answer = requests.post(
            f"{self.hub.url}/login/oauth/authorize", data={**form, "login": login}, timeout=10, allow_redirects=False
        )
        self.codes += re.findall(r"code=(\w+)", answer.headers["Location"])
        return self.browser.get(answer.headers["Location"].removeprefix(URL)).text


@contextmanager
def open_site(tmp_path: Path) -> Iterator[Site]:
    """A Honk without a worker over a local GitHub with two repositories: ann writes in one and reads the other."""
    with LocalHub(tmp_path / "hub", judge=Judge(), runner=ScriptedRunner()) as hub:
        made = hub.create_app(
            "honk", permissions=permissions_used(), events=subscribed_events(), callback_urls=[f"{URL}/login/callback"]
        )
        open_repo = hub.create_repository("acme/app", {"README.md": "hello"}, private=False)
        secret_repo = hub.create_repository("acme/secret", {"README.md": "hush"})
        installation = hub.install(made.app, "acme")
        hub.grant(open_repo, "ann", "write")
        hub.grant(secret_repo, "ann", "read")
        hub.person("bob")
        settings = read_settings(
            {
                "HONK_APP_ID": str(made.app.id),
                "HONK_PRIVATE_KEY": made.private_key,
                "HONK_WEBHOOK_SECRET": "s",
                "HONK_CLIENT_ID": made.app.client_id,
                "HONK_CLIENT_SECRET": made.app.client_secret,
                "HONK_GITHUB_URL": hub.url,
                "HONK_PUBLIC_URL": URL,
                "HONK_DATA_DIR": str(tmp_path / "data"),
                "ANTHROPIC_API_KEY": "k",
            }
        )
        honk = build(settings, make_vault(settings), with_worker=False)
        for number, repo in ((1, open_repo), (2, secret_repo)):
            where = Repo(id=repo.id, full_name=repo.full_name, installation_id=installation.id, default_branch="main")
            fill(honk.store, number, where)
        with TestClient(honk.make_door(), base_url="http://127.0.0.1") as browser:
            yield Site(hub, browser, honk.store, [open_repo, secret_repo], settings=settings)
        assert hub.violations == []


def fill(store: Store, number: int, repo: Repo) -> None:
    session = a_session(
        number, repo=repo, id=f"{repo.id}-{number}-1", issue_title=f"Title of {repo.full_name} <b>", turns=2,
        usage=Usage(cost_micro_usd=1_250_000), status=Status.NEEDS_HUMAN, waiting_for="Which of the two?",
        pull_number=5, lessons=(replace(PROPOSAL, text=f"Name the unit of Title {number}."),),
    )  # fmt: skip
    store.commit(
        Ticked(id=f"t-{number}", session_id=session.id), None, Decision(session=session, why="because"), repo,
        replace(FACTS),
    )  # fmt: skip
