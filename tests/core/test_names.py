"""Names that are functions of what they belong to: valid for any title, and found back."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from github_app.core.names import branch_name, issue_of_branch, session_id
from tests.edge.cases import shows

NUMBERS = st.integers(1, 9_999_999_999)
# https://git-scm.com/docs/git-check-ref-format, as far as our alphabet could break it
VALID = re.compile(r"honk/[1-9][0-9]*-[a-z0-9]+(-[a-z0-9]+)*")

TITLES = [
    "The goose is silent",
    "",
    "...",
    "a..b",
    "feature.lock",
    "@{-1}",
    "-rf /",
    "🪿🪿🪿",
    "Über die Gänse",
    "Гусь молчит",
    "x" * 300,
    "ends with a dash at the fortieth place -- so",
    "tabs\tand\nlines",
    "~^:?*[\\",
    "HEAD",
    "\x00\x7f",
    "İstanbul ﬁx ½",
]


@shows("W65")
@pytest.mark.parametrize("title", TITLES)
def test_git_takes_the_branch_of_any_title(title: str):
    for generation in (1, 2):
        branch = branch_name(12, title, generation)
        checked = subprocess.run(["git", "check-ref-format", "--branch", branch], capture_output=True, text=True)
        assert (checked.returncode, checked.stdout.strip()) == (0, branch), checked.stderr


@given(NUMBERS, st.text(max_size=400), st.integers(1, 50))
@settings(max_examples=300)
def test_branch_is_plain_and_short_and_leads_back_to_its_issue(number: int, title: str, generation: int):
    branch = branch_name(number, title, generation)
    assert VALID.fullmatch(branch)
    assert len(branch) <= len(f"honk/{number}-") + 40 + len(f"-{generation}")
    assert issue_of_branch(branch) == number


@given(NUMBERS, st.text(max_size=60))
def test_branch_is_the_same_every_time(number: int, title: str):
    assert branch_name(number, title, 1) == branch_name(number, title, 1)
    assert branch_name(number, title, 1) != branch_name(number, title, 2)


@pytest.mark.parametrize(
    "branch", ["main", "honk/", "honk/12", "honk/0-x", "honk/012-x", "Honk/12-x", "x/honk/12-x", "honk/x-12"]
)
def test_other_branches_are_nobodys(branch: str):
    assert issue_of_branch(branch) is None


def test_session_ids_differ_by_repository_issue_and_generation():
    assert session_id(7, 12, 1) == "7-12-1"
    assert (
        len({session_id(repo, issue, generation) for repo in (1, 11) for issue in (1, 11) for generation in (1, 11)})
        == 8
    )


def test_known_titles():
    assert branch_name(12, "The goose is silent", 1) == "honk/12-the-goose-is-silent"
    assert branch_name(12, "Über die Gänse", 1) == "honk/12-uber-die-ganse"
    assert branch_name(12, "🪿", 2) == "honk/12-work-2"
    assert branch_name(12, f"Leaks ghp_{'a1' * 18}", 1) == "honk/12-leaks-secret-removed"
