"""Builds on pages: who may download what, how it reaches a browser, and what does not. The archives that are attacks on
the way to a page are in `tests/adapters/test_hub_builds.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from github_app.core.builds import Build, Item, Kind, Preview
from github_app.core.decisions import Decision
from github_app.core.events import Ticked
from github_app.core.model import Repo
from github_app.core.session import Session, Status
from github_app.door import page_links
from github_app.localhub.values_builds import Artifact
from tests.engine.values import FACTS
from tests.page_site import URL, Site, open_site

CI = ".github/workflows/ci.yml"
FILES = {
    "till.whl": b"PK a wheel",
    "home.png": b"\x89PNG not really",
    "report.html": b"<script>alert(document.cookie)</script>",
    "logo.svg": b"<svg onload='alert(1)'/>",
    'naïve "name".apk': b"app",
}
PNG = 1


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as it:
        yield it


def built(site: Site, number: int = 2, *, files: dict[str, bytes] = FILES) -> tuple[Session, Artifact, str]:
    """Have CI run in a repository, leave files, and have the session there know of them; the build's address."""
    place = site.repos[number - 1]
    ann = site.hub.grant(place, "mia", "write")
    ann.push(place, "main", {CI: "on: push\njobs: {test: {}}\n"}, "Add CI")
    site.hub.settle()
    sha = place.branch("main") or ""
    left = site.hub.add_artifact(place, sha, "dist", files)
    kinds: tuple[Kind, ...] = ("wheel", "image", "files", "files", "android")
    items = tuple(
        Item(artifact_id=left.id, run_id=left.run.id, artifact="dist", path=path, kind=kind, size_bytes=len(content))
        for (path, content), kind in zip(files.items(), kinds, strict=True)
    )
    previews = (Preview(name="<b>staging</b>", url="https://staging.example.com/?a=1&b=2"),)
    session = told(site, f"{place.id}-{number}-1", build=Build(head_sha=sha, items=items, previews=previews))
    return session, left, link(site, session)


def told(site: Site, session_id: str, **changes: Any) -> Session:
    before = site.store.session(session_id)
    assert before is not None
    after = replace(before, **changes)
    event = Ticked(id=f"{session_id}/{before.version}", session_id=session_id)
    where: Repo = before.repo
    site.store.commit(event, before, Decision(session=after, why="it was built"), where, FACTS)
    found = site.store.session(session_id)
    assert found is not None
    return found


def link(site: Site, session: Session, *, days: float = 7) -> str:
    assert session.build is not None
    until = datetime.now(UTC) + timedelta(days=days)
    return page_links(site.settings).of_build(session.id, session.build.head_sha, until).removeprefix(URL)


def test_who_can_read_the_repository_sees_a_build_and_downloads_it(site: Site):
    session, _, address = built(site)
    page = site.sign_in("ann", address)
    for shown in (
        "till.whl",
        "home.png",
        "pip install",
        "https://staging.example.com/?a=1&amp;b=2",
        "&lt;b&gt;staging",
    ):
        assert shown in page
    assert page.count("<img") == 1
    assert f'src="{address}/{PNG}"' in page
    assert 'class="qrline"' in page
    assert "style=" not in page, "no style but our file's would be obeyed"
    assert "<script" not in page
    got = site.browser.get(f"{address}/0")
    assert (got.status_code, got.content) == (200, FILES["till.whl"])
    assert got.headers["content-length"] == str(len(FILES["till.whl"]))
    assert f"/builds/{session.id}/" in site.browser.get(f"/sessions/{session.id}").text


def test_whatever_it_is_a_browser_keeps_it_and_runs_nothing(site: Site):
    _, _, address = built(site)
    site.sign_in("ann", address)
    kinds = ["octet-stream", "image/png", "octet-stream", "octet-stream", "application/vnd.android.package-archive"]
    for number, (content, kind) in enumerate(zip(FILES.values(), kinds, strict=True)):
        got = site.browser.get(f"{address}/{number}")
        assert (got.status_code, got.content) == (200, content)
        assert got.headers["content-type"].endswith(kind)
        assert got.headers["content-disposition"].startswith("attachment; ")
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert got.headers["cache-control"] == "no-store"
    header = got.headers["content-disposition"]
    assert header == "attachment; filename=\"na_ve__name_.apk\"; filename*=UTF-8''na%C3%AFve%20%22name%22.apk"


def test_a_link_opens_for_nobody_by_itself(site: Site):
    _, _, address = built(site)
    for each in (address, f"{address}/0"):
        went = site.browser.get(each, follow_redirects=False)
        assert went.status_code == 303
        assert went.headers["location"].startswith("/login?")


def test_who_cannot_read_the_repository_or_cannot_any_more_gets_nothing(site: Site):
    _, _, address = built(site)
    assert "There is no such build" in site.sign_in("bob", address)
    assert site.browser.get(f"{address}/0").status_code == 404
    site.browser.cookies.clear()
    assert "till.whl" in site.sign_in("ann", address)
    del site.repos[1].collaborators[site.hub.person("ann").user.id]
    assert site.browser.get(address).status_code == 404, "asked at that moment, and not a minute ago"
    assert site.browser.get(f"{address}/0").status_code == 404


def test_a_link_that_was_changed_or_is_too_old_opens_nothing(site: Site):
    session, _, address = built(site)
    page = site.sign_in("ann", address)
    parts = address.split("/")
    for at, other in ((2, "1-1-1"), (3, "0" * 40), (4, str(int(parts[4]) + 1)), (5, "0" * 40)):
        changed = "/".join([*parts[:at], other, *parts[at + 1 :]])
        assert site.browser.get(changed).status_code == 404
        assert site.browser.get(f"{changed}/0").status_code == 404
    old = site.browser.get(link(site, session, days=-0.01))
    assert (old.status_code, "too old" in old.text) == (410, True)
    assert f"/sessions/{session.id}" in old.text
    assert "till.whl" in page


def test_a_link_ends_with_the_next_build_and_with_the_work(site: Site):
    session, _, address = built(site)
    site.sign_in("ann", address)
    assert session.build is not None
    newer = told(site, session.id, build=replace(session.build, head_sha="f" * 40))
    assert site.browser.get(f"{address}/0").status_code == 410
    assert site.browser.get(link(site, newer)).status_code == 200
    told(site, session.id, status=Status.CLOSED, build=None)
    assert site.browser.get(link(site, newer)).status_code == 410


def test_what_has_expired_or_is_not_what_it_was_is_said_and_not_sent(site: Site):
    _, left, address = built(site)
    site.sign_in("ann", address)
    good = left.content
    left.content = b"no archive any more"
    assert site.browser.get(f"{address}/0").status_code == 410
    left.content = good
    assert site.browser.get(f"{address}/0").status_code == 200
    left.expires_at -= timedelta(days=91)
    assert "It cannot be had" in site.browser.get(f"{address}/0").text


def test_what_is_too_large_or_not_there_is_not_sent(site: Site):
    session, _, address = built(site)
    assert session.build is not None
    large = replace(session.build.items[0], size_bytes=2_000_000_000)
    told(site, session.id, build=replace(session.build, items=(large,)))
    page = site.sign_in("ann", address)
    assert "till.whl, on GitHub" in page
    assert site.browser.get(f"{address}/0").status_code == 404
    assert site.browser.get(f"{address}/1").status_code == 404
