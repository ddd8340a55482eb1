"""What Honk says where it does not do what it is asked, or not yet: who may what, how much, and who switched it off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from github_app.core.feedback import WAITING_KEPT
from github_app.core.messages.figures import count, money, names
from github_app.core.quotas import Shortage
from github_app.core.session import Pause
from github_app.core.text.prose import clause, code


def refusal(login: str, *, needed: str = "write") -> str:
    """Why somebody's request is not followed, and who could make it."""
    return (
        f"`{login}`, I take instructions only from people with {needed} access to this repository. "
        "Somebody who has it can repeat the request."
    )


def too_much_at_once(amount_micro_usd: int, most_micro_usd: int) -> str:
    """More money than one `/honk budget` may allow."""
    return (
        f"I did not take {money(amount_micro_usd)}: one `/honk budget` allows at most {money(most_micro_usd)}, ten "
        "times what this repository lets an issue cost. Write less, or change `limits.usd` in `.github/honk.yml`."
    )


def obstacle_refusal(obstacle: str) -> str:
    """Work cannot start as things are: the policy file is wrong, the repository is empty."""
    return f"I did not start: {clause(obstacle)}. Mend that, then ask again."


def closed_issue_refusal() -> str:
    """Work on a closed issue is not started."""
    return "This issue is closed, so I did not start. Reopen it and ask again."


def issue_gone_refusal() -> str:
    """The issue was deleted or moved away."""
    return "I cannot read the issue any more, so I did not start. Open a new one and label it."


def foreign_pull_refusal() -> str:
    """Work on a pull request of others is asked for where it cannot be seen."""
    return "That pull request is somebody else's. Write `/honk …` on it, and I add commits to its branch."


def pull_gone_refusal() -> str:
    """A pull request cannot be read."""
    return "I cannot read this pull request, so I did not start. Open an issue for what you want, and label it."


def quota_refusal(shortage: Shortage) -> str:
    """Work is not started because a quota is used up."""
    return f"I did not start. {_used_up(shortage)} Whoever asks before that gets a 😕 and no words."


def quota_holds(shortage: Shortage) -> str:
    """Work does not go on because a quota is used up."""
    return f"I cannot go on yet. {_used_up(shortage)} I go on by myself when there is room, or on `/honk retry`."


def _used_up(shortage: Shortage) -> str:
    whose = f"The {shortage.whose} {code(shortage.name)}"
    match shortage.what:
        case "turns":
            said = f"{whose} may have {count(shortage.allowed, 'turn')} of mine within 24 hours, and has had that"
        case "money":
            said = f"{whose} may spend {money(shortage.allowed)} within 24 hours, and has spent it"
        case "month":
            said = f"{whose} may spend {money(shortage.allowed)} within 30 days, and has spent it"
        case "pulls":
            said = (
                f"{whose} may have {count(shortage.allowed, 'pull request')} of mine open at once: close or merge some"
            )
        case _:
            assert_never(shortage.what)
    free = f"; there is room again from {shortage.free_at:%Y-%m-%d %H:%M} UTC on" if shortage.free_at else ""
    return f"{said}{free}. The operator of this Honk can raise the quota."


def too_much_waits() -> str:
    """More words wait than the agent can take up."""
    return (
        f"More than {WAITING_KEPT} things (or very long ones) wait for me here already, so I did not take this up. "
        "Say it again when I have caught up; `/honk retry` starts me on what I have."
    )


def paused(pause: Pause) -> str:
    """Nothing goes on because somebody switched it off."""
    who = "The operator of this Honk" if pause.by_operator else code(pause.login)
    where = "everywhere" if pause.is_everywhere else "in this repository"
    why = f" ({clause(pause.reason)})" if pause.reason else ""
    how = "the operator lifts that" if pause.by_operator else "somebody who maintains it writes `/honk resume`"
    return f"{who} paused me {where}{why}. I keep what is said to me, and go on by myself when {how}."


def switch_refusal(login: str) -> str:
    """Who pauses and resumes a repository."""
    return (
        f"{code(login)}, only people with maintain or admin access to this repository pause me and have me go on. "
        "If you meant that as work for me, put it in other words."
    )


def not_undone(reason: str) -> str:
    """A commit of ours was not reverted."""
    return f"I took nothing back: {clause(reason)}."


NOTHING_TO_UNDO = "no commit of mine stands on this pull request that is not taken back already"
UNDO_WHILE_WORKING = (
    "I am working on the branch at this moment. Write `/honk undo` when I am done, or after `/honk stop`"
)
UNDO_WHILE_HELD = (
    "a change of mine waits for your word and stands on what is published. Answer that first: `/honk approve …`, or "
    "`/honk …` with what to do instead"
)
UNDO_AFTER_PUSH = (
    "somebody pushed to the branch, and I have not taken that up yet. Write `/honk undo` again when I have"
)
UNDO_OF_MOVED_BRANCH = "somebody pushed to the branch at the same moment. Write `/honk undo` again"


def undo_of_ended_pull(number: int) -> str:
    """Nothing is pushed to a branch whose pull request has ended."""
    return f"#{number} is not open"


def not_merged(reason: str) -> str:
    """The base was not merged into our branch."""
    return f"I merged nothing: {clause(reason)}."


NOTHING_TO_MERGE_INTO = "there is no pull request of mine yet that the base could be merged into"
MERGE_WHILE_WORKING = (
    "I am working on the branch at this moment. Write `/honk rebase` when I am done, or after `/honk stop`"
)
MERGE_WHILE_WAITING = "I wait for something else that comes first; what that is stands in the comment in which I asked"
MERGE_AFTER_END = "my work on this pull request has ended. Write `/honk …` with what I shall do there first"
MERGE_AFTER_PUSH = (
    "somebody pushed to the branch, and I have not taken that up yet. Write `/honk rebase` again when I have"
)
MERGED_OTHERWISE = "the merge came out differently than when it was verified. Write `/honk rebase` again"


def merge_into_ended_pull(number: int) -> str:
    """Nothing is pushed to a branch whose pull request has ended."""
    return f"#{number} is not open"


def merge_of_other_base(branch: str, default: str) -> str:
    """Somebody pointed the pull request at another branch."""
    return f"the pull request goes into {code(branch)}, and I merge only {code(default)}. Merge it by hand"


def base_gone(branch: str) -> str:
    """The branch that the pull request goes into is not there."""
    return f"the branch {code(branch)} is not there any more"


def nothing_to_merge(branch: str) -> str:
    """The branch has all of its base."""
    return f"{code(branch)} has nothing that the branch does not have already"


def markers_left(paths: Sequence[str]) -> str:
    """Conflicts are not resolved."""
    return f"conflict markers are left in {names(paths)}"


def not_paused() -> str:
    """There is nothing to go on with."""
    return "I am not paused here."


def resumed() -> str:
    """The pause is over."""
    return "I go on with everything that rested here."


def lost_permission(login: str) -> str:
    """Who asked for a turn may not any more."""
    return (
        f"I did not start: {code(login)} asked for this and has no write access any more. "
        "Somebody who has it can write `/honk retry` to take it over, or `/honk stop`."
    )


def strange_push(login: str, sha: str) -> str:
    """Somebody who may not write pushed to the branch."""
    who = code(login) if login else "Somebody"
    return (
        f"{who} pushed {code(sha[:7])} to my branch and is nobody I take instructions from, so I build nothing on it. "
        "Look at that commit and write `/honk retry` to accept it, or take it off the branch."
    )
