"""What is left of an output: the lines that matter, and the names of what failed."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from github_app.core.distill.lines import read_lines
from github_app.core.distill.rules import ANY_RULE, LOOKS_WRONG, NOISE, RULES, Rule

MAX_LINES = 80
MAX_CHARS = 12_000
MAX_FAILURES = 500
"""So many failures are told apart by name."""

_NAME_CHARS = 300
_TAIL_LINES = 3
_SUSPECTS = 35
_LAST_LINES = 40
_BEFORE_WRAPPER = 5
_MOVES = re.compile(r"0x[0-9a-fA-F]+|\b\d+(?:\.\d+)? ?m?s\b|\bpid=\d+|\[\*\] ")


@dataclass(frozen=True, kw_only=True)
class Distillate:
    """`text` has at most `MAX_LINES` lines and about `MAX_CHARS` characters; empty if nothing was printed.

    `failures` names the tests that failed and what linters and compilers found, in order and without line numbers, so
    that the same failure has the same name in another version of the tree. Empty if the tool's format is not known.
    """

    text: str
    failures: tuple[str, ...] = ()


def distill(output: str | bytes) -> Distillate:
    """What matters of an output of something that failed. Total: any text and any bytes will do; linear in its length.

    If no line is of a known kind: those that look like errors, and the last ones.
    """
    reading = _Reading()
    lines = read_lines(output)
    for number, line in enumerate(lines):
        if line:
            reading.take(number, line)
    reading.end()
    if not reading.knows_reason:
        return Distillate(text="\n".join(_unknown(lines)))
    after = range(reading.last + 1, len(lines))
    tail = [number for number in after if lines[number] and not NOISE.match(lines[number])][-_TAIL_LINES:]
    reading.heads.update(dict.fromkeys(tail))
    kept = _fit(lines, reading)
    return Distillate(text="\n".join(kept), failures=tuple(reading.failures))


@dataclass
class _Reading:
    """What was found so far: lines that matter (`heads`), lines that belong to one, with their distance from it."""

    heads: dict[int, None] = field(default_factory=dict)
    belonging: dict[int, int] = field(default_factory=dict)
    failures: dict[str, None] = field(default_factory=dict)
    last: int = -1
    knows_reason: bool = False
    _seen: set[str] = field(default_factory=set)
    _passed_over: deque[int] = field(default_factory=lambda: deque(maxlen=_BEFORE_WRAPPER))
    _wanted: int = 0
    _distance: int = 0
    _says: str = ""
    _file: str = ""
    _title: str = ""

    def take(self, number: int, line: str) -> None:
        """Read the next line."""
        self._go_on_with_title(line)
        rule, known = _rule_of(line), len(self.failures)
        if rule is not None and self._note(rule, line):
            self._wanted, self._distance = max(rule.after, self._wanted - 1), 0
            if len(self.failures) > known:
                self._seen.discard(line)
            self._keep(number, line, distance=0)
        elif NOISE.match(line):
            self._wanted = 0
        elif self._wanted > 0:
            self._wanted -= 1
            self._distance += 1
            self._keep(number, line, distance=self._distance)
        else:
            self._passed_over.append(number)

    def end(self) -> None:
        """There are no more lines."""
        self._go_on_with_title("")

    def _keep(self, number: int, line: str, *, distance: int) -> None:
        self.last = number
        # A place or message that was said says nothing new; short lines (code, carets) may come again.
        if len(line) > 20 and line in self._seen:
            return
        self._seen.add(line)
        if distance:
            self.belonging[number] = distance
        else:
            self.heads[number] = None

    def _note(self, rule: Rule, line: str) -> bool:
        """Write down what failed by this line; False if it is none of those that matter."""
        found = rule.pattern.match(line)
        groups = {name: text.strip() for name, text in found.groupdict().items() if text} if found else {}
        if rule.is_wrapper:
            while self._passed_over:
                self.belonging[self._passed_over.pop()] = _BEFORE_WRAPPER
            return True
        self._says = groups.get("says", self._says)
        if "at" in groups and not self._says:
            return False  # the place of a warning
        self.knows_reason = True
        self._file, self._title = groups.get("file", self._file), groups.get("title", "")
        if "name" in groups:
            self._add(groups["name"])
        if "local" in groups:
            self._add(f"{self._file}: {groups['local']}" if self._file else groups["local"])
        if "at" in groups:
            self._add(f"{groups['at']}: {self._says}")
            self._says = ""
        return True

    def _go_on_with_title(self, line: str) -> None:
        """Mocha's titles go on, further in, up to a colon; those of others are whole."""
        if not self._title:
            return
        if not self._title.endswith(":") and line.startswith(" " * 7):
            self._title = f"{self._title} {line.strip()}"[:_NAME_CHARS]
            return
        self._add(self._title.rstrip(":"))
        self._title = ""

    def _add(self, name: str) -> None:
        if len(self.failures) < MAX_FAILURES:
            self.failures[" ".join(_MOVES.sub("", name).split())[:_NAME_CHARS]] = None


def _rule_of(line: str) -> Rule | None:
    if not ANY_RULE.match(line) or _is_foreign(line):
        return None
    return next((rule for rule in RULES if rule.pattern.match(line)), None)


def _is_foreign(line: str) -> bool:
    """Whether it is a frame of a stack outside of the project, in a form that rules match as well."""
    return (
        "/site-packages/" in line or "/lib/python3" in line or ("/node_modules/" in line and line.lstrip()[:2] != "● ")
    )


def _fit(lines: list[str], reading: _Reading) -> list[str]:
    """All heads with as many of the lines that belong to each as there is room for; else the first and last heads."""
    for reach in range(max(reading.belonging.values(), default=0), -1, -1):
        kept = sorted([*reading.heads, *(n for n, distance in reading.belonging.items() if distance <= reach)])
        if _fits(texts := [lines[number] for number in kept]):
            return texts
    heads = [lines[number] for number in sorted(reading.heads)]
    front = list(_within(heads, MAX_LINES * 2 // 3, MAX_CHARS * 2 // 3))
    rest = heads[len(front) :]
    back = list(_within(reversed(rest), MAX_LINES // 3 - 1, MAX_CHARS // 3))[::-1]
    return [*front, f"[… {len(rest) - len(back)} more lines of this kind …]", *back]


def _fits(lines: list[str]) -> bool:
    return len(lines) <= MAX_LINES and sum(len(line) + 1 for line in lines) <= MAX_CHARS


def _within(lines: Iterable[str], count: int, chars: int) -> Iterator[str]:
    """The first lines, as many as these limits allow."""
    for line in lines:
        count, chars = count - 1, chars - len(line) - 1
        if count < 0 or chars < 0:
            return
        yield line


def _unknown(lines: list[str]) -> list[str]:
    """What to show of an output of no known kind."""
    shown = [line for line in lines if line]
    end = list(_within(reversed(shown), _LAST_LINES, MAX_CHARS // 2))[::-1]
    before = shown[: len(shown) - len(end)]
    suspects = [line for line in dict.fromkeys(before) if LOOKS_WRONG.search(line)]
    chosen = list(_within(suspects, _SUSPECTS, MAX_CHARS // 2 - 100))
    return [*chosen, "[…]", *end] if before else end
