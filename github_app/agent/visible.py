"""What people see of a text in Markdown. What is hidden from them (comments, titles of links, texts of images,
attributes, definitions that nothing uses, invisible characters) was not said to them, so the agent does not hear it
either. Code stays as it stands."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from github_app.core.text.characters import legible
from github_app.core.text.markup import TAG, Masked, mask_code, read_entities

LONGEST = 256_000
"""Characters that are looked at; GitHub's own limit is a quarter of it."""

_ROUNDS = 5
_HTML_END = "\x01"
_MARKS = r"[ \t>*+0-9.)-]*+"
_STRING = r"\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+'|\((?:[^()\\]|\\.)*+\)"
_COMMENT = re.compile(r"<!--.*?--!?>", re.DOTALL)
_DECLARATIONS = (
    (re.compile(r"<\?.*?\?>", re.DOTALL), "?>"),
    (re.compile(r"<!\[CDATA\[.*?\]\]>", re.DOTALL), "]]>"),
    (re.compile(r"<![A-Za-z][^>]*+>"), ">"),
)
_INFO = re.compile(
    rf"^({_MARKS}(?:`{{3,}}+(?=[^`\n]*+$)|~{{3,}}+)[ \t]*+(?:[\w+#.-]{{1,20}}+(?![^\s{{]))?)[^\n]*+$", re.MULTILINE
)
_TAG_LINE = re.compile(rf"{_MARKS}</?[A-Za-z]")
_BLANK_LINE = re.compile(r"\n[ \t>]*+\n")
_COMMENT_LINE = re.compile(rf"{_MARKS}<!--")
# What browsers take for a tag: less orderly than Markdown's, up to the end if a quote is not closed.
_ATTRIBUTES = r"(?:=\s*+(?:\"[^\"]*+\"|'[^']*+')|=(?!\s*+[\"'])|[^>=]++){0,64}+"
_LOOSE = re.compile(
    rf"<!--.*?(?:--!?>|\Z)|<(?:[!?]|/(?![A-Za-z>]))[^>]*+(?:>|\Z)"
    rf"|</?(?P<name>[A-Za-z][A-Za-z0-9-]*+)(?:{_ATTRIBUTES}(?:>|\Z|=\s*+[\"'].*\Z)|[^>]*+(?:>|\Z))",
    re.DOTALL,
)
_ADDRESS = re.compile(r"\b(href|src)\s*=\s*[\"']?(https?://[^\s\"'<>]{1,300})", re.IGNORECASE)
_UNSHOWN = re.compile(r"<rp>.*?(?:</rp>|(?=<rt>|</ruby>)|\Z)", re.DOTALL | re.IGNORECASE)
_PIPE = re.compile(r"\\.|\|")
_DELIMITERS = re.compile(r"[ \t>]*+(?=[^\n]*[|:])\|?+[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+\|?+[ \t]*+")
_FOOTNOTE = re.compile(r"\[\^([^\s\[\]]+)\]")
_DEFINITION = re.compile(
    rf"^(?P<marks>{_MARKS})\[(?P<label>(?:[^\[\]\\]|\\.){{1,999}}+)\]:[ \t{_HTML_END}]*+\n?[ \t>]*+"
    rf"(?P<url><[^<>\n]*+>|[^\s<][^\s{_HTML_END}]*+)"
    rf"(?:(?:[ \t]++|[ \t{_HTML_END}]*+\n[ \t>]*+)(?:{_STRING}))?[ \t{_HTML_END}]*+$",
    re.MULTILINE | re.DOTALL,
)
_FRESH_AFTER = re.compile(
    rf"{_MARKS}(?:[#=_`~\x00].*|.*[>{_HTML_END}])?$|    |\t|[ \t>*+0-9.)-]*[>*+.)-](?: {{5}}| {{0,3}}\t)", re.DOTALL
)
_REFERENCE = re.compile(r"\]\[([^\[\]]++)\]|\[([^\[\]]++)\](?:\[\])?(?![\[(:])")
_BRACKET = re.compile(r"\\.|<[A-Za-z][A-Za-z0-9+.-]*+:[^\s<>]*+>|!?\[|\]", re.DOTALL)
_TITLE = re.compile(rf"(?<=\S)[ \t\n]++(?:{_STRING})[ \t\n]*+\)", re.DOTALL)


