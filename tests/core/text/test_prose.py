"""Words that are not ours: they show what they showed, and do nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from github_app.core.commands import parse_command
from github_app.core.text.prose import clause, code, defang, harmless, one_line, plain

HOMES = ("https://github.com", "https://honk.acme.com")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("It honks.", "It honks."),
        ("cc @alice, mail goose@acme.org", "cc @\u200balice, mail goose@acme.org"),
        ("&#64;alice &commat;bob @&#99;arol \\@dan", "@\u200balice @\u200bbob @\u200bcarol \\@\u200bdan"),
        ("_@alice_ __@bob__", "_@\u200balice_ __@\u200bbob__"),
        ("@dependabot merge", "@\u200bdependabot merge"),
        ("/approve\n> /lgtm cancel\n/etc/passwd is read", "`/approve`\n> `/lgtm` cancel\n/etc/passwd is read"),
        ("bors r+", "`bors` r+"),
        ("/honk stop", "`/honk` stop"),
        ("write `/honk stop`, or /oc go", "write `/honk stop`, or `/oc` go"),
        ("Fixes #99, **closes** #3", "Fixes issue #99, **closes issue #3"),
        ("Fixes \\#99 and fixes **#98**", "Fixes issue \\#99 and fixes issue **#98**"),
        ("closes: acme/goose#9", "closes issue acme/goose#9"),
        ("~~Closes~~ #9, fixes ~~#8~~", "~~Closes issue #9, fixes issue ~~#8~~"),
        ("> Closes\n> #9", "> Closes issue #9"),
        ("Closes\\\n#9 closes [ #8](x)", "Closes issue #9 closes issue [ #8](x)"),
        ("Co-authored-by: Ann Lee\nSigned-off-by : Bob", "Co-authored-by Ann Lee\nSigned-off-by Bob"),
        ("resolved https://github.com/a/b/issues/9", "resolved issue https://github.com/a/b/issues/9"),
        ("see #99, a prefix #1", "see #99, a prefix #1"),
        ("[skip ci] [ci skip] ***NO_CI***\nskip-checks: true", "(skip ci) (ci skip) NO_CI\nskip-checks true"),
        ("<!-- hidden --> <img src=x> </p> <?x>", "&lt;!-- hidden --> &lt;img src=x> &lt;/p> &lt;?x>"),
        ("List<String> &lt;b&gt;, a < b", "List&lt;String> &lt;b>, a < b"),
        ("so\u00adft \u202eevil\u202c \U000e0041\x1b[2Kx", "soft evil x"),
        ("`List<String>` and `@alice`", "`List<String>` and `@alice`"),
        ("```python\n@property\n<!-- x -->\n```\n@bob", "```python\n@property\n<!-- x -->\n```\n@\u200bbob"),
        ("```\n/approve\n@claude do\nfixes #9\n[skip ci]\n```",
         "```\n\\/approve\n@\u200bclaude do\nfixes issue #9\n(skip ci)\n```"),
        ("```\n@property", "```\n@property\n```"),
        ("<div>\n```\n\n```\n@alice\n```", "&lt;div>\n```\n\n```\n@\u200balice\n```\n```"),
    ],
)  # fmt: skip
def test_prose_is_made_harmless(text: str, shown: str):
    assert harmless(text) == shown
    assert harmless(shown) == shown


def test_where_no_markdown_is_read_nothing_is_code():
    assert plain("```\n@alice\n```\n`closes #9` List&lt;T>") == "```\n@\u200balice\n```\n`closes issue #9` List<T>"
    assert one_line("Add\n`@alice` [skip ci]\u202e") == "Add `@\u200balice` (skip ci)"


def test_the_middle_of_a_sentence_is_one_harmless_line():
    assert clause("It broke. ") == "It broke"
    assert clause("```\n@alice <b> /approve") == "``` @\u200balice &lt;b> /approve"
    assert clause("") == ""


def test_names_become_code_on_one_line():
    assert code("test (3.11)") == "`test (3.11)`"
    assert code("a`b\nc") == "`a'b c`"
    assert code(" ") == "(no name)"
    assert len(code("x" * 500)) == 102


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see ![x](https://evil.com/?q=1)", "see [x] (`https://evil.com/?q=1`)"),
        ("see ![x][i]\n\n[i]: https://evil.com/i.png", "see [x][i]\n\n\\[i]: `https://evil.com/i.png`"),
        ('[x](https://evil.com "t")', '[x] (`https://evil.com` "t")'),
        ("[x](https://github.com/a/b), https://github.com/a.", "[x](https://github.com/a/b), https://github.com/a."),
        ("[x](https://honk.acme.com/sessions/1)", "[x](https://honk.acme.com/sessions/1)"),
        ("[x](#here) [y](docs/x.md) [z](/a/b)", "[x](#here) [y](docs/x.md) [z](/a/b)"),
        ("https://evil.com/?q=s, and www.evil.com.", "`https://evil.com/?q=s`, and `www.evil.com`."),
        ("<https://evil.com> <mailto:a@evil.com>", "<`https://evil.com`> <`mailto:a@evil.com`>"),
        ("[x](mailto:a@evil.com?body=s)", "[x] (`mailto:a@evil.com?body=s`)"),
        ("[x](//evil.com) [x](/\\evil.com) [x](http:evil.com)",
         "[x] (//evil.com) [x] (/\\evil.com) [x] (http:evil.com)"),
        ("[x](https://github.com@evil.com) [x](https://github.com.evil.com)",
         "[x] (`https://github.com@evil.com`) [x] (`https://github.com.evil.com`)"),
        ("[x](https\\://evil.com)", "[x] (https\\://evil.com)"),
        ("[x](< //evil.com>) [x](<\\//evil.com>)", "[x] (< //evil.com>) [x] (<\\//evil.com>)"),
        ("[x](\u00a0//evil.com)\n> [x](\n> //evil.com)", "[x] (\u00a0//evil.com)\n> [x] (\n> //evil.com)"),
        ("[a](`)![a](https://evil.com)`", "[a](`)[a] (https[:]//evil.com)`"),
        ("| a |\n|-|\n| https://evil.com|b |", "| a |\n|-|\n| https[:]//evil.com|b |"),
        ("!![x](https://github.com/a.png)", "[x](https://github.com/a.png)"),
        ('https://evil.com_www.evil.com [a](u "', 'https[:]//evil.com_www[.]evil.com [a](u "'),
        ("[a\nb]: //evil.com", "\\[a\nb]: //evil.com"),
        ("[a\\]b]: //evil.com", "\\[a\\]b]: //evil.com"),
        ("> [x]:\n> < //evil.com>", "> \\[x]:\n> < //evil.com>"),
        ("[x](javascript:alert)", "[x] (javascript:alert)"),
        ("`https://evil.com`\n```\n![x](https://evil.com)\n```", "`https://evil.com`\n```\n![x](https://evil.com)\n```"),
        ("// a comment, a//b, x://y, <!-- honk:x -->", "// a comment, a//b, x://y, <!-- honk:x -->"),
    ],
)  # fmt: skip
def test_links_lead_nowhere_else(text: str, shown: str):
    assert defang(text, homes=HOMES) == shown
    assert defang(shown, homes=HOMES) == shown


def test_addresses_without_markdown_are_broken():
    text = "See https://evil.com/?q, www.evil.com and https://github.com/a"
    assert defang(text, homes=("https://github.com", ""), is_markdown=False) == (
        "See https[:]//evil.com/?q, www[.]evil.com and https://github.com/a"
    )


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.in_code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.in_code += tag in ("code", "pre")
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        self.in_code -= tag in ("code", "pre")

    def handle_comment(self, data: str) -> None:  # noqa: ARG002 - the base class's name
        self.tags.append("!--")

    def handle_data(self, data: str) -> None:
        if not self.in_code:
            self.words.append(data)


def page_of(text: str) -> Page:
    """What GitHub would show, near enough: made by another program, bare addresses linked."""
    page = Page()
    page.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))
    page.close()
    return page


PIECES = [
    "![a](https://evil.com/i)", "[a](https://evil.com/?q)", "[a](<https://evil.com>)", "[a]: https://evil.com\n",
    "[a](< //evil.com>)", "[a](", "< //evil.com>", "<\\//evil.com>", "[a]:", "[a\nb]: //evil.com\n\n[a b]", "_",
    "[a]", "![a]", "![a][a]", "<https://evil.com/>", "<img src='https://evil.com'>", "<a href=https://evil.com>",
    "<!-- x -->", "<div>\n", "<pre>\n", "</pre>", "<div title='", "https://evil.com", "//evil.com", "&#64;alice ",
    "@alice", "@", "alice", "&lt;img src=x&gt;", "/honk stop\n", "/approve\n", "\n", "\n\n", "`", "``", "```\n",
    "```x\n", "~~~\n", "    ", "  ", "> ", "- ", "1. ", "\\", "[", "]", "(", ")", "!", "\\`", "|", "\n|-|\n", "text",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@given(texts)
@settings(max_examples=600, deadline=None)
def test_a_page_of_it_loads_nothing_leads_nowhere_and_calls_nobody(text: str):
    posted = defang(harmless(text), homes=HOMES)
    page = page_of(posted)
    assert not {"img"} & set(page.tags), posted
    assert not [each for each in page.addresses if urlsplit(each).netloc not in ("", "github.com")], posted
    assert not {"div", "!--"} & set(page.tags), posted
    assert not re.search(r"(?<![A-Za-z0-9_])@[A-Za-z0-9]", "\0".join(page.words)), posted
    assert "https://evil.com" not in "".join(page.words), posted
    assert parse_command(posted) is None


@given(texts)
@settings(max_examples=400, deadline=None)
def test_what_is_harmless_stays_as_it_is(text: str):
    once = defang(harmless(text), homes=HOMES)
    assert defang(harmless(once), homes=HOMES) == once


@pytest.mark.timeout(60)  # where time is not linear, the whole process stands still for minutes
@pytest.mark.parametrize(
    "unit",
    ["\n", " ", "fix.", "fix\n", "fix:\n", "close https://x", "fixes a/", "@", "/honk ", "<!--", "```\n", "&amp;", "](",
     "[a]: x\n", "https:", "[skip ", "***", "`a` ", "- ```\n", "/a\n"],
)  # fmt: skip
def test_the_longest_words_of_any_kind_are_made_harmless_in_no_time(unit: str):
    defang(harmless("close" + unit * 40_000 + "x"), homes=HOMES)
