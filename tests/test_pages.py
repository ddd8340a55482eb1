"""Pages for people who sign in, on a whole local GitHub: who sees what, and who is not let in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from github_app.core.record.audit import document_of
from github_app.engine.audit import chain_of_repo
from tests.engine.values import FACTS
from tests.page_site import URL, Site, open_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as it:
        yield it


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


def fields(page: str) -> list[dict[str, str]]:
    """The forms about lessons on a page: where each goes, its token and text."""
    found = re.findall(r'action="(/repo[^"]+)">\s*.*value="(\w+)">\s*.*name="text" value="([^"]*)"', page)
    return [dict(zip(("action", "token", "text"), each, strict=True)) for each in found]


def test_who_may_write_keeps_rewords_and_drops_lessons_on_a_page_and_that_is_on_record(site: Site):
    page = site.sign_in("ann", f"/repositories/{site.repos[0].id}")
    assert "limits.usd" in page
    assert "default" in page
    (proposed,) = fields(page)
    home = {"Origin": URL}

    def send(act: str, text: str, **more: str) -> int:
        form = {**proposed, "act": act, "text": text, **more}
        return site.browser.post(form.pop("action"), data=form, headers=home).status_code

    assert send("keep", proposed["text"]) == 200
    assert "Save" in site.browser.get(f"/repositories/{site.repos[0].id}").text
    assert send("keep", "Say it in <b>few</b> words.") == 200
    (kept,) = fields(site.browser.get(f"/repositories/{site.repos[0].id}").text)
    assert kept["text"] == "Say it in &lt;b&gt;few&lt;/b&gt; words."
    assert (send("keep", " "), send("keep", "x" * 201), send("burn", "x")) == (400, 400, 400)
    assert send("keep", "x", action=f"/repositories/{site.repos[0].id}/lessons/9-9") == 404
    assert send("drop", "x") == 200
    assert "Keep</button>" in site.browser.get(f"/repositories/{site.repos[0].id}").text
    told = [
        document_of(link) for link in site.store.audit.read(chain_of_repo(site.repos[0].id)) if link.kind == "lesson"
    ]
    assert [each["is"] for each in told] == ["kept", "kept", "dropped"]
    assert {(each["by"]["login"], each["by"]["permission"]) for each in told} == {("ann", "write")}


def test_a_form_from_elsewhere_does_nothing(site: Site):
    address = f"/repositories/{site.repos[0].id}"
    (proposed,) = fields(site.sign_in("ann", address))
    form = {"token": proposed["token"], "act": "keep", "text": "Obey."}
    for origin in ("http://evil.example", "null", f"{URL}9"):
        assert site.browser.post(proposed["action"], data=form, headers={"Origin": origin}).status_code == 403
    assert site.browser.post(proposed["action"], data=form).status_code == 403
    for token in ("", "0" * 64):
        answer = site.browser.post(proposed["action"], data={**form, "token": token}, headers={"Origin": URL})
        assert answer.status_code == 403
    large = site.browser.post(proposed["action"], data={**form, "text": "x" * 20_000}, headers={"Origin": URL})
    assert large.status_code == 403
    site.browser.cookies.clear()
    sent = site.browser.post(proposed["action"], data=form, headers={"Origin": URL}, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=%2Fsessions")
    site.sign_in("bob", address)
    assert site.browser.post(proposed["action"], data=form, headers={"Origin": URL}).status_code == 403
    assert site.store.lessons.of(site.repos[0].id) == []


def test_who_may_only_read_sees_lessons_and_changes_none(site: Site):
    page = site.sign_in("ann", f"/repositories/{site.repos[1].id}")
    assert "Name the unit of Title" in page
    assert "<form" not in page.partition("<main")[2]
    token = fields(site.browser.get(f"/repositories/{site.repos[0].id}").text)[0]["token"]
    path, form = f"/repositories/{site.repos[1].id}/lessons/5-1", {"token": token, "act": "keep", "text": "Mine."}
    assert site.browser.post(path, data=form, headers={"Origin": URL}).status_code == 403
    assert site.store.lessons.of(site.repos[1].id) == []


def test_repositories_are_those_that_one_can_read_and_the_queue_is_for_who_may_write(site: Site):
    page = site.sign_in("bob", "/repositories")
    assert "acme/app" in page
    assert "secret" not in page
    hidden, unknown = site.browser.get(f"/repositories/{site.repos[1].id}"), site.browser.get("/repositories/999")
    assert (hidden.status_code, hidden.text) == (404, unknown.text)
    form = {"act": "drop"}
    assert site.browser.post(f"/repositories/{site.repos[1].id}/lessons/5-1", data=form).status_code == 403
    assert site.browser.get("/queue").status_code == 403
    site.browser.cookies.clear()
    assert "Queue and workers" in site.sign_in("ann", "/queue")
    assert "acme" not in site.browser.get("/queue").text


def test_pages_load_and_run_nothing(site: Site):
    site.sign_in("ann")
    for path in ("/sessions", "/costs", "/sessions/9-9-9", "/repositories", "/queue"):
        answer = site.browser.get(path)
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
        assert answer.headers["cache-control"] == "no-store"
        assert "<script" not in answer.text


def test_somebody_makes_a_token_sees_it_once_and_takes_it_back(site: Site):
    page = site.sign_in("ann", "/tokens")
    assert "You have none." in page
    form, ours = {"token": form_token(page), "name": "laptop <b>", "scope": "write", "days": "9"}, {"Origin": URL}
    assert site.browser.post("/tokens", data=form, headers={"Origin": "http://other.example"}).status_code == 403
    made = site.browser.post("/tokens", data=form, headers=ours).text
    (secret,) = re.findall(r"<code>(honk_[\w-]{43})</code>", made)
    asked = {"Authorization": f"Bearer {secret}"}
    assert site.browser.get("/api/v1/sessions", headers=asked).status_code == 200
    page = site.browser.get("/tokens").text
    assert secret not in page
    assert "laptop &lt;b&gt;" in page
    (path,) = re.findall(r'action="(/tokens/\w+/revoke)"', page)

    site.browser.cookies.clear()
    other = site.sign_in("bob", "/tokens")
    assert site.browser.post(path, data=form, headers=ours).status_code == 403, "ann's form is not bob's"
    site.browser.post(path, data={"token": form_token(other)}, headers=ours)
    assert site.browser.get("/api/v1/sessions", headers=asked).status_code == 200, "it was not bob's to revoke"

    site.browser.cookies.clear()
    page = site.sign_in("ann", "/tokens")
    assert "You have none." in site.browser.post(path, data={"token": form_token(page)}, headers=ours).text
    assert site.browser.get("/api/v1/sessions", headers=asked).status_code == 401


def test_nobody_has_more_tokens_than_they_can_look_after(site: Site):
    form = {"token": form_token(site.sign_in("ann", "/tokens")), "days": "x"}
    answers = [site.browser.post("/tokens", data=form, headers={"Origin": URL}).status_code for _ in range(21)]
    assert answers == [200] * 20 + [409]


def form_token(page: str) -> str:
    return str(re.findall(r'name="token" value="([^"]+)"', page)[0])
