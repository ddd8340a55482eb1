"""Pages for people who sign in, on a whole local GitHub: who sees what, and who is not let in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import requests
from starlette.testclient import TestClient

from github_app.app import build, make_vault, permissions_used, subscribed_events
from github_app.core.decisions import Decision
from github_app.core.events import Ticked
from github_app.core.model import Repo, Usage
from github_app.core.session import Status
from github_app.engine.store import Store
from github_app.localhub.hub import LocalHub
from github_app.localhub.judge import Judge
from github_app.settings import read_settings
from tests.engine.values import FACTS, a_session

URL = "http://127.0.0.1:9"  # the pages' own address; the browser below reaches them without a port


@dataclass
class Site:
    hub: LocalHub
    browser: TestClient
    codes: list[str] = field(default_factory=list)

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


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with LocalHub(tmp_path / "hub", judge=Judge()) as hub:
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
            yield Site(hub, browser)
        assert hub.violations == []


def fill(store: Store, number: int, repo: Repo) -> None:
    session = a_session(
        number, repo=repo, id=f"{repo.id}-{number}-1", issue_title=f"Title of {repo.full_name} <b>", turns=2,
        usage=Usage(cost_micro_usd=1_250_000), status=Status.NEEDS_HUMAN, waiting_for="Which of the two?",
    )  # fmt: skip
    store.commit(
        Ticked(id=f"t-{number}", session_id=session.id), None, Decision(session=session, why="because"), repo,
        replace(FACTS),
    )  # fmt: skip


def sessions_in(page: str) -> list[str]:
    return re.findall(r'href="(/sessions/[^"?]+)"', page)


def test_who_signs_in_sees_the_sessions_of_what_they_can_read(site: Site):
    page = site.sign_in("ann")
    assert "Title of acme/app &lt;b&gt;" in page
    assert "Title of acme/secret" in page
    session = site.browser.get(sessions_in(page)[0]).text
    assert "because" in session
    assert "Which of the two?" not in session, "what the agent says has passed no redactor before it is posted"
    narrowed = site.browser.get("/sessions?repository=acme/app&status=needs_human&person=ann").text
    assert len(sessions_in(narrowed)) == 1
    assert "No session is like that." in site.browser.get("/sessions?status=merged").text
    costs = site.browser.get("/costs").text
    assert "$2.50" in costs
    assert "acme/secret" in costs
    assert "ann" in site.browser.get("/costs?by=person").text


def test_what_somebody_cannot_read_is_as_if_it_were_not_there(site: Site):
    hidden = sessions_in(site.sign_in("ann"))
    site.browser.cookies.clear()
    page = site.sign_in("bob")
    (shown,) = sessions_in(page)
    assert "secret" not in page
    (other,) = set(hidden) - {shown}
    refused, unknown = site.browser.get(other), site.browser.get("/sessions/9-9-9")
    assert (refused.status_code, refused.text) == (404, unknown.text)
    assert site.browser.get(f"{other}/stream").text == unknown.text
    assert "secret" not in site.browser.get("/costs").text
    assert sessions_in(site.browser.get("/sessions?repository=acme/secret").text) == []


def test_who_lost_the_right_sees_no_more(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("github_app.engine.readers._KNOWN_FOR", FACTS.now - FACTS.now)
    assert len(sessions_in(site.sign_in("ann"))) == 2
    repo = site.hub.world.repository("acme/secret")
    assert repo is not None
    repo.collaborators.clear()
    assert len(sessions_in(site.browser.get("/sessions").text)) == 1


def test_after_signing_in_one_is_where_one_wanted_to_be(site: Site):
    assert "Costs and outcomes" in site.sign_in("ann", "/costs?by=person")


def test_signing_out_forgets(site: Site):
    site.sign_in("ann")
    assert "Signed out" in site.browser.post("/logout").text
    for path in ("/sessions", "/sessions/1-1-1/stream"):
        assert site.browser.get(path, follow_redirects=False).status_code == 303


def test_a_sign_in_that_another_browser_began_is_refused(site: Site):
    address = site.browser.get("/login", follow_redirects=False).headers["location"]
    site.browser.cookies.clear()
    assert "Not signed in" in site.back("ann", address)
    assert site.browser.get("/sessions", follow_redirects=False).status_code == 303


def test_a_code_is_good_once_and_cookies_are_not_for_scripts(site: Site):
    asked = site.browser.get("/login", follow_redirects=False)
    assert "HttpOnly" in asked.headers["set-cookie"]
    (state,) = re.findall(r"state=([^&]+)", asked.headers["location"])
    assert "GitHub did not accept this sign-in" in site.browser.get(f"/login/callback?code=no&state={state}").text
    assert "Sign out" in site.back("ann", asked.headers["location"])
    nonce = {"Cookie": asked.headers["set-cookie"].partition(";")[0]}
    again = site.browser.get(f"/login/callback?code={site.codes[0]}&state={state}", headers=nonce)
    assert "GitHub did not accept this sign-in" in again.text


def test_pages_load_and_run_nothing(site: Site):
    site.sign_in("ann")
    for path in ("/sessions", "/costs", "/sessions/9-9-9"):
        answer = site.browser.get(path)
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
        assert answer.headers["cache-control"] == "no-store"
        assert "<script" not in answer.text
