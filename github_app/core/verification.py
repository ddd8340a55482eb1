"""The port behind which earlier verdicts are known, and the tree before the change can be verified."""

from __future__ import annotations

from typing import Protocol

from github_app.core.model import ChangeSet
from github_app.core.verdicts import Before, Verdict


class Verdicts(Protocol):
    """What verifiers are known to have said, and what they say of the tree before the change."""

    async def recall(self, changes: ChangeSet, command: str) -> Verdict | None:
        """The verdict on exactly this tree, if the command passed on it with the same set-up."""

    async def remember(self, changes: ChangeSet, verdict: Verdict) -> None:
        """Keep what was said of a tree, for `recall`."""

    async def before(self, command: str, *, timeout_s: float) -> Before | None:
        """What the command says of the tree before the change: known, or run now in a clean workspace.

        None if that cannot be had. Takes the time that set-up and command take.
        """


class NoVerdicts:
    """Knows nothing, and looks nothing up."""

    async def recall(self, changes: ChangeSet, command: str) -> Verdict | None:  # noqa: ARG002 - the port's
        """Nothing."""
        return None

    async def remember(self, changes: ChangeSet, verdict: Verdict) -> None:
        """Forget it."""

    async def before(self, command: str, *, timeout_s: float) -> Before | None:  # noqa: ARG002 - the port's
        """Nothing."""
        return None
