"""What deliveries mean, told by small payloads: one for each row of the table, and for what only looks like one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from github_app.core import events
from github_app.core.commands import Command
from github_app.core.errors import Rejected
from github_app.core.model import Actor, Issue, Repo
from github_app.webhook.parse import TABLE, Ignored, Parsed
from tests.edge.cases import shows
from tests.webhook.deliveries import ADA, OLD_SHA, REPO, SHA, issue, payload, pull, read, wanted_events

ID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
ENGINE = Repo(id=7, full_name="ada/engine", installation_id=5, default_branch="main")
BY_ADA: dict[str, Any] = {"id": ID, "repo": ENGINE, "actor": Actor(id=1, login="ada")}
HONK = {"name": "honk"}
BRANCH = "honk/12-it-breaks"
FORK: dict[str, Any] = {"id": 8, "full_name": "eve/engine", "default_branch": "main"}
STOP = Command(verb="stop")


def reason(parsed: Parsed) -> str:
    assert isinstance(parsed, Ignored), parsed
    return parsed.reason


def test_table_covers_exactly_what_the_app_is_sent():
    assert {event for event, _ in TABLE} == set(wanted_events())


@pytest.mark.parametrize(
    ("event", "action"), [("ping", None), ("star", "created"), ("issues", "pinned"), ("check_run", "created")]
)
def test_unknown_event_or_action_means_nothing(event: str, action: str | None):
    assert reason(read(event, payload(action))) == f"nothing follows from {event}" + (f".{action}" if action else "")


@pytest.mark.parametrize("installation", [None, {}])
def test_delivery_of_a_webhook_that_is_no_apps(installation: dict[str, int] | None):
    delivery = payload("closed", issue=issue())
    if installation is None:
        assert "installation" in reason(read("issues", delivery | {"installation": None}))
        del delivery["installation"]
        assert "installation" in reason(read("issues", delivery))
    else:
        with pytest.raises(Rejected, match=r"issues\.closed: installation\.id: Field required"):
            read("issues", delivery | {"installation": installation})


# --- the trigger label -----------------------------------------------------------------------------------------------


def test_labelled_issue_is_told_whole():
    labels = [{"name": "bug"}, HONK, None]
    parsed = read("issues", payload("labeled", issue=issue(labels=labels, locked=True), label=HONK))
    assert parsed == events.IssueLabeled(
        **BY_ADA,
        label="honk",
        issue=Issue(
            number=12,
            title="It breaks",
            body="Badly.",
            author=Actor(id=2, login="bob"),
            is_open=True,
            labels=("bug", "honk"),
            is_locked=True,
            url="https://github.com/ada/engine/issues/12",
        ),
    )


def test_issue_opened_with_the_label_is_labelled():
    parsed = read("issues", payload("opened", issue=issue(labels=[{"name": "bug"}, HONK], body="/honk go")))
    assert isinstance(parsed, events.IssueLabeled)
    assert parsed.label == "honk"


def test_the_label_for_a_plan_counts_before_the_one_for_the_work():
    labels = [HONK, {"name": "Honk:Plan"}]
    parsed = read("issues", payload("opened", issue=issue(labels=labels)))
    assert isinstance(parsed, events.IssueLabeled)
    assert parsed.label == "Honk:Plan"
    assert isinstance(read("issues", payload("labeled", issue=issue(), label=labels[1])), events.IssueLabeled)


@pytest.mark.parametrize(("name", "trigger"), [("Honk", "honk"), ("honk", "HONK"), ("STRASSE", "straße")])
def test_label_is_known_in_any_case(name: str, trigger: str):
    delivery = payload("labeled", issue=issue(), label={"name": name})
    assert isinstance(read("issues", delivery, trigger_label=trigger), events.IssueLabeled)


@pytest.mark.parametrize("action", ["labeled", "unlabeled"])
def test_other_labels_and_labels_on_pull_requests_mean_nothing(action: str):
    assert reason(read("issues", payload(action, issue=issue(), label={"name": "bug"}))) == "another label"
    assert reason(read("issues", payload(action, issue=issue()))) == "another label"
    on_pull = issue(pull_request={"url": "https://api.github.com/repos/ada/engine/pulls/12"})
    assert (
        reason(read("issues", payload(action, issue=on_pull, label=HONK)))
        == "a label on a pull request, which is told as one"
    )


def test_label_taken_off():
    parsed = read("issues", payload("unlabeled", issue=issue(), label=HONK))
    assert parsed == events.IssueUnlabeled(**BY_ADA, number=12, label="honk")


def test_label_on_a_closed_issue_says_that_it_is_closed():
    parsed = read("issues", payload("labeled", issue=issue(state="closed"), label=HONK))
    assert isinstance(parsed, events.IssueLabeled)
    assert not parsed.issue.is_open


# --- issues ----------------------------------------------------------------------------------------------------------


def test_issue_opened_with_a_command_in_its_body():
    parsed = read("issues", payload("opened", issue=issue(body="It breaks.\n\n/honk fix it")))
    assert parsed == events.CommandIssued(
        **BY_ADA,
        number=12,
        is_pull=False,
        command=Command(verb="do", text="fix it"),
        comment_id=12,
        source="issue",
        issue_text=("It breaks", "It breaks.\n\n/honk fix it"),
    )


def test_issue_without_label_body_or_author():
    assert "neither" in reason(read("issues", payload("opened", issue=issue(body=None, user=None, labels=None))))
    parsed = read("issues", payload("labeled", issue=issue(body=None, user=None), label=HONK))
    assert isinstance(parsed, events.IssueLabeled)
    assert (parsed.issue.body, parsed.issue.author) == ("", Actor(id=0, login="ghost"))


def test_longest_body_arrives_whole():
    body = "ž" * 65_536
    parsed = read("issues", payload("edited", issue=issue(body=body)))
    assert isinstance(parsed, events.IssueEdited)
    assert parsed.issue.body == body


@pytest.mark.parametrize("action", ["closed", "deleted", "transferred"])
def test_issue_that_is_closed_deleted_or_gone_elsewhere(action: Any):
    gone = {"number": 12, "updated_at": "2026-01-05T12:00:00Z"}
    at = datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert read("issues", payload(action, issue=gone)) == events.IssueClosed(**BY_ADA, number=12, how=action, at=at)


def test_text_that_no_database_takes_is_mended():
    parsed = read("issues", payload("edited", issue=issue(title="NUL \x00", body="half \ud83d and whole \N{ROCKET}")))
    assert isinstance(parsed, events.IssueEdited)
    assert (parsed.issue.title, parsed.issue.body) == ("NUL \ufffd", "half \ufffd and whole \N{ROCKET}")


# --- who did it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "actor"),
    [
        (ADA, Actor(id=1, login="ada")),
        ({"id": 9, "login": "ci[bot]", "type": "Bot"}, Actor(id=9, login="ci[bot]", is_bot=True)),
        ({"id": 9, "login": "fake[bot]", "type": "User"}, Actor(id=9, login="fake[bot]", is_bot=False)),
        (None, Actor(id=0, login="ghost")),
    ],
)
def test_actor_is_the_sender_and_a_bot_by_its_type(sender: object, actor: Actor):
    parsed = read("issues", payload("closed", issue=issue(), sender=sender))
    assert isinstance(parsed, events.IssueClosed)
    assert parsed.actor == actor


def test_edit_is_credited_to_who_made_it():
    comment = {"id": 99, "body": "/honk stop", "user": {"id": 2, "login": "bob", "type": "User"}}
    changes = {"body": {"from": "hello"}}
    parsed = read("issue_comment", payload("edited", issue=issue(), comment=comment, changes=changes))
    assert isinstance(parsed, events.CommandIssued)
    assert parsed.actor.login == "ada"


# --- commands --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_pull", [False, True])
def test_command_in_a_comment(is_pull: bool):
    about = issue(pull_request={"url": "…"}) if is_pull else issue()
    parsed = read("issue_comment", payload("created", issue=about, comment={"id": 99, "body": "/honk stop"}))
    assert parsed == events.CommandIssued(
        **BY_ADA,
        number=12,
        is_pull=is_pull,
        command=STOP,
        comment_id=99,
        source="issue_comment",
        issue_text=None if is_pull else ("It breaks", "Badly."),
    )


@pytest.mark.parametrize("body", [None, "", "thanks", "> /honk stop"])
def test_comment_without_a_command_means_nothing(body: str | None):
    comment = {"id": 99, "body": body}
    assert "without a command" in reason(read("issue_comment", payload("created", issue=issue(), comment=comment)))


@pytest.mark.parametrize(
    ("changes", "is_new"),
    [
        ({"body": {"from": ""}}, True),
        ({"body": {"from": "`/honk stop`"}}, True),
        ({"body": {"from": "/honk stp"}}, False),
        ({"body": {"from": "Please:\n/honk stop"}}, False),
        ({"body": None}, False),
        ({}, False),
        (None, False),
    ],
)
def test_edited_comment_counts_if_its_command_is_new(changes: dict[str, Any] | None, is_new: bool):
    delivery = payload("edited", issue=issue(), comment={"id": 99, "body": "/honk stop"})
    parsed = read("issue_comment", delivery if changes is None else delivery | {"changes": changes})
    assert isinstance(parsed, events.CommandIssued) is is_new


def test_edit_that_removes_the_command_means_nothing():
    changes = {"body": {"from": "hello"}}
    delivery = payload("edited", issue=issue(), comment={"id": 99, "body": "bye"}, changes=changes)
    assert "without a command" in reason(read("issue_comment", delivery))


TRACKING = "**Honk**\n\nI work.\n\n- [ ] stop\n- [ ] retry\n\n<!-- honk:tracking:7-12-1 -->"


def edited(before: str, after: str, **more: Any) -> Parsed:
    comment = {"id": 99, "body": after, "user": {"id": 9, "login": "honk[bot]", "type": "Bot"}}
    changes = {"body": {"from": before}}
    return read("issue_comment", payload("edited", issue=issue(), comment=comment, changes=changes, **more))


def test_a_ticked_box_is_the_command_of_who_ticked_it():
    assert edited(TRACKING, TRACKING.replace("[ ] stop", "[x] stop")) == events.CommandIssued(
        **BY_ADA, number=12, is_pull=False, command=STOP, comment_id=99, source="tracking"
    )


@pytest.mark.parametrize("after", ["", "Mine now", TRACKING.replace("I work.", "/honk do evil")])
def test_any_other_edit_of_a_tracking_comment_says_so_and_no_more(after: str):
    assert edited(TRACKING, after) == events.TrackingEdited(**BY_ADA, number=12, comment_id=99)


def test_our_own_edits_of_a_tracking_comment_mean_nothing():
    ours = edited(TRACKING, TRACKING.replace("[ ]", "[x]"), sender={"id": 9, "login": "honk[bot]", "type": "Bot"})
    assert "as a bot edits it" in reason(ours)


def test_command_in_an_inline_comment():
    comment = {"id": 77, "body": "/honk rename this", "line": None, "pull_request_review_id": None}
    parsed = read("pull_request_review_comment", payload("created", comment=comment, pull_request=pull()))
    assert parsed == events.CommandIssued(
        **BY_ADA,
        number=13,
        is_pull=True,
        command=Command(verb="do", text="rename this"),
        comment_id=77,
        source="review_comment",
        branch=BRANCH,
    )


def test_inline_comment_without_a_command_is_its_reviews():
    comment = {"id": 77, "body": "rename this"}
    parsed = read("pull_request_review_comment", payload("created", comment=comment, pull_request=pull()))
    assert "review" in reason(parsed)


# --- reviews ---------------------------------------------------------------------------------------------------------


@shows("W35")
@pytest.mark.parametrize("state", ["approved", "changes_requested", "commented"])
@pytest.mark.parametrize("body", [None, "", "Please use tabs."])
def test_review_of_any_kind(state: events.ReviewState, body: str | None):
    review = {"id": 55, "state": state.upper(), "body": body}
    parsed = read("pull_request_review", payload("submitted", review=review, pull_request=pull()))
    assert parsed == events.ReviewSubmitted(
        **BY_ADA, pull_number=13, branch=BRANCH, review_id=55, state=state, body=body or "", command=None
    )


def test_command_in_a_review():
    review = {"id": 55, "state": "commented", "body": "Nice.\n/honk stop"}
    parsed = read("pull_request_review", payload("submitted", review=review, pull_request=pull()))
    assert isinstance(parsed, events.ReviewSubmitted)
    assert parsed.command == STOP


@shows("W35")
@pytest.mark.parametrize(
    ("action", "state"), [("submitted", "pending"), ("dismissed", "dismissed"), ("edited", "commented")]
)
def test_other_news_of_a_review_means_nothing(action: str, state: str):
    review = {"id": 55, "state": state, "body": "/honk stop"}
    reason(read("pull_request_review", payload(action, review=review, pull_request=pull())))


# --- pull requests ---------------------------------------------------------------------------------------------------

OF_PULL: dict[str, Any] = BY_ADA | {"pull_number": 13, "branch": BRANCH}


@pytest.mark.parametrize(
    ("action", "more", "expected"),
    [
        ("closed", {"merged": True}, events.PullRequestClosed(**OF_PULL, is_merged=True)),
        ("closed", {"merged": False}, events.PullRequestClosed(**OF_PULL, is_merged=False)),
        ("reopened", {"draft": False}, events.PullRequestReopened(**OF_PULL, head_sha=SHA, is_draft=False)),
        ("reopened", {"draft": None}, events.PullRequestReopened(**OF_PULL, head_sha=SHA, is_draft=False)),
        ("converted_to_draft", {}, events.PullRequestDraftChanged(**OF_PULL, is_draft=True)),
        ("ready_for_review", {}, events.PullRequestDraftChanged(**OF_PULL, is_draft=False)),
    ],
)
def test_news_of_a_pull_request(action: str, more: dict[str, Any], expected: events.Event):
    assert read("pull_request", payload(action, pull_request=pull(**more))) == expected


@shows("W71")
@pytest.mark.parametrize("head_repo", [None, FORK])
@pytest.mark.parametrize(
    ("event", "action", "more"),
    [
        ("pull_request", "closed", {}),
        ("pull_request", "reopened", {}),
        ("pull_request", "converted_to_draft", {}),
        ("pull_request", "ready_for_review", {}),
        ("pull_request_review", "submitted", {"review": {"id": 55, "state": "commented", "body": None}}),
        ("pull_request_review_comment", "created", {"comment": {"id": 77, "body": "/honk stop"}}),
    ],
)
def test_fork_may_bear_our_branchs_name_in_vain(event: str, action: str, more: dict[str, Any], head_repo: object):
    theirs = pull(head={"ref": BRANCH, "sha": SHA, "repo": head_repo})
    assert reason(read(event, payload(action, pull_request=theirs, **more))) == "a pull request from a fork"


def test_label_on_a_pull_request_is_told_with_it_wherever_its_branch_is():
    theirs = {**issue(labels=[HONK]), **pull(head={"ref": BRANCH, "sha": SHA, "repo": FORK})}
    on = read("pull_request", payload("labeled", pull_request=theirs, label=HONK))
    assert isinstance(on, events.IssueLabeled)
    assert (on.is_pull, on.label, on.issue.number) == (True, "honk", theirs["number"])
    off = read("pull_request", payload("unlabeled", pull_request=theirs, label=HONK))
    assert isinstance(off, events.IssueUnlabeled)
    assert (off.is_pull, off.number) == (True, theirs["number"])
    for action in ("labeled", "unlabeled"):
        other = payload(action, pull_request=theirs, label={"name": "bug"})
        assert reason(read("pull_request", other)) == "another label"


@pytest.mark.parametrize("head_repo", [None, FORK, REPO])
@pytest.mark.parametrize("action", ["opened", "synchronize"])
def test_new_commits_of_a_pull_request_are_told_wherever_they_are(action: str, head_repo: object):
    theirs = pull(head={"ref": "patch-1", "sha": SHA, "repo": head_repo}, base={"ref": "main", "sha": OLD_SHA})
    assert read("pull_request", payload(action, pull_request=theirs)) == events.PullRequestPushed(
        **BY_ADA, pull_number=13, head_sha=SHA, base_sha=OLD_SHA, base_branch="main"
    )


@pytest.mark.parametrize("action", ["edited", "locked", "auto_merge_enabled"])
def test_other_news_of_a_pull_request_means_nothing(action: str):
    reason(read("pull_request", payload(action, pull_request=pull())))


# --- checks ----------------------------------------------------------------------------------------------------------


def checks(event: str, **more: Any) -> Parsed:
    """Tell of a check of some kind; what it says of pull requests is never right."""
    liar = [{"number": 1, "head": {"ref": "another", "sha": OLD_SHA, "repo": {"id": 8}}}]
    part = {"head_sha": SHA, "pull_requests": liar} | more
    return read(event, payload("completed", **{event: part}))


@shows("W47", "W48")
@pytest.mark.parametrize("branch", [BRANCH, None])
@pytest.mark.parametrize("event", ["check_run", "check_suite", "workflow_run"])
def test_checks_ended_on_a_branch_or_on_none(event: str, branch: str | None):
    where = {"check_suite": {"head_branch": branch}} if event == "check_run" else {"head_branch": branch}
    assert checks(event, **where) == events.ChecksChanged(id=ID, repo=ENGINE, head_sha=SHA, branch=branch)


@shows("W48")
def test_check_run_without_a_suite():
    assert checks("check_run", check_suite=None) == events.ChecksChanged(id=ID, repo=ENGINE, head_sha=SHA, branch=None)


@pytest.mark.parametrize(
    "conclusion",
    ["success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required", "stale", None],
)
def test_conclusion_is_not_taken_from_the_delivery(conclusion: str | None):
    parsed = checks("workflow_run", head_branch=BRANCH, conclusion=conclusion)
    assert parsed == events.ChecksChanged(id=ID, repo=ENGINE, head_sha=SHA, branch=BRANCH)


@shows("W51")
@pytest.mark.parametrize("event", ["check_suite", "workflow_run"])
def test_checks_of_a_merge_queue_mean_nothing(event: str):
    assert "merge queue" in reason(checks(event, head_branch="gh-readonly-queue/main/pr-13-" + SHA))


def test_workflow_run_of_a_fork_means_nothing():
    assert "fork" in reason(checks("workflow_run", head_branch=BRANCH, head_repository=FORK))
    assert isinstance(checks("workflow_run", head_branch=BRANCH, head_repository=REPO), events.ChecksChanged)


@pytest.mark.parametrize("state", ["success", "failure", "error"])
@pytest.mark.parametrize(
    ("branches", "branch"),
    [
        ([], None),
        ([(BRANCH, SHA)], BRANCH),
        ([("main", OLD_SHA), (BRANCH, SHA)], BRANCH),
        ([(BRANCH, SHA), ("copy", SHA)], None),
        ([("main", OLD_SHA)], None),
    ],
)
def test_status_is_about_the_branch_it_is_the_tip_of(state: str, branches: list[tuple[str, str]], branch: str | None):
    listed = [{"name": name, "commit": {"sha": sha}} for name, sha in branches]
    parsed = read("status", payload(sha=SHA, state=state, branches=listed))
    assert parsed == events.ChecksChanged(id=ID, repo=ENGINE, head_sha=SHA, branch=branch)


def test_pending_status_means_nothing():
    assert "pending" in reason(read("status", payload(sha=SHA, state="pending", branches=[])))


# --- pushes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "after", "is_forced"),
    [
        ({"deleted": False, "forced": False}, SHA, False),
        ({"deleted": False, "forced": True}, SHA, True),
        ({"deleted": True, "forced": False, "after": "0" * 40}, None, False),
    ],
)
def test_push_to_a_branch(more: dict[str, Any], after: str | None, is_forced: bool):
    parsed = read("push", payload(ref="refs/heads/honk/12-it-breaks", **({"after": SHA} | more)))
    assert parsed == events.BranchPushed(**BY_ADA, branch=BRANCH, after=after, is_forced=is_forced)


@pytest.mark.parametrize(
    "ref", ["refs/tags/v1", "refs/heads/gh-readonly-queue/main/pr-13", "refs/heads/", "refs/notes/commits", "main"]
)
def test_push_to_anything_else_means_nothing(ref: str):
    reason(read("push", payload(ref=ref, after=SHA, deleted=False, forced=False)))


# --- the app itself --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "meaning"),
    [
        ("created", "created"),
        ("deleted", "deleted"),
        ("suspend", "suspended"),
        ("unsuspend", "unsuspended"),
        ("new_permissions_accepted", "granted"),
    ],
)
def test_installation_changed(action: str, meaning: events.InstallationAction):
    parsed = read("installation", {"action": action, "installation": {"id": 5}, "sender": ADA})
    expected = events.InstallationChanged(
        id=ID, actor=Actor(id=1, login="ada"), installation_id=5, action=meaning, repo_ids=()
    )
    assert parsed == expected


@pytest.mark.parametrize("action", ["added", "removed"])
def test_repositories_given_and_taken(action: events.InstallationAction):
    delivery: dict[str, Any] = {"action": action, "installation": {"id": 5}, "sender": ADA}
    other = "removed" if action == "added" else "added"
    lists = {f"repositories_{action}": [{"id": 7}, {"id": 8}], f"repositories_{other}": []}
    parsed = read("installation_repositories", delivery | lists)
    assert isinstance(parsed, events.InstallationChanged)
    assert (parsed.action, parsed.repo_ids) == (action, (7, 8))


@shows("W80")
@pytest.mark.parametrize("action", ["added", "removed"])
def test_empty_list_of_repositories_never_means_all(action: str):
    delivery = {"action": action, "installation": {"id": 5}, "sender": ADA}
    assert "no repository" in reason(read("installation_repositories", delivery))


# --- broken payloads -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "delivery", "field"),
    [
        ("issues", payload("closed"), "issue"),
        ("issues", payload("closed", issue={"number": "12"}), "issue.number"),
        ("issues", payload("closed", issue={"number": True}), "issue.number"),
        ("issues", payload("closed", issue={"number": 2**63}), "issue.number"),
        ("issues", payload("closed", issue=issue(), repository=None), "repository"),
        ("issues", payload("closed", issue=issue(), repository=REPO | {"full_name": "../x"}), "full_name"),
        ("issues", payload("closed", issue=issue(), repository=REPO | {"full_name": "a/b\n"}), "full_name"),
        ("issues", payload("closed", issue=issue(), sender={"id": -1, "login": "ada"}), "sender.id"),
        ("push", payload(ref="refs/heads/x", after="main"), "after"),
        ("push", payload(ref="refs/heads/x", after=SHA + "\n"), "after"),
        ("push", payload(ref="", after=SHA), "ref"),
    ],
)
def test_broken_payload_is_unreadable_by_the_name_of_its_field(event: str, delivery: dict[str, Any], field: str):
    with pytest.raises(Rejected, match=f"payload of {event}.*{field}: ") as caught:
        read(event, delivery)
    assert caught.value.http_status == 400
