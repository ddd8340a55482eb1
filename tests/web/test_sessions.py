"""A session's page: shown to whoever has its link, as text, and to nobody else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from github_app.core.links import PageLinks
from github_app.core.record.audit import Link, canonical
from github_app.core.record.story import Story
from github_app.core.reports import Inquiry
from github_app.core.session import Cause, Round
from github_app.core.waits import Wait
from github_app.web.rendering import address_of, asset_routes
from github_app.web.sessions import SessionPages, page_routes
from github_app.web.streams import Streams
from tests.engine.values import a_session

LINKS = PageLinks(public_url="http://testserver", key=b"k" * 32)
SECRET = "sesame-open"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'{{ 7 * 7 }}"


@pytest.fixture
def client() -> TestClient:
    done = Round(head_sha="c0ffee1" + "0" * 33, title=f"Say {SECRET}", summary="", paths=("a.py", "<b>.py"))
    session = a_session(issue_title=HOSTILE + "\u202e", created_at=datetime(2026, 1, 2, tzinfo=UTC), published=(done,))
    document = canonical({"argv": ["echo", HOSTILE, SECRET], "exit_code": 1, "duration_ms": 10})
    record = Link(chain=session.id, number=1, at="2026-01-02T03:04:05", kind="command", document=document, hash="h")

    wait = Wait(whose="GitHub's", until=datetime(2026, 1, 2, 4, 5, tzinfo=UTC), waited_s=90)

    class Source:
        def story(self, session_id: str, *, after: int = 0, limit: int | None = None) -> Story | None:
            _ = after, limit
            return Story(session=session, links=[record], wait=wait) if session_id == session.id else None

        def lengths(self, _: object) -> dict[str, int]:
            return {}

    source = Source()
    pages = SessionPages(clean=lambda text: text.replace(SECRET, "[gone]"), github_url="https://github.com")
    streams = Streams(source=source, drawing=pages)
    return TestClient(Starlette(routes=[*asset_routes(), *page_routes(LINKS, source.story, pages, streams)]))


def test_whoever_has_the_link_sees_what_happened(client: TestClient):
    page = client.get(LINKS.of(a_session().id))
    assert page.status_code == 200
    assert "a command ran 0.0 s: exit code 1" in page.text
    assert a_session().repo.full_name in page.text


def test_the_page_leads_to_the_issue_and_can_be_followed_while_work_goes_on(client: TestClient):
    address = LINKS.of(a_session().id)
    still = client.get(address).text
    assert 'href="https://github.com/acme/thing/issues/1"' in still
    assert 'http-equiv="refresh"' not in still
    assert f'href="{address.removeprefix(LINKS.public_url)}?follow"' in still
    assert '<meta http-equiv="refresh" content="3">' in client.get(f"{address}?follow").text


def test_a_report_is_called_one():
    asked = a_session(branch="", inquiry=Inquiry(question="Why?"), turn_cause=Cause.REVIEW)
    head = SessionPages(clean=str, github_url="https://github.com").head(Story(session=asked, links=[], wait=None))
    assert "review: a report, and nothing is changed" in head
    assert "Branch" not in head


def test_a_wait_is_said(client: TestClient):
    page = client.get(LINKS.of(a_session().id))
    assert "<dt>Waiting</dt><dd>for GitHub&#39;s rate limit, until 04:05 UTC; then I go on by myself</dd>" in page.text


def test_nobody_else_learns_even_that_there_is_one(client: TestClient):
    known, unknown = a_session().id, "1-99-1"
    answers = [
        client.get(f"/sessions/{known}/{'0' * 40}"),
        client.get(f"/sessions/{known}/"),
        client.get(f"/sessions/{unknown}/{'0' * 40}"),
        client.get(LINKS.of(unknown)),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].text == answers[2].text == answers[3].text


def test_hostile_words_are_text_and_secrets_are_not_there(client: TestClient):
    page = client.get(LINKS.of(a_session().id))
    assert "<script>" not in page.text
    assert "<img" not in page.text
    assert "\u202e" not in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert page.text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2
    assert SECRET not in page.text
    assert page.text.count("[gone]") == 2


def test_what_was_published_leads_to_its_diff(client: TestClient):
    page = client.get(LINKS.of(a_session().id)).text
    assert f'href="https://github.com/acme/thing/commit/c0ffee1{"0" * 33}">Say [gone]</a>' in page
    assert "<code>&lt;b&gt;.py</code>" in page


def test_the_page_runs_our_script_alone_and_tells_nobody_its_address(client: TestClient):
    answer = client.get(LINKS.of(a_session().id))
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert policy.endswith("script-src 'self'; connect-src 'self'")
    assert (
        answer.text.count("<script") == answer.text.count(f'<script src="{address_of("live.js")}" defer></script>') == 1
    )
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    followed = client.get(f"{LINKS.of(a_session().id)}?follow")
    assert "script-src" not in followed.headers["Content-Security-Policy"]
    assert "<script" not in followed.text


@pytest.mark.parametrize("name", ["style.css", "live.js"])
def test_what_pages_load_is_kept_under_the_address_that_it_has_now(client: TestClient, name: str):
    now, old = client.get(address_of(name)), client.get(f"/{name}?v=0")
    assert "immutable" in now.headers["Cache-Control"]
    assert old.headers["Cache-Control"] == "no-cache"
    assert old.text == now.text
    assert now.headers["Content-Type"].startswith("text/")
