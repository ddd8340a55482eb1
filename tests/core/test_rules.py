"""What GitHub says of a push that it refuses, and what people read."""

from __future__ import annotations

import pytest

from github_app.core.messages.rules import explain_push, name_in_the_way
from tests.edge.cases import shows

SAID = [
    (
        "refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` without `workflows` "
        "permission",
        "may not change workflows",
    ),
    (
        "remote: error: GH013: Repository rule violations found for refs/heads/honk/1.\n"
        "remote: - Commits must have verified signatures.",
        "wants signed commits",
    ),
    (
        "remote: error: GH013: Repository rule violations found for refs/heads/honk/1.\n"
        "remote: - GITHUB PUSH PROTECTION\nremote: - Push cannot contain secrets",
        "takes something in it for a secret",
    ),
    ("Repository rule violations found\n\nSecret detected in content\n", "takes something in it for a secret"),
    ("remote: error: GH009: Secrets detected! This push failed.", "takes something in it for a secret"),
    (
        "remote: error: File big.bin is 123.00 MB; this exceeds GitHub's file size limit of 100.00 MB\n"
        "remote: error: GH001: Large files detected.",
        "larger than GitHub takes",
    ),
    ("Sorry, the file too large to process", "larger than GitHub takes"),
    (
        "GH013: Repository rule violations found for refs/heads/honk/1.\n- Branch name must match a given pattern",
        "wants other names for branches",
    ),
    (
        "Repository rule violations found\n\nCannot create ref due to creations being restricted.",
        "restricts who makes branches",
    ),
    (
        "GH013: Repository rule violations found for refs/heads/honk/1.\n- Commit message must match a regex: ^JIRA-",
        "commit messages of another form",
    ),
    ("GH006: Protected branch update failed for refs/heads/honk/1.", "protected against pushes"),
    ("Changes must be made through a pull request.", "protected against pushes"),
    ("This repository was archived so it is read-only.", "is archived"),
    ("GH013: Repository rule violations found\n- Something new", "a rule of the repository forbids it"),
]


@shows("W66")
@pytest.mark.parametrize(("said", "meaning"), SAID, ids=[meaning for _, meaning in SAID])
def test_each_refusal_says_who_can_mend_what_and_what_github_said(said: str, meaning: str):
    told = explain_push(said)
    assert meaning in told
    assert " ".join(said.split()) in told
    assert "\n" not in told


def test_what_we_know_nothing_of_is_quoted():
    assert explain_push("the disk\nis full") == "the disk is full"
    assert len(explain_push("x" * 5_000)) < 400


@shows("W65")
def test_a_branch_in_the_way_is_named():
    assert name_in_the_way("honk/1-x", "honk") == (
        "there is a branch `honk`, and so git can have no `honk/1-x`: give it another name or delete it"
    )
