"""A session's page: shown to whoever has its link, as text, and to nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from github_app.core.links import PageLinks
from github_app.core.record.audit import Link, canonical
from github_app.core.session import Session
from github_app.core.waits import Wait
from github_app.web.sessions import page_routes
from tests.engine.values import a_session

LINKS = PageLinks(public_url="http://testserver", key=b"k" * 32)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'{{ 7 * 7 }}"


@pytest.fixture
def client() -> TestClient:
    session = a_session(issue_title=HOSTILE + "\u202e", created_at=datetime(2026, 1, 2, tzinfo=UTC))
    document = canonical({"argv": ["echo", HOSTILE], "exit_code": 1, "duration_ms": 10})
    record = Link(chain=session.id, number=1, at="2026-01-02T03:04:05", kind="command", document=document, hash="h")

    wait = Wait(whose="GitHub's", until=datetime(2026, 1, 2, 4, 5, tzinfo=UTC), waited_s=90)

    def look(session_id: str) -> tuple[Session, Sequence[Link], Wait | None] | None:
        return (session, [record], wait) if session_id == session.id else None

    return TestClient(Starlette(routes=page_routes(LINKS, look, github_url="https://github.com")))


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


def test_hostile_words_are_text(client: TestClient):
    page = client.get(LINKS.of(a_session().id))
    assert "<script" not in page.text
    assert "<img" not in page.text
    assert "\u202e" not in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert page.text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2


def test_the_page_can_run_and_load_nothing_and_tells_nobody_its_address(client: TestClient):
    headers = client.get(LINKS.of(a_session().id)).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    style = client.get("/style.css")
    assert style.status_code == 200
    assert style.headers["Content-Type"].startswith("text/css")
