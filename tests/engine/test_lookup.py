"""Facts are what GitHub says now; a policy file is followed whole or not at all."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from github_app.core.aftermath import Aftermath
from github_app.core.commands import Command
from github_app.core.errors import AccessDenied, Gone, NotVisibleYet, RateLimited, Refused
from github_app.core.events import ChecksChanged, CommandIssued, CommentSource, IssueLabeled, PullRequestPushed, Ticked
from github_app.core.facts import Need, PlanComment
from github_app.core.merges import Comparison
from github_app.core.model import Actor, BranchHold, Checks, FailedCheck, Permission, Pull
from github_app.core.plans import Plan
from github_app.core.policy import POLICY_PATH, Floor, Policy
from github_app.core.session import Status
from github_app.core.shipments import Approvals, Shipment
from github_app.engine.audit import Audit
from github_app.engine.database import connect
from github_app.engine.lookup import Lookup
from github_app.engine.migrations import migrate
from github_app.engine.pauses import Pauses
from github_app.engine.policies import Policies, read_policy
from github_app.engine.quotas import Quotas
from github_app.engine.store import Store
from github_app.engine.transcripts import Transcripts
from tests.edge.cases import shows
from tests.engine.values import ANN, AUDIT_KEY, ISSUE, REPO, MovingClock, a_session
from tests.fakes.hub import BASE, ME, RecordingHub

LABELED = IssueLabeled(id="d", repo=REPO, actor=ANN, issue=ISSUE, label="honk")
WAITING = a_session(status=Status.AWAITING_CHECKS, head_sha="c" * 40, pull_number=12, turn_id=None)
PROPOSED = PullRequestPushed(
    id="d", repo=REPO, actor=ME, pull_number=12, head_sha="c" * 40, base_sha="a" * 40, base_branch="main"
)
CHECKS = ChecksChanged(id="d", repo=REPO, head_sha="c" * 40, branch=WAITING.branch)


@pytest.fixture
def hub():
    return RecordingHub(issues={1: ISSUE})


@pytest.fixture
def lookup(hub, tmp_path):
    clock, database = MovingClock(), connect(f"sqlite:///{tmp_path / 'honk.sqlite'}")
    migrate(database)
    yield Lookup(
        hub=hub,
        database=database,
        policies=Policies(hub=hub),
        quotas=Quotas(database=database, clock=clock, floor=Floor()),
        pauses=Pauses(database=database, clock=clock),
        transcripts=Transcripts(database, clock, Audit(database, clock, key=AUDIT_KEY)),
        clock=clock,
        trigger_label="honk",
        checks_grace_s=90.0,
    )
    database.dispose()


def test_a_label_needs_permission_and_policy(lookup):
    facts = lookup.facts_for(None, LABELED, REPO)
    assert (facts.me, facts.permission, facts.base_sha, facts.obstacle) == (ME, Permission.WRITE, BASE, "")
    assert facts.policy == Policy()


def test_a_plan_is_looked_up_with_what_its_last_editor_may_do(hub, lookup):
    plan = Plan(turn_id="7-1-1/turn-1", summary="s", items=("i",))
    waiting = a_session(status=Status.NEEDS_HUMAN, turn_id=None, stuck_on="plan", plan=plan)
    go = CommandIssued(
        id="d", repo=REPO, actor=ANN, number=1, is_pull=False, command=Command(verb="go"), comment_id=2,
        source="issue_comment",
    )  # fmt: skip
    key = (1, "plan:7-1-1/turn-1")
    assert lookup.facts_for(waiting, go, REPO).plan_comment is None
    hub.comments_by_tag[key] = "- [ ] i"
    assert lookup.facts_for(waiting, go, REPO).plan_comment == PlanComment(body="- [ ] i")
    hub.editors[key] = ANN
    by_ann = PlanComment(body="- [ ] i", editor=ANN, permission=Permission.WRITE)
    assert lookup.facts_for(waiting, go, REPO).plan_comment == by_ann
    bot = Actor(id=5, login="ann", is_bot=True)
    hub.editors[key] = bot
    assert lookup.facts_for(waiting, go, REPO).plan_comment == PlanComment(body="- [ ] i", editor=bot)


def test_branches_are_compared_where_somebody_wants_them_merged(hub, lookup):
    behind = Comparison(base_sha="7" * 40, merge_base_sha=BASE, behind_by=2)
    hub.comparisons["main"] = behind
    hub.pulls[12] = Pull(
        number=12, head_branch=WAITING.branch, head_sha="c" * 40, base_branch="main", is_open=True, is_merged=False,
        is_draft=True, author=ME,
    )  # fmt: skip
    asked = CommandIssued(
        id="d", repo=REPO, actor=ANN, number=12, is_pull=True, command=Command(verb="rebase"), comment_id=1,
        source="issue_comment",
    )  # fmt: skip
    assert lookup.facts_for(WAITING, asked, REPO).comparison == behind
    hub.pulls[12] = replace(hub.pulls[12], is_open=False)
    assert lookup.facts_for(WAITING, replace(asked, id="d-2", comment_id=2), REPO).comparison is None


def test_what_nothing_depends_on_is_not_asked(hub, lookup):
    lookup.facts_for(None, CHECKS, REPO)
    assert hub.asked == [("identity",)]


def test_a_bots_permission_is_none_without_asking(hub, lookup):
    bot = Actor(id=5, login="ann", is_bot=True)
    event = CommandIssued(
        id="d", repo=REPO, actor=bot, number=1, is_pull=False, command=Command(verb="do"), comment_id=2,
        source="issue_comment",
    )  # fmt: skip
    assert lookup.facts_for(None, event, REPO).permission is Permission.NONE
    assert "permission" not in [call[0] for call in hub.asked]


@shows("W54")
def test_logs_are_fetched_only_of_checks_that_failed(hub, lookup):
    lookup.facts_for(WAITING, CHECKS, REPO)
    assert [call for call in hub.asked if call[0] == "checks"] == [("checks", "c" * 40, False)]
    hub.found_checks["c" * 40] = Checks(
        head_sha="c" * 40, state="failed", failed=(FailedCheck(name="test", conclusion="failure"),)
    )
    assert lookup.facts_for(WAITING, CHECKS, REPO).checks == hub.found_checks["c" * 40]
    assert hub.asked.count(("checks", "c" * 40, True)) == 1


@shows("W56")
def test_what_failed_is_compared_with_the_commit_that_the_work_began_at(hub, lookup):
    red = (FailedCheck(name="test", conclusion="failure", source="app 1"),)
    hub.found_checks["c" * 40] = Checks(head_sha="c" * 40, state="failed", failed=red)
    hub.found_checks[BASE] = Checks(head_sha=BASE, state="failed", failed=red)
    assert lookup.facts_for(WAITING, CHECKS, REPO).base_checks == hub.found_checks[BASE]


@pytest.mark.parametrize("lost", [NotVisibleYet("no such commit"), Gone("no such commit", what="commit")])
def test_a_base_that_is_not_there_any_more_is_not_compared_with(hub, lookup, lost):
    red = (FailedCheck(name="test", conclusion="failure"),)
    hub.found_checks["c" * 40] = Checks(head_sha="c" * 40, state="failed", failed=red)
    hub.lost_commits[BASE] = lost
    facts = lookup.facts_for(WAITING, CHECKS, REPO)
    assert (facts.checks, facts.base_checks) == (hub.found_checks["c" * 40], None)


def test_a_policy_is_read_at_the_base_of_the_session_never_at_its_head(hub, lookup):
    hub.files[POLICY_PATH, WAITING.head_sha] = b"rounds: {checks: 50}"
    hub.files[POLICY_PATH, BASE] = b"rounds: {checks: 1}"
    assert lookup.facts_for(WAITING, CHECKS, REPO).policy.fix_rounds == 1


def test_what_is_gone_is_none(hub, lookup):
    hub.issues.clear()
    facts = lookup.facts_for(WAITING, Ticked(id="t", session_id=WAITING.id), REPO)
    assert (facts.issue, facts.pull) == (None, None)


@shows("W80", "W81")
@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("pull", Gone("the installation is not there any more", what="installation")),
        ("pull", Gone("repository 7 is not in the installation", what="repository")),
        ("issue", Gone("repository 7 is not in the installation", what="repository")),
        ("checks", AccessDenied("the installation does not grant all of: checks: read")),
    ],
)
def test_who_is_not_let_in_any_more_knows_why_and_takes_nothing_for_gone(hub, lookup, call, error):
    hub.fail(call, error, error)
    facts = lookup.facts_for(WAITING, Ticked(id="t", session_id=WAITING.id), REPO)
    assert (facts.lost, facts.checks) == (str(error), None)
    with pytest.raises(type(error)):  # where something happened, it is that event's failure
        lookup._from_hub(facts, Need.PULL | Need.ISSUE | Need.CHECKS, WAITING, CHECKS, REPO)


def test_a_pull_request_is_found_by_the_number_that_the_session_knows(hub, lookup):
    pull = Pull(
        number=12, head_branch=WAITING.branch, head_sha="c" * 40, base_branch="main", is_open=True, is_merged=False,
        is_draft=True, author=ME,
    )  # fmt: skip
    hub.pulls[12] = pull
    assert lookup.facts_for(WAITING, Ticked(id="t", session_id=WAITING.id), REPO).pull == pull


@pytest.mark.parametrize("obstacle", ["empty repository", "no default branch", "wrong policy"])
def test_work_that_cannot_start_here_has_an_obstacle_to_name(hub, lookup, obstacle):
    match obstacle:
        case "empty repository":
            hub.fail("head_of", Gone("the repository is empty", what="repository"))
        case "no default branch":
            hub.heads.clear()
        case _:
            hub.files[POLICY_PATH, BASE] = b"limts: {}"
    facts = lookup.facts_for(None, LABELED, REPO)
    assert facts.obstacle
    assert facts.policy == Policy()


def test_a_rate_limit_is_the_callers_to_wait_out(hub, lookup):
    hub.fail("permission", RateLimited("wait", retry_after_s=60))
    with pytest.raises(RateLimited):
        lookup.facts_for(None, LABELED, REPO)


class TestPolicyFile:
    def test_no_file_gives_the_defaults(self):
        assert read_policy(None) == read_policy(b"") == read_policy(b"# nothing\n") == Policy()

    def test_what_it_says_is_followed(self):
        policy = read_policy(b"verify: [make test]\nprotected: ['db/**']\nlimits: {usd: 2, minutes: 10}\n")
        assert policy.verify == ("make test",)
        assert policy.protected[-1] == "db/**"
        assert (policy.limits.cost_micro_usd, policy.limits.time_s) == (2_000_000, 600)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (b"limits:\n  usd: 5\n  euro: 5\n", "line 3: unknown key `limits.euro`; known here: minutes, steps, usd"),
            (b"# hi\n\nlimts: {}\n", "line 3: unknown key `limts`; known here: approvers, bots, "),
            (b"limits:\n  usd: many\n", "line 2: `limits.usd` must be a number from 0 to 1000"),
            (b"verify:\n  - make\n  - 1\n", "line 3: `verify` must be a list of texts"),
            (b"rounds: 3\n", "line 1: `rounds` must be a mapping"),
            (b"network:\n  turn:\n    - ok.example\n    - http://x\n", "line 4: `network.turn` has `http://x`"),
            (b"on: push\n", "line 1: unknown key `on`"),
            (b"verify: [a]\nrounds: {}\nverify: [b]\n", "line 3: key `verify` is there twice"),
            (b"a: &x [1]\nverify: *x\n", "line 2: aliases (`*name`) are not taken; write it out"),
            (b"limits:\n  <<: {usd: 1}\n", "line 2: a key must be a word; merges (`<<`) are not taken"),
            (b"verify: [a]\n? [b]\n: c\n", "line 2: a key must be a word"),
            (b"verify: [a\nrounds: {}\n", "line 2: this is not valid YAML (expected ',' or ']', but got ':')"),
            (b"verify: [a]\n\trounds: {}\n", "line 2: this is not valid YAML (found character '\\t' that cannot start"),
            (b"verify:\n- \x07\n", "line 2: this is not valid YAML (a control character)"),
            (b"verify:\n- '\xff'\n", "line 2: this is not UTF-8 text"),
            (b"verify: [a]\n--- \nverify: [b]", "line 2: this is not valid YAML (but found another document)"),
            (b"verify:\n- !!python/object/apply:os.system ['true']\n", "line 2: "),
            (b"limits:\n  usd: " + b"9" * 5_000, "line 2: `9999"),
            (b"limits:\n  usd: 2026-99-99\n", "line 2: "),
            (b"[" * 30_000, "line 1: this is too deep to be understood"),
            (b"#" * 10_000_000, "`.github/honk.yml`: 10,000,000 bytes are too many; 64,000 are allowed"),
            (b"x@ann" * 100 + b": 1", "line 1: unknown key `x@annx@ann"),
        ],
        ids=lambda text: text[:24].decode("ascii", "replace") if isinstance(text, bytes) else "",
    )  # fmt: skip
    def test_what_is_wrong_is_named_with_its_line_in_words_that_can_be_posted(self, text, said):
        with pytest.raises(Refused) as refused:
            read_policy(text)
        told = str(refused.value)
        assert told.startswith("`.github/honk.yml`")
        assert said in told
        assert told.isprintable()
        assert len(told) < 400

    @pytest.mark.parametrize(
        "text",
        [
            b"unknown: 1",
            b"limits: {usd: -1}",
            b"limits: {usd: .inf}",
            b"limits: {usd: .nan}",
            b"limits: {usd: true}",
            b"limits: [1]",
            b"[1, 2]",
            b"just words",
            b"verify: make test",
            b"verify: ['']",
            b"verify: [1]",
            b"a: b: c",
            b"verify: [unclosed",
            b"\xff\xfe\x00",
            b"\x00",
            b"verify: [a]\n---\nverify: [b]",
            b"verify: [make test]\nverify: ['true']",
            b"limits: {steps: 1, steps: 1000}",
            b"!!python/object/apply:os.system ['true']",
            b"verify: [!!binary aGk=]",
            b"2026-01-01: x",
            b"? [a, b]\n: c",
            b"? {a: b}\n: c",
            b"<<: {verify: [a]}\nverify: [b]",
            b"verify: &a [*a]",
            b"[" * 30_000,
            b"{a: " * 10_000,
            b"#" * 10_000_000,
            b"a: &a [x]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (n + 1, n + 1, n, n) for n in range(97, 120)),
            b"limits: {usd: " + b"9" * 5_000 + b"}",
        ],
        ids=lambda text: text[:24].decode("ascii", "replace"),
    )
    def test_what_is_wrong_is_refused_at_once_naming_the_file(self, text):
        began = time.process_time()
        with pytest.raises(Refused, match=r"honk\.yml"):
            read_policy(text)
        assert time.process_time() - began < 30, "it must not be possible to keep us busy with a file"


def test_an_issue_that_is_not_there_is_told_from_one_that_was_not_asked_for(hub, lookup):
    working = a_session(status=Status.WORKING)
    tick = Ticked(id="t", session_id=working.id)
    assert not lookup.facts_for(working, tick, REPO).is_issue_gone
    hub.issues.clear()
    assert lookup.facts_for(working, tick, REPO).is_issue_gone
    hub.fail("issue", Gone("the installation is not there any more", what="installation"))
    assert not lookup.facts_for(working, tick, REPO).is_issue_gone


@shows("W28")
def test_words_that_we_come_to_late_are_looked_for_again(hub, lookup):
    def said(minutes: float, source: CommentSource = "issue_comment") -> CommandIssued:
        at = lookup.clock.now() - timedelta(minutes=minutes)
        return CommandIssued(
            id="d", repo=REPO, actor=ANN, number=1, is_pull=False, command=Command(verb="do"), comment_id=2,
            source=source, at=at,
        )  # fmt: skip

    hub.deleted = {2}
    assert lookup.facts_for(None, said(3), REPO).is_withdrawn
    assert not lookup.facts_for(None, said(1), REPO).is_withdrawn, "what is fresh costs no question"
    assert not lookup.facts_for(None, said(3, "issue"), REPO).is_withdrawn
    hub.deleted = set()
    assert not lookup.facts_for(None, said(3), REPO).is_withdrawn
    assert len([asked for asked in hub.asked if asked[0] == "has_comment"]) == 2


THEIRS = Pull(
    number=5, head_branch="theirs", head_sha="c" * 40, base_branch="main", is_open=True, is_merged=False,
    is_draft=False, author=ANN, head_repo_id=7,
)  # fmt: skip
ON_THEIRS = CommandIssued(
    id="d", repo=REPO, actor=ANN, number=5, is_pull=True, command=Command(verb="do"), comment_id=9,
    source="issue_comment",
)  # fmt: skip


def test_somebody_elses_pull_request_is_looked_at_before_work_on_it(hub, lookup):
    failed = FailedCheck(name="test", conclusion="failure", log="1 != 2")
    hub.pulls[5], hub.protected = THEIRS, {"theirs"}
    hub.found_checks["c" * 40] = Checks(head_sha="c" * 40, state="failed", failed=(failed,))
    facts = lookup.facts_for(None, ON_THEIRS, REPO)
    assert (facts.pull, facts.checks, facts.issue) == (THEIRS, hub.found_checks["c" * 40], None)
    assert facts.branch == BranchHold(is_protected=True)
    for held in (a_session(3, branch="theirs"), a_session(4, branch="theirs", status=Status.CLOSED)):
        with lookup.database.begin() as connection:
            Store(lookup.database, lookup.clock, lookup.transcripts._audit)._save_session(connection, None, held)
    assert lookup.facts_for(None, ON_THEIRS, REPO).branch == BranchHold(is_protected=True, issue_number=3)


@pytest.mark.parametrize(
    ("permission", "pull"),
    [
        (Permission.READ, THEIRS),
        (Permission.WRITE, replace(THEIRS, head_repo_id=8)),
        (Permission.WRITE, replace(THEIRS, is_open=False)),
        (Permission.WRITE, None),
    ],
)
def test_no_more_is_asked_where_no_work_can_begin(hub, lookup, permission, pull):
    hub.permissions["ann"] = permission
    hub.pulls = {} if pull is None else {5: pull}
    facts = lookup.facts_for(None, ON_THEIRS, REPO)
    assert (facts.pull, facts.branch) == (pull, None)
    assert not {"checks", "threads", "is_protected"} & {call for call, *_ in hub.asked}


def test_after_a_merge_the_commits_before_it_are_looked_at_only_as_far_as_they_tell_something(hub, lookup):
    tick = Ticked(id="t", session_id="7-1-1")
    watch = Aftermath(look_at=lookup.clock.now(), until=lookup.clock.now())
    merged = a_session(status=Status.MERGED, pull_number=12, turn_id=None, aftermath=watch)
    assert lookup.facts_for(merged, tick, REPO).checks is None
    hub.pulls[12] = Pull(
        number=12, head_branch=merged.branch, head_sha="c" * 40, base_branch="main", is_open=False, is_merged=True,
        is_draft=False, author=ME, merge_sha="e" * 40,
    )  # fmt: skip
    assert lookup.facts_for(merged, tick, REPO).checks == Checks(head_sha="e" * 40, state="none")
    known = replace(merged, aftermath=replace(watch, merge_sha="e" * 40))
    failed = FailedCheck(name="test", conclusion="failure", source="ci")
    hub.found_checks["e" * 40] = Checks(head_sha="e" * 40, state="failed", failed=(failed,))
    hub.parents["e" * 40] = ("1" * 40, "2" * 40, "3" * 40)
    hub.found_checks["2" * 40] = Checks(head_sha="2" * 40, state="passed", succeeded=(("ci", "test"),))
    hub.asked.clear()
    facts = lookup.facts_for(known, tick, REPO)
    assert facts.checks == hub.found_checks["e" * 40]
    assert [each.head_sha for each in facts.earlier] == ["1" * 40, "2" * 40]
    assert "pull" not in [call[0] for call in hub.asked]
    assert [call[1:] for call in hub.asked if call[0] == "checks"][-1] == ("e" * 40, True)


def proposes(hub, lookup, after, before=None, common=None):
    """What is found of a pull request, by the policy at its head, at its base, and where they parted (the base)."""
    common_sha = PROPOSED.base_sha if common is None else "e" * 40
    files = {PROPOSED.head_sha: after, PROPOSED.base_sha: before, "e" * 40: common}
    hub.files = {(POLICY_PATH, sha): text for sha, text in files.items() if text is not None}
    parted = Comparison(base_sha=PROPOSED.base_sha, merge_base_sha=common_sha, behind_by=0)
    hub.comparisons = {PROPOSED.base_sha: parted}
    return lookup.facts_for(None, PROPOSED, REPO).proposal


def test_a_pull_request_that_changes_the_policy_is_looked_into(hub, lookup):
    found = proposes(hub, lookup, b"limits: {usd: 1}", b"judge: block")
    assert [each.value for each in found.after if each.key in ("limits.usd", "judge")] == ["1", "advise"]
    assert [each.value for each in found.before if each.key in ("limits.usd", "judge")] == ["5", "block"]
    assert proposes(hub, lookup, None, b"judge: block").mistakes == ()
    assert proposes(hub, lookup, b"judge: block", b"jugde: block").before is None


@pytest.mark.parametrize(
    ("text", "lines"),
    [(b"limits:\n  usd: x\njugde: off", [2, 3]), (b"a: [", [1]), (b"#" * 65_000, [None]), (b"- a", [None])],
)
def test_what_is_wrong_in_a_proposed_policy_is_found_with_its_lines(hub, lookup, text, lines):
    assert [each.line for each in proposes(hub, lookup, text).mistakes] == lines


def test_a_pull_request_that_leaves_the_policy_alone_costs_two_calls(hub, lookup):
    assert proposes(hub, lookup, b"judge: block", b"judge: block") is None
    assert [ask[0] for ask in hub.asked] == ["identity", "file", "file"]
    # The base branch changed it since, and the pull request did not.
    assert proposes(hub, lookup, b"judge: block", b"judge: 'off'", common=b"judge: block") is None
    assert proposes(hub, lookup, b"judge: block", b"judge: 'off'", common=b"limits: {}") is not None


def test_a_policy_too_large_to_be_read_is_a_mistake_where_it_is_new(hub, lookup):
    hub.comparisons = {PROPOSED.base_sha: Comparison(base_sha="", merge_base_sha=PROPOSED.base_sha, behind_by=0)}
    hub.fail("file", Refused("`.github/honk.yml` is larger than 1 MB"))
    assert [each.what for each in lookup.facts_for(None, PROPOSED, REPO).proposal.mistakes] == [
        "`.github/honk.yml` is larger than 1 MB"
    ]
    hub.files = {(POLICY_PATH, PROPOSED.head_sha): b"judge: block"}
    hub.fail("file", Gone("no", what="repository"))
    assert lookup.facts_for(None, PROPOSED, REPO).proposal is None
    hub.comparisons = {}
    assert lookup.facts_for(None, PROPOSED, REPO).proposal is None


def test_the_rules_in_force_are_looked_up_for_who_asks_after_them(hub, lookup):
    asked = CommandIssued(
        id="d", repo=REPO, actor=ANN, number=1, is_pull=False, command=Command(verb="config"), comment_id=5,
        source="issue_comment",
    )  # fmt: skip
    hub.files = {(POLICY_PATH, BASE): b"limits: {usd: 1}"}
    assert ("limits.usd", "1") in [(each.key, each.value) for each in lookup.facts_for(None, asked, REPO).rules]
    hub.files = {(POLICY_PATH, BASE): b"limits: {usd: x}"}
    facts = lookup.facts_for(None, asked, REPO)
    assert (facts.rules, "line 1" in facts.obstacle) == ((), True)
    # Open work goes by the policy that it began with; the answer is about what is in force now.
    facts = lookup.facts_for(replace(WAITING, base_sha="a" * 40), asked, REPO)
    assert (facts.rules, "line 1" in facts.obstacle) == ((), True)


def test_who_ships_goes_by_the_default_branch_as_it_is_now_and_by_github(hub, lookup):
    ready = a_session(status=Status.AWAITING_REVIEW, head_sha="c" * 40, pull_number=12, turn_id=None, base_sha="a" * 40)
    hub.pulls[12] = Pull(
        number=12, head_branch=ready.branch, head_sha="c" * 40, base_branch="main", is_open=True, is_merged=False,
        is_draft=False, author=ME,
    )  # fmt: skip
    hub.files[POLICY_PATH, BASE] = b"ship: on\n"
    hub.files[POLICY_PATH, "a" * 40] = b"ship: {approvals: 2}\n"
    hub.approved = Approvals(approved_by=(ANN,))
    said = CommandIssued(
        id="d", repo=REPO, actor=ANN, number=1, is_pull=False, command=Command(verb="ship"), comment_id=1,
        source="issue_comment",
    )  # fmt: skip
    known = replace(lookup, policies=Policies(hub=hub, floor=Floor(allows_ship=True))).facts_for(ready, said, REPO)
    assert (known.policy.ship.is_on, known.policy.ship.approvals) == (True, 0)
    assert known.approvals == hub.approved
    assert known.permission is Permission.WRITE
    assert not lookup.facts_for(ready, replace(said, id="e", comment_id=2), REPO).policy.ship.is_on
    waits = replace(ready, shipment=Shipment(actor=ANN, head_sha="c" * 40, asked_in="d", missing="rules"))
    assert lookup.facts_for(waits, Ticked(id="t", session_id=ready.id), REPO).is_merging is False
