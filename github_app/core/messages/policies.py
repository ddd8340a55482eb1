"""What Honk says of a repository's policy: of one that a pull request proposes, in the check run `honk policy`, and of
the one in force, to whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from github_app.core.explanation import Explained
from github_app.core.messages.figures import count
from github_app.core.model import Annotation
from github_app.core.policy import POLICY_PATH
from github_app.core.proposals import Proposal
from github_app.core.text.prose import clause, code, one_line

_MAX_CHARS = 300


def title(proposal: Proposal) -> str:
    """The check run's title."""
    if proposal.mistakes:
        return f"{count(len(proposal.mistakes), 'mistake')}: this policy would not be followed"
    if proposal.before is None:
        return "Nothing wrong: this policy would be followed again"
    changed = len(_changed(proposal))
    return f"Nothing wrong: {count(changed, 'value') if changed else 'no value'} in force would change"


def summary(proposal: Proposal, *, in_force_on: str, elsewhere: str = "") -> str:
    """The check run's text. `elsewhere` is the branch that the pull request goes into, if that is not the one on which
    policies are `in_force_on`."""
    if proposal.mistakes:
        lines = [f"I would not follow this `{POLICY_PATH}`, and start no work here, until this is mended:", ""]
        lines += [f"- {f'line {each.line}: ' * (each.line is not None)}{each.what}" for each in proposal.mistakes]
    else:
        lines = _changes(proposal)
    branch = code(in_force_on)
    where = f" This pull request goes into {code(elsewhere)}." * bool(elsewhere)
    return "\n".join([*lines, "", f"Work follows the file as it is on {branch} when it begins.{where}"])


def notes(proposal: Proposal) -> tuple[Annotation, ...]:
    """What is said at lines of the file: its mistakes, or what the operator cuts."""
    if proposal.mistakes:
        return tuple(
            Annotation(path=POLICY_PATH, line=each.line or 1, level="failure", text=one_line(each.what))
            for each in proposal.mistakes
        )
    return tuple(
        Annotation(path=POLICY_PATH, line=each.line, level="warning", text=_cut(each))
        for each in proposal.after
        if each.is_cut and each.line is not None
    )


def in_force(rules: Sequence[Explained], obstacle: str) -> str:
    """The policy of work that begins now, on request: what the file or the operator says, and all else folded up."""
    if obstacle:
        return f"No work would start here: {clause(obstacle)}."
    usual = [each for each in rules if each.line is None and not each.is_cut]
    said = [each for each in rules if each not in usual]
    lines = [f"Neither `{POLICY_PATH}` nor the operator says anything here: all is as it is by default."]
    if said:
        lines = [f"This is in force for work that begins now; lines are those of `{POLICY_PATH}`.", "", *_table(said)]
    return "\n".join([*lines, "", "<details><summary>By default</summary>", "", *_table(usual), "", "</details>"])


def _table(rules: Iterable[Explained]) -> list[str]:
    rows = [f"| `{each.key}` | {_cell(each.value)} | {_cell(each.source)} |" for each in rules]
    return ["| key | value | from |", "|---|---|---|", *rows]


def _cut(it: Explained) -> str:
    return f"The operator of this Honk allows less: `{it.key}` would be {one_line(it.value)[:_MAX_CHARS] or 'empty'}."


def _changes(proposal: Proposal) -> list[str]:
    if proposal.before is None:
        lines = ["What stands on the base branch is not followed, because it is wrong. This would be:", ""]
        return [*lines, *_table(proposal.after)]
    changed = _changed(proposal)
    if not changed:
        return ["No value in force would change.", *_cuts(proposal.after)]
    lines = ["This would change:", "", "| key | now | then | from |", "|---|---|---|---|"]
    lines += [
        f"| `{now.key}` | {_cell(was.value)} | {_cell(now.value)} | {_cell(now.source)} |" for was, now in changed
    ]
    same = [each for each in proposal.after if each not in [now for _, now in changed]]
    return [*lines, *_cuts(same)]


def _changed(proposal: Proposal) -> list[tuple[Explained, Explained]]:
    was = {each.key: each for each in proposal.before or ()}
    return [(was[now.key], now) for now in proposal.after if now.value != was[now.key].value]


def _cuts(values: Iterable[Explained]) -> list[str]:
    """What stays as it is although the file wants it otherwise."""
    cut = [each for each in values if each.is_cut and each.line is not None]
    if not cut:
        return []
    said = [f"- `{each.key}` stays {_cell(each.value)}: {_cell(each.source)}" for each in cut]
    return ["", "The operator of this Honk does not allow all that the file says:", "", *said]


def _cell(text: str) -> str:
    """A text from the file in a cell of a table."""
    line = one_line(text).replace("`", "'").replace("|", "¦")
    shown = line if len(line) <= _MAX_CHARS else f"{line[:_MAX_CHARS]} …"
    return f"`{shown}`" if shown else "none"
