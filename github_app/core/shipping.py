"""`/honk ship`: whether somebody may have our pull request merged now, and what becomes of that. Here alone the effect
is decided on that leads to a merge: on the word of a person, for one commit, as policy and GitHub stand at that
moment. What changes afterwards takes it back."""

from __future__ import annotations

from dataclasses import replace

from github_app.core.authors import UNKNOWN, authors_of
from github_app.core.checks import checks_of_head
from github_app.core.decisions import Decision, end, nothing
from github_app.core.effects import Effect, Say, Ship, ShowProgress, Unship
from github_app.core.events import CommandIssued, EffectFailed, Event
from github_app.core.facts import Facts
from github_app.core.messages import shipping as texts
from github_app.core.model import Actor
from github_app.core.session import Session, Status
from github_app.core.shipments import Approvals, Shipment, Shipped


def ship(session: Session, event: CommandIssued, facts: Facts, seen: tuple[Effect, ...]) -> Decision:
    """Somebody with authority wants our pull request merged: done for this very commit, or one reason why not."""
    reason = _switched_off(facts) or _not_open(session, facts) or _not_ready(session, facts)
    reason = reason or _not_agreed(session, event.actor, facts)
    if reason or session.pull_number is None:
        say = Say(number=event.number, tag=f"answer:{event.id}", body=texts.not_shipped(reason))
        return Decision(session=session, effects=(*seen, say), why="it is not to be shipped now")
    shipment = Shipment(
        actor=event.actor,
        head_sha=session.head_sha,
        asked_in=event.id,
        approved_by=tuple(each.login for each in _approvals(facts).approved_by),
    )
    effect = Ship(pull_number=session.pull_number, head_sha=session.head_sha, method=facts.policy.ship.method)
    return Decision(
        session=replace(session, shipment=shipment),
        effects=(*seen, effect, ShowProgress()),
        why=f"`{event.actor.login}` shipped {session.head_sha[:7]}",
    )


def _approvals(facts: Facts) -> Approvals:
    return facts.approvals or Approvals()


def _switched_off(facts: Facts) -> str:
    rules = facts.policy.ship
    if facts.obstacle:
        return facts.obstacle
    if not rules.is_allowed:
        return texts.SWITCHED_OFF
    return texts.WITHHELD if rules.is_withheld else ""


def _not_open(session: Session, facts: Facts) -> str:
    """What is about the pull request itself."""
    pull = facts.pull
    if session.adopted is not None:
        return texts.of_others(session.adopted.login)
    if pull is None:
        return texts.NOTHING_TO_SHIP
    if not pull.is_open:
        return texts.of_ended_pull(pull)
    if session.status.is_terminal:
        return texts.AFTER_END
    # The policy is the default branch's: who may write must not choose another by pointing a pull request elsewhere.
    if pull.base_branch != session.repo.default_branch:
        return texts.into_other_base(pull.base_branch, session.repo.default_branch)
    return texts.DRAFT if pull.is_draft and session.status is Status.AWAITING_REVIEW else ""


def _not_ready(session: Session, facts: Facts) -> str:
    """What is about the work and its checks."""
    if session.shipment is not None:
        return texts.shipped_already(session.shipment)
    if facts.pause is not None:
        return texts.PAUSED
    if session.status is Status.WORKING:
        return texts.WHILE_WORKING
    if session.status is Status.NEEDS_HUMAN:
        return texts.WHILE_WAITING
    if facts.pull is not None and facts.pull.head_sha != session.head_sha:
        return texts.AFTER_PUSH
    if facts.pull is not None and facts.pull.has_conflicts:
        return texts.conflicts(facts.pull.base_branch)
    checks = checks_of_head(session, facts)
    is_green = checks.state in ("passed", "none")
    return "" if is_green and session.status is Status.AWAITING_REVIEW else texts.not_green(session.head_sha, checks)


def _not_agreed(session: Session, shipper: Actor, facts: Facts) -> str:
    """What is about people: who asks for changes, who approved this very commit, and who it is from."""
    rules, found, authors = facts.policy.ship, _approvals(facts), authors_of(session)
    if found.refused_by:
        return texts.changes_wanted(found.refused_by[0].login)
    counted = [each for each in found.approved_by if rules.own_approval or each.id not in authors]
    if len(counted) < rules.approvals:
        return texts.approvals_missing(session.head_sha, rules.approvals, len(counted), own=rules.own_approval)
    is_authors = shipper.id in authors or UNKNOWN in authors
    if rules.two_people and is_authors and all(each.id == shipper.id for each in found.approved_by):
        return texts.alone(shipper.login, session.head_sha, is_known=shipper.id in authors)
    return ""


