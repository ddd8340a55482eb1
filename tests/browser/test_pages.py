"""The pages in a real browser: `make browser`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from tests.browser.site import LESSON, Site

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BACKGROUND = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture
def page(site: Site, browser: Any) -> Iterator[Any]:
    opened = site.enter(browser)
    yield opened
    opened.context.close()


def session_of(page: Any) -> str:
    return str(page.locator("tbody a").first.get_attribute("href"))


def addresses(site: Site, page: Any) -> list[str]:
    return [
        "/sessions",
        session_of(page),
        "/costs",
        "/repositories",
        f"/repositories/{site.repo.id}",
        "/queue",
        "/sessions/9-9-9",
    ]


def test_who_signs_in_lists_filters_and_reads(site: Site, page: Any):
    assert page.locator("tbody tr").count() == 1
    page.get_by_label("Repository").select_option(site.repo.full_name)
    page.get_by_label("Who acts next").select_option(label="Merged")
    page.get_by_role("button", name="Show").click()
    assert page.get_by_text("No session is like that.").is_visible()
    page.get_by_role("link", name="Sessions").click()
    page.locator("tbody a").click()
    assert page.get_by_role("heading", level=1).inner_text() == f"{site.repo.full_name} #1"
    shown = page.locator("details").last
    assert not shown.locator("pre").is_visible()
    shown.locator("summary").click()
    assert shown.locator("pre").inner_text()
    page.get_by_role("link", name="Costs").click()
    assert site.repo.full_name in page.locator("tbody").inner_text()
    assert "$" in page.locator("tfoot").inner_text()


def test_a_session_grows_as_it_happens_and_its_head_with_it(site: Site, page: Any):
    page.goto(f"{site.stack.url}{session_of(page)}")
    page.get_by_text("Live: what happens appears below.").wait_for()
    rows = page.locator("#timeline > li")
    before = rows.count()
    page.evaluate("window.isTheSame = true")
    site.review()
    page.get_by_text("review submitted (rob").wait_for()
    rows.nth(before + 5).wait_for(state="attached")
    page.locator(".rounds li").nth(1).wait_for(timeout=60_000)
    assert page.evaluate("window.isTheSame"), "it was loaded anew"
    live = rows.evaluate_all("all => all.map(each => each.querySelector('p').innerText)")
    page.reload()
    again = rows.evaluate_all("all => all.map(each => each.querySelector('p').innerText)")
    assert live == again[: len(live)], "what came live is what is on record"


def test_a_lesson_is_reworded_and_dropped(site: Site, page: Any):
    page.goto(f"{site.stack.url}/repositories/{site.repo.id}")
    field = page.locator(f'input[value="{LESSON}"]')
    field.fill("Name the <b>unit</b>.")
    page.get_by_role("button", name="Save").first.click()
    assert page.url.endswith(f"/repositories/{site.repo.id}#lessons")
    assert page.locator("input[name=text]").first.input_value() == "Name the <b>unit</b>."
    assert "kept by ann" in page.locator(".lessons").inner_text()
    page.locator("input[name=text]").first.fill(LESSON)
    page.get_by_role("button", name="Save").first.click()


def test_without_javascript_all_is_there_and_follows_by_asking_again(site: Site, browser: Any):
    page = site.enter(browser, java_script_enabled=False)
    page.goto(f"{site.stack.url}{session_of(page)}")
    assert page.locator("#timeline > li").count() > 5
    page.get_by_role("link", name="Follow as it happens").click()
    page.wait_for_timeout(100)
    assert page.get_by_role("link", name="Stop following").is_visible()
    page.context.close()


def test_nothing_is_wider_than_a_phone(site: Site, browser: Any):
    page = site.enter(browser, viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    for address in addresses(site, page):
        page.goto(f"{site.stack.url}{address}")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        inner = page.evaluate("document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth")
        assert (wide, inner) == (0, 0), address
    page.context.close()


def test_who_likes_it_dark_has_it_dark(site: Site, browser: Any):
    found = {}
    for scheme in ("light", "dark"):
        page = site.enter(browser, color_scheme=scheme)
        red = int(page.evaluate(BACKGROUND).removeprefix("rgb(").partition(",")[0])
        found[scheme] = red
        page.context.close()
    assert found["light"] > 200
    assert found["dark"] < 60


def test_a_keyboard_is_enough(site: Site, page: Any):
    """The first stop leads past what is on each page, and wherever one is, one sees it."""
    page.goto(f"{site.stack.url}/sessions")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to the content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('tbody') !== null"):
            break
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=2, name="What happened").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(site: Site, browser: Any, scheme: str):
    axe = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
    page = site.enter(browser, color_scheme=scheme)
    found = {}
    for address in addresses(site, page):
        page.goto(f"{site.stack.url}{address}")
        page.evaluate(axe)
        violations = page.evaluate("axe.run().then(found => found.violations)")
        bad = [each for each in violations if each["impact"] in ("serious", "critical")]
        if bad:
            found[address] = [(each["id"], [node["html"][:120] for node in each["nodes"][:3]]) for each in bad]
    page.context.close()
    assert not found, json.dumps(found, indent=1)


def test_no_page_runs_what_is_not_ours_and_none_complains(site: Site, page: Any):
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    for address in addresses(site, page)[:-1]:
        page.goto(f"{site.stack.url}{address}")
        page.wait_for_timeout(100)
    assert said == []
