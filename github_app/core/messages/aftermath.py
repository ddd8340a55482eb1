"""What Honk says after a merge: what this change broke, and what became of taking it back."""

from __future__ import annotations

from collections.abc import Sequence

from github_app.core.aftermath import Aftermath
from github_app.core.messages.figures import count, names
from github_app.core.model import FailedCheck, Pull
from github_app.core.precedents import Precedent
from github_app.core.session import Session
from github_app.core.text.prose import clause, code, harmless, one_line

_SHOWN, _LINES, _CHARS = 3, 30, 2_000


def broke(session: Session, watch: Aftermath, broken: Sequence[Precedent], *, named: Sequence[str]) -> str:
    """A check that passed before the merge fails since: what is known of that, and what people can do."""
    base = code(session.base_branch)
    told = names([each.failed.name for each in broken])
    lines = [f"**Since this was merged, {told} {'fail' if len(broken) > 1 else 'fails'} on {base}.**"]
    for each in broken[:_SHOWN]:
        lines += ["", _seen(each, watch.merge_sha), *_printed(each.failed)]
    if len(broken) > _SHOWN:
        lines += ["", f"{count(len(broken) - _SHOWN, 'other check')} failed the same way."]
    if named:
        lines += ["", f"What failed names {names(named)}, which this change touched."]
    lines += [
        "",
        f"{_people(session, watch)}: `/honk revert` here opens a draft pull request that takes the whole change back, "
        f"for you to merge or not. To have it mended instead, {_mend(session)}. I do neither by myself.",
    ]
    return "\n".join(lines)


def _mend(session: Session) -> str:
    if session.adopted is not None:
        return "write an issue, and `/honk` there"
    return f"write `/honk …` with what to do on #{session.issue_number} (reopen it first if the merge closed it)"


def _seen(precedent: Precedent, merge_sha: str) -> str:
    between = ""
    if precedent.between:
        between = f" Of {count(precedent.between, 'commit')} in between it says nothing: the cause may be there, too."
    ended = f"ended with {precedent.failed.conclusion} on {merge_sha[:7]}"
    return f"{code(precedent.failed.name)} passed on {precedent.sha[:7]} and {ended}.{between}"


def _printed(failed: FailedCheck) -> list[str]:
    """The first lines of what a check said, as a block that nothing in it ends."""
    log = "\n".join(failed.log.strip().splitlines()[:_LINES])[:_CHARS].replace("`", "'").replace("~~~", "---")
    if not log:
        return []
    return ["", harmless(f"```text\n{log}\n```").replace("@\u200b", "@").replace("@", "@\u200b")]


def _people(session: Session, watch: Aftermath) -> str:
    """Who asked for the work and who merged it, called by name; bots are not called."""
    asked = "" if session.requested_by.is_bot else session.requested_by.login
    merged = "" if watch.merged_by.endswith("[bot]") else watch.merged_by
    return " ".join(f"@{login}" for login in dict.fromkeys((asked, merged)) if login) or "What you can do"


def watch_line(session: Session) -> str:
    """How it stands after the merge, in one line; empty where there is nothing to say."""
    watch = session.aftermath
    if watch is None:
        return ""
    told = watch.found
    if watch.look_at is not None and watch.until is not None:
        told = f"checks of {code(session.base_branch)} are watched until {watch.until:%Y-%m-%d %H:%M} UTC at most"
    back = f"#{watch.reverted_in} takes it back" if watch.reverted_in is not None else ""
    return "; ".join(filter(None, (told, back)))


def watch_row(session: Session) -> list[str]:
    """The same as a row of the tracking comment."""
    told = watch_line(session)
    return [f"| Since the merge | {told.replace('|', '¦')} |"] if told else []


NO_PULL = "there is no pull request of mine here"


def not_merged(number: int, *, is_open: bool) -> str:
    """Only what is merged can be reverted."""
    return f"#{number} is not merged. {'`/honk undo` takes back my last commit on it' if is_open else 'It was closed'}"


def not_reverted(reason: str) -> str:
    """There is no pull request that takes the change back."""
    return f"I opened no revert: {clause(reason)}."


def reverted(number: int, pull_number: int | None, *, login: str) -> str:
    """The draft pull request is there."""
    return (
        f"#{number} takes back #{pull_number}, as {code(login)} asked. It is a draft: look at it, have CI check it, "
        "and merge it or close it. I do nothing more about it by myself."
    )


def reverted_already(number: int) -> str:
    """It was asked for before."""
    return f"#{number} takes it back already: merge it, or reopen it if it was closed."


def revert_title(pull: Pull) -> str:
    """The title of the pull request that takes another one back."""
    return f'Revert "{one_line(pull.title)}"'


def revert_body(session: Session, pull: Pull, login: str) -> str:
    """Its body: what it reverts, why, and who asked."""
    watch = session.aftermath
    merged = f", merged as {pull.merge_sha}" if pull.merge_sha else ""
    lines = [f"Reverts #{pull.number}{merged}, for #{session.issue_number}."]
    if watch is not None and watch.broken:
        lines += ["", f"Why: {clause(watch.found)}."]
    lines += ["", "---", f"{code(login)} asked for it with `/honk revert`; GitHub made the change. I do not merge it."]
    return "\n".join(lines)
