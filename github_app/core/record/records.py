"""What the audit says of each thing that happens (`audit` chains it): who, on what word, with which result. Texts are
there by their hash and source, never whole: transcripts are deleted in time, the audit is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from github_app.core.builds import Delivered
from github_app.core.decisions import Decision
from github_app.core.effects import DropLesson, KeepLesson, Publish, Undo
from github_app.core.events import (
    BranchPushed,
    ChangeSetHeld,
    ChecksChanged,
    CommandIssued,
    EffectFailed,
    Event,
    InquiryStopped,
    InstallationChanged,
    IssueClosed,
    IssueEdited,
    IssueLabeled,
    IssueUnlabeled,
    PlanDrafted,
    Published,
    PullRequestClosed,
    PullRequestDraftChanged,
    PullRequestPushed,
    PullRequestReopened,
    Reported,
    Reverted,
    ReviewSubmitted,
    Ticked,
    TrackingEdited,
    TurnAsked,
    TurnFinished,
    TurnStopped,
    Undone,
)
from github_app.core.facts import Facts, Need, needs
from github_app.core.holds import Hold
from github_app.core.lessons import Lesson
from github_app.core.machine import is_our_own
from github_app.core.model import Actor, NetworkDecision, Permission
from github_app.core.ports import ExecResult, Step
from github_app.core.record.audit import Record, canonical, clip, digest
from github_app.core.record.results import about_result, shipped
from github_app.core.reports import Answer
from github_app.core.session import Session
from github_app.core.shipments import Shipped


@dataclass(frozen=True, kw_only=True)
class Hand:
    """Who did something on a page of ours, and what the account might do then."""

    actor: Actor
    permission: Permission


@dataclass(frozen=True, kw_only=True)
class Source:
    """One text that went into a prompt: what it is and where from, who wrote it, what that account might do here.

    What is no text has the hash of its bytes as `sha256`.
    """

    kind: str
    name: str
    text: str
    author: str = ""
    author_id: int | None = None
    permission: Permission | None = None
    sha256: str = ""


def of_decision(event: Event, before: Session | None, decision: Decision, facts: Facts) -> tuple[Record, ...]:
    """What a decision puts on record: verifiers and change set of the turn that it is about, if any, and itself.

    Nothing for what changes nothing and nobody asked for: time passing, CI under way, our own acts coming back.
    """
    after = decision.session
    is_asked = after is not None and hasattr(event, "actor") and not is_our_own(event, facts)
    if not (decision.effects or after != before or is_asked):
        return ()
    document: dict[str, Any] = {
        "event": event.id,
        "kind": type(event).__name__,
        "about": _about(event, facts),
        "before": str(before.status) if before else "",
        "after": str(after.status) if after else "",
        "why": clip(decision.why),
        "effects": [type(effect).__name__ for effect in decision.effects],
        "head": after.head_sha if after else "",
        **_asker(before, event, facts),
    }
    if after is not None and (before is None or before.id != after.id):
        document["opens"] = _opening(after)
    if after is not None and after.held is not None and (before is None or before.held != after.held):
        document["held"] = _held(after.held)
    if (
        after is not None
        and after.plan is not None
        and after.plan.text
        and (before is None or before.plan != after.plan)
    ):
        document["plan"] = {"accepted_by": after.plan.accepted_by, "sha256": digest(after.plan.text)}
    document |= shipped(after, decision)
    told = Record(kind="decision", document=document)
    return (*_verifiers(event), told, *_lessons(decision), *_change_sets(decision))


def _asker(before: Session | None, event: Event, facts: Facts) -> dict[str, Any]:
    """Who is behind an event, and the permission that was seen, where it was looked up."""
    actor: Actor | None = getattr(event, "actor", None)
    if actor is None:
        return {}
    asker: dict[str, Any] = {"actor": _account(actor)}
    if Need.PERMISSION in needs(before, event) and not is_our_own(event, facts):
        asker["permission"] = facts.permission.name.lower()
    return asker


def _account(actor: Actor) -> dict[str, Any]:
    return {"id": actor.id, "login": actor.login, "is_bot": actor.is_bot}


def _opening(session: Session) -> dict[str, Any]:
    return {
        "session": session.id,
        "repo": {"id": session.repo.id, "name": session.repo.full_name},
        "issue": session.issue_number,
        "branch": session.branch,
        "base": session.base_sha,
        "requested_by": _account(session.requested_by),
    }


def _held(hold: Hold) -> dict[str, Any]:
    """A change set that waits for people, what was found in it, and who accepted that."""
    return {
        "turn": hold.turn_id,
        "sha256": hold.change_set_id,
        "found": [{"kind": each.kind, "path": clip(each.path), "text": clip(each.text)} for each in hold.findings],
        "accepted": [{"kind": each.kind, "id": each.actor_id, "login": each.login} for each in hold.approvals],
    }


def _about(event: Event, facts: Facts) -> dict[str, Any]:  # noqa: C901 - a table, one row an event
    match event:
        case IssueLabeled():
            return {"issue": event.issue.number, "label": clip(event.label), "author": _account(event.issue.author)}
        case IssueUnlabeled():
            return {"issue": event.number, "label": clip(event.label)}
        case IssueEdited():
            return {"issue": event.issue.number, "sha256": digest(f"{event.issue.title}\n\n{event.issue.body}")}
        case TrackingEdited():
            return {"issue": event.number, "comment": event.comment_id}
        case IssueClosed():
            return {"issue": event.number, "merged_by": facts.pull.merged_by if facts.pull else ""}
        case CommandIssued():
            words = {"source": event.source, "comment": event.comment_id, "sha256": digest(event.command.text)}
            return {"number": event.number, "verb": event.command.verb, **words}
        case ReviewSubmitted():
            said = {"review": event.review_id, "state": event.state, "sha256": digest(event.body)}
            return {"pull": event.pull_number, **said}
        case ChecksChanged():
            return {"sha": event.head_sha, "state": facts.checks.state if facts.checks else ""}
        case BranchPushed():
            return {"branch": clip(event.branch), "sha": event.after or "", "is_forced": event.is_forced}
        case PullRequestClosed() | PullRequestReopened() | PullRequestDraftChanged() | PullRequestPushed():
            return _about_pull(event)
        case InstallationChanged():
            return {"installation": event.installation_id, "action": event.action}
        case TurnFinished():
            return {"turn": event.turn_id, "unverified": clip(event.submission.unverified_reason), **_judged(event)}
        case TurnAsked():
            return {"turn": event.turn_id, "sha256": digest(event.question)}
        case TurnStopped():
            return {"turn": event.turn_id, "limit": event.limit, "reason": clip(event.reason)}
        case PlanDrafted():
            return {"turn": event.turn_id, "items": len(event.items), "sha256": digest("\n".join(event.items))}
        case Reported() | InquiryStopped():
            return _about_inquiry(event)
        case ChangeSetHeld():
            return {"turn": event.turn_id, "sha256": event.change_set_id}
        case Published():
            return {"turn": event.turn_id, "sha": event.head_sha, "pull": event.pull_number}
        case Undone() | Reverted() | Shipped() | Delivered():
            return about_result(event)
        case EffectFailed():
            return {"effect": event.effect_kind, "turn": event.turn_id, "reason": clip(event.reason)}
        case Ticked():
            return {}
        case _:
            assert_never(event)


def _about_pull(
    event: PullRequestClosed | PullRequestReopened | PullRequestDraftChanged | PullRequestPushed,
) -> dict[str, Any]:
    match event:
        case PullRequestClosed():
            return {"pull": event.pull_number, "is_merged": event.is_merged}
        case PullRequestPushed():
            return {"pull": event.pull_number, "sha": event.head_sha}
        case _:
            return {"pull": event.pull_number, "is_draft": event.is_draft}


def _about_inquiry(event: Reported | InquiryStopped) -> dict[str, Any]:
    if isinstance(event, InquiryStopped):
        return {"login": event.login}
    report, read = event.report, {"turn": event.turn_id, "sha": event.sha}
    if isinstance(report, Answer):
        return {**read, "citations": len(report.citations), "sha256": digest(report.text)}
    texts = "\n".join(each.text for each in report.remarks)
    return {**read, "remarks": len(report.remarks), "sha256": digest(texts)}


def _judged(event: TurnFinished) -> dict[str, Any]:
    """What a second look found, or why there was none; nothing where none was wanted."""
    judgement = event.submission.judgement
    if judgement is None:
        return {}
    return {"second_look": clip(judgement.missing) or [[each.doubt, clip(each.text)] for each in judgement.remarks]}


def _verifiers(event: Event) -> tuple[Record, ...]:
    if not isinstance(event, TurnFinished):
        return ()
    return tuple(
        Record(
            kind="verifier",
            document={
                "turn": event.turn_id,
                "command": clip(verdict.command),
                "exit_code": verdict.exit_code,
                "duration_ms": _milliseconds(verdict.duration_s),
            },
        )
        for verdict in event.submission.verdicts
    )


def _lessons(decision: Decision) -> tuple[Record, ...]:
    """What somebody kept or dropped; who that is stands in the decision."""
    kept = [of_kept(effect.lesson) for effect in decision.effects if isinstance(effect, KeepLesson)]
    dropped = [effect for effect in decision.effects if isinstance(effect, DropLesson)]
    return (*kept, *(of_dropped(f"{each.pull_number}-{each.number}") for each in dropped))


def of_dropped(key: str, hand: Hand | None = None) -> Record:
    """A lesson that counts no more; `hand` where no decision on record says whose word that is."""
    return Record(kind="lesson", document={"is": "dropped", "lesson": key, **_by(hand)})


def _by(hand: Hand | None) -> dict[str, Any]:
    return {"by": {**_account(hand.actor), "permission": hand.permission.name.lower()}} if hand is not None else {}


def of_kept(lesson: Lesson, hand: Hand | None = None) -> Record:
    """A lesson that counts from here on: its words by their hash, where they are from, and who agreed to them; `hand`
    as above."""
    document = {
        "is": "kept",
        "lesson": lesson.key,
        "sha256": digest(lesson.text),
        "source": clip(lesson.source),
        "said_by": lesson.said_by,
        "kept_by": lesson.kept_by,
        **_by(hand),
    }
    return Record(kind="lesson", document=document)


def _change_sets(decision: Decision) -> tuple[Record, ...]:
    """What is to be published, or reverted; last, because its place in the chain is what the commit names."""
    found: list[dict[str, Any]] = []
    for effect in decision.effects:
        if isinstance(effect, Publish):
            found.append({"turn": effect.turn_id, "sha256": effect.change_set_id, "is": "accepted"})
        if isinstance(effect, Undo):
            found.append({"reverts": effect.commit_sha, "sha256": reversal_of(effect.commit_sha), "is": "accepted"})
    return tuple(Record(kind="change_set", document=document) for document in found)


def reversal_of(commit_sha: str) -> str:
    """What the record calls the change that reverts a commit: it is a function of it and of what it stands on."""
    return f"reverts {commit_sha}"


def of_opening(session: Session) -> Record:
    """What the repository's own chain says of a new session."""
    return Record(kind="opened", document={"session": session.id})


