"""What a tool printed, as lines that a reader sees: without colours, times of CI, progress bars and passing chatter."""

from __future__ import annotations

import re

from github_app.core.text.characters import spelled_out

MAX_LINE_CHARS = 400
"""Of a longer line its beginning and end are left; patterns never see more."""

_ANSI = re.compile(r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]|\x1b\][^\x07\x1b\n]{0,2000}(?:\x07|\x1b\\)")
_TIME = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z ?")
_COMMAND = re.compile(r"##\[group\]Run |::group::Run ")
_ENDED = re.compile(r"##\[error\]|::error::Process completed")


def read_lines(output: str | bytes) -> list[str]:
    """The lines of an output, whatever is in it. A line that was overwritten (a progress bar) is as it stood last.

    Of a job of GitHub Actions only the step that failed is left: from its command to the last error.
    """
    text = output.decode("utf-8", errors="replace") if isinstance(output, bytes) else output
    text = _ANSI.sub("", text.replace("\r\n", "\n"))
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    lines = [_TIME.sub("", cut(line)).rstrip() if line else "" for line in spelled_out(text).split("\n")]
    return _failed_step(lines)


def cut(line: str) -> str:
    """A line of at most about `MAX_LINE_CHARS`."""
    half = MAX_LINE_CHARS // 2
    return line if len(line) <= MAX_LINE_CHARS else f"{line[:half]} […] {line[-half:]}"


def _failed_step(lines: list[str]) -> list[str]:
    ends = [place for place, line in enumerate(lines) if _ENDED.match(line)]
    if not ends:
        return lines
    begins = [place for place in range(ends[-1]) if _COMMAND.match(lines[place])]
    return lines[begins[-1] if begins else 0 : ends[-1] + 1]