def shipped(session: Session, event: Shipped, facts: Facts) -> Decision:
    """GitHub has merged it, or will when its rules are met."""
    if event.missing is None:
        return end(session, facts, Status.MERGED, why=f"GitHub merged it, as `{event.login}` had it shipped")
    shipment = session.shipment
    if shipment is None or shipment.asked_in != event.asked_in:
        return nothing(session, "what was shipped is taken back meanwhile")
    waiting = replace(session, shipment=replace(shipment, missing=event.missing))
    say = Say(number=event.pull_number, tag=f"shipped:{event.asked_in}", body=texts.waits(event.login, event.missing))
    return Decision(session=waiting, effects=(say, ShowProgress()), why=f"GitHub waits for: {event.missing}")


def shipped_late(last: Session, event: Shipped) -> Decision:
    """What was shipped is merged; the work was ended at that moment, and stays so."""
    if event.missing is not None or last.status is Status.MERGED:
        return nothing(last, "the session had ended")
    gone = replace(last, leaves_pull=False)
    say = Say(number=event.pull_number, tag=f"shipped:{event.asked_in}", body=texts.too_late(event))
    return Decision(session=gone, effects=(say,), why="it was merged before the work was ended")


def not_shipped(session: Session, event: EffectFailed) -> Decision:
    """GitHub did not merge it, or we did not ask it to; or it did not let go of what was shipped."""
    number = session.pull_number or session.issue_number
    is_taking_back = event.effect_kind == "Unship"
    body = texts.not_taken_back(number, event.reason) if is_taking_back else texts.not_shipped(event.reason)
    say = Say(number=number, tag=f"answer:{event.id}", body=body)
    shipment = session.shipment
    if shipment is not None and not is_taking_back and event.effect_id.startswith(f"{shipment.asked_in}/"):
        session = replace(session, shipment=None)
    why = f"{event.effect_kind} was not possible: {event.reason}"
    shown = () if session.status.is_terminal else (ShowProgress(),)
    return Decision(session=session, effects=(say, *shown), why=why)


def as_merged(session: Session, facts: Facts, by: Actor | None = None) -> Session:
    """The session of a pull request that was merged: by what was shipped, or by whom `by` or the pull request says."""
    merged_by = by.login if by is not None else facts.pull.merged_by if facts.pull is not None else ""
    return session if merged_by == facts.me.login else replace(session, shipment=None)


def without_outdated_shipment(before: Session | None, event: Event, decision: Decision, facts: Facts) -> Decision:
    """A decision that also takes back what was shipped, once anything but that merge follows: a push, more work, a
    stop, a draft; and that says so where GitHub let go of it by itself."""
    after = decision.session
    if before is None or after is None or after.shipment is None or before.shipment is None:
        return decision
    shipment, number = after.shipment, after.pull_number
    if after.status is Status.MERGED or number is None:
        return decision
    is_let_go = shipment.missing is not None and facts.is_merging is False
    is_in_force = after.status is Status.AWAITING_REVIEW and after.head_sha == shipment.head_sha
    if is_in_force and not after.pull_is_draft and not is_let_go:
        return decision
    effects: tuple[Effect, ...] = (Unship(pull_number=number),) * (not is_let_go)
    if after.status is not Status.CLOSED:  # The last comment says it then.
        reason = _why_back(after, shipment, is_let_go=is_let_go)
        say = Say(number=number, tag=f"unshipped:{event.id}", body=texts.taken_back(shipment.actor.login, reason))
        effects = (*effects, say)
    shown = any(isinstance(each, ShowProgress) for each in decision.effects)
    return replace(
        decision,
        session=replace(after, shipment=None),
        effects=(*decision.effects, *effects, *(ShowProgress(),) * (not shown and not after.status.is_terminal)),
        why=f"{decision.why}; what was shipped is taken back",
    )


def _why_back(after: Session, shipment: Shipment, *, is_let_go: bool) -> str:
    if after.head_sha != shipment.head_sha or after.strange_sha:
        return texts.PUSHED
    if after.pull_is_draft:
        return texts.DRAFT_AGAIN
    return texts.LET_GO if is_let_go else texts.MORE_TO_DO
