"""Which lines of known tools matter, how many after each belong to it, and what each says has failed.

Every pattern is matched at the beginning of a line of bounded length. Groups name what failed: `name` a test;
`title` one whose name goes on in the next lines; `says` what is wrong and `at` in which file (on one line or two);
`file` a heading under which each `local` stands. Line numbers are left out of names, because they move.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """A kind of line that matters, with at most `after` lines that follow it.

    `is_wrapper`: it only says that something else failed, so that what stands before it is the reason.
    """

    pattern: re.Pattern[str]
    after: int = 0
    is_wrapper: bool = False


_TIMES = r"(?: \(?\d+(?:\.\d+)? ?m?s\)?)?"
_ID = r"[A-Z]{1,4}\d{2,5}"
_SOURCES = (
    r"(?:py|js|jsx|ts|tsx|mjs|cjs|mts|cts|vue|svelte|go|rs|java|kt|kts|scala|groovy|c|h|cc|cpp|cxx|hpp|cs|fs|vb|rb|php"
    r"|swift|ex|exs|sh|css|scss|md|html|ya?ml|toml|json)"
)
_ERRORS = r"[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Warning|Group|Failure|Iteration)"
_JAVAS = r"java\.|jdk\.|javax\.|sun\.|org\.junit|org\.apache\.maven|org\.gradle|org\.opentest4j|com\.sun\.|[\w.]+/"

_PATTERNS: tuple[tuple[str, int], ...] = (
    (r"(?:FAIL|ERROR): (?P<name>\S+ \(\S+\).*|\S+)$", 0),  # unittest; pytest has an `ERROR: ` of its own
    # pytest
    (r"FAILED (?P<name>\S+::.+?)(?: - |$)", 0),
    (r"ERROR (?P<name>[\w./\\-]+\.py(?:::.+?)?)(?: - |$)", 0),
    (r"E {3,}\S", 0),
    (r">   +\S", 0),
    (r"_{2,} (?!summary).* _{2,}$", 0),
    (r"\[XPASS\(strict\)\]", 0),
    (r"=+ .*\b(?:failed|errors?)\b.* =+$|\d+ (?:failed|errors?)\b.* in [\d.]+", 0),
    (r"\S+\.py:\d+: (?:in \S+$|\w+(?:Error|Exception|Failed|Exit)\b)", 1),
    (r"(?:ImportError while|!!+ .* !!+$|ERROR: |INTERNALERROR> \w)", 2),
    # unittest, tracebacks of Python
    (r"[| ]*  File \"(?!<frozen)[^\"]+\", line \d+", 1),
    (rf"[| ]*(?:[a-zA-Z_][\w.]*\.)?{_ERRORS}\b(?: \(\d+ sub)?(?::|$)", 8),
    (r"FAILED \((?:failures|errors|unexpected)", 0),
    # ruff, mypy, flake8, pylint, black; many others write path:line:column: too
    (rf"(?P<says>{_ID} .+|(?:invalid-syntax|unformatted): .+)$", 0),
    (r" *--> (?P<at>\S+?):\d+:\d+$", 6),
    (rf"(?P<at>[^\s:]+\.{_SOURCES}):\d+(?::\d+)?: ?(?P<says>(?:fatal )?(?:error|{_ID})\b.*)$", 3),
    (rf"(?P<at>[^\s:]+\.{_SOURCES}):\d+:\d+: (?!warning|note|in )(?P<says>.+)$", 1),
    (r"(?:would reformat|Would reformat:|\[(?:warn|error)\]) (?P<name>[^\s>:|]+)", 3),
    (r"Found \d+ errors?\b", 0),
    # jest
    (r" FAIL  (?P<name>\S+ (?:>|\[) .+)$", 8),  # vitest's
    (r" ?FAIL +(?P<file>\S+\.\w+)(?: \(.*\))?$", 0),
    (r"  ● (?!Console$)(?P<local>.+)$", 14),
    (r"(?:Tests|Test Suites|Test Files| *Tests| *Test Files):? .*failed", 0),
    # vitest
    (r" *❯ (?!.*node_modules)\S.*:\d+:\d+$", 3),
    # mocha, rspec, jasmine; minitest
    (r"  \d+\) (?:Failure|Error):$", 5),
    (r"  \d+\) (?P<title>.+)$", 14),
    (r" {4,}\d+\) .+$", 0),
    (r"\d+\) (?P<name>\S.+)$", 4),
    (r"(?P<name>[A-Z]\w*(?:::\w+)*#test_\w+)(?: \[.*\])?:$", 4),
    (r"\d+ (?:runs|tests), .*(?:[1-9]\d* (?:failures|errors))|\d+ (?:specs?|examples), [1-9]\d* failure", 0),
    (r" +\d+ failing$", 0),
    # node --test, TAP, ava
    (rf" *✖ (?P<name>(?!\d+ problems|failing tests:).+?){_TIMES}$", 10),
    (r" *not ok \d+ - (?P<name>.+)$", 0),
    (r" +error: \|-$", 9),
    (r" +(?:error|location|expected|actual): \S", 0),
    (r" *✘ \[fail\]: (?P<name>.+)$", 0),
    (r"  Difference \(", 4),
    (r"  › ", 0),
    # Node: what is thrown, and where in the project
    (r" *(?:Uncaught )?[A-Z]?\w*(?:Error|Exception)(?: \[\w+\])?: ", 4),
    (r"\s+at (?!.*(?:node:|node_modules)).*:\d+:\d+\)?$", 0),
    (r"(?:/|file:|\w:).*\.(?:js|mjs|cjs|ts):\d+$", 3),
    # tsc, eslint, biome, npm
    (r"(?P<at>[^\s(]+)\(\d+,\d+\): (?P<says>(?:fatal )?error \w+: .+)$", 0),
    (r"(?P<at>[^\s:]+):\d+:\d+ - (?P<says>error TS\d+: .+)$", 3),
    (r"(?P<file>(?:/|\w:|\.).*\.(?:jsx?|tsx?|mjs|cjs|vue|svelte))$", 0),
    (r"  +\d+:\d+ +(?P<local>error +.+)$", 0),
    (r"✖ \d+ problems?", 0),
    (r"(?P<at>\S+?)(?::\d+:\d+)? (?P<says>(?:lint|format|parse|assist)(?:/\S+)?)(?: +FIXABLE)? +━", 5),
    (r"npm (?:error|ERR!) (?!A complete log|To see a list|  npm run|$)", 0),
    # Go
    (r" *--- FAIL: (?P<name>\S+)", 0),
    (r" +\w+_test\.go:\d+: ", 4),
    (r"FAIL\t(?P<name>\S+)", 0),
    (r"(?:vet: )?(?P<at>\S+\.go):\d+(?::\d+)?: (?P<says>.+)$", 1),
    (r"(?:panic|fatal error): ", 1),
    (r"\t(?!/usr/|/root/|.*/libexec/).*\.go:\d+", 0),
    (r"(?:go: |# \S+/\S+$)", 0),
    # Rust
    (r"(?P<says>error(?:\[E\d+\])?: (?!test failed|could not compile|aborting|\d+ target).+)$", 0),
    (r"error: (?:test failed|could not compile|aborting)", 0),
    (r"---- (?P<name>\S+(?: - .*)?) stdout ----$", 5),
    (r"thread '.*' .*panicked at", 3),
    (r"test (?P<name>\S+(?: - .*)?) \.\.\. FAILED$", 0),
    (r"test result: FAILED", 0),
    # javac, Java's own traces, Maven, Gradle
    (r"\[ERROR\] (?P<name>[\w.$]+(?:\([\w.$]+\))?)(?:\[.*\])? .*<<< (?:FAILURE|ERROR)!$", 3),
    (r"\[ERROR\] (?P<at>/.+\.(?:java|kt)):\[\d+,\d+\] (?P<says>.+)$", 2),
    (r"\[ERROR\] +(?!To see |Re-run |For more |\[Help|After correcting |See |-> |\[ERROR\]|Please refer)\S", 0),
    (r"(?:Exception in thread \".*\"|Caused by:) ", 1),
    (rf"\tat (?!{_JAVAS})", 0),
    (r"(?P<name>[\w.$]+ > .+) FAILED$", 3),
    (r"(?:> Task )?:\S+ FAILED$|\* What went wrong:", 3),
    (r"(?::\S+?)?(?P<at>/\S+\.(?:java|kt|groovy)):\d+: (?P<says>error: .+)$", 3),
    # dotnet
    (r"  Failed (?P<name>\S.*?) \[.*\]$", 8),
    # gcc, linkers, sanitizers, CMake, make
    (r"(?:/\S+/)?(?:ld|collect2|cc1\w*|clang)(?:\.\w+)?: ", 0),
    (r".{1,200}: undefined reference to ", 0),
    (r"=+\d+=+ERROR: |SUMMARY: \w+Sanitizer|.{1,200}runtime error: ", 1),
    (r"    #\d+ 0x\w+ in \w+ /(?!usr/)", 0),
    (r"CMake Error", 4),
    # Ruby, shells, git, CI
    (r"\S+\.rb:\d+:(?:in `.*': | )", 2),
    (r"\s+(?:# |from )?(?:\./)?(?!/usr/)[\w./-]+\.rb:\d+:in ", 0),
    (r"(?:An error occurred while loading|Failure/Error:)", 3),
    (r"rspec (?P<at>\S+?):\d+ # (?P<says>.+)$", 0),
    (r"(?:sh|bash|zsh|/bin/\w+|\S+\.sh): (?:line )?\d*:? ?", 0),
    (r"(?:fatal|cat|cp|mv|rm|ls|cd|mkdir|curl|wget|env): ", 0),
)  # fmt: skip

_WRAPPERS = (
    r"make(?:\[\d+\])?: \*\*\*",
    r" *\S+: (?:FAIL code|exit) \d+|nox > (?:Command .* failed|Session .* failed)",
    r"npm (?:error|ERR!) (?:code ELIFECYCLE|errno|.*ELIFECYCLE|command |workspace |location )",
    r"##\[error\]|::error",
)

RULES = (
    *(Rule(re.compile(pattern), is_wrapper=True) for pattern in _WRAPPERS),
    *(Rule(re.compile(pattern), after) for pattern, after in _PATTERNS),
)

_ALL = (*_WRAPPERS, *(pattern for pattern, _ in _PATTERNS))
ANY_RULE = re.compile("|".join(f"(?:{re.sub(r'[?]P<[a-z]+>', '?:', pattern)})" for pattern in _ALL))
"""Matches what any rule matches: most lines are none, and are asked once."""

NOISE = re.compile(
    # what passed, or is on its way
    r"\s*(?:✓|✔|√|PASS(?:ED)?\b|ok \d+ - |--- PASS|--- SKIP|=== (?:RUN|PAUSE|CONT)|ok  \t)"
    r"|\S+ (?:PASSED|SKIPPED|XFAIL) +\[ *\d+%\]|test \S+ \.\.\. (?:ok|ignored)|.* \.\.\. ok$"
    r"|[.FEsx]+(?: +\[ *\d+%\])?$|\S+\.py [.FEsx]+(?: +\[ *\d+%\])?$|\S+::.+ (?:FAILED|ERROR) +\[ *\d+%\]$"
    r"|\[gw\d+\]|\[(?:INFO|WARNING)\]|\s*(?:Compiling|Finished|Running|Downloaded|Downloading|Checking) "
    r"|WARNING: |warning: (?!.*denied)"
    # frames around things, figures, and advice
    r"|[-=_⎯─━ ]{12,}$|=+ (?:FAILURES|ERRORS|short test summary info|test session starts) =+$|_( _)+$"
    r"|⎯+(?: Failed (?:Suites|Tests) \d+ ⎯+|\[\d+/\d+\]⎯)$"
    r"|-+ Captured |Traceback(?: \(most recent call last\))?:$"
    r"|(?:platform|rootdir|plugins|collected|cachedir|configfile)\b"
    r"|Ran \d+ tests? in |Ran all test suites|failures:$|FAIL$|✖ failing tests:$"
    r"|[#ℹ] (?:tests|suites|pass|cancelled|skipped|todo|duration_ms) |\s*Duration |\s+Start at "
    r"|Finished in |Randomized with seed |Run options: |Snapshots:|Time: |Shadow byte"
    r"|note: run with `RUST_BACKTRACE|For more information about this error|Node\.js v\d|exit status \d"
    r"|\* Try:|\* Get more help|Run with --|Re-run Maven|BUILD FAILED in|\d+ actionable tasks?|Oh no!"
    r"|npm (?:error|ERR!)(?: A complete log|$)|Hint: make sure|##\[(?:group|endgroup|command|debug)\]|shell: /"
    r"|\[ERROR\](?: To see| Re-run| For more| Please refer| \[Help| -> |$)"
    # frames of stacks that are nobody's to mend
    r"|\s*File \".*(?:/lib/python3|/site-packages/)|/\S*(?:/lib/python3|/site-packages/).*:\d+: |<frozen "
    r"|\s+at .*(?:node:|node_modules|<anonymous>\))|\s*❯ .*node_modules|\s+\S*(?:node:internal|async_hooks)"
    rf"|\tat (?:{_JAVAS})"
    r"|\s+(?:\+ )?\S*/rustc/|\t?/usr/\S+\.go:\d+|goroutine \d+|testing\.|panic\(|created by |=>?0x[0-9a-f]{8,}"
    r"|  [A-Z][\w ]+: +[0-9a-f]{2}$"
)  # fmt: skip
"""Lines that say nothing about what is wrong. What belongs to the line before one of them ends with it."""

LOOKS_WRONG = re.compile(
    r"\b(?:errors?|fail(?:ed|ure|ures|s|ing)?|fatal|cannot|can't|could not|unable|not found|no such|denied|refused"
    r"|invalid|unexpected|undefined|unknown|missing|mismatch|exception|panic|abort(?:ed|ing)?|killed|timed? ?out"
    r"|segmentation|expected|assert\w{0,20}|unresolved|conflict|not supported|required|exceeded|violat\w{0,10})\b",
    re.IGNORECASE,
)
"""Words of lines that tools unknown to us write when something is wrong."""
