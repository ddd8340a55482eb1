"""Words that are not ours, made fit to be posted in our name: the model's prose, names of checks, error texts. Nothing
in them may call people or other bots, close issues, keep CI from running, lead elsewhere, or give us commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from github_app.core.text.characters import legible
from github_app.core.text.markup import LOOSE_LINK, mask_code, read_entities

_OPEN_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_LESS = "\x02"
_MARKUP = re.compile(f"{_LESS}(?=[A-Za-z/!?\x00])")
_MENTION = re.compile(r"(?<![A-Za-z0-9])@(?=[A-Za-z0-9])")  # `_@ann_` is one: emphasis shows no underscore
# Those that act on words alone, also within code: they read what is written and not what is shown.
_BOT = re.compile(
    r"@(?=(?:dependabot|renovate|mergify|claude|codex|copilot|cursor|coderabbit|greptile|gemini|jules|sweep|devin|"
    r"openhands|ellipsis|qodo|kodiak|bors|rustbot|k8s-ci|pre-commit|github-actions|honk))",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"(?<![\w`/.\x00])(/(?:honk|oc|opencode))(?!\S)", re.IGNORECASE)
_OTHERS_COMMAND = re.compile(r"^([ \t>]*+)(/[a-z][a-z0-9_-]*+|bors)(?=[ \t]|$)", re.IGNORECASE | re.MULTILINE)
# https://docs.github.com/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
_CLOSING = re.compile(
    # Possessive, and with the lengths that GitHub allows to names: the time must stay linear, whatever the model wrote.
    # What markup can put between the words, from emphasis to the next line of a quote, shows nothing.
    r"\b(close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b(?:[*_~\\>\s]*+:)?+[*_~\\]{0,4}[>\s]*+"
    r"(?=[*_~\\\[ ]{0,6}(?:(?:[\w.-]{1,100}/[\w.-]{1,100})?\\?#\d|GH-\d|https?://\S{1,300}/(?:issues|pull)/\d))",
    re.IGNORECASE,
)
# https://docs.github.com/actions/how-tos/manage-workflow-runs/skip-workflow-runs and the spellings of other CI services
# (`[skip travis]`, `[azurepipelines skip]`, `[skip-ci]`, `***NO_CI***`).
_SKIP = re.compile(
    r"\[\s*((?:skip|no)[\s_-]{1,9}[\w-]{1,40}|[\w-]{1,40}[\s_-]{1,9}skip)\s*\]",  # bounded: takes linear time
    re.IGNORECASE,
)
# All colons and stars at once: what is left must not be such a word again.
_SKIP_STARS = re.compile(r"(?<!\*)\*{3,}+(no_ci)\*{3,}", re.IGNORECASE)
_SKIP_TRAILER = re.compile(r"^([^\S\n]*skip-checks)[\s:]*:", re.IGNORECASE | re.MULTILINE)
# Trailers that name people: whoever did not write it, sign it off or review it must not be said to have.
_CREDIT = re.compile(r"^([^\S\n]*[a-z]+(?:-[a-z]+)*-by)[\s:]*:", re.IGNORECASE | re.MULTILINE)
# An address begins behind white space of any kind, the next line's quote marks, and a bracket.
_LINK = re.compile(rf"\](?=\([\s<>{_LESS}]*+(?P<address>[^\s()<>]*))")
_DEFINITION = re.compile(
    r"^(?P<marks>[ \t>*+0-9.)-]*)"
    rf"(?=\[(?:[^\[\]\\]|\\.){{1,999}}+\]:[\s<>{_LESS}]*+(?P<address>[^\s<>]*))",
    re.MULTILINE | re.DOTALL,
)
_ADDRESS = re.compile(
    r"(?:(?:https?|ftp)://|(?<![A-Za-z0-9])(?:(?:mailto|xmpp):|www\.))(?:(?!&lt;)[^\s<>`\x00\x02])+", re.IGNORECASE
)
_IMAGE = re.compile(r"!++\[")
_SCHEME = re.compile(r"[^/?#]*:")


def harmless(text: str) -> str:
    """A text in Markdown that shows what it showed and does nothing; harmless text stays as it is.

    Markup of HTML is shown, not obeyed. Code stays as it stands, but for what is obeyed even there; a block of it that
    is left open is closed, so that it does not swallow what we say after it.
    """
    masked = mask_code(legible(text).strip().replace("<", _LESS))
    prose = read_entities(masked.text.replace(_LESS, "<")).replace("<", _LESS)
    prose = _MARKUP.sub("&lt;", prose).replace(_LESS, "<")
    prose = _without_orders(_MENTION.sub("@\u200b", _COMMAND.sub(r"`\1`", _OTHERS_COMMAND.sub(r"\1`\2`", prose))))
    shown = masked.restore(prose, _harmless_code)
    return shown + missing_fence(shown)


def plain(text: str) -> str:
    """A text for where no Markdown is read, such as a commit's message: nothing in it is code."""
    words = read_entities(legible(text).strip())
    return _without_orders(_MENTION.sub("@\u200b", _COMMAND.sub(r"`\1`", _OTHERS_COMMAND.sub(r"\1`\2`", words))))


