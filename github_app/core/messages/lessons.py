"""What Honk says of lessons. Each stands as code, so that people see all that they agree to."""

from __future__ import annotations

from collections.abc import Sequence

from github_app.core.lessons import Proposal


def proposed(proposals: Sequence[Proposal]) -> list[str]:
    """What the agent would take from reviews, and how to agree, as a section; empty if there is nothing."""
    if not proposals:
        return []
    return [
        "",
        "### Lessons",
        "",
        "I would remember this of your reviews when I work on later issues of this repository. It counts only if "
        "somebody with write access writes `/honk lesson keep` and the number here:",
        "",
        *map(_line, proposals),
    ]


def kept(proposals: Sequence[Proposal]) -> str:
    """The answer to whoever agreed."""
    return (
        f"I remember this, and go by it where an issue here is about it:\n\n{_list(proposals)}\n\n"
        f"`/honk lesson drop {proposals[0].number}` here takes it back. What no issue needs for long is forgotten."
    )


def dropped(proposals: Sequence[Proposal]) -> str:
    """The answer to whoever took lessons back, or did not want them."""
    return f"I do not go by this:\n\n{_list(proposals)}"


def listed(proposals: Sequence[Proposal]) -> str:
    """What was proposed here, on request."""
    if not proposals:
        return "I have proposed no lessons here."
    return (
        f"I have proposed this here; what nobody kept does not count:\n\n{chr(10).join(map(_line, proposals))}\n\n"
        "Write `/honk lesson keep` or `/honk lesson drop` with a number."
    )


def unknown(proposals: Sequence[Proposal]) -> str:
    """Somebody named a number that is not there."""
    return f"There is no lesson of that number here. {listed(proposals)}"


def _list(proposals: Sequence[Proposal]) -> str:
    return "\n".join(f"- `{each.text}`" for each in proposals)


def _line(proposal: Proposal) -> str:
    kept_by = f", kept by `{proposal.kept_by}`" if proposal.kept_by else ""
    return f"{proposal.number}. `{proposal.text}` ([`{proposal.said_by}`]({proposal.source})){kept_by}"
