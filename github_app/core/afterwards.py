"""What follows a merge: the checks of the commit that it became are watched for a while. People are told, once, where a
check fails that passed before and nothing shows chance or the infrastructure; of all else only the record tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from github_app.core.aftermath import Aftermath
from github_app.core.attempts import changed_paths
from github_app.core.checks import how_ended
from github_app.core.decisions import Decision, nothing
from github_app.core.effects import Say, ShowProgress
from github_app.core.facts import Facts
from github_app.core.failures import Settling
from github_app.core.messages import aftermath as texts
from github_app.core.messages.figures import names
from github_app.core.model import Checks
from github_app.core.precedents import Precedent, precedent_of
from github_app.core.session import Session
from github_app.core.triage import names_change, sign_of_limit, sign_of_outside


def looked(session: Session, facts: Facts) -> Decision:
    """Time passed after a merge."""
    before = session.aftermath
    if before is None or before.look_at is None:
        return nothing(session, "there is no open session for it, and no merge that is watched")
    if facts.lost:
        return _wait(session, before, facts, f"GitHub does not let us look: {facts.lost}")
    if not before.merge_sha and facts.policy.watch_s == 0:
        return _end(session, before, "the repository's policy has it not watched")
    watch = _learned(before, session, facts)
    if not watch.merge_sha:
        return _end(session, watch, "which commit it became cannot be found")
    checks, at = _checks_of(watch, facts), watch.merge_sha[:7]
    if checks.state in ("passed", "failed") and (settling := _let_settle(session, watch, checks, facts)) is not None:
        return settling
    match checks.state:
        case "passed":
            return _end(session, watch, f"all checks of {at} passed")
        case "failed":
            return _judge(session, watch, checks, facts)
        case "none":
            return _wait(session, watch, facts, f"nothing checks {at}")
        case "pending" | "blocked":
            return _wait(session, watch, facts, f"the checks of {at} have not ended")
        case _:
            assert_never(checks.state)


def _learned(watch: Aftermath, session: Session, facts: Facts) -> Aftermath:
    """The watch with what the first look tells: which commit the merge made, by whom, and how long it is watched."""
    if watch.merge_sha or facts.pull is None or not facts.pull.is_merged:
        return watch
    until = (session.status_since or facts.now) + timedelta(seconds=facts.policy.watch_s)
    return replace(watch, merge_sha=facts.pull.merge_sha, merged_by=facts.pull.merged_by, until=until)


def _checks_of(watch: Aftermath, facts: Facts) -> Checks:
    if facts.checks is None or facts.checks.head_sha != watch.merge_sha:
        return Checks(head_sha=watch.merge_sha, state="none")
    return facts.checks


def _let_settle(session: Session, watch: Aftermath, checks: Checks, facts: Facts) -> Decision | None:
    """Wait a little when all checks have ended: another app may be about to begin. None once nothing has changed for
    that long."""
    asked, pause = watch.settling, timedelta(seconds=facts.checks_settle_s)
    seen = how_ended(checks)
    if asked is not None and asked.seen == seen and facts.now >= asked.since + pause:
        return None
    if asked is None or asked.seen != seen:
        asked = Settling(head_sha=watch.merge_sha, seen=seen, since=facts.now)
    if not pause:
        return None
    settling = replace(watch, settling=asked, look_at=asked.since + pause)
    return Decision(session=replace(session, aftermath=settling), why="all checks have ended: others may be about to")


def _judge(session: Session, watch: Aftermath, checks: Checks, facts: Facts) -> Decision:
    """Sort what failed: what this change broke, what may turn out to be chance, and what was so before."""
    changed = changed_paths(session) or ()
    precedents = [precedent_of(each, facts.earlier) for each in checks.failed]
    passed = [each for each in precedents if each.stood == "passed"]
    signs = {id(each): sign_of_outside(each.failed, changed) or sign_of_limit(each.failed, changed) for each in passed}
    broken = [each for each in passed if not signs[id(each)]]
    if broken:
        return _tell(session, watch, broken, changed)
    at = watch.merge_sha[:7]
    if passed:
        return _wait(session, watch, facts, f"{_named(passed[:1])} failed on {at}, and {signs[id(passed[0])]}")
    if pending := [each for each in precedents if each.stood == "pending"]:
        return _wait(session, watch, facts, f"{_named(pending)} failed on {at}, and runs yet on {pending[0].sha[:7]}")
    red = [each for each in precedents if each.stood == "failed"]
    if red:
        return _end(session, watch, f"{_named(red)} failed on {at}, and on {red[0].sha[:7]} before it")
    return _end(
        session, watch, f"{_named(precedents)} failed on {at}, and no commit before it says whether that is new"
    )


def _named(precedents: Sequence[Precedent]) -> str:
    return names([each.failed.name for each in precedents])


def _tell(session: Session, watch: Aftermath, broken: Sequence[Precedent], changed: Sequence[str]) -> Decision:
    logs = "\n".join(each.failed.log for each in broken)
    named = [path for path in changed if names_change(logs, (path,))]
    told = tuple(each.failed.name for each in broken)
    fails = "fail" if len(told) > 1 else "fails"
    found = f"{names(told)} {fails} on {watch.merge_sha[:7]}, and passed before, on {broken[0].sha[:7]}"
    over = replace(_over(watch, found), broken=told)
    say = Say(
        number=session.pull_number or session.issue_number,
        tag=f"broke:{session.id}",
        body=texts.broke(session, over, broken, named=named),
    )
    return Decision(session=replace(session, aftermath=over), effects=(say, ShowProgress()), why=f"told: {found}")


def _wait(session: Session, watch: Aftermath, facts: Facts, why: str) -> Decision:
    """Look on later, unless it is late enough."""
    if watch.until is None or facts.now >= watch.until:
        return _end(session, watch, f"{why}, and the time to watch it is over")
    if watch == session.aftermath:
        return nothing(session, why)
    later = replace(watch, look_at=_next(facts))
    return Decision(session=replace(session, aftermath=later), why=why)


def _next(facts: Facts) -> datetime:
    return facts.now + timedelta(seconds=facts.checks_grace_s)


def _end(session: Session, watch: Aftermath, found: str) -> Decision:
    """The watch is over, and nobody has to be told."""
    return Decision(session=replace(session, aftermath=_over(watch, found)), why=f"watched no more: {found}")


def _over(watch: Aftermath, found: str) -> Aftermath:
    return replace(watch, look_at=None, settling=None, found=found)