def one_line(text: str) -> str:
    """A text as one harmless line for where no Markdown is read, such as a title."""
    return plain(" ".join(legible(text).split()))


def clause(text: str) -> str:
    """A text that becomes the middle of a sentence of ours: one harmless line, without the full stop."""
    # Behind a word, so that nothing in it is at the beginning of a line.
    return harmless(f"a {' '.join(text.split())}").removeprefix("a").strip().rstrip(". ")


def code(text: str) -> str:
    """A name as code on one line, whatever is in it."""
    name = one_line(text).replace("`", "'")
    return f"`{name[:100]}`" if name else "(no name)"


def without_switches(text: str) -> str:
    """A text without words that keep CI from running."""
    return _SKIP_TRAILER.sub(r"\1", _SKIP_STARS.sub(r"\1", _SKIP.sub(r"(\1)", text)))


def defang(text: str, *, homes: Sequence[str], is_markdown: bool = True) -> str:
    """A text that loads nothing from anywhere and leads only to `homes` (addresses such as `https://github.com`).

    Images become links, and links elsewhere text, their address as code: to be read and copied, not to be clicked.
    Where there can be no code, the address is broken by brackets.
    """
    if not is_markdown:
        return _ADDRESS.sub(lambda found: _if_foreign(found[0], homes, _broken), text)
    masked = mask_code(text.replace("<", _LESS))
    prose = _IMAGE.sub("[", masked.text)
    prose = _LINK.sub(lambda found: "]" if _is_home(found["address"], homes) else "] ", prose)
    prose = _DEFINITION.sub(
        lambda found: found["marks"] if _is_home(found["address"], homes) else f"{found['marks']}\\", prose
    )
    return masked.restore(_without_addresses(prose, homes)).replace(_LESS, "<")


def _without_addresses(prose: str, homes: Sequence[str]) -> str:
    # Where a backtick is all alone, or another span of code or a backslash next to it, or a link may take it in, or it
    # reaches over the edge of a table's cell, code may turn out to be none.
    has_ticks = "`" in prose or LOOSE_LINK.search(prose) is not None

    def change(found: re.Match[str]) -> str:
        around = prose[max(0, found.start() - 1) : found.start()] + prose[found.end() : found.end() + 1]
        is_odd = has_ticks or "|" in found[0] or "\\" in around or "\x00" in around
        return _if_foreign(found[0], homes, _broken if is_odd else _as_code)

    return _ADDRESS.sub(change, prose)


def _without_orders(text: str) -> str:
    return without_switches(_CREDIT.sub(r"\1", _CLOSING.sub(r"\1 issue ", text)))


def _harmless_code(code: str) -> str:
    """Code without what is obeyed even there, and in the message of a commit that a squash makes of it."""
    words = code.replace(_LESS, "<")
    return _without_orders(_OTHERS_COMMAND.sub(r"\1\\\2", _BOT.sub("@\u200b", words)))


def missing_fence(text: str) -> str:
    """What closes the block of code that a text leaves open, as a line of its own; nothing if it leaves none."""
    fence = ""
    for line in text.split("\n"):
        if fence:
            fence = "" if line.strip().startswith(fence) and not line.strip().strip(fence[0]) else fence
        elif (marker := _OPEN_FENCE.match(line)) is not None:
            fence = marker[1]
    return f"\n{fence}" if fence else ""


def _if_foreign(found: str, homes: Sequence[str], change: Callable[[str], str]) -> str:
    address = found.rstrip(".,;:!?*_~'\")]}")
    return found if _is_home(address, homes) else change(address) + found[len(address) :]


def _as_code(address: str) -> str:
    return f"`{address}`"


def _broken(address: str) -> str:
    broken = re.sub(r":(?=//)|(?<=www)\.", lambda mark: f"[{mark[0]}]", address, flags=re.IGNORECASE)
    return broken if broken != address else address.replace(":", "[:]")


def _is_home(address: str, homes: Sequence[str]) -> bool:
    """Whether an address leads to one of these, or is relative to where it stands."""
    plain_address = address.replace("\\", "").casefold()
    if any(
        plain_address == home.casefold() or plain_address.startswith(f"{home.casefold()}/") for home in homes if home
    ):
        return "\\" not in address
    leads_away = address.startswith(("//", "/\\", "\\")) or plain_address.startswith(("//", "www."))
    return not leads_away and _SCHEME.match(plain_address) is None
