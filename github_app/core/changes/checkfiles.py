"""Files that say what is checked and how strictly: thresholds, required versions, what a runner leaves out, what a
script lets pass. Read line by line, in whatever format: a line that is new and lets more through is shown."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from github_app.core.holds import Finding
from github_app.core.model import ChangeSet, FileChange

_LINES_SHOWN = 10
_LINE_CHARS = 400

_CONFIGS = re.compile(
    r"pyproject\.toml|setup\.cfg|tox\.ini|pytest\.ini|\.coveragerc|noxfile\.py|conftest\.py|mypy\.ini|ruff\.toml|\.flake8"
    r"|\.pylintrc|package\.json|(?:jest|vitest|vite|karma|playwright|cypress|eslint|babel)\.config\.\w+|\.mocharc\.\w+"
    r"|\.nycrc(?:\.\w+)?|\.eslintrc(?:\.\w+)?|tsconfig(?:\.\w+)?\.json|\.?codecov\.ya?ml|sonar-project\.properties"
    r"|makefile|gnumakefile|justfile|taskfile\.ya?ml|rakefile|\.rspec|\.rubocop\.yml|gemfile|cargo\.toml|go\.mod"
    r"|pom\.xml|build\.gradle(?:\.kts)?|phpunit\.xml(?:\.dist)?|composer\.json|\.golangci\.ya?ml|requirements[\w.-]*\.txt",
    re.IGNORECASE,
)
# A file of these names takes the place of what stood elsewhere, so a new one is looked into as well.
_OVERRIDING = re.compile(
    r"pytest\.ini|tox\.ini|\.coveragerc|conftest\.py|(?:jest|vitest)\.config\.\w+|\.mocharc\.\w+", re.I
)
_SCRIPT = re.compile(
    r".*(?:test|check|lint|verify|coverage|ci).*\.(?:sh|bash|ps1|mk)|(?:test|check|lint|verify|ci)", re.I
)
_SNAPSHOT = re.compile(
    r"(?:^|/)(?:__snapshots__|snapshots|goldens?|__image_snapshots__)/|\.(?:snap|ambr|golden)$|\.approved\.\w+$|[._-]snapshot\.",
    re.IGNORECASE,
)
_MANIFEST = re.compile(
    r"pyproject\.toml|setup\.cfg|requirements[\w.-]*\.txt|package\.json|cargo\.toml|go\.mod|gemfile|pom\.xml|tox\.ini",
    re.I,
)

_HIGHER_IS_STRICTER = re.compile(
    r"\b(fail[_-]under|cov-fail-under|min(?:imum)?[_-]?cov(?:erage)?|minimum_coverage|coverage[_-]?threshold|branches"
    r"|functions|lines|statements|threshold|target|minimum)[\"']?\s*[:=> ]+\s*[\"']?(\d+(?:\.\d+)?)",
    re.IGNORECASE,
)
_LOWER_IS_STRICTER = re.compile(
    r"\b(max-warnings|maxWarnings|max[_-]complexity|reruns|retries|max[_-]failures)[\"']?\s*[:= ]+\s*[\"']?(\d+)",
    re.IGNORECASE,
)
_CHECKS = r"(?:test|check|lint|jest|vitest|mocha|mypy|ruff|flake8|tox|cargo|go\s+vet|mvn|gradle|rspec|tsc|verify|cov)"
_LETS_PASS = re.compile(
    rf"{_CHECKS}.*(?:\|\|\s*(?:true|:|exit\s+0|echo\b)|;\s*(?:true|exit\s+0)\b)|^\s*set\s+\+e\b|^\s*exit\s+0\s*$"
    r"|continue-on-error:\s*true|allow_failure:\s*true|passWithNoTests|-DskipTests|maven\.test\.skip|<skipTests>\s*true"
    r"|testFailureIgnore|ignoreFailures\s*=\s*true|--exit-zero\b",
    re.IGNORECASE,
)
_MAKE_IGNORES = re.compile(rf"^-\s*@?\S.*{_CHECKS}|^@?-.*{_CHECKS}", re.IGNORECASE)
_LEAVES_OUT = re.compile(
    r"--ignore(?:-glob)?[= ]|--deselect[= ]|(?:addopts|pytest|args).*\s-[km][= ]|\bcollect_ignore(?:_glob)?\b"
    r"|\bnorecursedirs\b|testPathIgnorePatterns|modulePathIgnorePatterns|coveragePathIgnorePatterns|--testPathPattern"
    r"|\bpytest_ignore_collect\b|\bpytest_collection_modifyitems\b|\bignore_errors\s*=\s*true|\bxfail_strict\s*=\s*false"
    r"|\bstrict\b[\"']?\s*[:=]\s*false|per-file-ignores|\bdisable\s*=|\bomit\s*=|pragma:\s*no\s*cover",
    re.IGNORECASE,
)
_LISTS = re.compile(
    r"\b(?:testpaths|testMatch|testRegex|python_files|python_functions|roots|include|select|source)\b[\"']?\s*[:=]",
    re.I,
)
_TASK = re.compile(r"^\"((?:test|lint|check|typecheck|verify|ci|coverage)[\w:.-]*)\"\s*:\s*\"(.*)\",?$")
_OWN_VERSION = {"version", "current_version", "release", "target-version", "target", "threshold"}
_NOTHING = re.compile(r"(?:echo\b.*|true|:|exit 0|)")
_REQUIREMENTS = (
    re.compile(r"([A-Za-z][\w.-]*)(?:\[[^\]]*\])?\s*(?:==|>=|~=)\s*v?(\d+(?:\.\d+)*)"),  # Python
    re.compile(
        r"^[\"']?([A-Za-z@][\w./@-]*)[\"']?\s*[:=]\s*(?:\{\s*version\s*=\s*)?[\"'](?:[~^>=v]+\s*)?(\d+(?:\.\d+)*)"
    ),
    re.compile(r"^(?:require\s+)?([a-z][\w./-]*)\s+v?(\d+\.\d+(?:\.\d+)*)"),  # Go
    re.compile(r"^gem\s+[\"']([\w-]+)[\"'],\s*[\"'][~>= ]*(\d+(?:\.\d+)*)"),  # Ruby
)


def is_check_file(path: str) -> bool:
    """Whether a file says what is checked, by its name; or is a snapshot that a test compares with."""
    name = PurePosixPath(path).name
    return bool(_CONFIGS.fullmatch(name) or _SCRIPT.fullmatch(name) or is_snapshot(path))


def is_snapshot(path: str) -> bool:
    """Whether a file is what a test expects, whole."""
    return bool(_SNAPSHOT.search(path))


def find_weakened_checks(changes: ChangeSet, before: Mapping[str, bytes | None]) -> Iterator[Finding]:
    """What lets more through than before. `before` has the contents at the base; None: too large to be compared."""
    for change in changes.changes:
        if not is_check_file(change.path) or change.mode == "120000":
            continue
        was = before.get(change.path, b"")
        if is_snapshot(change.path):
            yield from _snapshot(change)
        elif was is None:
            yield _finding(change.path, "is too large to be compared with what it was")
        elif change.base_mode is not None or _OVERRIDING.fullmatch(PurePosixPath(change.path).name):
            yield from _differences(change, _lines(was), _lines(change.content or b""))


def _snapshot(change: FileChange) -> Iterator[Finding]:
    if change.base_mode is not None:
        yield _finding(change.path, f"is what a test expects, and is {'changed' if change.content else 'deleted'}")


def _differences(change: FileChange, old: list[str], new: list[str]) -> Iterator[Finding]:
    fresh, gone = _without(new, old), _without(old, new)
    name = PurePosixPath(change.path).name
    passes = [_LETS_PASS, *([_MAKE_IGNORES] if "make" in name.casefold() or name.endswith(".mk") else [])]
    for patterns, what in ((passes, "lets failures pass"), ([_LEAVES_OUT], "leaves out what was checked")):
        lines = _matching(patterns, fresh)
        if len(lines) > len(_matching(patterns, gone)):
            yield _finding(change.path, what, [f"+{line}" for line in lines])
    was, now = _matching([_LISTS], gone), _matching([_LISTS], fresh)
    if was and now and _items(now) < _items(was):
        shown = [*(f"-{line}" for line in was), *(f"+{line}" for line in now)]
        yield _finding(change.path, "looks at less than before", shown)
    yield from _numbers(change.path, old, new)
    if _MANIFEST.fullmatch(name):
        yield from _versions(change.path, old, new)
        yield from _tasks(change.path, old, new)


def _items(lines: list[str]) -> set[str]:
    return {item for line in lines for item in re.findall(r"[\w./*-]+", line)}


def _without(lines: list[str], others: list[str]) -> list[str]:
    """The lines that are there more often than among the others."""
    left = Counter(others)
    found = []
    for line in lines:
        if left[line] > 0:
            left[line] -= 1
        else:
            found.append(line)
    return found


def _matching(patterns: Sequence[re.Pattern[str]], lines: list[str]) -> list[str]:
    return [line for line in lines if any(pattern.search(line) for pattern in patterns)]


def _tasks(path: str, old: list[str], new: list[str]) -> Iterator[Finding]:
    """What a manifest runs as its tests: nothing any more, or a part of what it was."""
    before = {match[1]: match[2] for line in old if (match := _TASK.match(line))}
    after = {match[1]: match[2] for line in new if (match := _TASK.match(line))}
    for name, was in before.items():
        now = after.get(name, "")
        if was != now and (_NOTHING.fullmatch(now) or set(now.split()) < set(was.split())):
            yield _finding(path, f"`{name}` runs less than before", [f"-{was}", f"+{now}"])


def _numbers(path: str, old: list[str], new: list[str]) -> Iterator[Finding]:
    """Thresholds by their names: the lowest of a name must not sink, or the highest rise; and none may go."""
    for pattern, is_floor in ((_HIGHER_IS_STRICTER, True), (_LOWER_IS_STRICTER, False)):
        before, after = _found(pattern, old), _found(pattern, new)
        for name, values in before.items():
            was = min(values) if is_floor else max(values)
            if name not in after:
                yield _finding(path, f"`{name}` is gone: {was:g} before")
                continue
            now = min(after[name]) if is_floor else max(after[name])
            if now < was if is_floor else now > was:
                yield _finding(path, f"`{name}` is less strict: {was:g} before, {now:g} now")


def _found(pattern: re.Pattern[str], lines: list[str]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        for match in pattern.finditer(line):
            found[match[1].casefold()].append(float(match[2]))
    return found


def _versions(path: str, old: list[str], new: list[str]) -> Iterator[Finding]:
    before, after = _required(old), _required(new)
    for name, was in before.items():
        now = after.get(name)
        if now is not None and _number(now) < _number(was):
            yield _finding(path, f"`{name}` goes from {was} down to {now}")


def _required(lines: list[str]) -> dict[str, str]:
    """Versions by name; of a name that stands there twice, the first."""
    found: dict[str, str] = {}
    for line in lines:
        for pattern in _REQUIREMENTS:
            for match in pattern.finditer(line):
                if match[1].casefold() not in _OWN_VERSION:
                    found.setdefault(match[1].casefold(), match[2])
    return found


def _number(version: str) -> tuple[int, ...]:
    parts = [int(part[:9]) for part in version.split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def _lines(content: bytes) -> list[str]:
    text = content.decode("utf-8", "replace")
    return [line.strip()[:_LINE_CHARS] for line in text.splitlines() if line.strip()]


def _finding(path: str, text: str, lines: list[str] | None = None) -> Finding:
    return Finding(kind="tests", path=path, text=text, lines=tuple((lines or [])[:_LINES_SHOWN]))
