"""Reports as they are posted: answers with their citations, reviews with their remarks, and why there is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from github_app.core.messages.figures import count
from github_app.core.reports import Answer, Citation, LineComment, Remark, Review
from github_app.core.text.markup import mask_code
from github_app.core.text.prose import clause, code, harmless

PAUSED = "I am paused, so there is no report. Ask again when that is over."
SPENT = "What may be spent here is spent, so there is no report. Ask again later."
TOO_LATE = "it was not done in time"
GONE = "I cannot read this any more, so there is no report."
NO_PULL = "This is no pull request, so there is nothing to review. Write `/honk review` on one."
PULL_ENDED = "This pull request is not open any more, so I did not review it."

_SEVERITY = {"high": "**Important.**", "medium": "**Worth a look.**", "low": "**Minor.**"}
_MARKER = re.compile(r"\[(\d{1,3})\](?![(\[:])")


def markers_in(text: str) -> set[int]:
    """The numbers of the citations that a text names, outside of code."""
    return {int(found) for found in _MARKER.findall(mask_code(text).text)}


def answer(report: Answer, sha: str, *, url: str) -> str:
    """The agent's answer. Each citation leads to its lines at the commit that was read."""
    links = [_link(each, sha, url) for each in report.citations]

    def linked(found: re.Match[str]) -> str:
        number = int(found[1])
        return f"[\\[{number}\\]]({links[number - 1]})" if 0 < number <= len(links) else found[0]

    masked = mask_code(harmless(report.text))
    text = masked.restore(_MARKER.sub(linked, masked.text))
    cited = "\n".join(
        f"{number}. [{_where(each)}]({link})"
        for number, (each, link) in enumerate(zip(report.citations, links, strict=True), start=1)
    )
    return f"{text}\n\n{cited}\n\n---\nRead at {sha[:7]}; nothing was changed."


def review(report: Review, sha: str) -> str:
    """The words above a review's comments on lines."""
    return f"{harmless(report.summary)}\n\n---\n{_what_was_read(report, sha)} {_NO_VERDICT}"


_NO_VERDICT = "This is no approval and no refusal; that is for people."


def nothing_found(report: Review, sha: str) -> str:
    """A review without remarks."""
    return (
        f"{_what_was_read(report, sha)} I found nothing to remark.\n\n{harmless(report.summary)}\n\n---\n{_NO_VERDICT}"
    )


def line_comments(report: Review) -> tuple[LineComment, ...]:
    """The remarks, each for its place."""
    return tuple(
        LineComment(path=each.path, first_line=each.first_line, last_line=each.last_line, body=_remark(each))
        for each in report.remarks
    )


def review_as_comment(report: Review, sha: str, *, url: str) -> str:
    """A review in one comment, for where GitHub does not take remarks on their lines."""
    remarks = []
    for each in report.remarks:
        lines = Citation(path=each.path, first_line=each.first_line, last_line=each.last_line)
        text = f"{_SEVERITY[each.severity]} {harmless(each.text)}"
        remarks.append(f"[{_where(lines)}]({_link(lines, sha, url)})\n\n{text}")
    listed = "\n\n".join(remarks)
    return f"{review(report, sha)} GitHub did not take these remarks on their lines:\n\n{listed}"


def in_words(body: str, remarks: Sequence[LineComment]) -> str:
    """A review where there are no lines to say it on."""
    told = [
        f"{_where(Citation(path=each.path, first_line=each.first_line, last_line=each.last_line))}: {each.body}"
        for each in remarks
    ]
    return "\n\n".join([body, *told])


def asked_back(question: str) -> str:
    """The agent cannot say without knowing more."""
    return f"{harmless(question)}\n\n---\nI need that to answer. Ask again with it; I do not wait."


def not_made(reason: str) -> str:
    """There is no report."""
    return f"I could not make this report: {clause(reason)}. Nothing was changed; ask again when that is mended."


def stopped(login: str) -> str:
    """Somebody stopped it."""
    return f"{code(login)} asked me to stop, so there is no report. Nothing was changed."


def _remark(remark: Remark) -> str:
    text = f"{_SEVERITY[remark.severity]} {harmless(remark.text)}"
    if remark.suggestion is None:
        return text
    ticks = max((len(run) for run in re.findall(r"`+", remark.suggestion)), default=0)
    fence = "`" * max(3, ticks + 1)
    block = f"{fence}suggestion\n{remark.suggestion}\n{fence}"
    if harmless(block) != block:
        # Applied by a click, it would not be the lines that were meant: they are shown, and that is all.
        block = harmless(f"{fence}\n{remark.suggestion}\n{fence}")
    return f"{text}\n\n{block}"


def _what_was_read(report: Review, sha: str) -> str:
    return f"I read the changes of {count(report.files, 'file')} at {sha[:7]}."


def _where(citation: Citation) -> str:
    lines = f"lines {citation.first_line}–{citation.last_line}"
    if citation.first_line == citation.last_line:
        lines = f"line {citation.first_line}"
    return f"{code(citation.path)} {lines}"


def _link(citation: Citation, sha: str, url: str) -> str:
    """The lines at the commit that was read, for ever."""
    home = url.rpartition("/")[0].rpartition("/")[0]
    lines = f"L{citation.first_line}"
    if citation.last_line != citation.first_line:
        lines += f"-L{citation.last_line}"
    # Parentheses would end the link.
    return f"{home}/blob/{sha}/{quote(citation.path, safe='/')}#{lines}"