def visible(text: str) -> str:
    """A text without what its readers do not see. Visible text stays as it is; takes linear time.

    Entities are read and hidden things taken out until nothing changes any more, so that none of them is made by
    taking out another. What is longer than anything on GitHub ends after `LONGEST` characters.
    """
    if len(text) > LONGEST:
        text = text[:LONGEST] + "-->"  # if it is cut within a comment, that is one all the same
    for _ in range(_ROUNDS):
        before, text = text, _seen(re.sub(r"\n{4,}", "\n\n\n", legible(text)))
        if text == before:
            return text
    # Made to be never done: then nothing in it is taken for code.
    return _stripped(read_entities(legible(text)), ())


def _seen(text: str) -> str:
    masked = mask_code(text, html=_without_loose_markup)
    shown = _stripped(_without_excess_cells(masked.text), masked.codes)
    shown = _stripped(read_entities(shown), masked.codes)
    shown = shown.replace(_HTML_END, "")
    return masked.restore(shown, lambda code: _INFO.sub(r"\1", code, count=1)).strip()


def _stripped(text: str, codes: tuple[str, ...]) -> str:
    text = _without_comments(text)
    for declaration, ending in _DECLARATIONS:
        last = text.rfind(ending) + len(ending)  # looked for only where it ends, or time would not be linear
        text = declaration.sub(_gap_in(text), text[:last]) + text[last:] if last >= len(ending) else text
    text = _UNSHOWN.sub(_gap_in(text), TAG.sub(_bare_tag, text))
    text = _without_footnotes(text, codes)
    text, addresses = _without_definitions(text)
    text = _without_image_texts(text, addresses)
    return _without_titles(_with_addresses(text, addresses))


def _without_excess_cells(text: str) -> str:
    """Rows of a table without the cells that it has no columns for: these are not shown."""
    if "|" not in text:
        return text
    lines = text.split("\n")
    columns = 0
    for number, line in enumerate(lines):
        if not line.strip("> \t"):
            columns = 0
        elif columns:
            lines[number] = _cut_row(line, columns)
        elif number and _DELIMITERS.fullmatch(line):
            header, width = lines[number - 1], _count_cells(line)
            is_table = width in (_count_cells(header), _count_cells(re.sub(f"^{_MARKS}", "", header)))
            columns = width if is_table else 0
    return "\n".join(lines)


def _pipes(line: str) -> list[int]:
    return [found.start() for found in _PIPE.finditer(line) if found[0] == "|"]


def _count_cells(line: str) -> int:
    row = line.strip("> \t")
    pipes = _pipes(row)
    return len(pipes) + 1 - row.startswith("|") - (len(row) - 1 in pipes)


def _cut_row(line: str, columns: int) -> str:
    pipes = _pipes(line)
    last = columns - (not line.lstrip("> \t").startswith("|"))
    return line[: pipes[last] + 1] if len(pipes) > last else line


def _gap_in(text: str) -> Callable[[re.Match[str]], str]:
    """What is left where something was: never nothing between two letters, or they could become something new."""

    def gap(match: re.Match[str]) -> str:
        start, end = match.span()
        touches = start > 0 and end < len(text) and not text[start - 1].isspace() and not text[end].isspace()
        return " " if touches else ""

    return gap


def _without_comments(text: str) -> str:
    if "<!--" not in text:
        return text
    end = max(text.rfind("-->") + 3, text.rfind("--!>") + 4, 0)
    text = _COMMENT.sub(_gap_in(text), text[:end]) + text[end:]
    lines = text.split("\n")
    in_html = False
    for number, line in enumerate(lines):
        in_html = bool(line.strip("> \t")) and (in_html or _TAG_LINE.match(line) is not None)
        if "<!--" in line:
            # One that nothing ends hides all that follows where HTML may stand, and within a sentence nothing.
            if in_html or _COMMENT_LINE.match(line):
                return "\n".join([*lines[:number], line[: line.index("<!--")]])
            lines[number] = re.sub(r"<!--", _gap_in(line), line)
    return "\n".join(lines)


