"""Tests as they stand in source files: which there are, how much each one checks, which are skipped. Python is parsed
(`pycases`); of other languages, the usual frameworks are known by how their lines look."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

EXACT, LOOSE, BARE, EMPTY = 3, 2, 1, 0
"""How much an assertion says: this very value; something about it; that there is one; nothing."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One test. `strengths` has how much each of its assertions says, `runs` how many values it is run with.

    `tolerance` is the widest that numbers are compared with; `lines` are the test's own.
    """

    name: str
    strengths: tuple[int, ...]
    lines: tuple[str, ...]
    skips: int = 0
    runs: int = 1
    tolerance: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Suite:
    """The tests of one file, and the lines in it that skip tests, where these belong to no single one."""

    cases: tuple[Case, ...] = ()
    skip_lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Language:
    """How tests look. `test` has their name in one of its groups; of the rest, a line counts by its strongest match."""

    test: re.Pattern[str]
    skip: re.Pattern[str]
    exact: re.Pattern[str]
    loose: re.Pattern[str]
    bare: re.Pattern[str]
    empty: re.Pattern[str] = re.compile(r"(?!)")


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.MULTILINE)


_SCRIPT = _Language(
    test=_pattern(
        r"(?:(?<![\w$.])|\bDeno\.)[xf]?(?:it|test|specify)(?:\.\w+)*"
        r"(?:\((?=\s*\[)[\s\S]{0,2000}?\)|`[^`]{0,2000}`)?\s*\(\s*(['\"`])(.{1,300}?)\1"
    ),
    skip=_pattern(
        r"\b(?:it|test|describe|specify|context|suite)(?:\.\w+)*\.(?:skip|skipIf|runIf|todo|fails|failing|only|fixme)\b"
        r"|(?<![\w$.])(?:x(?:it|test|describe|context|specify)|f(?:it|describe|context))\s*\(|\bthis\.skip\(\)"
    ),
    exact=_pattern(
        r"\.(?:toBe|toEqual|toStrictEqual|toHaveBeen\w*CalledWith|toHaveBeenCalledTimes|toMatch\w*Snapshot|toBeNull"
        r"|toBeUndefined|toBeNaN|toHaveLength|toHaveTextContent|equals?|eql|deepEqual|strictEqual|deepStrictEqual)\s*\("
    ),
    loose=_pattern(
        r"\.(?:toContain\w*|toMatch\w*|toBe(?:Greater|Less)\w*|toBeCloseTo|toHave\w+|toThrow\w*|toBeInstanceOf|toBe[A-Z]\w+"
        r"|includes?|match|throws?|rejects|notEqual|notStrictEqual|notDeepEqual|above|below|closeTo|instanceOf)\s*\("
    ),
    bare=_pattern(r"\.(?:toBeTruthy|toBeFalsy|toBeDefined|toHaveBeenCalled|ok|exist)\b|\bassert\s*\("),
    empty=_pattern(r"\bexpect\(\s*(?:true|false|1|0)\s*\)|\bassert(?:\.ok)?\(\s*(?:true|1)\b"),
)
_GO = _Language(
    test=_pattern(r"^func\s+((?:Test|Fuzz|Example)\w*)\s*\("),
    skip=_pattern(r"\b[tbf]\.Skip(?:f|Now)?\(|^//go:build\s+(?:ignore|never|skip)\b|^//\s*\+build\s+ignore\b"),
    exact=_pattern(
        r"\b[tbf]\.(?:Errorf?|Fatalf?|Fail(?:Now)?)\(|\b(?:assert|require)\.(?:Equal\w*|Exactly|JSONEq|ErrorIs|Nil|NoError"
        r"|Len|ElementsMatch)f?\("
    ),
    loose=_pattern(
        r"\b(?:assert|require)\.(?:Contains|Greater\w*|Less\w*|In\w+|Regexp|Error\w*|Panics\w*|NotEqual)f?\("
    ),
    bare=_pattern(r"\b(?:assert|require)\.(?:True|False|NotNil|NotEmpty|Empty|NotZero|NotPanics)f?\("),
    empty=_pattern(r"\b(?:assert|require)\.True\(\s*t,\s*true\b"),
)
_RUST = _Language(
    test=_pattern(r"#\[(?:\w+::)*(?:test|rstest|test_case)\b[^\]]*\][\s\S]{0,400}?\bfn\s+(\w+)"),
    skip=_pattern(r"#\[ignore\b|#\[cfg\(any\(\)\)\]"),
    exact=_pattern(r"\bassert_eq!|\bassert_matches!|#\[should_panic\(expected"),
    loose=_pattern(
        r"\bassert_ne!|#\[should_panic\b|\bassert!\(\s*matches!|\bassert!\(.*(?:==|\.is_err\(\)|\.is_none\(\))"
    ),
    bare=_pattern(r"\bassert!|\.unwrap\(\)"),
    empty=_pattern(r"\bassert!\(\s*true\b"),
)
_JAVA = _Language(
    test=_pattern(
        r"@(?:Test|ParameterizedTest|RepeatedTest|Property)\b[\s\S]{0,600}?\b(?:void|fun|def)\s+(`[^`]{1,300}`|\w+)\s*\("
    ),
    skip=_pattern(r"@(?:Disabled\w*|Ignore)\b|\bassum(?:e|ing)[A-Z]\w*\("),
    exact=_pattern(
        r"\bassert(?:Equals|Same|ArrayEquals|IterableEquals|LinesMatch|Null|ThrowsExactly)\(|\.(?:isEqualTo|isSameAs"
        r"|containsExactly\w*|hasSize|isNull|isEmpty|hasMessage|isZero)\(|\bshouldBe\b"
    ),
    loose=_pattern(
        r"\b(?:assertNotEquals|assertThrows|assertInstanceOf|assertThat|assertAll|verify|fail)\(|\.(?:contains\w*"
        r"|startsWith|isInstanceOf|isGreater\w*|isLess\w*|isCloseTo|matches)\("
    ),
    bare=_pattern(r"\bassert(?:True|False|NotNull)\(|\.(?:isTrue|isFalse|isNotNull|isNotEmpty)\(|\bassert\b"),
    empty=_pattern(r"\bassertTrue\(\s*true\b|\bassertFalse\(\s*false\b"),
)
_RUBY = _Language(
    test=_pattern(
        r"^[ \t]*(?:[xf]?(?:it|specify|scenario|example)|test)[ \t]*\(?[ \t]*(['\"])(.{1,300}?)\1"
        r"|^[ \t]*def[ \t]+(test_\w+)"
    ),
    skip=_pattern(
        r"^[ \t]*(?:x(?:it|describe|context|specify|scenario)|f(?:it|describe|context)|pending|skip)\b"
        r"|,[ \t]*:?(?:skip|pending|focus)\b"
    ),
    exact=_pattern(
        r"\.to(?:_not)?\b.*\b(?:eq|eql|equal|be_nil|match_array|contain_exactly)\b|\bassert_(?:equal|nil|same|empty)\b"
    ),
    loose=_pattern(r"\.(?:to|to_not|not_to)\b|\b(?:assert|refute|must|wont)_\w+"),
    bare=_pattern(r"\b(?:assert|refute)\b|\bbe_(?:truthy|falsey)\b"),
    empty=_pattern(r"\bassert[ (]+true\b|\bexpect\(true\)"),
)
_SHARP = _Language(
    test=_pattern(
        r"\[(?:Fact|Theory|Test|TestMethod|TestCase|DataTestMethod)\b[^\]]*\][\s\S]{0,600}?\b(?:void|Task)\s+(\w+)\s*\("
    ),
    skip=_pattern(r"\[(?:Ignore|Explicit)\b|\bSkip\s*=|\bAssert\.(?:Ignore|Inconclusive|Skip)\("),
    exact=_pattern(
        r"\bAssert\.(?:Equal|AreEqual|Same|AreSame|Null|IsNull|Empty|Single|Throws\w*)\b|\.(?:Should\(\)\.)?Be\("
    ),
    loose=_pattern(r"\bAssert\.\w+\(|\.Should\(\)"),
    bare=_pattern(r"\bAssert\.(?:True|IsTrue|False|IsFalse|NotNull|IsNotNull)\b"),
    empty=_pattern(r"\bAssert\.(?:Is)?True\(\s*true\b|\bAssert\.Pass\("),
)
_PHP = _Language(
    test=_pattern(r"\bfunction\s+(test\w+)\s*\("),
    skip=_pattern(r"\bmarkTest(?:Skipped|Incomplete)\("),
    exact=_pattern(r"\bassert(?:Same|Equals|Null|Count|Empty|JsonStringEquals\w*)\("),
    loose=_pattern(r"\bassert(?!True|False|NotNull)\w+\(|\bexpectException\w*\("),
    bare=_pattern(r"\bassert(?:True|False|NotNull)\("),
    empty=_pattern(r"\bassertTrue\(\s*true\b"),
)
_LANGUAGES: Mapping[str, _Language] = {
    **dict.fromkeys((".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".mts", ".cts"), _SCRIPT),
    ".go": _GO,
    ".rs": _RUST,
    **dict.fromkeys((".java", ".kt", ".kts", ".scala", ".groovy"), _JAVA),
    ".rb": _RUBY,
    ".cs": _SHARP,
    ".php": _PHP,
}
_FOLDERS = {"test", "tests", "__tests__", "spec", "specs", "testing", "e2e", "integration_tests", "androidtest"}
_NAMES = re.compile(
    r"test_.+|.+_tests?\.\w+|.+[._-](?:test|spec|e2e)\.\w+|.+(?:Tests?|Spec|IT)\.(?:java|kt|kts|scala|groovy|cs|php)"
    r"|.+_spec\.rb|tests?\.(?:py|rs|js|ts)|conftest\.py"
)
# Strings are kept; an end that is missing hides all that follows, as it does for a compiler. Possessive: linear.
_COMMENTS = re.compile(
    r'("(?:\\.|[^"\\\n])*+"?|\'(?:\\.|[^\'\\\n])*+\'?|`(?:\\.|[^`\\])*+`?)|//(?!go:build|\s*\+build)[^\n]*'
    r"|/\*(?:[^*]|\*(?!/))*+(?:\*/)?",
    re.DOTALL,
)
_RUBY_COMMENTS = re.compile(r"^[ \t]*#.*$", re.MULTILINE)


def is_test_path(path: str) -> bool:
    """Whether a file looks like one of tests, by its name or a folder above it; or may hold tests beside other code."""
    pure = PurePosixPath(path)
    folders = {folder.casefold() for folder in pure.parts[:-1]}
    return bool(_FOLDERS & folders) or bool(_NAMES.fullmatch(pure.name)) or pure.suffix == ".rs"


def is_known(path: str) -> bool:
    """Whether tests in such a file can be told apart."""
    suffix = PurePosixPath(path).suffix
    return suffix == ".py" or suffix in _LANGUAGES


def read_lines(path: str, text: str) -> Suite:
    """The tests of a file in a language that is known by its lines."""
    language = _LANGUAGES[PurePosixPath(path).suffix]
    text = _RUBY_COMMENTS.sub("", text) if language is _RUBY else _COMMENTS.sub(lambda match: match[1] or "", text)
    starts = list(language.test.finditer(text))
    ends = [*(match.start() for match in starts[1:]), len(text)]
    cases = [_case(language, match, text[match.start() : end]) for match, end in zip(starts, ends, strict=False)]
    skips = [line.strip() for line in text.splitlines() if language.skip.search(line)]
    return Suite(cases=tuple(cases), skip_lines=tuple(skips))


def _case(language: _Language, match: re.Match[str], block: str) -> Case:
    lines = tuple(line.rstrip() for line in block.splitlines() if line.strip())
    name = next(group for group in reversed(match.groups()) if group and group not in "'\"`")
    strengths = (_strength(language, line) for line in lines)
    return Case(name=name, strengths=tuple(each for each in strengths if each is not None), lines=lines)


def _strength(language: _Language, line: str) -> int | None:
    if language.empty.search(line):
        return EMPTY
    for pattern, strength in ((language.exact, EXACT), (language.bare, BARE), (language.loose, LOOSE)):
        if pattern.search(line):
            return strength
    return None
