"""What Honk says of suggestions that it applied as they stood."""

from __future__ import annotations

from collections.abc import Sequence

from github_app.core.session import Reply, Submission
from github_app.core.suggestions import Suggestion
from github_app.core.text.prose import code

APPLIED = "Applied as it stands."
_NAMED = 20


def submission(applied: Sequence[Suggestion], replies: tuple[Reply, ...]) -> Submission:
    """What is handed in where suggestions are all that was asked for."""
    authors = tuple(dict.fromkeys(each.author for each in applied))
    of = f" of {authors[0].login}" if len(authors) == 1 else ""
    places = [f"- {code(each.path)}, {_lines(each)}" for each in applied[:_NAMED]]
    more = [f"- and {len(applied) - _NAMED} more"] * (len(applied) > _NAMED)
    whose = ", ".join(code(author.login) for author in authors)
    return Submission(
        title=f"Apply a suggestion{of}" if len(applied) == 1 else f"Apply {len(applied)} suggestions{of}",
        summary="\n".join([f"As suggested in review by {whose}, word for word:", "", *places, *more]),
        needs_approval=f"Suggested in review by {whose}.",
        replies=replies,
        suggested_by=authors,
    )


def _lines(suggestion: Suggestion) -> str:
    if suggestion.first_line == suggestion.last_line:
        return f"line {suggestion.last_line}"
    return f"lines {suggestion.first_line} to {suggestion.last_line}"
