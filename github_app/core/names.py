"""Names that are functions of what they belong to, so that nobody has to remember them: sessions, branches, turns."""

from __future__ import annotations

import re
import unicodedata

from github_app.core.text.redaction import Redactor

_OURS = re.compile(r"^honk/(?P<issue>[1-9][0-9]{0,9})-")


def session_id(repo_id: int, issue_number: int, generation: int) -> str:
    """The id of the `generation`th session (from 1) of an issue."""
    return f"{repo_id}-{issue_number}-{generation}"


def tracking_tag(session_id: str) -> str:
    """The tag under which a session's tracking comment is found."""
    return f"tracking:{session_id}"


def inquiry_id(repo_id: int, number: int, generation: int) -> str:
    """The id of the `generation`th inquiry (from 1) at an issue or pull request."""
    return f"{repo_id}-{number}-q{generation}"


def plan_label(trigger_label: str) -> str:
    """The label that asks for a plan, beside the one that asks for the work."""
    return f"{trigger_label}:plan"


def branch_name(issue_number: int, title: str, generation: int) -> str:
    """The branch of a session: `honk/<issue>-<words of the title>[-<generation>]`, a valid ref for any title.

    What looks like a secret in the title is not repeated.

    https://git-scm.com/docs/git-check-ref-format
    """
    ascii_title = unicodedata.normalize("NFKD", Redactor().redact(title)[0]).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_title.lower()).strip("-")[:40].strip("-") or "work"
    return f"honk/{issue_number}-{slug}" + (f"-{generation}" if generation > 1 else "")


def other_branch_name(branch: str) -> str:
    """Another name, for when somebody else's commits are on a branch that was to be ours."""
    return f"{branch}-again"


def issue_of_branch(branch: str) -> int | None:
    """The issue whose work a branch carries, if its name is one of ours."""
    match = _OURS.match(branch)
    return int(match["issue"]) if match else None
