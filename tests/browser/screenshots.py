"""Pictures for the docs, from the pages as they are.

python -m tests.browser.screenshots          writes docs/screenshots
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.browser.site import chromium, find_browser, opened

FOLDER = Path(__file__).resolve().parents[2] / "docs/screenshots"


def main() -> int:
    """Write them; 1 where there is no browser."""
    path = find_browser()
    if path is None:
        print("There is no Chromium here: install your distribution's `chromium`.", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with opened() as site, chromium(path) as browser:
        page = site.enter(browser, viewport={"width": 960, "height": 700})
        session = page.locator("tbody a").first.get_attribute("href")
        page.goto(f"{site.stack.url}{session}")
        page.get_by_text("Live: what happens appears below.").wait_for()
        page.locator("details", has_text="bash answers").first.locator("summary").click()
        page.get_by_role("heading", name="What happened").evaluate("each => each.scrollIntoView()")
        page.screenshot(path=FOLDER / "session.png")
        page.goto(f"{site.stack.url}/repositories/{site.repo.id}")
        page.screenshot(path=FOLDER / "repository.png")
        page.context.close()
        phone = site.enter(browser, viewport={"width": 390, "height": 640}, color_scheme="dark")
        phone.goto(f"{site.stack.url}/sessions")
        phone.screenshot(path=FOLDER / "phone.png")
    for picture in sorted(FOLDER.glob("*.png")):
        print(f"{picture.name}: {picture.stat().st_size // 1_000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