def _without_loose_markup(block: str) -> str:
    block = _INFO.sub(r"\1", block)
    shown, done = [], 0
    for found in _LOOSE.finditer(block):
        shown += [block[done : found.start()], _bare_tag(found) if found["name"] else " "]
        done = found.end()
        if found["name"] and _BLANK_LINE.search(found[0]):
            done = len(block)  # it goes on behind its block, and how far hangs on how that is shown
            break
    text = "".join(shown) + block[done:]
    # Where such a block really ends, quotes and lists decide; a definition may begin on any of its lines.
    return text.replace("\n", f"{_HTML_END}\n") + _HTML_END


def _bare_tag(tag: re.Match[str]) -> str:
    """A tag with nothing but its address."""
    begin = "</" if tag[0].startswith("</") else "<"
    address = _ADDRESS.search(tag[0])
    attribute = f' {address[1].lower()}="{address[2]}"' if address is not None else ""
    return f"{begin}{tag['name'][:60]}{attribute}>"


def _without_footnotes(text: str, codes: tuple[str, ...]) -> str:
    """GitHub does not show those that nothing points to."""
    uses = Counter(name.casefold() for name in _FOOTNOTE.findall(text))
    if not uses:
        return text
    kept: list[str] = []
    is_dropping = after_blank = False
    for line in text.split("\n"):
        shown = Masked(line, codes).restore(line)
        note = re.match(rf"{_MARKS}\[\^([^\s\[\]]+)\]:", line)
        if note is not None:
            is_dropping = uses[note[1].casefold()] < 2
        elif is_dropping and after_blank and shown.strip() and not shown.startswith(("  ", "\t")):
            is_dropping = False
        after_blank = not shown.strip()
        kept.append("" if is_dropping else line)
    return "\n".join(kept)


def _without_definitions(text: str) -> tuple[str, dict[str, str]]:
    """The text without definitions of links, and their addresses by label."""
    addresses: dict[str, str] = {}
    end = -1

    def take(found: re.Match[str]) -> str:
        nonlocal end
        before = text[text.rfind("\n", 0, max(found.start() - 1, 0)) + 1 : max(found.start() - 1, 0)]
        is_fresh = found["marks"].strip() or found.start() in (0, end + 1) or _FRESH_AFTER.match(before)
        if not is_fresh:
            return found[0]  # the middle of a paragraph, where it shows
        end = found.end()
        addresses.setdefault(_label(found["label"]), found["url"][:300])
        return str(found["marks"])

    return _DEFINITION.sub(take, text), addresses


def _label(text: str) -> str:
    return " ".join(text.split()).casefold()


def _without_image_texts(text: str, addresses: dict[str, str]) -> str:
    if "![" not in text:
        return text
    opened: list[re.Match[str]] = []
    hidden: list[tuple[int, int]] = []
    for mark in _BRACKET.finditer(text):
        if mark[0] in ("[", "!["):
            opened.append(mark)
        elif mark[0] == "]" and opened:
            begin = opened.pop()
            if begin[0] == "![" and _is_image(text, begin.end(), mark.start(), addresses):
                while hidden and hidden[-1][0] > begin.end():
                    hidden.pop()  # an image in the text of another
                hidden.append((begin.end(), mark.start()))
    shown, done = [], 0
    for start, end in hidden:
        shown.append(text[done:start])
        done = end
    return "".join(shown) + text[done:]


def _is_image(text: str, start: int, end: int, addresses: dict[str, str]) -> bool:
    after = text[end + 1 : end + 2]
    return after in ("(", "[") or (end - start < 1_000 and _label(text[start:end]) in addresses)


def _with_addresses(text: str, addresses: dict[str, str]) -> str:
    """The text with each address at the first link to it, where its definition is gone."""
    left = dict(addresses)

    def resolve(found: re.Match[str]) -> str:
        label = _label(found[1] or found[2])
        if label not in addresses:
            return found[0]
        shown = "]" if found[1] else f"[{found[2]}]"
        url = left.pop(label, None)
        return f"{shown}({url})" if url is not None else shown

    return _REFERENCE.sub(resolve, text) if addresses else text


def _without_titles(text: str) -> str:
    def untitled(found: re.Match[str]) -> str:
        *before, word = text[max(0, found.start() - 2_100) : found.start()].rsplit(None, 1)
        is_link = "](" in word or word.endswith(">") or not before or before[0].endswith("](")
        return ")" if is_link else found[0]

    return _TITLE.sub(untitled, text) if "](" in text else text
