"""Honk's pages as a browser meets them: a local GitHub with people, the sample's issue worked on, and Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from github_app.demo.stack import Stack
from github_app.localhub.people import Person
from github_app.localhub.showcase import Sample, load_sample
from github_app.localhub.values import Issue, Pull, Repository

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",  # as root it has none; it opens our own pages alone
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
)
PATIENCE_S = 200.0  # waiting is for failing only
LESSON = "Name the unit of a duration in its identifier."


def find_browser() -> str | None:
    """The path of a Chromium; None if this machine has none."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


@contextmanager
def chromium(path: str) -> Iterator[Any]:
    """The browser, driven by Playwright. What it calls is ours: the product does not know it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Site:
    """A Honk with one session, whose pull request waits for a review, and a lesson."""

    stack: Stack
    sample: Sample
    repo: Repository
    issue: Issue
    pull: Pull
    rob: Person

    def review(self) -> None:
        """Have rob ask for changes: the session goes on."""
        asked = "Please say in the docstring which units there are."
        self.rob.review(self.pull, "REQUEST_CHANGES", asked)

    def enter(self, browser: Any, login: str = "ann", **options: Any) -> Any:
        """A page of a new browser, which somebody signed in to by GitHub's own form."""
        context = browser.new_context(**{"viewport": {"width": 1100, "height": 800}, **options})
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{self.stack.url}/sessions")
        page.locator(f"button[name=login][value={login}]").click()
        page.wait_for_url(f"{self.stack.url}/sessions")
        return page


@contextmanager
def opened() -> Iterator[Site]:
    """The site, once its session waits for a review."""
    sample = load_sample()
    with Stack(script=sample.script, has_sign_in=True) as stack:
        hub = stack.hub
        repo = hub.create_repository(f"acme/{sample.name}", dict(sample.files))
        hub.create_repository("acme/empty", {"README.md": "Nothing here."})
        ann, rob = hub.grant(repo, "ann", "admin"), hub.grant(repo, "rob", "write")
        hub.create_label(repo, "honk")
        stack.install(repo)
        stack.start_honk()
        issue = ann.open_issue(repo, sample.issue_title, sample.issue_body, ["honk"])
        pull = stack.wait_for("a pull request", lambda: next(iter(repo.pulls()), None), timeout_s=PATIENCE_S)
        stack.wait_for("it to be ready", lambda: not pull.draft, timeout_s=PATIENCE_S)
        lessons = stack.root / "lessons.md"
        lessons.write_text(f"- {LESSON}\n")
        taught = stack.spawn("lessons", "import", "--repo", repo.full_name, str(lessons)).wait(timeout=60)
        assert taught == 0, stack.log_tail()
        yield Site(stack, sample, repo, issue, pull, rob)
