"""Tests that say less than before: gone, skipped, with fewer or looser assertions. Found by comparing what each test
was with what it is, wherever it went; a rename, a move and a merge into one with parameters are no weakening."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff

from github_app.core.changes.cases import BARE, EMPTY, EXACT, LOOSE, Case, Suite, is_known, is_test_path, read_lines
from github_app.core.changes.pycases import read_python
from github_app.core.holds import Finding
from github_app.core.model import ChangeSet, FileChange

_LIKE = 0.6
_NAMES_SHOWN = 8
_LINES_SHOWN = 12
_LINES_COMPARED = 300
_PAIRS_COMPARED = 50_000

Before = Mapping[str, bytes | None]


@dataclass(frozen=True, kw_only=True)
class _Placed:
    path: str
    case: Case


def find_weakened_tests(changes: ChangeSet, before: Before) -> Iterator[Finding]:
    """What says less than before. `before` has the contents at the base; None: too large to be compared."""
    files = [change for change in changes.changes if is_test_path(change.path) and change.mode != "120000"]
    old: dict[str, Suite] = {}
    new: dict[str, Suite] = {}
    for change in files:
        was = before.get(change.path, b"")
        if was is None:
            yield _finding(change.path, "is too large to be compared with what it was")
            continue
        found_old, found_new = _read(change.path, was), _read(change.path, change.content or b"")
        if found_old is not None and found_new is not None:
            old[change.path], new[change.path] = found_old, found_new
        elif found_old is not None and found_old.cases:
            yield _finding(change.path, f"cannot be read any more, and had {_count(len(found_old.cases), 'test')}")
        if _is_gone_unread(change, was, found_old):
            yield _finding(change.path, "is deleted, and looks like a test")
    yield from _compare(old, new)
    yield from _new_skips(old, new)


def _read(path: str, content: bytes) -> Suite | None:
    text = content.decode("utf-8", "replace")
    if not is_known(path):
        return Suite()
    return read_python(text) if path.endswith(".py") else read_lines(path, text)


def _is_gone_unread(change: FileChange, was: bytes, suite: Suite | None) -> bool:
    """A file of tests of which we can tell no single one, deleted. What holds no code is none of these."""
    is_script = was.startswith(b"#!") or change.path.rpartition(".")[2] in (
        "sh",
        "bats",
        "t",
        "pl",
        "ex",
        "exs",
        "feature",
    )
    return change.content is None and (suite is None or (not is_known(change.path) and is_script))


def _compare(old: Mapping[str, Suite], new: Mapping[str, Suite]) -> Iterator[Finding]:
    pairs: list[tuple[_Placed, _Placed]] = []
    gone: list[_Placed] = []
    fresh: list[_Placed] = []
    for path, suite in old.items():
        now = _by_name(new[path])
        known = _by_name(suite)
        for name, case in known.items():
            if name in now:
                pairs.append((_Placed(path=path, case=case), _Placed(path=path, case=now[name])))
            else:
                gone.append(_Placed(path=path, case=case))
        fresh += [_Placed(path=path, case=case) for name, case in now.items() if name not in known]
    moved, gone, fresh = _moved(gone, [each for each in fresh if _is_collected(each.path, old)])
    for was, is_now in (*pairs, *moved):
        yield from _weaker(was, is_now)
    yield from _gone(gone, pairs, fresh)


def _by_name(suite: Suite) -> dict[str, Case]:
    """Cases by a name that is theirs alone: the second of a name is `name #2`."""
    found: dict[str, Case] = {}
    seen: Counter[str] = Counter()
    for case in suite.cases:
        seen[case.name] += 1
        found[case.name if seen[case.name] == 1 else f"{case.name} #{seen[case.name]}"] = case
    return found


def _is_collected(path: str, old: Mapping[str, Suite]) -> bool:
    """Whether tests in a file are found: new Python files must be named as pytest wants, or as some file was before."""
    name = path.rpartition("/")[2]
    if not path.endswith(".py") or name.startswith("test_") or name.endswith(("_test.py", "tests.py")):
        return True
    return any(suite.cases and other.rpartition("/")[2] == name for other, suite in old.items())


def _moved(
    gone: Sequence[_Placed], fresh: Sequence[_Placed]
) -> tuple[list[tuple[_Placed, _Placed]], list[_Placed], list[_Placed]]:
    """Tests that are elsewhere or have another name now: by their lines, else by their name."""
    lines = {id(each): Counter(_bare_lines(each.case)) for each in (*gone, *fresh)}

    def has_lines_of(was: _Placed, now: _Placed) -> bool:
        old = lines[id(was)]
        return (old & lines[id(now)]).total() >= _LIKE * max(old.total(), 1)

    def has_name_of(was: _Placed, now: _Placed) -> bool:
        return was.case.name == now.case.name

    pairs: list[tuple[_Placed, _Placed]] = []
    left, free = list(gone), list(fresh)
    # Whole folders that moved keep their names; comparing all of them with all takes too long.
    is_few = len(left) * len(free) <= _PAIRS_COMPARED
    for is_same in (has_lines_of, has_name_of) if is_few else (has_name_of,):
        still: list[_Placed] = []
        for was in left:
            found = next((each for each in free if is_same(was, each)), None)
            if found is None:
                still.append(was)
            else:
                free.remove(found)
                pairs.append((was, found))
        left = still
    return pairs, left, free


def _bare_lines(case: Case) -> list[str]:
    """The lines of a test but for the one that names it."""
    lines = [line.strip() for line in case.lines[:_LINES_COMPARED]]
    return [line for line in lines if case.name.rpartition(".")[2] not in line] or lines


def _weaker(was: _Placed, now: _Placed) -> Iterator[Finding]:
    """One finding for a test that says less; its first reason is enough."""
    reason = _reason(was.case, now.case)
    if reason:
        renamed = f" (was `{was.case.name}`)" if was.case.name != now.case.name else ""
        lines = unified_diff(was.case.lines[:_LINES_COMPARED], now.case.lines[:_LINES_COMPARED], lineterm="", n=0)
        shown = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
        yield _finding(now.path, f"`{now.case.name}`{renamed} {reason}", shown)


def _reason(was: Case, now: Case) -> str:
    if now.skips > was.skips:
        return "is skipped, or may fail"
    old, new = _telling(was.strengths, BARE), _telling(now.strengths, BARE)
    if new < old and now.runs <= was.runs:
        return f"has fewer assertions: {old} before, {new} now"
    if new >= old > 0 and any(_telling(now.strengths, each) < _telling(was.strengths, each) for each in (EXACT, LOOSE)):
        return "has looser assertions"
    if now.tolerance > was.tolerance > 0:
        return f"tolerates more: {was.tolerance:g} before, {now.tolerance:g} now"
    if now.runs < was.runs:
        return f"runs with fewer values: {was.runs} before, {now.runs} now"
    return ""


def _telling(strengths: Sequence[int], least: int) -> int:
    return sum(strength >= least for strength in strengths)


def _gone(
    gone: Sequence[_Placed], pairs: Sequence[tuple[_Placed, _Placed]], fresh: Sequence[_Placed]
) -> Iterator[Finding]:
    """Tests that are nowhere, but for those that became values of a test with parameters in their file."""
    for path in dict.fromkeys(each.path for each in gone):
        here = [each.case for each in gone if each.path == path]
        grown = sum(max(0, now.case.runs - was.case.runs) for was, now in pairs if now.path == path)
        merged = sum(each.case.runs for each in fresh if each.path == path and _has_parameters(each.case))
        if len(here) <= grown + merged:
            continue
        names = [f"`{case.name}`" for case in here[:_NAMES_SHOWN]]
        more = f" and {len(here) - _NAMES_SHOWN} more" if len(here) > _NAMES_SHOWN else ""
        what = "is not there any more" if len(here) == 1 else "are not there any more"
        lines = [f"-{line}" for case in here for line in case.lines]
        yield _finding(path, f"{', '.join(names)}{more} {what}", lines)


def _has_parameters(case: Case) -> bool:
    return case.runs > 1 and _telling(case.strengths, LOOSE) > EMPTY


def _new_skips(old: Mapping[str, Suite], new: Mapping[str, Suite]) -> Iterator[Finding]:
    """Languages that are known by their lines: more of these that skip than before, wherever they stand."""
    before = Counter(line for suite in old.values() for line in suite.skip_lines)
    after = Counter(line for suite in new.values() for line in suite.skip_lines)
    if after.total() <= before.total():
        return
    for path, suite in new.items():
        lines = [line for line in suite.skip_lines if after[line] > before[line]]
        if lines:
            text = f"skips more than before, or runs only some: {_count(len(lines), 'line')}"
            yield _finding(path, text, [f"+{line}" for line in lines])


def _finding(path: str, text: str, lines: Sequence[str] = ()) -> Finding:
    more = [f"… {len(lines) - _LINES_SHOWN} more lines"] if len(lines) > _LINES_SHOWN else []
    return Finding(kind="tests", path=path, text=text, lines=(*lines[:_LINES_SHOWN], *more))


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