def of_prompt(turn_id: str, *, cause: str, base_sha: str, sources: Sequence[Source]) -> Record:
    """What a turn was told, by source and hash; `told` records have the hash of what was made of it."""
    document = {"turn": turn_id, "cause": cause, "base": base_sha, "sources": [_source(each) for each in sources]}
    return Record(kind="prompt", document=document)


def _source(source: Source) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": source.kind,
        "name": clip(source.name),
        "sha256": source.sha256 or digest(source.text),
    }
    if source.author:
        found["author"] = {"login": source.author}
        if source.author_id is not None:
            found["author"]["id"] = source.author_id
    if source.permission is not None:
        found["permission"] = source.permission.name.lower()
    return found


def of_step(turn_id: str, step: Step) -> Record:
    """What was said to the model, or what it replied: which request, at what cost, and what it called."""
    document: dict[str, Any] = {"turn": turn_id, "step": step.number, "sha256": digest(canonical(list(step.content)))}
    if step.role == "user":
        return Record(kind="told", document={**document, "feedback": list(step.consumed)})
    usage = step.usage
    document |= {
        "model": step.model,
        "request": step.request_id,
        "stop_reason": step.stop_reason,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "cost_micro_usd": usage.cost_micro_usd,
        "calls": [_call(block) for block in step.content if block.get("type") == "tool_use"],
    }
    if step.role == "judge":
        document["is"] = "judge"
    return Record(kind="model", document=document)


