"""Markdown as Slack writes it (`mrkdwn`), and back. What is markup there and was none here is escaped: nothing in a
text can call people, channels or groups, and only addresses of the web are links.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from github_app.core.text.markup import read_entities

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"</?(?:details|summary|sub|sup|br|p|kbd)\s*/?>", re.IGNORECASE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_RULE = re.compile(r"\s*(?:[-*_]\s*){3,}$|\s*\|?(?:\s*:?-+:?\s*\|)+\s*:?-*:?\s*$")
_HEADING = re.compile(r"#{1,6}\s+(?P<text>.*?)\s*#*$")
_ITEM = re.compile(r"(?P<indent>\s*)[-*+]\s+(?:\[(?P<box>[ xX])\]\s+)?(?P<text>.*)$")
_MARKUP = re.compile(r"<([@#!]?[^<>\s][^<>]{0,3000})>")
_INLINE = re.compile(
    r"(?P<ticks>`+)(?P<code>(?!`).{1,2000}?(?<!`))(?P=ticks)(?!`)"
    r"|!\[(?P<alt>[^\]]{0,300})\]\([^()\s]{0,2000}\)"
    r"|\[(?P<label>(?:[^\[\]\\]|\\.){1,300})\]\((?P<address>[^()\s]{1,2000})\)"
    r"|(?P<bare>https?://[^\s<>()`|]{1,2000})"
    r"|\*\*(?P<bold>(?=\S).{1,1000}?)\*\*"
    r"|~~(?P<struck>(?=\S).{1,1000}?)~~"
    r"|(?<![\w*])\*(?P<slanted>(?=\S)[^*\n]{1,1000}?(?<=\S))\*(?![\w*])"
    r"|(?<![\w/#&])#(?P<number>[1-9]\d{0,8})(?!\w)"
    r"|\\(?P<escaped>[\\`*_{}\[\]()#+.!|<>~@/-])"
)


def to_mrkdwn(markdown: str, *, home: str = "", repo: str = "") -> str:
    """A text in Markdown as mrkdwn. `home` is GitHub's address and `repo` the full name of the repository whose issues
    the numbers in it are; without them, numbers and relative links stay words."""
    lines: list[str] = []
    fence = ""
    for line in _COMMENT.sub("", markdown.replace("\r\n", "\n")).split("\n"):
        marker = _FENCE.match(line)
        if fence:
            is_end = marker is not None and marker[1].startswith(fence) and not line.strip().strip(fence[0])
            lines.append("```" if is_end else escape(line))
            fence = "" if is_end else fence
        elif marker is not None:
            fence = marker[1]
            lines.append("```")
        elif _RULE.match(line) is None:
            lines.append(_line(line, home, repo))
    if fence:
        lines.append("```")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def escape(text: str) -> str:
    """A text in which nothing is markup of links or mentions."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _line(line: str, home: str, repo: str) -> str:
    line = _TAG.sub("", line)
    if line.lstrip().startswith("|"):
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        return " · ".join(_inline(cell.strip("| "), home, repo) for cell in cells if cell.strip("| "))
    if (heading := _HEADING.match(line)) is not None:
        return f"*{_inline(heading['text'].replace('*', ''), home, repo)}*"
    if (item := _ITEM.match(line)) is not None:
        box = {None: "", " ": "☐ "}.get(item["box"], "☑ ")
        return f"{item['indent']}• {box}{_inline(item['text'], home, repo)}"
    if line.startswith(">"):
        return f"> {_inline(line.lstrip('> '), home, repo)}"
    return _inline(line, home, repo)


def _inline(text: str, home: str, repo: str) -> str:
    return "".join(_pieces(text, home, repo))


def _pieces(text: str, home: str, repo: str) -> Iterator[str]:
    at = 0
    for found in _INLINE.finditer(text):
        yield escape(read_entities(text[at : found.start()]))
        yield _piece(found, home, repo)
        at = found.end()
    yield escape(read_entities(text[at:]))


def _piece(found: re.Match[str], home: str, repo: str) -> str:
    match found.lastgroup:
        case "code":
            return f"`{escape(found['code'].strip())}`"
        case "alt":
            return escape(read_entities(found["alt"]))
        case "address":
            label = _inline(found["label"], "", "")
            address = f"{home}{found['address']}" if found["address"].startswith("/") and home else found["address"]
            return _link(address, label) if address.startswith(("http://", "https://")) else label
        case "bare":
            address = found["bare"].rstrip(".,;:!?*_~'\"")
            return _link(address, "") + escape(found["bare"][len(address) :])
        case "bold":
            return f"*{_inline(found['bold'], home, repo)}*"
        case "struck":
            return f"~{_inline(found['struck'], home, repo)}~"
        case "slanted":
            return f"_{_inline(found['slanted'], home, repo)}_"
        case "number" if home and repo:
            return _link(f"{home}/{repo}/issues/{found['number']}", f"#{found['number']}")
        case "escaped":
            return escape(found["escaped"])
        case _:
            return escape(found[0])


def _link(address: str, label: str) -> str:
    """A link; what would end it, or begin its label, is written as the web writes it."""
    safe = escape(address).replace("|", "%7C")
    return f"<{safe}|{label.replace('|', '¦').replace('<', '').replace('>', '')}>" if label else f"<{safe}>"


def from_mrkdwn(text: str, ours: Collection[str] = ()) -> str:
    """A message as its reader sees it: without mentions of us (`ours`), links by their address, nothing escaped.

    https://docs.slack.dev/messaging/formatting-message-text#retrieving-messages
    """

    def shown(found: re.Match[str]) -> str:
        target, _, label = found[1].partition("|")
        if target.startswith("@"):
            return "" if target[1:] in ours else f"@{label or target[1:]}"
        if target.startswith("#"):
            return f"#{label or target[1:]}"
        if target.startswith("!"):
            return label or target[1:]
        return target if not label or label in target else f"{label} ({target})"

    plain = _MARKUP.sub(shown, text)
    for escaped, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        plain = plain.replace(escaped, character)
    return re.sub(r"[\0\ud800-\udfff]", "\ufffd", plain).strip()
