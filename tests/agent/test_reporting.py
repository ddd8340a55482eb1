"""Reports: what is cited is there, what is remarked on is in the diff, and nobody hears of what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from github_app.agent.reporting import CitedLines, Explain, RemarkedLines, Review, answer_from, review_from, show_diff
from github_app.core.errors import ToolFailed
from github_app.core.filediffs import PullDiff
from github_app.core.model import Patch
from github_app.core.reports import Citation, Remark
from tests.agent.parts import LocalWorkspace, WordScanner

PATCH = "@@ -1,2 +1,3 @@\n one\n+two\n three\n@@ -20 +21 @@\n-a\n+b"
DIFF = PullDiff(
    number=7,
    base_branch="main",
    head_sha="c" * 40,
    files=(
        Patch(path="poem.txt", status="modified", diff=PATCH),
        Patch(path="logo.png", status="added"),
    ),
)


@pytest.fixture
def workspace(tmp_path: Path) -> LocalWorkspace:
    root = tmp_path / "tree"
    root.mkdir()
    return LocalWorkspace.of(
        root,
        {
            "poem.txt": "one\ntwo\nthree\n",
            "logo.png": b"\x89PNG\0\0",
            "empty": "",
            "page.txt": "one\f\u2028still one\r\ntwo",
        },
    )


def explain(answer: str = "It is there [1].", *cited: CitedLines) -> Explain:
    return Explain(answer=answer, citations=list(cited or (CitedLines(path="poem.txt", line=2, last_line=3),)))


def review(**more: object) -> Review:
    finding = {"path": "poem.txt", "line": 2, "severity": "low", "text": "Two.", **more}
    return Review(summary="A line more.", findings=[RemarkedLines.model_validate(finding)])


async def test_an_answer_with_lines_that_are_there(workspace: LocalWorkspace):
    report = await answer_from(explain(), workspace, WordScanner())
    assert (report.text, report.citations) == (
        "It is there [1].",
        (Citation(path="poem.txt", first_line=2, last_line=3),),
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (explain("[1]", CitedLines(path="poem.txt", line=3, last_line=4)), "the file has 3 lines"),
        (explain("[1]", CitedLines(path="poem.txt", line=3, last_line=2)), "the file has 3 lines"),
        (explain("[1]", CitedLines(path="empty", line=1)), "the file has 0 lines"),
        (explain("[1]", CitedLines(path="page.txt", line=3)), "the file has 2 lines"),
        (explain("[1]", CitedLines(path="nowhere.txt", line=1)), "`nowhere.txt` 1-1"),
        (explain("[1]", CitedLines(path="logo.png", line=1)), "binary"),
        (explain("[1]", CitedLines(path="./poem.txt", line=1)), "as it is in the repository"),
        (explain("[1]", CitedLines(path="a/../poem.txt", line=1)), "as it is in the repository"),
        (explain("[2]"), "[2] in `answer` is none of your 1 citations"),
        (explain("It is `x[1]`."), "where they belong"),
        (explain("[1]" + "x" * 12_000), "may have 12000 characters"),
        (explain("[1] secret-x"), "your words hold"),
    ],
)
async def test_what_is_not_there_is_told_to_the_model(workspace: LocalWorkspace, given: Explain, said: str):
    with pytest.raises(ToolFailed) as caught:
        await answer_from(given, workspace, WordScanner())
    assert str(caught.value).startswith("not handed in: ")
    assert said in str(caught.value)


async def test_a_review_of_lines_in_the_diff():
    report = await review_from(review(line=1, last_line=3, suggestion="x\n"), DIFF, WordScanner())
    remark = Remark(path="poem.txt", first_line=1, last_line=3, severity="low", text="Two.", suggestion="x")
    assert (report.summary, report.remarks, report.files) == ("A line more.", (remark,), 2)
    assert (await review_from(Review(summary="Fine.", findings=[]), DIFF, WordScanner())).remarks == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (review(line=4), "Lines of the new file that are: 1-3, 21-21"),
        (review(line=3, last_line=21), "is not in one hunk"),
        (review(path="other.txt"), "Files that it changes: poem.txt, logo.png"),
        (review(path="logo.png", line=1), "that are: none"),
        (review(suggestion="key = secret-x"), "your words hold"),
    ],
)
async def test_what_is_outside_of_the_diff_is_told_to_the_model(given: Review, said: str):
    with pytest.raises(ToolFailed) as caught:
        await review_from(given, DIFF, WordScanner())
    assert said in str(caught.value)


def test_one_file_of_the_diff():
    assert "     2 +two" in show_diff(DIFF, "poem.txt")
    for diff, path, said in ((DIFF, "logo.png", "binary"), (None, "poem.txt", "it changes: none")):
        with pytest.raises(ToolFailed) as caught:
            show_diff(diff, path)
        assert said in str(caught.value)
