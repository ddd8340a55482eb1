"""A change set that is held back: what was found in it, and who accepted that. Values only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args

Acceptable = Literal["protected", "tests", "secrets", "size", "binary", "modes", "judge"]
Kind = Acceptable | Literal["links", "paths", "submodules"]

ACCEPTABLE: tuple[Acceptable, ...] = get_args(Acceptable)
"""What a person may accept, in the order in which it is told."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something in a change set that is not published without more ado. `text` says what, after the `path`.

    `lines` are the lines of the diff that show it, never those of a secret. What is `final`, nobody can accept.
    """

    kind: Kind
    path: str
    text: str
    lines: tuple[str, ...] = ()
    final: bool = False


@dataclass(frozen=True, kw_only=True)
class Approval:
    """A person accepted what was found, of one kind and in one change set; `texts` says again what that was."""

    kind: Acceptable
    actor_id: int
    login: str
    change_set_id: str
    at: datetime
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Hold:
    """A change set that was handed in and not published, because of what was found in it."""

    turn_id: str
    change_set_id: str
    findings: tuple[Finding, ...]
    approvals: tuple[Approval, ...] = ()

    @property
    def kinds(self) -> tuple[Acceptable, ...]:
        """What has to be accepted before it is published."""
        found = {finding.kind for finding in self.findings}
        return tuple(kind for kind in ACCEPTABLE if kind in found)

    @property
    def open_kinds(self) -> tuple[Acceptable, ...]:
        """What nobody has accepted yet."""
        return tuple(kind for kind in self.kinds if kind not in {approval.kind for approval in self.approvals})

    @property
    def accepted(self) -> tuple[Finding, ...]:
        """What somebody has seen and accepted."""
        return tuple(finding for finding in self.findings if finding.kind not in self.open_kinds)

    def of_kind(self, kind: Kind) -> tuple[Finding, ...]:
        """What was found of one kind."""
        return tuple(finding for finding in self.findings if finding.kind == kind)


def hold_back(before: Hold | None, *, turn_id: str, change_set_id: str, findings: tuple[Finding, ...]) -> Hold:
    """Hold a change set back. What was accepted in the very same one stays accepted, unless more of it was found."""
    hold = Hold(turn_id=turn_id, change_set_id=change_set_id, findings=findings)
    if before is None or before.change_set_id != change_set_id:
        return hold
    kept = (each for each in before.approvals if set(hold.of_kind(each.kind)) <= set(before.of_kind(each.kind)))
    return replace(hold, approvals=tuple(kept))
