"""The error tree, sorted by who must act.

    HonkError
    ├─ Rejected             the sender of a delivery: bad signature, too large, malformed   → 4xx, counted
    ├─ Refused              the person who asked for what policy forbids                    → one comment
    │   └─ Misread          … by a file that is wrong at a line
    ├─ ToolFailed           the model: a command, path or edit did not work                 → tool result
    │   └─ PathRefused      … a path that leaves the tree, is a link, device or `.git`
    ├─ LimitReached         the person: money, tokens, steps or time ran out                → a question to a human
    ├─ Stopped              nobody: work was withdrawn between two steps
    ├─ Transient            nobody: it may work when tried again                            → retry with backoff
    │   ├─ RateLimited      … not before `retry_after_s`
    │   └─ NotVisibleYet    … GitHub told us about it before it can be read
    ├─ HeadMoved            the machine: somebody else pushed to the branch                 → a new turn on the new head
    ├─ Gone                 the machine: repository, branch, issue or installation is not there any more
    ├─ AccessDenied         the operator: a permission or credential is missing             → log, metric, one comment
    ├─ Misconfigured        the operator, at start: a setting is missing or contradictory
    └─ SandboxUnavailable   the operator: commands cannot be run safely here

Anything else that is raised is a bug: it is caught only at the root of a flow, logged with an id, and put to a human.
"""

from __future__ import annotations


class HonkError(Exception):
    """Root of all errors that Honk raises on purpose. Its text is safe to show to the one who must act."""


class Rejected(HonkError):
    """A delivery that is not taken in. `http_status` is the answer that its sender gets."""

    def __init__(self, message: str, *, http_status: int) -> None:
        super().__init__(message)
        self.http_status = http_status


class Refused(HonkError):
    """A person asked for something that policy forbids; the text says what and who could do it."""


class Misread(Refused):
    """A file that people wrote for us is not understood: `what` is wrong, and at which `line` (None: in all of it)."""

    def __init__(self, name: str, what: str, *, line: int | None = None) -> None:
        super().__init__(f"`{name}`{f', line {line}' if line else ''}: {what}")
        self.what = what
        self.line = line


class ToolFailed(HonkError):
    """A tool call did not work; the text goes to the model as an error result, so it holds no secret."""


class PathRefused(ToolFailed):
    """A path that leaves the tree, passes a symbolic link, names a device or lies in a `.git` folder."""


class LimitReached(HonkError):
    """The next call would pass a limit. `limit` names it: `money`, `tokens`, `steps` or `time`."""

    def __init__(self, message: str, *, limit: str) -> None:
        super().__init__(message)
        self.limit = limit


class Stopped(HonkError):
    """The work was withdrawn: the session ended or another turn took its place."""


class Transient(HonkError):
    """It may work when it is tried again: GitHub answered 5xx, the model is overloaded, a database is away."""


class RateLimited(Transient):
    """GitHub or the model asked us to wait `retry_after_s` seconds; `whose` limit it is, as a word before it."""

    def __init__(self, message: str, *, retry_after_s: float, whose: str = "GitHub's") -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.whose = whose


class NotVisibleYet(Transient):
    """A webhook named something that the API does not show yet; it usually does within seconds."""


class HeadMoved(HonkError):
    """The branch is not where we left it: somebody pushed. We never force; `head_sha` is where it is now."""

    def __init__(self, message: str, *, head_sha: str | None) -> None:
        super().__init__(message)
        self.head_sha = head_sha


class Gone(HonkError):
    """What we need does not exist any more (404, 410, an empty repository). `what` names it for a comment."""

    def __init__(self, message: str, *, what: str) -> None:
        super().__init__(message)
        self.what = what


class AccessDenied(HonkError):
    """GitHub or the model refused our credentials or lacks a permission (401, 403)."""


class Misconfigured(HonkError):
    """A setting is missing, malformed or contradicts another; the text names it and says how to mend it."""


class SandboxUnavailable(Misconfigured):
    """No working sandbox on this machine; the text says what failed and how to get one."""
