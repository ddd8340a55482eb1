"""What is said about pull requests of others: why Honk does not work on one, and what it does on one where it does."""

from __future__ import annotations

from github_app.core import consent
from github_app.core.messages.lessons import proposed
from github_app.core.messages.proof import how_verified
from github_app.core.model import Pull
from github_app.core.session import Session
from github_app.core.text.prose import clause, code, harmless

NOTHING_ASKED = (
    "Say what I shall do here: `/honk …`. Alone, it has me mend failed checks and do what open review comments of "
    "people with write access ask for, and I see neither."
)


def ended(pull: Pull) -> str:
    """The pull request is closed or merged."""
    if pull.is_merged:
        return f"#{pull.number} is merged, so I did not start. Open an issue for what is left, and label it."
    return f"#{pull.number} is closed, so I did not start. Reopen it and ask again."


def from_fork(pull: Pull) -> str:
    """Its branch is in another repository."""
    return (
        f"The branch of #{pull.number} is in a fork, where GitHub does not let me push, so I did not start. Somebody "
        "with write access who has looked at its commits can bring it here (`git fetch origin "
        f"pull/{pull.number}/head:NAME`, `git push origin NAME`), open a pull request for that branch and write "
        "`/honk …` there. Or say in a review what its author shall change."
    )


def of_ours(pull: Pull, issue_number: int) -> str:
    """Its branch has a name of ours: work on it belongs to that issue."""
    return f"{code(pull.head_branch)} is a branch for #{issue_number}, so I did not start here. Write `/honk …` there."


def held(pull: Pull, issue_number: int) -> str:
    """Other work of ours goes on on the same branch."""
    return (
        f"I work on {code(pull.head_branch)} for #{issue_number} already, so I did not start here. Write `/honk …` "
        "there, or `/honk stop` there first."
    )


def protected(pull: Pull) -> str:
    """Nobody pushes to its branch directly."""
    return (
        f"{code(pull.head_branch)} is the default branch or protected, and to such I do not push, so I did not start. "
        "Open an issue for what you want, and label it: I open a pull request of my own for that."
    )


def standing(session: Session) -> str:
    """What becomes of the pull request when it is a reviewer's turn."""
    if session.answers_for_head:
        return f"My part of #{session.pull_number} is done. I act on reviews, and on what you write."
    return (
        f"The head of #{session.pull_number} is not a commit of mine, so I leave what its checks say to its author. "
        "I act on reviews, and on what you write."
    )


def terms(session: Session) -> str:
    """What is ours to do on it, and what is not, in the tracking comment."""
    whose = code(session.adopted.login) if session.adopted is not None else ""
    return (
        f"This stays the pull request of {whose}: I add commits to its branch, never by force, and change neither "
        "title, text nor draft state. I mend what checks find on my own commits and act on reviews by people with "
        "write access. `/honk stop` ends that, `/honk undo` takes my last commit back."
    )


def pushed(session: Session, head_sha: str) -> str:
    """What one round did, as a comment: the pull request's own text is its author's."""
    said = session.submission
    if said is None:
        return f"I pushed {head_sha}."
    lines = [f"**{clause(said.title)}** ({head_sha})", "", harmless(said.summary), *how_verified(said)]
    if who := consent.accepted(session.held.approvals if session.held is not None else ()):
        lines += ["", "### Accepted by people", "", *who]
    lines += proposed([each for each in session.lessons if not each.kept_by])
    if said.notes:
        lines += ["", "### Notes", "", harmless(said.notes)]
    return "\n".join(lines)
