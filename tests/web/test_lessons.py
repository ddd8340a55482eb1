"""The page of a repository's lessons: shown to whoever has its link, as text, and to nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from github_app.core.lessons import Lesson
from github_app.core.links import PageLinks
from github_app.core.record.story import Story
from github_app.web.lessons import lesson_routes
from github_app.web.sessions import SessionPages, page_routes
from github_app.web.streams import Streams
from tests.engine.values import REPO, a_session

LINKS = PageLinks(public_url="http://testserver", key=b"k" * 32)
SAID = Lesson(
    repo_id=7,
    pull_number=12,
    number=3,
    text="Use <b>dB</b>\u202e & {{ 7 * 7 }}",
    kept_by="ann",
    kept_at=datetime(2026, 1, 2, tzinfo=UTC),
    last_used_at=datetime(2026, 2, 3, tzinfo=UTC),
    source="/acme/thing/pull/12#discussion_r5",
    said_by="rob",
    uses=2,
)
OLD = replace(SAID, pull_number=0, text="Be brief.", kept_by="the operator", source="javascript:alert(1)", uses=0)
NEW = replace(SAID, number=4, text="Be kind.", uses=0)


@pytest.fixture
def client() -> TestClient:
    def find(repo_id: int) -> tuple[str, Sequence[tuple[Lesson, bool]]] | None:
        return (REPO.full_name, [(SAID, False), (NEW, False), (OLD, True)]) if repo_id == REPO.id else None

    class Source:
        def story(self, session_id: str, *, after: int = 0, limit: int | None = None) -> Story | None:
            _ = after, limit
            return Story(session=a_session(), links=[]) if session_id == a_session().id else None

        def lengths(self, _: object) -> dict[str, int]:
            return {}

    source, pages = Source(), SessionPages(clean=str, github_url="https://github.example")
    sessions = page_routes(LINKS, source.story, pages, Streams(source=source, drawing=pages))
    lessons = lesson_routes(
        LINKS, find, github_url="https://github.example", clean=lambda text: text.replace("brief", "[gone]")
    )
    return TestClient(Starlette(routes=[*sessions, *lessons]))


def test_the_sessions_page_leads_to_it(client: TestClient):
    assert f'<a href="{LINKS.of_lessons(REPO.id)}">' in client.get(LINKS.of(a_session().id)).text


def test_it_shows_each_lesson_with_its_source_who_agreed_and_how_to_take_it_back(client: TestClient):
    page = client.get(LINKS.of_lessons(REPO.id))
    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "acme/thing" in page.text
    assert '<a href="https://github.example/acme/thing/pull/12#discussion_r5">said by rob</a>, kept by ann' in page.text
    assert "told to 2 turns, last on 2026-02-03" in page.text
    assert "<code>/honk lesson drop 3</code> on #12" in page.text
    assert "not needed yet" in page.text
    assert "Be [gone]." in page.text
    assert "expired: no issue was about it since 2026-02-03" in page.text


def test_hostile_words_are_text(client: TestClient):
    text = client.get(LINKS.of_lessons(REPO.id)).text
    assert "Use &lt;b&gt;dB&lt;/b&gt;\\u202e &amp; {{ 7 * 7 }}" in text
    assert "javascript" not in text


@pytest.mark.parametrize(
    "path",
    [f"/lessons/7/{'0' * 40}", "/lessons/x/y", LINKS.of_lessons(8), LINKS.of_lessons(7).replace("/7/", "/07/") + "0"],
)
def test_nobody_else_learns_even_that_there_is_one(client: TestClient, path: str):
    answer = client.get(path)
    assert answer.status_code == 404
    assert "acme" not in answer.text
