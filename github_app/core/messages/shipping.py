"""What Honk says of pull requests that people ship."""

from __future__ import annotations

from github_app.core.messages.figures import checks_line, count
from github_app.core.model import Checks, Pull
from github_app.core.shipments import Missing, Shipment, Shipped
from github_app.core.text.prose import clause, code, one_line

SWITCHED_OFF = (
    "this repository does not let me. Somebody who maintains it writes `ship:` into `.github/honk.yml` on the default "
    "branch, or you merge it yourself"
)
WITHHELD = "the operator of this Honk does not let me, whatever a repository says. Merge it yourself"
NOTHING_TO_SHIP = "there is no pull request of mine here yet"
AFTER_END = (
    "my work on it has ended, so I do not watch it any more. Merge it yourself, or write `/honk` to have me go on"
)
DRAFT = "somebody made it a draft again. Take it out of draft first"
PAUSED = "I am paused here. Write `/honk ship` again when I am not"
WHILE_WORKING = "I am working on the branch at this moment. Write `/honk ship` again when I am done"
WHILE_WAITING = "I wait for something else that comes first; what that is stands in the comment in which I asked"
AFTER_PUSH = "somebody pushed to the branch, and I have not taken that up yet. Look at it, and write `/honk ship` again"
LOST_RIGHT = "you have no write access any more. Somebody who has it can ship it"

PUSHED = "somebody pushed to the branch since"
DRAFT_AGAIN = "somebody made it a draft"
MORE_TO_DO = "there is something else to do first"
LET_GO = "GitHub does not hold it for a merge any more: somebody switched that off, or it failed in the merge queue"

_WAITS: dict[Missing, str] = {
    "review": "an approval that the branch's rules want",
    "behind": "the branch to have all of its base; `/honk rebase` brings it up to date, and is to be shipped again",
    "rules": "what the branch's rules want: its checks, or a word of somebody",
    "queue": "its turn in the merge queue",
}


def not_shipped(reason: str) -> str:
    """Our pull request is not merged."""
    return f"I did not ship it: {clause(reason)}."


def of_others(login: str) -> str:
    """It is somebody else's pull request."""
    return f"this is the pull request of {code(login)}, and I ship only my own. Merge it yourself"


def of_ended_pull(pull: Pull) -> str:
    """There is nothing left to merge."""
    return f"#{pull.number} is merged already" if pull.is_merged else f"#{pull.number} is not open"


def into_other_base(branch: str, default: str) -> str:
    """Somebody pointed the pull request at another branch."""
    return f"it goes into {code(branch)}, and I ship only into {code(default)}. Merge it yourself"


def shipped_already(shipment: Shipment) -> str:
    """Somebody was first."""
    what = f"GitHub waits for {_WAITS[shipment.missing]}" if shipment.missing is not None else "GitHub is being asked"
    return f"{code(shipment.actor.login)} has shipped it already; {what}"


def conflicts(branch: str) -> str:
    """It cannot be merged as it is."""
    return f"it conflicts with {code(branch)}. Write `/honk rebase` first"


def not_green(head_sha: str, checks: Checks) -> str:
    """The checks are red, or have not ended."""
    if checks.state in ("failed", "blocked"):
        return f"the checks of {code(head_sha[:7])} are not green ({checks_line(checks)})"
    return f"the checks of {code(head_sha[:7])} have not ended. Write `/honk ship` again when I say that it is ready"


def changes_wanted(login: str) -> str:
    """A reviewer said no."""
    return f"{code(login)} asks for changes. They approve it or dismiss their review first"


def approvals_missing(head_sha: str, needed: int, found: int, *, own: bool) -> str:
    """Too few people approved it."""
    but = "" if own else "; who asked for any of it does not count"
    return (
        f"this repository wants {count(needed, 'approval')} of {code(head_sha[:7])} by people with write access, and "
        f"it has {found}{but}"
    )


def alone(login: str, head_sha: str, *, is_known: bool) -> str:
    """Two people must stand behind what is merged."""
    why = f"{code(login)} asked for some of it" if is_known else "somebody pushed to it, and I was not told who"
    return (
        f"{why}, and this repository wants two people behind a merge. Somebody else with write access approves "
        f"{code(head_sha[:7])}{', or ships it' if is_known else ''}"
    )


def waits(login: str, missing: Missing) -> str:
    """GitHub has it, and merges it by itself."""
    return (
        f"{code(login)} shipped it. GitHub merges it by itself and waits for {_WAITS[missing]}. Another push, more "
        "work or `/honk stop` takes that back."
    )


def standing(shipment: Shipment) -> str:
    """Where it stands, for the tracking comment."""
    if shipment.missing is None:
        return f"{code(shipment.actor.login)} shipped it, and GitHub is being asked to merge it."
    return (
        f"{code(shipment.actor.login)} shipped it. GitHub merges it by itself and waits for {_WAITS[shipment.missing]}."
    )


def as_shipped(shipment: Shipment | None) -> str:
    """Who had it merged, if anybody shipped it."""
    return f", as {code(shipment.actor.login)} shipped it" if shipment is not None else ""


def taken_back(login: str, reason: str) -> str:
    """It is not merged by itself any more."""
    return (
        f"I took back what {code(login)} shipped: {clause(reason)}. Nothing is merged by itself; write `/honk ship` "
        "again when it is ready."
    )


def taken_back_at_end(shipment: Shipment | None) -> str:
    """The same in the last comment of work that was stopped."""
    return f" What {code(shipment.actor.login)} shipped is taken back." if shipment is not None else ""


def not_taken_back(number: int, reason: str) -> str:
    """GitHub may still merge it: somebody has to look, now."""
    return (
        f"I could not take back what was shipped: {clause(reason)}. GitHub may still merge #{number} by itself: "
        "disable auto-merge there, or take it out of the merge queue."
    )


def too_late(event: Shipped) -> str:
    """A stop came after the merge."""
    return f"#{event.pull_number} was merged already when that came, as {code(event.login)} had it shipped."


def trailer(shipment: Shipment) -> str:
    """What the merge's message ends with."""
    return f"Shipped-by: {one_line(shipment.actor.login)}"
