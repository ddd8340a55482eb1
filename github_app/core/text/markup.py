"""Markdown as GitHub shows it, as far as trust hangs on it: what in a text is surely code, which stands there for all
to see and acts on nothing. Where markup is ambiguous the answer is no: what is not surely code is prose."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from html.entities import html5
from typing import Literal

from github_app.core.text.characters import legible

HTML_BLOCKS = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|"
    "fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|"
    "menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|"
    "track|ul"
)
TAG = re.compile(
    r"</?(?P<name>[A-Za-z][A-Za-z0-9-]*+)"
    r"(?:\s++[A-Za-z_:][\w.:-]*+(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'=<>`]++))?+)*+\s*+/?>"
)
"""What CommonMark calls a tag. GitHub shows none but its own, and never what attributes say."""

_INLINE = re.compile(rf"<[!?][^<>]*+>|<[A-Za-z][A-Za-z0-9+.-]*+:[^\s<>]*+>|{TAG.pattern}", re.IGNORECASE)
_TAG_PART = re.compile(r"<[A-Za-z/][^<>]*+")
_CONTAINER = re.compile(r"(?:[ \t]*+(?:>|[-*+](?=[ \t])|[0-9]{1,9}[.)](?=[ \t])))*+[ \t]*+")
_MARK = re.compile(r"[ \t]*(?:(?P<quote>>) ?|(?:[-*+]|[0-9]{1,9}[.)])(?: {1,4}(?! )|[ \t]))")
_FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")
_MARKED = re.compile(r"[-*+.)]")
_HEADING = re.compile(r"#{1,6}(?:[ \t]|$)|[-=*_ \t]+$|\[.*\]:")
_BLANK = r"^\s*$"
_LONE_TAG = r"^\s*+$"
_RAW_HTML: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(begin, re.IGNORECASE), end)
    for begin, end in (
        (r"<(?:pre|script|style|textarea)(?![\w-])", r"</(?:pre|script|style|textarea)>"),
        (r"<!--", r"-->"),
        (r"<\?", r"\?>"),
        (r"<!\[CDATA\[", r"\]\]>"),
        (r"<![A-Z]", r">"),
        (rf"</?(?:{HTML_BLOCKS})(?:[\s/>]|$)", _BLANK),
        (rf"{TAG.pattern}\s*$", _LONE_TAG),
    )
)
_TABLE = re.compile(r"^[ \t>*+0-9.)|:-]*-[ \t|:-]*$", re.MULTILINE)
_TICKS = re.compile(r"`+")
LOOSE_LINK = re.compile("\\]\\((?![^`()\\\\\"'<\x02]*\\))")
"""A link whose address or title may hold a backtick or a bracket, and so anything; it takes these before code does."""

_SLOT = re.compile("\x00([0-9]+)\x00")


@dataclass(frozen=True)
class Masked:
    """A text with a slot (`\\x00<number>\\x00`) for each piece of code in it."""

    text: str
    codes: tuple[str, ...]

    def restore(self, text: str, code: Callable[[str], str] = str) -> str:
        """Put the code, as `code` makes it, back into a text that holds some of the slots."""
        return _SLOT.sub(lambda slot: code(self.codes[int(slot[1])]), text)


def mask_code(text: str, *, html: Callable[[str], str] = str) -> Masked:
    """Replace blocks and spans of code by slots, and blocks of HTML by what `html` makes of them.

    The text is `legible`. Takes time linear in its length.
    """
    codes: list[str] = []

    def keep(code: str) -> str:
        codes.append(code)
        return f"\x00{len(codes) - 1}\x00"

    lines = text.split("\n")
    shown: list[str] = []
    for kind, start, end in _blocks(lines):
        block = "\n".join(lines[start:end])
        if kind == "code":
            shown.append(keep(block))
        else:
            shown.append(html(block) if kind == "html" else _mask_spans(block, keep))
    return Masked("\n".join(shown), tuple(codes))


Kind = Literal["code", "prose", "html"]


def _blocks(lines: Sequence[str]) -> Iterator[tuple[Kind, int, int]]:
    """Blocks of lines in order. Where one block more or less would turn code into prose and prose into code, all the
    rest is `html`: not code, whatever is in it."""
    index, in_list, after_blank = 0, False, True
    while index < len(lines):
        prefix, rest = _split(lines[index])
        is_marked = bool(prefix.strip())
        kind: Kind = "prose"
        end: int | None = index + 1
        if not rest:
            pass
        elif after_blank and not in_list and not is_marked and _width(prefix) >= 4:
            kind, end = "code", _end_of_indented(lines, index)
        elif (ending := _raw_html(rest)) is not None:
            kind, end = "html", _end_of_html(lines, index, ending, prefix)
        elif fence := _FENCE.match(rest):
            kind, end = "code", _end_of_fence(lines, index, prefix, fence[1] or fence[2])
        else:
            end = _paragraph(lines, index)
        if end is None:
            yield "html", index, len(lines)
            return
        yield kind, index, end
        in_list = is_marked or (in_list and not (after_blank and rest and not prefix))
        after_blank = not rest or kind == "code"
        index = end


def _split(line: str) -> tuple[str, str]:
    """The quote and list marks and spaces that a line begins with, and the rest."""
    prefix = _CONTAINER.match(line)
    end = prefix.end() if prefix is not None else 0
    return line[:end], line[end:]


def _raw_html(rest: str) -> str | None:
    """The pattern of the line that ends a block of HTML that begins here."""
    return next((end for begin, end in _RAW_HTML if begin.match(rest)), None) if rest.startswith("<") else None


def _end_of_html(lines: Sequence[str], start: int, pattern: str, prefix: str) -> int | None:
    """Where it ends; None if that is unsure and fences hang on it."""
    ends = re.compile(pattern, re.IGNORECASE)
    is_until_blank = pattern in (_BLANK, _LONE_TAG)
    marks = list(_MARK.finditer(prefix)) if "\t" not in prefix else []
    for index in range(start, len(lines)):
        inner = _inside(lines[index], marks) if index > start else lines[start]
        if inner is None:
            return None if _is_open("\n".join(lines[start:index])) else index
        if not inner.strip() if is_until_blank else ends.search(lines[index]):
            end = index if is_until_blank else index + 1
            return None if _is_open("\n".join(lines[start:end])) else end
        if prefix and _FENCE.match(_split(lines[index])[1]):
            return None
    return len(lines)


def _is_open(html: str) -> bool:
    """Whether a tag or comment may go on behind the block, for browsers, and take in what follows."""
    tags = _TAG_PART.findall(html)
    is_odd = any(tag.count('"') % 2 or tag.count("'") % 2 for tag in tags)
    return is_odd or html.rfind("<") > html.rfind(">") or html.count("<!--") > html.count("-->")


def _end_of_indented(lines: Sequence[str], start: int) -> int:
    end = start + 1
    while end < len(lines) and lines[end].strip() and _width(lines[end]) >= 4:
        end += 1
    return end


def _paragraph(lines: Sequence[str], start: int) -> int | None:
    """Where lines of text end: at a blank line, or where something else begins; None if fences hang on a guess."""
    has_lone_tag = in_table = False
    for index in range(start + 1, len(lines)):
        prefix, rest = _split(lines[index])
        if _FENCE.match(rest):
            return None if has_lone_tag else index
        html = _raw_html(rest)
        in_table = in_table or _TABLE.match(lines[index]) is not None
        # A tag alone on its line begins HTML in an item, a table, or after a heading or rule, but not within text.
        begins = in_table or _MARKED.search(prefix) or _HEADING.match(_split(lines[index - 1])[1])
        if html == _LONE_TAG and not begins:
            has_lone_tag, html = True, None
        if not rest or html is not None:
            return index
    return len(lines)


def _end_of_fence(lines: Sequence[str], start: int, prefix: str, marker: str) -> int | None:
    """Where a fenced block ends: at its closing fence, or with the quote or list that it is in; None if unsure."""
    marks = list(_MARK.finditer(prefix))
    space = prefix[marks[-1].end() if marks else 0 :]
    is_deep = len(space) >= 4  # it may be the middle of a paragraph, and its backticks a span
    if "\t" in prefix or (is_deep and marker[0] == "~"):
        return None
    closing = re.compile(rf"{marker[0]}{{{len(marker)},}}[ \t]*$")
    for index in range(start + 1, len(lines)):
        inner = _inside(lines[index], marks)
        if inner is None:
            return None if space else index
        margin, rest = _width(inner), inner.strip(" \t")
        if closing.match(rest):
            if margin == len(space) and not (is_deep and rest != marker):
                return index + 1
            if space or margin < 4:
                return None if space else index + 1
        elif rest and (margin < len(space) or (is_deep and marker in rest)):
            return None
    return None if is_deep else len(lines)


def _inside(line: str, marks: Sequence[re.Match[str]]) -> str | None:
    """What a line says inside of quotes and list items; None if it is not in them."""
    for mark in marks:
        if mark["quote"]:
            before, found, line = line.partition(">")
            if not found or before.strip() or _width(before) > 3:
                return None
            line = line.removeprefix(" ")
        elif line.strip():
            line = line.expandtabs(4)
            if _width(line) < len(mark[0].expandtabs(4)):
                return None
            line = line[len(mark[0].expandtabs(4)) :]
    return line


def _width(line: str) -> int:
    """How far a line is moved in."""
    return len(line[: len(line) - len(line.lstrip(" \t"))].expandtabs(4))


def _mask_spans(paragraph: str, keep: Callable[[str], str]) -> str:
    """Mask spans of code, if each line's backticks come in pairs: else their meaning hangs on what is around them."""
    if "`" not in paragraph or "\\`" in paragraph:
        return paragraph
    spans: list[tuple[int, int]] = []
    offset = 0
    for line in paragraph.split("\n"):
        found = _spans_of(line)
        if found is None:
            return paragraph
        spans += [(offset + start, offset + end) for start, end in found]
        offset += len(line) + 1
    link = LOOSE_LINK.search(paragraph)
    if link is not None and spans and spans[-1][1] > link.start():
        return paragraph
    if any("|" in paragraph[start:end] for start, end in spans) and _TABLE.search(paragraph):
        return paragraph  # the edge of a cell ends a span
    shown: list[str] = []
    done = 0
    last_end = paragraph.rfind("-->")
    for start, end in spans:
        at = paragraph.find("<", done, start)
        while 0 <= at < start:
            after = _end_of_markup(paragraph, at, last_end)
            if after > start:  # this backtick is in a tag, and its partner all alone
                return "".join(shown) + paragraph[done:]
            at = paragraph.find("<", after, start)
        shown += [paragraph[done:start], keep(paragraph[start:end])]
        done = end
    return "".join(shown) + paragraph[done:]


