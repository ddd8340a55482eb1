"""Of what a verifier printed, the lines that say what is wrong and where. Pure. Known are the formats of pytest,
unittest, node's test runner, tsc, cargo, rustc, go, javac, Maven and Gradle; of anything else the end is kept."""

from __future__ import annotations

import re

MAX_LINES = 60
_MAX_CHARS = 300

# A line that matches is kept, with as many lines after it as the number says.
_KEEP = tuple(
    (re.compile(pattern), following)
    for pattern, following in (
        # pytest and unittest of Python
        (r"^(FAILED|ERROR) \S", 0),
        (r"^(FAIL|ERROR): ", 0),
        (r"^E {2,}\S", 0),
        (r"^\S+\.py:\d+: ", 1),
        (r'^  File "(?!<frozen)[^"]+", line \d+', 1),
        (r"^_{3,} .* _{3,}$", 0),
        (r"^(\w+\.)*\w*(Error|Exception|Failure)\b.*", 4),
        (r"^=+ .*\b(failed|errors?)\b.* =+$|^\d+ (failed|errors?)\b|^FAILED \(", 0),
        # Node's test runner (spec and TAP), tsc
        (r"^\s*(✖|not ok\b) ", 0),
        (r"^\s*(error|expected|actual|operator|location): ", 0),
        (r"^\s*error: \|-$", 8),
        (r"^# \S+:\d+$", 3),
        (r"^# \w*Error: ", 0),
        (r"^\s+\w*(Error|Exception)( \[\w+\])?: .*", 6),
        (r"^\s+at .*:\d+:\d+\)?$", 0),
        (r"^\S+\(\d+,\d+\): error TS\d+", 0),
        (r"^(\u2139|#) fail [1-9]", 0),
        # Rust
        (r"^error(\[E\d+\])?: ", 5),
        (r"^---- .* ----$", 4),
        (r"^thread '.*' .*panicked at", 3),
        (r"^test .* \.\.\. FAILED$|^test result: FAILED", 0),
        # Go
        (r"^\s*--- FAIL: ", 0),
        (r"^\s+\S+_test\.go:\d+: ", 2),
        (r"^\S+\.go:\d+(:\d+)?: ", 0),
        (r"^(FAIL\t|panic: )", 0),
        # Java: javac, Maven, Gradle
        (r"^\S+\.(java|kt):\d+: (error|warning): ", 2),
        (r"^\[ERROR\] +(?!To see |Re-run |For more |\[Help|After correcting |See |-> )\S", 0),
        (r"^(\w+\.)+\w*(Error|Exception): ", 0),
        (r"^\tat [\w.$]+\(\w+\.(java|kt):\d+\)$", 0),
        (r"^> Task .* FAILED$|^\S+ > .* FAILED$|^\* What went wrong:", 2),
        # make, sh and friends
        (r"^make(\[\d+\])?: \*\*\*", 0),
        (r"^\S+: (line )?\d+: |^sh: ", 0),
    )
)

# Lines of the machinery: nobody mends those. What follows one of them is its own and goes with it.
_NOISE = re.compile(
    r"^[-=]{20,}$|^\[INFO\]|^Traceback |^=+ (FAILURES|ERRORS|short test summary info) =+$"
    r'|^  File ".*(/lib/python3|/site-packages/)|/rustc/|^\s+at .*(node:|node_modules)'
    r"|^\tat (org\.junit|java\.|jdk\.|sun\.|org\.apache\.maven|org\.gradle)"
)


def distil(output: str, exit_code: int) -> str:
    """At most `MAX_LINES` lines: failing tests' names, assertions, compiler errors and where they are.

    Empty if `exit_code` is 0. If no line is known to matter, the last lines.
    """
    if exit_code == 0:
        return ""
    lines = [_cut(line.rstrip()) for line in output.splitlines()]
    kept = _kept(lines) or [line for line in lines if line][-MAX_LINES // 2 :] or ["(it printed nothing)"]
    if len(kept) > MAX_LINES:
        front = MAX_LINES * 2 // 3
        back = MAX_LINES - front - 1
        kept = [*kept[:front], f"[… {len(kept) - front - back} more lines of this kind …]", *kept[-back:]]
    return "\n".join(kept)


def _kept(lines: list[str]) -> list[str]:
    kept: list[str] = []
    seen: set[str] = set()
    wanted = 0
    for line in lines:
        wanted = 0 if _NOISE.search(line) else max(wanted - 1, _reach(line) if line else 0)
        # A place or message that was said already says nothing new; short lines (code, carets) may come again.
        if wanted <= 0 or not line or (len(line) > 20 and line in seen):
            continue
        seen.add(line)
        kept.append(line)
    return kept


def _cut(line: str) -> str:
    half = _MAX_CHARS // 2
    return line if len(line) <= _MAX_CHARS else f"{line[:half]} […] {line[-half:]}"


def _reach(line: str) -> int:
    return max((following + 1 for pattern, following in _KEEP if pattern.search(line)), default=0)