def _call(block: Mapping[str, Any]) -> dict[str, Any]:
    return {"tool": clip(str(block.get("name"))), "sha256": digest(canonical(block.get("input")))}


def of_command(turn_id: str, argv: Sequence[str], result: ExecResult) -> tuple[Record, ...]:
    """A command that ran in the sandbox, its words cut, and how it ended; and what it asked of the network."""
    document = {
        "turn": turn_id,
        "argv": [clip(word) for word in argv],
        "sha256": digest(canonical(list(argv))),
        "exit_code": result.exit_code,
        "killed_by": result.killed_by or "",
        "duration_ms": _milliseconds(result.duration_s),
        "output_bytes": result.output_bytes,
    }
    asked = tuple(Record(kind="network", document=_decided(turn_id, each)) for each in result.network)
    return (Record(kind="command", document=document), *asked)


def _decided(turn_id: str, decision: NetworkDecision) -> dict[str, Any]:
    return {
        "turn": turn_id,
        "host": clip(decision.host),
        "port": decision.port,
        "is_allowed": decision.is_allowed,
        "reason": clip(decision.reason),
        "times": decision.times,
        "bytes_up": decision.bytes_up,
        "bytes_down": decision.bytes_down,
    }


def of_push(pushed: Published | Undone) -> Record:
    """A commit of ours on GitHub."""
    document = {"sha": pushed.head_sha, "pull": pushed.pull_number}
    if isinstance(pushed, Undone):
        return Record(kind="push", document={"turn": "", "reverts": pushed.commit_sha, **document})
    return Record(kind="push", document={"turn": pushed.turn_id, **document})


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
