"""The sample of the demo: a small repository with a bug, its issue, what a reviewer says, and the script for all this.

All of it is data in `sample/`; nothing there is imported. `sample/repo` is a project of its own, committed to a fresh
git repository by whoever uses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from github_app.localhub.script import Script

HOME = Path(__file__).parent / "sample"
LITTER = {"__pycache__", ".pytest_cache"}


@dataclass(frozen=True)
class ReviewComment:
    """One inline comment; `anchor` is text that stands in exactly one line of the file."""

    path: str
    anchor: str
    body: str

    def line_in(self, text: str) -> int:
        """The line to comment on, from 1, in the file's text at the head. Raises ValueError if it is not one line."""
        found = [number for number, line in enumerate(text.splitlines(), 1) if self.anchor in line]
        if len(found) != 1:
            raise ValueError(f"{self.anchor!r} stands in {len(found)} lines of {self.path}")
        return found[0]


@dataclass(frozen=True)
class Review:
    """What the reviewer submits, in the words of GitHub's API."""

    event: Literal["REQUEST_CHANGES", "COMMENT"]
    body: str
    comments: tuple[ReviewComment, ...]


@dataclass(frozen=True)
class Sample:
    """Everything that the demo begins with. `files` maps paths in the repository to contents; none is executable."""

    name: str
    files: dict[str, bytes]
    issue_title: str
    issue_body: str
    review: Review
    script: Script


def load_sample() -> Sample:
    """Read the sample. Raises OSError if the installation lacks it."""
    title, body = read_issue((HOME / "issue.md").read_text(encoding="utf-8"))
    review: dict[str, Any] = yaml.safe_load((HOME / "review.yml").read_text(encoding="utf-8"))
    comments = tuple(ReviewComment(each["path"], each["line"], each["body"]) for each in review["comments"])
    return Sample(
        name="steep",
        files=read_files(HOME / "repo"),
        issue_title=title,
        issue_body=body,
        review=Review(review["event"], review["body"], comments),
        script=Script.load(HOME / "script.yml"),
    )


def read_issue(text: str) -> tuple[str, str]:
    """Title (the first line, without `#`) and body of an issue in a Markdown file."""
    title, _, body = text.strip().partition("\n")
    return title.lstrip("# ").strip(), body.strip()


def read_files(root: Path) -> dict[str, bytes]:
    """All files below `root` by their path in it, hidden ones too, without what running leaves behind."""
    found = sorted(path for path in root.rglob("*") if path.is_file() and not LITTER & set(path.parts))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}
