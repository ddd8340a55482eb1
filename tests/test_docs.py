"""Every link inside the documentation leads somewhere, to the heading that it names, too."""

from __future__ import annotations

import os
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.api_page import BEGIN, END, reference

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    assert [link for link in _links(page) if not _leads_somewhere(page, link)] == []


def test_a_broken_link_is_found(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("# A `b` & c\n\n[a](#a-b--c) [b](#nowhere) [c](gone.md) [d](https://example.com/) ![e](page.md)\n")
    assert [link for link in _links(page) if not _leads_somewhere(page, link)] == ["#nowhere", "gone.md"]


def _leads_somewhere(page: Path, link: str) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True  # not ours to check: tests need no network
    target = (page.parent / unquote(parts.path)) if parts.path else page
    if not target.exists():
        return False
    return not parts.fragment or target.suffix != ".md" or unquote(parts.fragment) in _anchors(target)


def _links(page: Path) -> list[str]:
    tokens = [child for token in _tokens(page) for child in token.children or []]
    found = [token.attrGet("href") or token.attrGet("src") for token in tokens if token.type in {"link_open", "image"}]
    return [str(link) for link in found if link]


@cache
def _anchors(page: Path) -> set[str]:
    """Name the anchors as GitHub does: lower case, punctuation gone, spaces to hyphens, repeats numbered."""
    tokens = _tokens(page)
    headings = [after for before, after in pairwise(tokens) if before.type == "heading_open"]
    anchors: set[str] = set()
    for heading in headings:
        text = "".join(child.content for child in heading.children or [])
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        repeats = sum(1 for anchor in anchors if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", anchor))
        anchors.add(f"{slug}-{repeats}" if repeats else slug)
    return anchors


def _tokens(page: Path) -> list[Token]:
    return MarkdownIt("gfm-like", {"linkify": False}).parse(page.read_text())


def test_every_setting_is_documented_in_its_own_words():
    from github_app.settings import NAMES

    text = (ROOT / "docs/configure.md").read_text("utf-8")
    rows = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in NAMES.items())
    assert rows in text, "docs/configure.md differs from settings.NAMES"


def test_every_command_is_documented_and_no_other():
    from github_app.core.commands import VERBS

    text = (ROOT / "docs/use.md").read_text("utf-8")
    told = re.findall(r"^\| `/honk(?: (\w+)[^`]*)?`", text, re.MULTILINE)
    assert sorted(filter(None, told)) == sorted(VERBS), "docs/use.md differs from commands.VERBS"


def test_every_exit_code_is_documented():
    from github_app.__main__ import EXIT_CODES

    rows = "\n".join(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items())
    assert rows in (ROOT / "docs/api.md").read_text("utf-8"), "docs/api.md differs from __main__.EXIT_CODES"


def test_the_walk_names_only_modules_that_exist():
    text = (ROOT / "docs/walk.md").read_text("utf-8")
    rooms = "adapters|agent|core|engine|web|webhook|demo|localhub"
    named = re.findall(rf"`((?:{rooms})(?:\.[A-Za-z_]+)+)", text)
    assert len(named) > 20
    assert [name for name in named if not _exists(name)] == []


def _exists(name: str) -> bool:
    """Whether a dotted name is a module of ours, or something defined in one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        path = ROOT.joinpath("github_app", *parts[:end])
        module = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
        if module.exists():
            source = module.read_text("utf-8")
            return all(re.search(rf"\b(?:def|class) {part}\b|^{part}\b", source, re.MULTILINE) for part in parts[end:])
    return False


def test_the_api_is_documented_by_itself():
    page = ROOT / "docs/api.md"
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    text = f"{before}{BEGIN}\n\n{reference()}\n\n{END}{rest.partition(END)[2]}"
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(text, "utf-8")
    assert page.read_text("utf-8") == text, "docs/api.md differs from the API: UPDATE_GOLDEN=1 writes it"
