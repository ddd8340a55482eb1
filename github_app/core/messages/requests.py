"""What is shown on an issue of what programs ask by the API, in the name of whoever gave them a token."""

from __future__ import annotations

from github_app.core.commands import Command
from github_app.core.text.prose import harmless


def repeated(login: str, command: Command) -> str:
    """The words of a request, where everybody can read them."""
    words = command.text if command.verb == "do" else f"{command.verb} {command.text}".strip()
    if not words:
        return f"`{login}` asked me by the API to start."
    quoted = "\n".join(f"> {line}".rstrip() for line in harmless(words).splitlines())
    return f"`{login}` wrote to me by the API:\n\n{quoted}"
