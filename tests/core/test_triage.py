"""What a failed check tells about itself: signs of the infrastructure, of the change, of an old acquaintance."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from github_app.core.distill.distillate import distill
from github_app.core.model import FailedCheck
from github_app.core.triage import gist_of, is_doubtful, mark_of, names_change, sign_of_limit, sign_of_outside

LOGS = Path(__file__).parent / "data" / "logs"
CHANGED = ("steep/duration.py", "README.md")


def failed(log: str = "", conclusion: str = "failure", name: str = "Tests") -> FailedCheck:
    return FailedCheck(name=name, conclusion=conclusion, log=log, source="workflow 1")


@pytest.mark.parametrize(
    ("log", "sign"),
    [
        ("The hosted runner: GitHub Actions 7 lost communication with the server. Anything in your", "runner was lost"),
        ("The runner has received a shutdown signal. This can happen when the runner service", "runner was lost"),
        ("write /var/lib/docker: no space left on device", "disk was full"),
        ("npm error code ENOSPC", "disk was full"),
        ("The job was not started because recent account payments have failed or your spending limit", "a payment"),
        ("toomanyrequests: You have reached your pull rate limit. https://www.docker.com/increase", "rate limit"),
        ("HTTP error 429 Too Many Requests while getting https://files.example/simple", "rate limit"),
        ("##[error]API rate limit exceeded for installation", "rate limit"),
        ("fatal: unable to access 'https://github.com/a/b/': Could not resolve host: github.com", "name could not"),
        ("curl: (6) getaddrinfo EAI_AGAIN registry.example", "name could not"),
        ("ReadError: [Errno 104] Connection reset by peer", "connection to another"),
        ("npm error network request failed, reason: ETIMEDOUT", "connection to another"),
        ("received unexpected HTTP status: 503 Service Unavailable", "connection to another"),
    ],
)
def test_a_sign_of_the_infrastructure_is_named(log: str, sign: str):
    assert sign in sign_of_outside(failed(f"collecting\n{log}\n##[error]Process completed with exit code 1."), CHANGED)


@pytest.mark.parametrize(
    ("conclusion", "sign"),
    [
        ("cancelled", "cancelled"),
        ("stale", "never ended"),
        ("startup_failure", "could not be started"),
        ("failure", ""),
    ],
)
def test_how_a_check_ended_can_be_a_sign(conclusion: str, sign: str):
    told = sign_of_outside(failed("test_it failed", conclusion), CHANGED)
    assert sign in told
    assert bool(told) == bool(sign)


def test_a_workflow_that_the_change_broke_is_its_own():
    broken = failed(conclusion="startup_failure")
    assert sign_of_outside(broken, ("a.py", ".github/workflows/ci.yml")) == ""
    assert not is_doubtful(broken, (".github/workflows/ci.yml",))


@pytest.mark.parametrize(
    ("log", "why"),
    [
        ("steep/duration.py:7: ConnectionError: Connection reset by peer", "it happened in the changed file"),
        ("Connection refused", "nothing listens: as likely a defect"),
        ("Connection reset by peer\n" + "ok\n" * 30 + "E  assert 1 == 2", "it was survived, long before the end"),
        ("FAILED tests/test_brew.py::test_heat - assert 1 == 2", "a test failed"),
        ("", "nothing was said"),
    ],
)
def test_what_the_code_may_have_done_is_no_sign(log: str, why: str):
    assert sign_of_outside(failed(log), CHANGED) == "", why


@pytest.mark.parametrize(
    ("each", "sign"),
    [
        (failed(conclusion="timed_out"), "time ran out"),
        (failed("The job running on runner X has exceeded the maximum execution time of 6 minutes."), "time ran out"),
        (failed("Error: Test timeout of 30000ms exceeded."), "time ran out"),
        (failed("##[error]Process completed with exit code 137."), "memory ran out"),
        (failed("FATAL ERROR: JavaScript heap out of memory"), "memory ran out"),
        (failed("assert 1 == 2"), ""),
    ],
)
def test_a_limit_is_a_sign_of_its_own_as_the_change_may_have_reached_it(each: FailedCheck, sign: str):
    assert sign_of_limit(each, CHANGED) == sign
    assert sign_of_outside(each, CHANGED) == ""


@pytest.mark.parametrize(
    ("log", "path", "names"),
    [
        ("File steep/duration.py, line 3", "steep/duration.py", True),
        ("FAILED tests/test_duration.py::test_hours", "steep/duration.py", True),
        ("--- FAIL: TestDurationHours (0.00s)", "duration.go", True),
        ("at com.acme.UserServiceTest.finds", "src/main/UserService.java", True),
        ("user_service_test.rb:3", "app/user_service.rb", True),
        ("see README.md", "README.md", True),
        ("FAILED tests/test_brew.py::test_heat", "steep/duration.py", False),
        ("the api failed", "src/api.ts", True),
        ("a rapid failure", "src/api.ts", False),
        ("src/main/index.ts(3,4): error", "lib/index.ts", True),
        ("Main failed", "src/main.rs", False),
        ("", "a.py", False),
    ],
)
def test_a_log_names_the_change_by_file_or_by_stem(log: str, path: str, names: bool):
    assert names_change(log, (path,)) is names


@pytest.mark.parametrize(
    ("each", "changed", "doubtful"),
    [
        (failed("FAILED tests/test_brew.py::test_heat"), CHANGED, True),
        (failed("FAILED tests/test_duration.py::test_hours"), CHANGED, False),
        (failed("FAILED tests/test_brew.py::test_heat"), None, False),
        (failed(""), CHANGED, False),
        (failed("", "timed_out"), CHANGED, True),
        (failed("test_duration.py: Error: Test timeout of 30000ms exceeded."), CHANGED, False),
        (failed("", "cancelled"), None, True),
        (failed("no space left on device"), None, True),
    ],
)
def test_what_runs_once_more_before_money_is_spent(each: FailedCheck, changed: tuple[str, ...] | None, doubtful: bool):
    assert is_doubtful(each, changed) is doubtful


RUNS = (
    "2026-01-02T03:04:05Z collected 3 items\n"
    "/tmp/pytest-1/a.py:7: AssertionError: expected 1h, got 30 in commit 0123456789abcdef\n"
    "=== 1 failed in 1.26s ===\n##[error]Process completed with exit code 1.",
    "2026-02-03 04:05:06 collected 4 items\n"
    "/tmp/pytest-9/a.py:19: AssertionError: expected 1h, got 30 in commit fedcba9876543210\n"
    "=== 1 failed in 13 seconds ===\n##[error]Process completed with exit code 1.",
)


def test_the_same_failure_has_the_same_mark_wherever_and_whenever_it_happens():
    first, second = (mark_of(failed(log)) for log in RUNS)
    assert first == second


@pytest.mark.parametrize(
    "other",
    [
        failed(RUNS[0].replace("got 30", "got 31")),
        failed(RUNS[0], name="Lint"),
        failed(RUNS[0], conclusion="timed_out"),
        failed(RUNS[0] + "\nFAILED test_b"),
    ],
)
def test_another_failure_has_another_mark(other: FailedCheck):
    assert mark_of(other) != mark_of(failed(RUNS[0]))


@pytest.mark.parametrize("each", [failed(""), failed("\n"), replace(failed("Build failed"), source="status")])
def test_what_tells_too_little_has_no_mark(each: FailedCheck):
    assert mark_of(each) == ""


def test_real_logs_of_failing_code_show_no_sign_and_are_the_same_however_they_were_printed():
    """Logs of real tools, as they are distilled for the agent."""
    limits, marks = set(), defaultdict(set)
    for path in sorted(LOGS.glob("*.log")):
        each = failed(distill(path.read_bytes()).text)
        assert sign_of_outside(each, ()) == "", path.name
        if sign_of_limit(each, ()):
            limits.add(path.stem)
        marks[mark_of(each)].add(path.stem)
    assert limits == {"mocha", "mocha_dot"}  # a test there takes too long
    del marks[""]
    same = sorted(sorted(names) for names in marks.values() if len(names) > 1)
    assert ["jest", "jest_colour", "jest_verbose", "npm_jest"] in same
    tools = [{name.removeprefix("npm_").partition("_")[0] for name in names} for names in same]
    assert all(len(each) == 1 for each in tools), same


@pytest.mark.parametrize(
    ("each", "gist"),
    [
        (failed("collected 3\n  E  AssertionError: 1 != 2\nbye"), "E  AssertionError: 1 != 2"),
        (failed("one\ntwo\n##[error]Process completed with exit code 2."), "one"),
        (failed("##[error]Process completed with exit code 2."), "failure"),
        (failed("", "timed_out"), "timed_out"),
        (failed("error " + "x" * 900), "error " + "x" * 194),
    ],
)
def test_one_line_says_most(each: FailedCheck, gist: str):
    assert gist_of(each) == gist


@pytest.mark.timeout(60)  # milliseconds, but for a pattern that goes back and forth
def test_logs_made_to_take_long_do_not():
    paths = tuple(f"src/{'a' * n}.py" for n in range(1, 200))
    for filler in ("a", ":1", "0x", "1s ", "runner ", "/tmp/", "2026-01-01 ", "(1,", "error\n", "exceeded "):
        each = failed(filler * (16_384 // len(filler)))
        assert mark_of(each) != mark_of(failed())
        assert len(gist_of(each)) <= 200
        assert not is_doubtful(each, paths) or "a.py" not in each.log
