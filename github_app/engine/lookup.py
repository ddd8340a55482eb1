"""Fetches the facts that `core.facts.needs` names for an event: the only place between an event and its decision that
talks to GitHub."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from github_app import __version__
from github_app.core.decisions import may_ask
from github_app.core.errors import AccessDenied, Gone, NotVisibleYet, Refused
from github_app.core.events import (
    BranchPushed,
    CommandIssued,
    Event,
    HubEvent,
    InquiryStopped,
    IssueLabeled,
    Published,
    PullRequestPushed,
    PullRequestReopened,
    Ticked,
    inquiry_in,
)
from github_app.core.facts import Facts, Need, PlanComment, asker_of, needs
from github_app.core.machine import is_our_own
from github_app.core.model import Checks, Permission, Pull, Repo, Thread
from github_app.core.plans import Plan, plan_tag
from github_app.core.ports import Clock, Hub
from github_app.core.precedents import LOOK_BACK, precedent_of
from github_app.core.session import Session, Status
from github_app.core.subjects import subject_of
from github_app.engine.adopting import with_pull
from github_app.engine.heard import is_heard
from github_app.engine.inquiring import open_inquiries
from github_app.engine.pauses import Pauses
from github_app.engine.policies import Policies
from github_app.engine.proposing import proposal_in
from github_app.engine.quotas import Quotas
from github_app.engine.transcripts import Transcripts

_LATE = timedelta(minutes=2)
"""So much later than they were written, words are looked for again: their author may have taken them back."""


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """Looks up facts. `checks_grace_s`: a commit that has had no check for so long counts as unchecked;
    `checks_settle_s`: so long nothing must have changed when all have ended. `up_since`: when this worker started."""

    hub: Hub
    database: sa.Engine
    policies: Policies
    quotas: Quotas
    pauses: Pauses
    transcripts: Transcripts
    clock: Clock
    trigger_label: str
    checks_grace_s: float
    checks_settle_s: float = 0.0
    up_since: datetime | None = None

    def facts_for(self, session: Session | None, event: Event, repo: Repo | None) -> Facts:
        """All that `decide` needs to know about `event`. Raises what `Hub` raises when GitHub cannot be asked."""
        facts = Facts(
            now=self.clock.now(),
            me=self.hub.identity(),
            trigger_label=self.trigger_label,
            version=__version__,
            checks_grace_s=self.checks_grace_s,
            checks_settle_s=self.checks_settle_s,
            up_since=self.up_since,
        )
        if repo is None or is_our_own(event, facts):
            return facts
        if is_heard(self.database, event, repo):
            return replace(facts, is_heard=True)
        if self._is_withdrawn(repo, event):
            return replace(facts, is_withdrawn=True)
        with self.hub.at_leisure() if isinstance(event, Ticked | PullRequestPushed) else nullcontext():
            facts = self._looked_up(facts, session, event, repo)
        asker = asker_of(session, event)
        if asker is not None:
            # Last, and just before the decision: others may start turns meanwhile.
            told, load = self.quotas.told(repo, asker), self.quotas.load(repo, asker, session)
            facts = replace(facts, asker=asker, told=told, load=load)
        if isinstance(event, CommandIssued) and event.command.verb == "stop":
            facts = replace(facts, inquiries=open_inquiries(self.database, repo, event.number))
        if session is not None and isinstance(event, HubEvent | Ticked | InquiryStopped):
            facts = replace(facts, running=self.transcripts.running(session))
        return replace(facts, pause=self.pauses.of(repo))

    def _looked_up(self, facts: Facts, session: Session | None, event: Event, repo: Repo) -> Facts:
        wanted = needs(session, event)
        try:
            found = self._from_hub(facts, wanted, session, event, repo)
            return self._with_rules(found, wanted, event, repo)
        except (Gone, AccessDenied) as error:
            if not isinstance(event, Ticked):
                raise  # Somebody waits for an answer, or is gone with the installation.
            return replace(facts, lost=str(error))

    def _from_hub(self, facts: Facts, wanted: Need, session: Session | None, event: Event, repo: Repo) -> Facts:
        if Need.PERMISSION in wanted:
            facts = replace(facts, permission=self._permission(repo, event))
        if Need.PULL in wanted:
            facts = replace(facts, pull=self._pull(repo, session, event))
        if Need.BASE in wanted and facts.pull is not None and facts.pull.is_open:
            base, head_sha = facts.pull.base_branch, facts.pull.head_sha
            facts = replace(facts, comparison=self.hub.compare(repo, base=base, head_sha=head_sha))
        if Need.ISSUE in wanted:
            facts = self._with_issue(facts, repo, session, event)
        if Need.CHECKS in wanted:
            facts = self._with_checks(facts, repo, session, event)
        if Need.THREADS in wanted:
            facts = replace(facts, threads=self._threads(repo, session))
        facts = self._with_shipping(facts, wanted, repo, session)
        if Need.PLAN in wanted and session is not None and session.plan is not None:
            facts = replace(facts, plan_comment=self._plan_comment(repo, session, session.plan))
        if Need.POLICY in wanted:
            # Who merges goes by what the default branch says now.
            facts = self._with_policy(facts, repo, session if Need.APPROVALS not in wanted else None)
        actor = getattr(event, "actor", None)
        if Need.ADOPTION in wanted and actor is not None and may_ask(actor, facts):  # For strangers, we ask no more.
            facts = with_pull(facts, repo, hub=self.hub, database=self.database)
        return facts

    def _with_shipping(self, facts: Facts, wanted: Need, repo: Repo, session: Session | None) -> Facts:
        number = session.pull_number if session is not None else None
        if session is None or number is None:
            return facts
        if Need.APPROVALS in wanted:
            facts = replace(facts, approvals=self.hub.approvals(repo, number, session.head_sha))
        if Need.SHIPMENT in wanted:
            facts = replace(facts, is_merging=self.hub.is_merging(repo, number))
        return facts

    def _is_withdrawn(self, repo: Repo, event: Event) -> bool:
        """Whether somebody deleted what they said. Only what we come to late is looked for again."""
        if not isinstance(event, CommandIssued) or event.source not in ("issue_comment", "review_comment"):
            return False
        if event.at is None or self.clock.now() < event.at + _LATE:
            return False
        return not self.hub.has_comment(repo, event.source, event.comment_id)

    def _permission(self, repo: Repo, event: Event) -> Permission:
        actor = getattr(event, "actor", None)
        return Permission.NONE if actor is None or actor.is_bot else self.hub.permission(repo, actor)

    def _pull(self, repo: Repo, session: Session | None, event: Event) -> Pull | None:
        asked = inquiry_in(event)
        try:
            if asked is not None:
                return self.hub.pull(repo, asked.number)
            if session is not None and session.pull_number is not None:
                return self.hub.pull(repo, session.pull_number)
            if session is None and (number := subject_of(event).pull_number) is not None:
                return self.hub.pull(repo, number)
            if isinstance(event, BranchPushed) and session is not None:
                return self.hub.find_pull(repo, session.branch)
        except Gone as error:
            _require_repository(error)
        return None

    def _with_issue(self, facts: Facts, repo: Repo, session: Session | None, event: Event) -> Facts:
        number = session.issue_number if session is not None else None
        if number is None and isinstance(event, CommandIssued) and not event.is_pull:
            number = event.number
        if number is None and isinstance(event, IssueLabeled):
            number = event.issue.number
        if number is None:
            return facts
        try:
            return replace(facts, issue=self.hub.issue(repo, number))
        except Gone as error:
            _require_repository(error)
            return replace(facts, is_issue_gone=error.what == f"issue #{number}")

    def _with_checks(self, facts: Facts, repo: Repo, session: Session | None, event: Event) -> Facts:
        if isinstance(event, Ticked) and session is not None and session.status is Status.MERGED:
            return self._with_aftermath(facts, repo, session)
        sha = session.head_sha if session is not None else ""
        match event:
            case Published() | PullRequestReopened():
                sha = event.head_sha
            case BranchPushed():
                sha = event.after or ""
            case _:
                pass
        if not sha:
            return facts
        checks = self.hub.checks(repo, sha)
        if checks.state != "failed":
            return replace(facts, checks=checks)
        base = self._base_checks(repo, session)
        return replace(facts, checks=self.hub.checks(repo, sha, with_logs=True), base_checks=base)

    def _base_checks(self, repo: Repo, session: Session | None) -> Checks | None:
        try:
            return self.hub.checks(repo, session.base_sha) if session is not None and session.base_sha else None
        except (Gone, NotVisibleYet):
            return None  # History was rewritten: there is nothing to compare with any more.

    def _with_aftermath(self, facts: Facts, repo: Repo, session: Session) -> Facts:
        """The checks of a merge commit, and where they failed those before it, as far back as they tell of these."""
        sha = session.aftermath.merge_sha if session.aftermath is not None else ""
        if not sha and facts.pull is not None and facts.pull.is_merged:
            sha = facts.pull.merge_sha
        if not sha:
            return facts
        checks = self.hub.checks(repo, sha)
        if checks.state != "failed":
            return replace(facts, checks=checks)
        earlier: list[Checks] = []
        for before in self.hub.first_parents(repo, sha, limit=LOOK_BACK):
            if all(precedent_of(each, earlier).stood != "unknown" for each in checks.failed):
                break
            earlier.append(self.hub.checks(repo, before))
        return replace(facts, checks=self.hub.checks(repo, sha, with_logs=True), earlier=tuple(earlier))

    def _threads(self, repo: Repo, session: Session | None) -> tuple[Thread, ...]:
        if session is None or session.pull_number is None:
            return ()
        return self.hub.threads(repo, session.pull_number)

    def _plan_comment(self, repo: Repo, session: Session, plan: Plan) -> PlanComment | None:
        """The comment with a plan, and what whoever saved it last may do."""
        found = self.hub.own_comment(repo, session.issue_number, plan_tag(plan.turn_id))
        if found is None:
            return None
        body, editor = found
        is_person = editor is not None and not editor.is_bot
        permission = self.hub.permission(repo, editor) if editor is not None and is_person else Permission.NONE
        return PlanComment(body=body, editor=editor, permission=permission)

    def _with_policy(self, facts: Facts, repo: Repo, session: Session | None) -> Facts:
        is_open = session is not None and not session.status.is_terminal
        try:
            base = session.base_sha if is_open and session is not None else self.hub.head_of(repo, repo.default_branch)
        except Gone as error:
            return replace(facts, obstacle=str(error))
        if not base:
            return replace(facts, obstacle=f"The branch `{repo.default_branch}` does not exist")
        try:
            policy = self.policies.at(repo, base)
        except Refused as error:
            return replace(facts, base_sha=base, obstacle=str(error))
        return replace(facts, base_sha=base, policy=policy)

    def _with_rules(self, facts: Facts, wanted: Need, event: Event, repo: Repo) -> Facts:
        """The policy value by value, for those who ask after it and for who proposes another."""
        if isinstance(event, PullRequestPushed) and Need.PROPOSAL in wanted:
            return replace(facts, proposal=proposal_in(self.policies, repo, event))
        if Need.RULES not in wanted or facts.obstacle:
            return facts
        try:
            return replace(facts, rules=self.policies.explained(repo))
        except (Gone, Refused) as error:
            return replace(facts, obstacle=str(error))


def _require_repository(error: Gone) -> None:
    """What is gone with its repository, or with our place in it, says nothing of itself."""
    if error.what in ("repository", "installation"):
        raise error
