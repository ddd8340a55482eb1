"""What was verified before a commit was published, as people read it: in the check run of that commit, and line by line
in the pull request."""

from __future__ import annotations

from typing import Literal

from github_app.core.judgements import told
from github_app.core.messages.figures import count
from github_app.core.session import Session, Submission
from github_app.core.text.prose import code, harmless
from github_app.core.verdicts import Verdict, is_blamed, new_failures, unmet, was_red_before

MAX_CHARS = 60_000
"""GitHub takes 65,535; the rest is for what is made harmless on the way.
https://docs.github.com/rest/checks/runs#create-a-check-run"""

Conclusion = Literal["success", "neutral", "failure"]

_LINES_CHARS = 6_000
_NAMED = 20


def outcome(verdict: Verdict) -> str:
    """How a verifier ended, and how that compares with before, in a few words."""
    if verdict.could_not_run:
        return "could not run here"
    if verdict.exit_code == 0:
        return f"passed ({verdict.duration_s:.1f} s)"
    ended = f"exit code {verdict.exit_code} ({verdict.duration_s:.1f} s)"
    if not was_red_before(verdict):
        return f"{ended}; passed before" if verdict.before is not None else ended
    new = new_failures(verdict)
    if not is_blamed(verdict):
        return f"{ended}, as before the change"
    return f"{ended}; {count(len(new), 'new failure')}" if new else f"{ended}; it failed in another way before"


def conclusion(submission: Submission) -> Conclusion:
    """What the check run says in one word; neutral where nothing was to be run, or what is needed could not be."""
    if any(is_blamed(verdict) for verdict in submission.verdicts):
        return "failure"
    return "neutral" if unmet(submission.verdicts) or not submission.verdicts else "success"


def title(submission: Submission) -> str:
    """The check run's title."""
    verdicts = submission.verdicts
    if not verdicts:
        return "Nothing here says how it is verified"
    blamed = sum(is_blamed(verdict) for verdict in verdicts)
    passed = sum(verdict.exit_code == 0 for verdict in verdicts)
    missing = sum(verdict.could_not_run for verdict in verdicts)
    old = len(verdicts) - blamed - passed - missing
    parts = ((passed, "passed"), (blamed, "failed"), (old, "red as before"), (missing, "could not run"))
    return f"{count(len(verdicts), 'verifier')}: " + ", ".join(f"{number} {what}" for number, what in parts if number)


def how_verified(submission: Submission) -> list[str]:
    """The verifiers line by line, with what a second look found, as a section of what people read."""
    lines = ["", "### How it was verified", ""]
    lines += [_line(verdict) for verdict in submission.verdicts] or ["I found nothing to verify it with."]
    if submission.unverified_reason:
        lines += ["", "Not verified to the end:", "", harmless(submission.unverified_reason)]
    if submission.judgement is not None:
        lines += ["", *told(submission.judgement)]
    return lines


def _line(verdict: Verdict) -> str:
    return f"- {code(verdict.command)}: {outcome(verdict)}"


def summary(session: Session, submission: Submission) -> str:
    """The check run's text: each verifier with command, exit code, duration, before and after; what failed; and how to
    run it again."""
    head = ["Run in the sandbox on exactly these files, before they were published. CI has the last word."]
    if submission.verdicts:
        head += ["", "| verifier | before the change | now | named by |", "|---|---|---|---|"]
        head += [_row(verdict) for verdict in submission.verdicts]
    if submission.unverified_reason:
        head += ["", "Not verified to the end:", "", harmless(submission.unverified_reason)]
    end = ["", f"`honk replay --verify {session.id}` runs this again and says whether it comes out the same."]
    room = MAX_CHARS - sum(len(line) + 1 for line in (*head, *end))
    for verdict in submission.verdicts:
        section = "\n".join(_section(verdict)) if verdict.exit_code else ""
        if section and len(section) < room:
            head.append(section)
            room -= len(section) + 1
    return "\n".join((*head, *end))


def _row(verdict: Verdict) -> str:
    before = "not looked up"
    if verdict.before is not None:
        ended = f"exit code {verdict.before.exit_code}" if verdict.before.exit_code else "passed"
        before = f"{ended} ({verdict.before.duration_s:.1f} s)"
    named = code(verdict.source) if verdict.source else ""
    cells = (code(verdict.command), before, outcome(verdict), named)
    return f"| {' | '.join(cell.replace('|', '¦') for cell in cells)} |"


def _section(verdict: Verdict) -> list[str]:
    lines = ["", f"### {code(verdict.command)}", ""]
    new = new_failures(verdict)
    old = [name for name in verdict.failures if name not in new]
    for names, what in ((new, "Fails now" if verdict.before is None else "New"), (old, "Failed before as well")):
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            lines += [f"{what}: {', '.join(code(name) for name in names[:_NAMED])}{more}", ""]
    if not verdict.lines:
        return lines[:-1]
    # Nothing in it may end the block, or call somebody wherever it is copied to.
    printed = verdict.lines[:_LINES_CHARS].replace("`", "'").replace("~~~", "---")
    block = harmless(f"```text\n{printed}\n```")
    return [*lines, block.replace("@\u200b", "@").replace("@", "@\u200b")]
