"""One site and one browser for all; without a Chromium, or without what drives it, all of it is skipped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.site import Site, chromium, find_browser, opened


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    pytest.importorskip("playwright", reason="`make browser` installs what drives the browser")
    path = find_browser()
    if path is None:
        pytest.skip("there is no Chromium here: install your distribution's `chromium`")
    with chromium(path) as running:
        yield running


@pytest.fixture(scope="session")
def site(browser: object) -> Iterator[Site]:
    _ = browser  # first, so that nothing is started where it is missing
    with opened() as running:
        yield running