def _end_of_markup(paragraph: str, start: int, last_end: int) -> int:
    """Where the tag, comment or address ends that begins at `<`; right behind the `<` if there is none."""
    if start < last_end and paragraph.startswith("<!--", start):
        return paragraph.index("-->", start) + 3
    found = _INLINE.match(paragraph, start)
    return found.end() if found is not None else start + 1


def _spans_of(line: str) -> list[tuple[int, int]] | None:
    """The spans of code in a line; None if a backtick has no partner."""
    runs = [(run.start(), run.end()) for run in _TICKS.finditer(line)]
    later: dict[int, list[int]] = {}
    for number in range(len(runs) - 1, -1, -1):
        later.setdefault(runs[number][1] - runs[number][0], []).append(number)
    spans = []
    number = 0
    while number < len(runs):
        start, end = runs[number]
        same = later[end - start]
        while same and same[-1] <= number:
            same.pop()
        if not same:
            return None
        spans.append((start, runs[same[-1]][1]))
        number = same[-1] + 1
    return spans


def read_entities(text: str) -> str:
    """A text with its entities read, also those that come of reading others. Backticks, tildes and pipes are left:
    they would make code and cells of what is none."""
    if "&" not in text:
        return text
    out: list[str] = []
    ampersands: list[int] = []

    def push(char: str) -> None:
        if char == "&":
            ampersands.append(len(out))
        out.append(char)

    for char in text:
        if char == ";" and ampersands and len(out) - ampersands[-1] <= 33:
            read = _meaning("".join(out[ampersands[-1] + 1 :]))
            if read is not None:
                del out[ampersands.pop() :]
                for each in read:
                    push(each)
                continue
        push(char)
    return "".join(out)


def _meaning(name: str) -> str | None:
    """What an entity stands for; None if it is none, or stands for what marks code and cells."""
    if not (re.fullmatch(r"#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}", name) or f"{name};" in html5):
        return None
    char = unescape(f"&{name};")
    return None if char in "`~|" else " " if char.isspace() else legible(char)
