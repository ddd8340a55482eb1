"""Contexts that tests hand out."""

from __future__ import annotations

from dataclasses import dataclass, field

from github_app.core.context import Context
from github_app.core.model import Repo


@dataclass
class PreparedContexts:
    """Answers each question with `context`, or raises `error`; keeps what it was asked."""

    context: Context = field(default_factory=Context)
    error: Exception | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def find(self, repo: Repo, sha: str, issue: str) -> Context:  # noqa: ARG002 - the port's
        self.asked.append((sha, issue))
        if self.error is not None:
            raise self.error
        return self.context
