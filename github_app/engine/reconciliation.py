"""Reconciliation: what no delivery told us is asked for again, and what cannot be asked for is found by looking. What
is found comes in by the inbox and means what its delivery would have meant; should that one come late, it changes
nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from github_app.core.commands import parse_command
from github_app.core.errors import AccessDenied, Gone, HonkError, Transient
from github_app.core.events import Event, IssueLabeled, Ticked
from github_app.core.listing import Listing
from github_app.core.missed import (
    Act,
    Change,
    Edit,
    Remark,
    command_of,
    command_of_issue,
    edited_since,
    find_end,
    find_label,
    has_label,
    review_of,
)
from github_app.core.model import Actor, Permission, Repo
from github_app.core.names import plan_label
from github_app.core.ports import Clock, Hub
from github_app.core.session import Session
from github_app.core.subjects import Subject
from github_app.engine.database import DatabaseAway
from github_app.engine.heard import heard
from github_app.engine.looks import Look, Looks
from github_app.engine.store import Store

log = logging.getLogger(__name__)

_EVERY = timedelta(minutes=5)
_EACH = timedelta(seconds=3)
_DELIVERIES_KEPT = timedelta(days=3)
_OVERLAP = timedelta(minutes=2)
_DELAY_S = 5.0
_EARLY = 2
"""So many looks of a process leave nothing out: at the first one, its door may not be open yet."""


@dataclass(kw_only=True)
class Reconciliation:
    """Looks at everything, by turns with other processes; who starts looks twice, whoever else has.

    A repository costs two requests a look, and more only where something changed that we may not know of. With many
    repositories each is looked at less often: every 3 s one of them. What happened longer ago than `furthest` is not
    taken up: it must be less than what was heard is remembered.
    """

    store: Store
    hub: Hub
    listing: Listing
    looks: Looks
    clock: Clock
    trigger_label: str
    furthest: timedelta = timedelta(days=27)
    _asked_at: datetime | None = field(default=None, init=False)
    _asks: int = field(default=0, init=False)
    _looks: int = field(default=0, init=False)

    def run(self) -> bool:
        """Take one turn: at once the first two times, then when the last one, whoever's, is some minutes old; whether
        it was ours to take. Raises what `Hub` raises, and `DatabaseAway`."""
        self.hub.identity()  # the first words with GitHub, before somebody waits for them
        begun = self.clock.now()
        if not self.looks.claim(done_before=begun if self._looks < _EARLY else begun - _EVERY / 2):
            return False
        try:
            with self.hub.at_leisure():
                self._ask_again(begun)
                if self._look_everywhere(begun):
                    self.looks.finish(begun)
        finally:
            self.looks.release()
        return True

    def _ask_again(self, begun: datetime) -> None:
        """Have GitHub send again what did not get through: at first of all that it has on record, then of what is new
        there since nothing was left to ask for. What is not there any more is found by looking."""
        since, is_early = begun - _DELIVERIES_KEPT, self._asks < _EARLY
        if self._asked_at is not None and not is_early:
            since = max(since, self._asked_at - _EVERY)
        try:
            count = self.hub.redeliver_failed(since=since, again=is_early)
        except HonkError as error:
            log.warning("deliveries are asked for later", extra={"why": str(error)})
            return
        self._asks += 1
        if not count:
            self._asked_at = begun
        else:
            log.warning("deliveries had not arrived and were asked for again", extra={"deliveries": count})

    def _look_everywhere(self, begun: datetime) -> bool:
        """Look at each repository whose time has come; whether none was left out that could be looked at later."""
        last, is_whole = self.looks.last() or begun, True
        for installation_id, installed_at in self.listing.installations():
            try:
                repos = self.listing.repositories(installation_id)
                for repo in repos:
                    self.looks.hold()
                    if self._looks < _EARLY or self._is_due(repo, begun, count=len(repos)):
                        self._try_look(repo, last=max(last, installed_at), installed_at=installed_at)
            except DatabaseAway:
                raise
            except (AccessDenied, Gone) as error:
                log.warning("an installation cannot be looked at", extra=_about(installation_id, error))
            except Transient as error:
                is_whole = False
                log.warning("an installation is looked at later", extra=_about(installation_id, error))
        self._looks += 1
        return is_whole

    def _is_due(self, repo: Repo, begun: datetime, *, count: int) -> bool:
        left = self.looks.of(repo.id)
        return left is None or left[1] <= begun - max(_EVERY / 2, _EACH * count)

    def _try_look(self, repo: Repo, *, last: datetime, installed_at: datetime) -> None:
        """Look at one repository; what nobody foresaw there holds up no other one."""
        try:
            self._look(repo, last=last, installed_at=installed_at)
        except (DatabaseAway, Transient):
            raise
        except Exception:
            log.exception("a repository cannot be looked at", extra={"repo": repo.full_name})
            if self.looks.of(repo.id) is None:  # The next look begins where this one would have.
                self.looks.note(repo.id, Look(begins_at=last, issues_at=last, comments_at=last))

    def _look(self, repo: Repo, *, last: datetime, installed_at: datetime) -> None:
        """Look at one repository from where it was left; at a new one from when all were looked at: what is older was
        not said to us. Raises as `Hub` does, `Transient` only where the whole installation is to be left alone."""
        left = self.looks.of(repo.id)
        look = left[0] if left is not None else Look(begins_at=last, issues_at=last, comments_at=last)
        oldest = max(look.begins_at, installed_at, self.clock.now() - self.furthest)
        try:
            changes = self.listing.changes(repo, max(look.issues_at, oldest) - _OVERLAP)
            remarks = self.listing.remarks(repo, max(look.comments_at, oldest) - _OVERLAP)
            events = self._find(repo, changes, remarks, oldest)
        except (AccessDenied, Gone) as error:
            log.warning("a repository cannot be looked at", extra={"repo": repo.full_name, "why": str(error)})
            return
        if count := self.store.entries.add_found(events, delay_s=_DELAY_S):
            log.warning("found what no delivery had told", extra={"repo": repo.full_name, "events": count})
        seen = replace(
            look,
            issues_at=max([look.issues_at, *(change.updated_at for change in changes)]),
            comments_at=max([look.comments_at, *(remark.updated_at for remark in remarks)]),
        )
        self.looks.note(repo.id, seen)

    def _find(self, repo: Repo, changes: Sequence[Change], remarks: Sequence[Remark], oldest: datetime) -> list[Event]:
        found: list[Event] = []
        for change in changes:
            session = self._session_of(repo, change)
            if not change.is_pull:
                found += self._of_issue(repo, change, session, oldest)
            elif session is not None:
                found += self._of_pull(repo, change, session, oldest)
            if change.is_pull and (session is None or (session.adopted is not None and session.status.is_terminal)):
                found += [replace(each, is_pull=True) for each in self._labels(repo, change, session, oldest)]
        issues = {change.issue.number: change for change in changes}
        return found + self._commands(repo, remarks, issues, oldest)

    def _session_of(self, repo: Repo, change: Change) -> Session | None:
        number = change.issue.number
        if change.is_pull:
            return self.store.find_session(Subject(repo_id=repo.id, pull_number=number))
        return self.store.find_session(Subject(repo_id=repo.id, issue_number=number))

    # What there is to find

    def _of_issue(self, repo: Repo, change: Change, session: Session | None, oldest: datetime) -> list[Event]:
        number, planned = change.issue.number, plan_label(self.trigger_label)
        is_new = session is None or session.status.is_terminal
        label = planned if is_new and has_label(change.issue, planned) else self.trigger_label
        is_labelled = has_label(change.issue, label)
        if session is not None and not session.status.is_terminal:
            if is_labelled and change.issue.is_open:
                return []
            acts = self.listing.acts(repo, number)
            ended = find_end(change, acts, session, repo=repo, label=label)
            return [ended] if ended is not None else []
        if is_labelled:
            return [*self._labels(repo, change, session, oldest, label=label)]
        asked = command_of_issue(change, repo=repo) if change.issue.is_open and change.created_at >= oldest else None
        if asked is None or heard(self.store.engine, repo, "issue", [number]):
            return []
        editors = self._editors(repo, change, change.created_at)
        return [replace(asked, actor=self._least(repo, asked.actor, editors))]

    def _labels(
        self, repo: Repo, change: Change, session: Session | None, oldest: datetime, *, label: str = ""
    ) -> list[IssueLabeled]:
        """The label that nobody told us of, as the word of whoever may least of those who had a hand in it."""
        wanted = label or self.trigger_label
        if not (change.issue.is_open or label) or not has_label(change.issue, wanted):
            return []
        acts = self.listing.acts(repo, change.issue.number)
        labelled = find_label(change, acts, session, repo=repo, label=wanted, since=oldest)
        if labelled is None:
            return []
        at = next(act.at for act in acts if f"look:labeled:{act.id}" == labelled.id)
        return [replace(labelled, actor=self._least(repo, labelled.actor, self._editors(repo, change, at, acts)))]

    def _of_pull(self, repo: Repo, change: Change, session: Session, oldest: datetime) -> list[Event]:
        number = change.issue.number
        if not change.issue.is_open:
            if session.status.is_terminal:
                return []
            # What its end means, and whose word it was, a look at the session itself finds out.
            return [Ticked(id=f"{session.id}/look-{change.updated_at:%Y%m%dT%H%M%S}", session_id=session.id)]
        said = [
            *self._unheard(repo, self.listing.inline_remarks(repo, number, oldest), oldest, commands_only=True),
            *self._unheard(repo, self.listing.reviews(repo, number), oldest, commands_only=False),
        ]
        edits = self.listing.edits(repo, [remark.node_id for remark in said])
        found: list[Event] = []
        for remark in sorted(said, key=lambda each: each.created_at):
            actor = self._answerable(repo, remark, edits)
            if remark.source == "review":
                found.append(review_of(remark, actor, repo=repo, branch=session.branch))
            elif (command := command_of(remark, actor, repo=repo, branch=session.branch)) is not None:
                found.append(command)
        return found

    def _commands(
        self, repo: Repo, remarks: Sequence[Remark], issues: dict[int, Change], oldest: datetime
    ) -> list[Event]:
        said = self._unheard(repo, remarks, oldest, commands_only=True)
        edits = self.listing.edits(repo, [remark.node_id for remark in said if remark.updated_at > remark.created_at])
        found: list[Event] = []
        for remark in said:
            actor, issue = self._answerable(repo, remark, edits), None
            if not remark.is_pull:
                # The two lists are not of one moment, nor equally long.
                change = issues.get(remark.number) or self.listing.change(repo, remark.number)
                if change is None:
                    continue
                issue = change.issue
                actor = self._least(repo, actor, self._editors(repo, change, remark.created_at))
            if (command := command_of(remark, actor, repo=repo, issue=issue)) is not None:
                found.append(command)
        return found

    def _unheard(self, repo: Repo, remarks: Iterable[Remark], oldest: datetime, *, commands_only: bool) -> list[Remark]:
        me = self.hub.identity()
        said = [
            remark
            for remark in remarks
            if remark.created_at >= oldest and remark.author.id != me.id
            if not commands_only or parse_command(remark.body) is not None
        ]
        known = {source: set[int]() for source in {remark.source for remark in said}}
        for source in known:
            numbers = [remark.id for remark in said if remark.source == source]
            known[source] = heard(self.store.engine, repo, source, numbers)
        return [remark for remark in said if remark.id not in known[remark.source]]

    # Whose word it is

    def _editors(
        self, repo: Repo, change: Change, at: datetime, acts: tuple[Act, ...] | None = None
    ) -> tuple[Actor, ...]:
        """Who changed the issue's words after somebody had asked for work on them."""
        record = acts if acts is not None else self.listing.acts(repo, change.issue.number)
        edit = self.listing.edits(repo, [change.node_id]).get(change.node_id)
        return edited_since(at, record, edit)

    def _answerable(self, repo: Repo, remark: Remark, edits: dict[str, Edit]) -> Actor:
        edit = edits.get(remark.node_id)
        return self._least(repo, remark.author, () if edit is None else (edit.editor,))

    def _least(self, repo: Repo, actor: Actor, others: Iterable[Actor]) -> Actor:
        """Of those who have had a hand in something, the one who may do least: it is worth no more than that."""
        least, lowest = actor, None
        for other in others:
            if other.id == actor.id:
                continue
            if lowest is None:
                lowest = self._permission(repo, actor)
            permission = self._permission(repo, other)
            if permission < lowest:
                # A bot gets no answer, but who asked for the work before it came must have one.
                least, lowest = replace(other, is_bot=False), permission
        return least

    def _permission(self, repo: Repo, actor: Actor) -> Permission:
        return Permission.NONE if actor.is_bot else self.hub.permission(repo, actor)


def _about(installation_id: int, error: Exception) -> dict[str, object]:
    return {"installation": installation_id, "why": str(error)}
