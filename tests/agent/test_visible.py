"""What the agent hears of a text in Markdown: what people see, all of it, and nothing else."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from github_app.agent.visible import LONGEST, visible

NORMAL = [
    "if a < b && c > d { return x << 2 }",
    "Use `List<String>` or List<String>, and Map<A, B>; not `<!-- a comment -->`.",
    "Exception in thread \"main\" java.lang.NullPointerException: Cannot invoke \"String.length()\"\n"
    "\tat com.acme.Foo$Bar.lambda$run$0(Foo.java:12)\n\tat java.base/jdk.internal.reflect.<init>(Unknown Source)",
    "```html\n<!-- kept -->\n<img alt=\"kept\" src=\"x\">\n&lt;kept&gt;\n```\n\nand then **more**",
    "1. Run:\n\n   ```sh\n   curl -d '<a b=\"c\"/>' x\n   ```\n\n2. See [the docs](https://docs.acme.com/x_(y)?a=b#c).",
    "- [ ] todo\n- [x] done, see [^1]\n\n[^1]: A note that is used.",
    "> quoted\n> ~~~\n> <!-- code in a quote -->\n> ~~~\n\nanswer",
    "It says\n[main]: started\nand\n[error]: failed to open <stdin>",
    "Log:\n\n    <bean id=\"x\" class=\"y\"/>\n\nEnd.",
    "| a | b |\n|---|---|\n| `x` | 1 < 2 |",
    "| a | b |\n|:--|---|\n| x \\| y | `x \\| y` |\n\nx | y | z\n- | - |",
    "```\n|a|\n|-|\n|b|c|\n```\n\nif a || b:\n---\nx | y",
    "naïve — „quotes“, 日本語, 👩\u200d💻 ❤\ufe0f 🏳\ufe0f\u200d🌈 1\ufe0f⃣",
    "مرحبا بالعالم، می\u200cخواهم; क्\u200dष हिन्दी; ไทย; עברית",  # noqa: RUF001 - Arabic
    "<details>\n<summary>Log</summary>\n\n```\n<!-- x -->\n```\n\n</details>",
    "Fix `foo(\"bar\")` in src/foo.py:12, see #12 and a/b#3. AT&T; x &&y; ?a=1&b=2",
    "~~old~~ $x_1$ *emphasis* __strong__ \\*not\\* snake_case_name @alice <https://acme.com/x>",
]  # fmt: skip


@pytest.mark.parametrize("text", NORMAL)
def test_what_people_see_stays_as_it_stands(text: str):
    assert visible(text) == text


HIDDEN = {
    "an HTML comment": "see <!-- PAYLOAD --> here",
    "a comment over lines": "see\n<!--\nPAYLOAD\n\nPAYLOAD\n-->\nhere",
    "a comment that browsers end": "see <!-- PAYLOAD --!> here",
    "a comment that nothing ends": "see\n\n<!-- PAYLOAD\n\nPAYLOAD",
    "a comment in a block of HTML that nothing ends": "see\n<p>here <!-- PAYLOAD\n\nPAYLOAD",
    "decimal entities": "see\n&#60;!-- PAYLOAD --&#62;",
    "hexadecimal entities": "see &#x3c;!-- PAYLOAD --&#X3E; here",
    "named entities": "see &lt;&excl;-- PAYLOAD --&gt; here",
    "entities of entities": "see &amp;#60;!-- PAYLOAD --&amp;amp;#62; here",
    "an entity in an entity": "see &&#35;60;!-- PAYLOAD --> here",
    "only the opening encoded": "see\n&#60;!-- PAYLOAD",
    "a declaration": "see <!ENTITY PAYLOAD> here",
    "an instruction of PHP": "see <?PAYLOAD?> here",
    "a closing tag that is none": "<p>see</ PAYLOAD></p>",
    "a link's title": 'see [here](https://acme.com "PAYLOAD")',
    "a link's title in another form": "see [here](https://acme.com/a_(b)\n  'PAYLOAD'), [x](<u> (PAYLOAD))",
    "a definition's title": '[here]\n\n[here]: https://acme.com "PAYLOAD"',
    "a definition that is a comment": "see\n\n[//]: # (PAYLOAD)\n[comment]: <> (PAYLOAD)",
    "a label": "[here][PAYLOAD]\n\n[PAYLOAD]: https://acme.com",
    "a definition in a list": "- [x]: u 'PAYLOAD'\n- see",
    "a definition under code in a list": "-     see\n[x]: u 'PAYLOAD'",
    "a definition under a heading": "# see\n[x]: u 'PAYLOAD'",
    "an image's text": "see ![PAYLOAD](https://acme.com/x.png)",
    "an image's text with brackets": "see ![a [b [c]] PAYLOAD](https://acme.com/x.png)",
    "an image's text with code": "see ![a `b` PAYLOAD](https://acme.com/x.png)",
    "an image's text by reference": "see ![PAYLOAD][i] ![PAYLOAD]\n\n[i]: u\n[PAYLOAD]: u",
    "an image in a link": "see [![PAYLOAD](i)](u 'PAYLOAD')",
    "attributes": "<img alt='PAYLOAD' src=x> <p title=PAYLOAD data-x='PAYLOAD' aria-label=\"PAYLOAD\">see</p>",
    "attributes over lines": "see <a\n  title='PAYLOAD'\n  PAYLOAD>here</a>",
    "a tag of one's own": "see <note PAYLOAD='PAYLOAD'>here</note>",
    "a tag that nothing ends": "see\n\n<div title='PAYLOAD\n\nPAYLOAD",
    "a footnote that nothing points to": "see\n\n[^x]: PAYLOAD\n\n    ```\n    PAYLOAD\n    ```\n",
    "what a fence says besides its language": "see\n\n```python PAYLOAD <!-- PAYLOAD -->\nx = 1\n```",
    "after a backtick in a tag": 'see <a title="`"> <!-- PAYLOAD --> `',
    "between two backticks that are no pair": "x ` y\nz ` <!-- PAYLOAD --> ` w",
    "between escaped backticks": "see \\`<!-- PAYLOAD -->\\`",
    "between backticks in HTML": "<div>\nsee `<!-- PAYLOAD -->`\n</div>",
    "between fences in HTML": "<div>\n```\n<!-- PAYLOAD -->\n```\n</div>",
    "between fences in HTML with blank lines": "<pre>\n\n```\n<!-- PAYLOAD -->\n```\n</pre>",
    "between fences in a comment": "<!--\n```\nPAYLOAD\n```\n-->\nsee",
    "behind a fence that ended with its list": "- a\n  ```\n<!-- PAYLOAD -->\n  ```",
    "behind a fence that ended with its quote": "> ```\n<!-- PAYLOAD -->\n> ```",
    "behind a fence that something like an end did not end": "```\n      ```\n```\n<!-- PAYLOAD -->",
    "in a table's cell": "|a|b|\n|-|-|\n|`a | b` x ` <!-- PAYLOAD --> ` y|",
    "between backticks, one of which is a link's": "[see](`)<!-- PAYLOAD -->`",
    "between backticks, one of which is a title's": "[see](u '`') <!-- PAYLOAD --> `",
    "between fences in HTML that an empty quote does not end": "<div>\nsee\n> \n~~~\n<!-- PAYLOAD -->",
    "in backticks of HTML in a table": "|a|\n|-|\n|see|\n<x>\n` <!-- PAYLOAD --> `",
    "in a cell that the table has no column for": "|a|\n|-|\n|see|PAYLOAD|",
    "in a cell too many in a quote's table": "> a | b\n> -|-\n> see|here|PAYLOAD|PAYLOAD",
    "in a cell too many in a list's table": "- |a|\n  |-|\n  |see|PAYLOAD|",
    "what browsers without ruby would show": "<ruby>see<rp>PAYLOAD</rp><rt>here</rt></ruby>",
    "in an open element that is not shown": "see <RP>PAYLOAD",
    "backticks behind a fence of tildes": "see\n\n~~~ sh `PAYLOAD`\nls\n~~~",
    "in a fence that is the middle of a paragraph": "see\n      ```\n<!-- PAYLOAD -->",
}  # fmt: skip


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN.keys())
def test_what_is_hidden_was_not_said(text: str):
    heard = visible(text)
    assert "PAYLOAD" not in heard
    assert heard.startswith("see") or "see" in heard or "[here]" in heard or "![]" in heard or text.count("see") == 0


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("a<!-- b -->c", "a c"),
        ("a<!<!-- x -->-- b -->c", "a<! -- b -->c"),
        ("a <x data-x='1' y/> b </x>", "a <x> b </x>"),
        ("List&lt;String&gt; &amp;&amp; &copy;&nbsp;x", "List<String> && © x"),
        ("it crashes on <!-- and then goes on", "it crashes on  and then goes on"),
        ('<img alt="x" src="https://acme.com/i.png" width=3>', '<img src="https://acme.com/i.png">'),
        ("[the docs][d], [d] and [d]\n\n[d]: https://acme.com", "[the docs](https://acme.com), [d] and [d]"),
        ("[d]\n\n[d]: https://acme.com", "[d](https://acme.com)"),
        ("![seen](u) ![not] [a](b)", "![](u) ![not] [a](b)"),
        ("so\u00adft, w\u2060o\u200brd \u202eright\u202c", "soft, word right"),
        ("t\U000e0061\U000e0062ag 😀\ufe00\ufe01\U000e0101", "tag 😀"),
        ("a\n\n\n\n\n\n\nb", "a\n\n\nb"),
        ("|a|\n|-|\n|b &#124; c|", "|a|\n|-|\n|b &#124; c|"),
    ],
)
def test_what_is_left(text: str, heard: str):
    assert visible(text) == heard


PIECES = [
    "<!-- {} -->", "<!-- {}", "-->", "&lt;!-- {} --&gt;", "[x](u '{}')", '[x](u "{}")', "[x](<u> ({}))", "![{}](u)",
    "![a [{}]](u)", "[{}]: u\n", "[//]: # ({})\n", "[a]: u '{}'\n", "[a][{}]", "[a]", "<a title='{}'>",
    "<div {}>\n", "<div>\n", "</div>\n", "<pre>\n", "</pre>\n", "<x {}>", "<x>\n", "<!{}>", "<?{}?>", "</ {}>",
    "`", "``", "```", "```\n", "```x {}\n", "~~~\n", "\\", "\\`", "\n", "\n", "\n\n", "\n\n", "> ", "- ", "1. ", "  ",
    "   ", "    ", "\t", "{}", " {} ", "# ", "|", "\n|-|-|\n", "---\n", "&#96;", "&gt;", "'", '"', ">", "<", "(", ")",
    "[", "]", "!", "text", "|{}|\n", "|a|\n|-|\n", "<x>\n", "[a](", "&#124;",
]  # fmt: skip
BLOCKS = [
    "{}\n", "\n", "```\n", "```\n", "~~~\n", "  ```\n", "    ```\n", "   ```x\n", "> ```\n", "- ```\n", "  - ```\n",
    "<!-- {} -->\n", "  <!-- {} -->\n", "> <!-- {} -->\n", "a <!-- {} --> b\n", "` <!-- {} --> `\n", "a ` b\n",
    "<div>\n", "<p>\n", "</div>\n", "<x>\n", "<pre>\n", "</pre>\n", "<!--\n", "-->\n", "- a\n", "> a\n", "1. a\n",
    "    {}\n", "[{}]: u\n", "# {}\n", "<div title='\n", "'>\n",
]  # fmt: skip
documents = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=14), st.lists(st.sampled_from(BLOCKS), max_size=14)
).map(lambda pieces: "".join(piece.replace("{}", f"w{number}w" + "x" * 20) for number, piece in enumerate(pieces)))


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_data(self, data: str) -> None:
        self.seen.append(data)


def rendered(text: str) -> str:
    """What a page shows that another program made of a text."""
    page = _Text()
    try:
        page.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))
        page.close()
    except AssertionError:
        return text  # Python's parser gives up on some declarations
    return "".join(page.seen)


@given(documents)
@settings(max_examples=600, deadline=None)
@example("- a\n  ```\n<!-- w1w -->\n  ```\n")
def test_nothing_is_heard_that_a_page_does_not_show(text: str):
    shown = rendered(text)
    heard = visible(text)
    # The names of tags are left, as they are what is seen of generics.
    assert [word for word in re.findall(r"(?<![</])w\d+wx+", heard) if word not in shown] == []


@given(documents)
@settings(max_examples=300, deadline=None)
def test_cleaning_twice_changes_nothing(text: str):
    once = visible(text)
    assert visible(once) == once


@given(st.text(alphabet="<!->a&;#60lt`\n \\[]()\"'", max_size=60))
@settings(max_examples=300, deadline=None)
def test_cleaning_noise_twice_changes_nothing(text: str):
    once = visible(text)
    assert visible(once) == once


UNITS = [
    "<", "&", "&amp;", "<!--", "<!-- -->", "![", "](", '](x "t")', "[a]: b\n", "[^a]: b\n", "`", "``` \n", "> ", "- ",
    "\n", "a\n", '<a b="', "<a 'x", "<div\n", "<div>\n\n", "\u200d", "\x1b[", "&&#35;", "-->", "[a][b]", "' (",
    "![a](", "<x y", "</ ", "<?", "a ` b\n", "~~~\n", "    ```\n", "- ```\n", "\\`", "`<!--`", '<b "`', "|`a`|-|\n",
]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_nobody_can_keep_us_busy(unit: str):
    # What takes a second in linear time takes hours in quadratic: the suite's time limit tells.
    assert len(visible((unit * LONGEST)[:LONGEST])) <= 2 * LONGEST
