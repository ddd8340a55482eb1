"""What a failed check tells about itself, read from how it ended and what it printed: that the infrastructure failed,
that it ran into a limit, that it has nothing to do with the change, or that it is the same as before.

A log is untrusted and often misleading, so a sign decides only whether a job is run once more before money is spent,
and whether a person is asked instead of the agent; never that a change is good.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from zlib import crc32

from github_app.core.model import FailedCheck

_BY_CONCLUSION = {
    "cancelled": "it was cancelled before its end",
    "stale": "it never ended, and GitHub gave it up",
    "startup_failure": "its workflow could not be started",
}
"""https://docs.github.com/rest/checks/runs and /actions/workflow-runs : conclusions that say nothing of the code."""

_OUTSIDE = (
    (r"lost communication with the server|runner has received a shutdown signal|runner .{0,80} was lost", "runner"),
    (r"no space left on device|\bENOSPC\b", "disk"),
    (r"\btoomanyrequests\b|429 too many requests|rate limit exceeded|exceeded .{0,40}rate limit", "limit"),
    (r"could not resolve host|temporary failure in name resolution|\bEAI_AGAIN\b|\bENOTFOUND\b", "name"),
    (r"connection reset by peer|\bECONNRESET\b|\bETIMEDOUT\b|tls handshake timeout|network is unreachable", "network"),
    (r"recent account payments have failed|spending limit needs to be increased", "money"),
    (r"\b50[234] (bad gateway|service (temporarily )?unavailable|gateway time-?out)", "network"),
)
_LIMITS = (
    (r"out of memory|\boomkilled\b|exit code 137\b|cannot allocate memory|std::bad_alloc", "memory"),
    (r"exceeded the maximum execution time|\btimed out after\b|\btimeout of \d|deadline exceeded", "time"),
)
_WORDS = {
    "runner": "its runner was lost",
    "money": "GitHub did not start it, because of a payment or a spending limit",
    "disk": "its runner's disk was full",
    "limit": "another service's rate limit was reached",
    "name": "a host's name could not be resolved",
    "network": "a connection to another service failed",
    "memory": "memory ran out",
    "time": "time ran out",
}
_LAST_LINES = 20
"""A sign counts among the last lines only: what went wrong earlier, and was survived, is not why a job failed."""

_MAX_LINE = 400
_TELLS = re.compile(r"\bfail|error|assert|panic|exception|expected|not ok\b|✗|✘|×", re.IGNORECASE)
_SAYS_NOTHING = re.compile(r"^(##\[\w+\])?(Process completed with exit code \d+\.?|Error: Process completed .*)?$")
_VARYING = (
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?\S*"), "TIME"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b|\b0x[0-9a-f]+\b", re.IGNORECASE), "HEX"),
    (re.compile(r"\b\d+(\.\d+)? ?(ns|µs|ms|s|secs?|seconds?|m|mins?|minutes?)\b"), "SPAN"),
    (re.compile(r":\d+(?=[:)\s]|$)|(?<=\w\()\d+,\d+(?=\))|\bline \d+"), " LINE"),
    (re.compile(r"/tmp/\S+|/home/runner/work/[^/\s]+/[^/\s]+"), "PLACE"),  # noqa: S108 - words in a log, no file
)
_WORD = re.compile(r"[a-z0-9]+")
_COMMON = frozenset(["test", "tests", "main", "index", "init", "mod", "lib", "src", "spec", "conftest"])
_LONG_STEM = 4


def sign_of_outside(failed: FailedCheck, changed: Iterable[str]) -> str:
    """What shows that the infrastructure failed and not the code, as a clause; empty if nothing does.

    A log that names what the change touched is the change's, whatever else it says; a workflow that cannot be started
    is, too, where workflows were `changed`.
    """
    paths = tuple(changed)
    if failed.conclusion in _BY_CONCLUSION:
        is_ours = failed.conclusion == "startup_failure" and any(path.startswith(".github/") for path in paths)
        return "" if is_ours else _BY_CONCLUSION[failed.conclusion]
    return "" if names_change(failed.log, paths) else _sign(failed.log, _OUTSIDE)


def sign_of_limit(failed: FailedCheck, changed: Iterable[str]) -> str:
    """What shows that time or memory ran out, as a clause; empty if nothing does. That may be chance or the change; a
    log that names what the change touched is the change's."""
    if failed.conclusion == "timed_out":
        return _WORDS["time"]
    return "" if names_change(failed.log, changed) else _sign(failed.log, _LIMITS)


def _sign(log: str, signs: Iterable[tuple[str, str]]) -> str:
    end = "\n".join(line[:_MAX_LINE] for line in log.splitlines()[-_LAST_LINES:])
    return next((_WORDS[kind] for pattern, kind in signs if re.search(pattern, end, re.IGNORECASE)), "")


def names_change(log: str, changed: Iterable[str]) -> bool:
    """Whether a log names something that the change touched: a file's name, or its stem in any other name (`hello` of
    `hello.py` is in `test_hello.py` and in `HelloTest`)."""
    text = log.lower()
    words = _WORD.findall(text)
    run_together = "".join(words)
    for path in changed:
        name = PurePosixPath(path.lower())
        stem = "".join(part for part in _WORD.findall(name.stem) if part not in _COMMON)
        if name.name in text or (stem in run_together if len(stem) >= _LONG_STEM else stem in words):
            return True
    return False


def is_doubtful(failed: FailedCheck, changed: Iterable[str] | None) -> bool:
    """Whether a failure may well have nothing to do with the change, so that it is worth to be run once more before
    money is spent on it. `changed` are the change's paths, None if they are not known. Without a log there is no doubt:
    a run more would tell nothing that is not known."""
    paths = tuple(changed or ())
    if sign_of_outside(failed, paths) or sign_of_limit(failed, paths):
        return True
    return bool(paths and failed.log and not names_change(failed.log, paths))


def mark_of(failed: FailedCheck) -> str:
    """A short mark that is the same for the same failure, whatever varies from run to run: the check's name with the
    lines that tell of the failure, without times, places and line numbers. Empty where too little is known to tell: no
    log, or the one sentence that a status has."""
    told = sorted({_steady(line) for line in _telling(failed.log)})
    if not told or failed.source == "status":
        return ""
    text = "\n".join([failed.source, failed.name, failed.conclusion, *told])
    return f"{crc32(text.encode()):08x}"


def gist_of(failed: FailedCheck) -> str:
    """The line that says most about a failure, at most 200 characters; how it ended where nothing does."""
    told = _telling(failed.log)
    return told[0].strip()[:200] if told else failed.conclusion


def _telling(log: str) -> list[str]:
    """The lines of a log that tell of a failure; the last ones where none looks like that."""
    lines = [line[:_MAX_LINE] for line in log.splitlines() if not _SAYS_NOTHING.match(line.strip())]
    return [line for line in lines if _TELLS.search(line)] or lines[-_LAST_LINES:]


def _steady(line: str) -> str:
    for pattern, word in _VARYING:
        line = pattern.sub(word, line)
    return " ".join(line.split())
