"""What Honk says and does at GitHub: comments, reactions, labels, pull requests, answers in threads. Everything twice,
and with answers that get lost: nobody may read the same thing twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from github_app.adapters.hub.github import GitHubHub
from github_app.adapters.hub.texts import BODY_LIMIT
from github_app.core.errors import AccessDenied, Gone, Refused, Transient
from github_app.core.filediffs import is_in_diff
from github_app.core.messages import boxes
from github_app.core.model import Annotation, Permission
from github_app.core.names import tracking_tag
from github_app.core.reports import LineComment
from github_app.localhub.deeds import refs
from github_app.localhub.deeds.reviews import Inline
from github_app.localhub.people import Files, commit_files
from tests.adapters.hub_stage import APP_PERMISSIONS, Stage
from tests.edge.cases import shows


def test_the_same_tag_edits_the_comment_in_place(stage: Stage):
    issue = stage.issue()
    first = stage.hub.say(stage.repo, issue.number, "progress", "started")
    assert stage.make_hub().say(stage.repo, issue.number, "progress", "done") == first
    assert stage.hub.say(stage.repo, issue.number, "question", "which one?") != first
    assert [comment.body.partition("\n")[0] for comment in issue.comments] == ["done", "which one?"]


def test_saying_the_same_again_sends_nothing(stage: Stage):
    issue = stage.issue()
    for _ in range(3):
        stage.hub.say(stage.repo, issue.number, "progress", "line one\nline two\n")
    assert len(stage.asked("POST /repos/acme/shop/issues")) == 1
    assert len(stage.asked("PATCH")) == 0


def test_somebody_elses_comment_with_our_mark_is_left_alone(stage: Stage):
    issue = stage.issue()
    theirs = stage.maintainer.comment(issue, "mine now\n\n<!-- honk:progress -->")
    ours = stage.hub.say(stage.repo, issue.number, "progress", "working")
    assert ours != theirs.id
    assert theirs.body.startswith("mine now")


def test_a_comment_that_is_known_is_found_by_its_number_whatever_people_did_to_it(stage: Stage):
    issue = stage.issue()
    known = stage.hub.say(stage.repo, issue.number, "progress", "working")
    [ours] = issue.comments
    stage.maintainer.edit_comment(ours, "mine now")
    assert stage.hub.say(stage.repo, issue.number, "progress", "working", known=known) == known
    assert ours.body == "working\n\n<!-- honk:progress -->"
    stage.maintainer.delete_comment(ours)
    again = stage.hub.say(stage.repo, issue.number, "progress", "working", known=known)
    assert [each.id for each in issue.comments] == [again]


def test_a_number_that_is_somebody_elses_comment_is_not_taken_for_ours(stage: Stage):
    issue = stage.issue()
    theirs = stage.maintainer.comment(issue, "hands off")
    assert stage.hub.say(stage.repo, issue.number, "progress", "working", known=theirs.id) != theirs.id
    assert theirs.body == "hands off"


def test_a_comment_of_ours_is_folded_up_as_outdated_and_nobody_elses(stage: Stage):
    issue = stage.issue()
    ours = stage.hub.say(stage.repo, issue.number, "progress", "working")
    theirs = stage.maintainer.comment(issue, "hands off")
    for _ in range(2):
        for comment_id in (ours, theirs.id, 999_999):
            stage.hub.minimise(stage.repo, comment_id)
    assert [each.minimized for each in issue.comments] == ["outdated", ""]


def test_a_tracking_comment_bears_the_mark_that_readers_of_edits_know(stage: Stage):
    issue = stage.issue()
    stage.hub.say(stage.repo, issue.number, tracking_tag("7-1-1"), "working")
    assert boxes.MARK in issue.comments[0].body


def test_our_comment_as_it_stands_and_who_edited_it_last(stage: Stage):
    issue = stage.issue()
    assert stage.hub.own_comment(stage.repo, issue.number, "plan:1") is None
    stage.hub.say(stage.repo, issue.number, "plan:1", "- [ ] this")
    stage.hub.say(stage.repo, issue.number, "plan:2", "- [ ] that")
    found = stage.hub.own_comment(stage.repo, issue.number, "plan:1")
    assert found is not None
    assert (found[0].partition("\n")[0], found[1]) == ("- [ ] this", None)
    [first, _] = issue.comments
    stage.maintainer.edit_comment(first, first.body.replace("this", "the other"))
    found = stage.hub.own_comment(stage.repo, issue.number, "plan:1")
    assert found is not None
    assert found[1] is not None
    assert (found[0].partition("\n")[0], found[1].login) == ("- [ ] the other", stage.maintainer.user.login)
    stage.maintainer.delete_comment(first)
    assert stage.hub.own_comment(stage.repo, issue.number, "plan:1") is None


def test_marks_quoted_in_a_body_do_not_make_it_another_comment(stage: Stage):
    issue = stage.issue()
    quoting = stage.hub.say(stage.repo, issue.number, "answer", "they wrote <!-- honk:progress -->")
    assert stage.hub.say(stage.repo, issue.number, "progress", "working") != quoting


def test_a_comment_on_a_pull_request(stage: Stage):
    pull = stage.pull()
    stage.hub.say(stage.repo, pull.issue.number, "progress", "working")
    assert len(pull.issue.comments) == 1


@shows("W72")
def test_a_body_that_is_too_long_is_cut_visibly_and_keeps_its_mark(stage: Stage):
    issue = stage.issue()
    first = stage.hub.say(stage.repo, issue.number, "progress", "line\n" * BODY_LIMIT)
    body = issue.comments[0].body
    assert BODY_LIMIT - 100 < len(body) <= BODY_LIMIT
    assert "cut: longer than GitHub allows" in body
    assert stage.hub.say(stage.repo, issue.number, "progress", "short") == first


@shows("W77")
@pytest.mark.parametrize("kind", ["before", "after", "hang"])
def test_a_comment_whose_answer_is_lost_is_there_once(stage: Stage, kind):
    issue = stage.issue()
    stage.github.faults.add("POST .*/issues/.*/comments", kind, status=502)
    if kind == "before":
        with pytest.raises(Transient):
            stage.hub.say(stage.repo, issue.number, "progress", "working")
        assert issue.comments == []
    said = stage.hub.say(stage.repo, issue.number, "progress", "working")
    assert [comment.id for comment in issue.comments] == [said]


def test_a_post_is_never_repeated_by_the_transport(stage: Stage):
    issue = stage.issue()
    stage.github.faults.add("POST .*/comments", "before", status=503, count=5)
    with pytest.raises(Transient):
        stage.hub.say(stage.repo, issue.number, "progress", "working")
    assert len(stage.asked(f"POST /repos/acme/shop/issues/{issue.number}/comments")) == 1


def test_reactions_come_once(stage: Stage):
    issue = stage.issue()
    comment = stage.maintainer.comment(issue, "/honk")
    pull = stage.pull()
    inline = stage.maintainer.comment_line(pull, "fix.py", 1, "why?")
    for _ in range(2):
        stage.hub.react(stage.repo, "issue", issue.number, "eyes")
        stage.hub.react(stage.repo, "issue_comment", comment.id, "+1")
        stage.hub.react(stage.repo, "review_comment", inline.id, "rocket")
    seen = [[reaction.content for reaction in it.reactions] for it in (issue, comment, inline)]
    assert seen == [["eyes"], ["+1"], ["rocket"]]


@pytest.mark.parametrize("label", ["honk", "a/b", "a b", "ü", "100%", "?#&"])
@shows("W24")
def test_labels_of_any_spelling_come_off(stage: Stage, label):
    issue = stage.issue(labels=[label, "kept"])
    stage.hub.remove_label(stage.repo, issue.number, label)
    assert [each.name for each in issue.labels] == ["kept"]
    stage.hub.remove_label(stage.repo, issue.number, label)


def test_a_draft_pull_request_is_opened_once(stage: Stage):
    stage.publish()
    opened = stage.hub.open_pull(stage.repo, branch="honk/1-fix", base="main", title="t" * 300, body="Closes #1")
    again = stage.make_hub().open_pull(stage.repo, branch="honk/1-fix", base="main", title="x", body="y")
    assert opened.number == again.number
    assert (opened.is_draft, opened.base_branch, opened.author.login) == (True, "main", "honk[bot]")
    assert len(opened.title) == 256
    assert len(stage.place.pulls()) == 1


@pytest.mark.parametrize("kind", ["after", "hang"])
def test_a_pull_request_whose_answer_is_lost_is_opened_once(stage: Stage, kind):
    stage.publish()
    stage.github.faults.add("POST .*/pulls$", kind, status=502)
    opened = stage.hub.open_pull(stage.repo, branch="honk/1-fix", base="main", title="t", body="b")
    assert [pull.issue.number for pull in stage.place.pulls()] == [opened.number]


@shows("W64")
def test_a_pull_request_that_cannot_be_opened_says_why(stage: Stage):
    with pytest.raises(Transient):  # no such branch: perhaps not yet
        stage.hub.open_pull(stage.repo, branch="honk/none", base="main", title="t", body="b")
    stage.maintainer.push(stage.place, "honk/1-fix", {"a": "1"}, "a")
    stage.maintainer.push(stage.place, "same", {"same": "1"}, "x")
    stage.maintainer.push(stage.place, "main", {"same": "1"}, "x", onto=stage.tip("same"))
    with pytest.raises(Refused, match="No commits between"):
        stage.hub.open_pull(stage.repo, branch="same", base="main", title="t", body="b")


@shows("W64", "W69")
def test_unrelated_histories_make_no_pull_request(stage: Stage):
    world, who = stage.github.world, stage.maintainer.user
    with world.lock:
        alone = commit_files(world, stage.place, who, parent=None, files={"a": "1"}, message="Alone")
        refs.set_ref(world, stage.place, "refs/heads/alone", alone, who)
    with pytest.raises(Refused, match="no history in common"):
        stage.hub.open_pull(stage.repo, branch="alone", base="main", title="t", body="b")


@shows("W63")
def test_a_base_that_was_renamed_meanwhile_is_found(stage: Stage):
    stage.publish()
    stage.github.rename_branch(stage.place, "main", "trunk")
    opened = stage.hub.open_pull(stage.repo, branch="honk/1-fix", base="main", title="t", body="b")
    assert opened.base_branch == "trunk"


@shows("W63", "W64")
def test_without_any_base_there_is_no_pull_request(stage: Stage):
    stage.publish()
    with stage.github.world.lock:
        refs.set_ref(stage.github.world, stage.place, "refs/heads/main", None, stage.maintainer.user)
    with pytest.raises(Gone, match="main is not there any more"):
        stage.hub.open_pull(stage.repo, branch="honk/1-fix", base="main", title="t", body="b")


@shows("W64")
@pytest.mark.parametrize(
    ("status", "text", "raised"),
    [
        (403, "Repository was archived so is read-only.", AccessDenied),
        (403, "Pull requests are disabled for this repository.", AccessDenied),
        (404, "Not Found", Gone),
        (410, "Pull requests are disabled for this repo", Gone),
    ],
)
def test_where_no_pull_request_may_be_opened_github_is_quoted(stage: Stage, status, text, raised):
    stage.publish()
    stage.github.faults.add("POST .*/pulls$", "before", status=status, text=text, count=9)
    with pytest.raises(raised, match=text[:20]):
        stage.hub.open_pull(stage.repo, branch="honk/1-fix", base="main", title="t", body="b")


def test_our_part_of_the_body_changes_and_the_peoples_part_stays(stage: Stage):
    stage.publish()
    opened = stage.hub.open_pull(stage.repo, branch="honk/1-fix", base="main", title="t", body="round 1")
    pull = stage.place.pulls()[0]
    stage.maintainer.edit_issue(pull.issue, body=f"Note to self\r\n{pull.issue.body}\r\n- [x] tested by Mia")
    stage.hub.edit_pull(stage.repo, opened.number, body="round 2")
    body = pull.issue.body or ""
    assert re.sub(r"<!--.*?-->\s*", "", body).split("\n") == ["Note to self", "round 2", "- [x] tested by Mia"]
    stage.hub.edit_pull(stage.repo, opened.number, body="round 2")
    assert len(stage.asked("PATCH")) == 1
    stage.maintainer.edit_issue(pull.issue, body="all gone")
    stage.hub.edit_pull(stage.repo, opened.number, body="round 3")
    assert "all gone" not in (pull.issue.body or "")


def test_a_draft_becomes_ready_once(stage: Stage):
    pull = stage.pull()
    for _ in range(2):
        stage.hub.mark_ready(stage.repo, pull.issue.number)
        assert pull.draft is False
    assert len(stage.asked("POST /api/graphql")) == 1


def test_review_is_asked_of_those_who_can_give_it(stage: Stage):
    pull = stage.pull()
    rita = stage.github.grant(stage.place, "rita", "write")
    stage.hub.request_review(stage.repo, pull.issue.number, ["rita", "stranger", "mia"])  # mia opened it
    assert pull.requested_reviewers == [rita.user]
    stage.hub.request_review(stage.repo, pull.issue.number, [])


@shows("W38")
def test_unresolved_threads_come_with_all_pages_and_permissions(stage: Stage):
    pull = stage.pull()
    stranger = stage.github.person("otto")
    inline = [Inline("fix.py", f"thread {n}", n % 3 + 1) for n in range(120)]
    stage.maintainer.review(pull, "COMMENT", "many", inline)
    for n in range(130):
        (stranger if n % 2 else stage.maintainer).reply(pull.threads[0], f"reply {n}")
    stage.maintainer.resolve(pull.threads[7])
    threads = stage.hub.threads(stage.repo, pull.issue.number)
    assert [thread.comments[0].body for thread in threads] == [f"thread {n}" for n in range(120) if n != 7]
    assert [comment.body for comment in threads[0].comments[1:]] == [f"reply {n}" for n in range(130)]
    assert threads[0].reply_to == pull.threads[0].comments[0].id
    assert {c.author.login: c.permission for c in threads[0].comments} == {
        "mia": Permission.MAINTAIN,
        "otto": Permission.NONE,
    }
    assert (threads[1].path, threads[1].line, threads[1].is_outdated) == ("fix.py", 2, False)


@shows("W36")
@pytest.mark.parametrize(
    ("asked", "then", "seen"),
    [
        (Inline("fix.py", "why?", 2), {}, (2, None, False, "")),
        (Inline("fix.py", "why?", 3, start_line=2), {}, (3, 2, False, "")),
        (Inline("fix.py", "why?", 3, start_line=2), {"fix.py": "0\na = 1\nb = 2\nc = 3\n"}, (4, 3, False, "")),
        (Inline("fix.py", "why?", 2), {"fix.py": "all\nnew\n"}, (None, None, True, "+a = 1\n+b = 2")),
        (Inline("fix.py", "why?", 3, start_line=2), {"fix.py": None}, (None, None, True, "+b = 2\n+c = 3")),
        (Inline("fix.py", "why?", 2), {"fix.py": None, "mend.py": "a = 1\nb = 2\nc = 3\n"},
         (None, None, True, "+a = 1\n+b = 2")),
        (Inline("run.sh", "why?", 1, side="LEFT"), {}, (None, None, False, "-true")),
        (Inline("fix.py", "why?", subject_type="file"), {}, (None, None, False, "")),
    ],
    ids=["line", "lines", "moved", "outdated", "file deleted", "file renamed", "deleted line", "whole file"],
)  # fmt: skip
def test_a_thread_says_where_it_is_or_what_it_was_about(stage: Stage, asked: Inline, then: Files, seen):
    stage.maintainer.push(stage.place, "honk/1-fix", {"run.sh": None}, "Begin")
    pull = stage.pull()
    stage.maintainer.review(pull, "COMMENT", inline=[asked])
    if then:
        stage.maintainer.push(stage.place, "honk/1-fix", then, "Go on")
    (thread,) = stage.hub.threads(stage.repo, pull.issue.number)
    line, first_line, is_outdated, quoted = seen
    assert (thread.line, thread.first_line, thread.is_outdated) == (line, first_line, is_outdated)
    assert thread.quoted.endswith(quoted)
    assert bool(thread.quoted) == bool(quoted)
    assert thread.head_sha == pull.head_sha
    assert asked.line is None or thread.hunk.startswith("@@ -")
    if line == 3:
        assert thread.hunk.endswith("\n+b = 2\n+c = 3")


@shows("W36")
def test_what_a_thread_was_about_is_quoted_in_few_lines(stage: Stage):
    pull = stage.pull()
    stage.maintainer.push(stage.place, "honk/1-fix", {"long.py": "".join(f"{n}\n" for n in range(900))}, "Go on")
    stage.maintainer.comment_line(pull, "long.py", 800, "why?")
    stage.maintainer.push(stage.place, "honk/1-fix", {"long.py": None}, "Not so long")
    (thread,) = stage.hub.threads(stage.repo, pull.issue.number)
    assert thread.quoted.splitlines() == [f"+{n}" for n in range(788, 800)]


def test_a_thread_is_answered_once_for_each_key(stage: Stage):
    pull = stage.pull()
    stage.maintainer.comment_line(pull, "fix.py", 1, "why?")
    thread = pull.threads[0]
    reply_to = thread.comments[0].id
    stage.github.faults.add("POST .*/replies", "after", status=502)
    for key in ("turn-1/0", "turn-1/0", "turn-2/0"):
        stage.hub.reply_thread(stage.repo, pull.issue.number, reply_to=reply_to, key=key, body=f"because ({key})")
    said = [comment.body.partition("\n")[0] for comment in thread.comments]
    assert said == ["why?", "because (turn-1/0)", "because (turn-2/0)"]


def test_a_thread_is_resolved_once(stage: Stage):
    pull = stage.pull()
    stage.maintainer.comment_line(pull, "fix.py", 1, "why?")
    for _ in range(2):
        stage.hub.resolve_thread(stage.repo, f"PRRT_{pull.threads[0].id}")
        assert stage.hub.threads(stage.repo, pull.issue.number) == ()
    assert pull.threads[0].resolved_by is not None
    assert pull.threads[0].resolved_by.login.endswith("[bot]")


def test_a_thread_that_we_may_not_resolve_stays_as_it_is(open_stage: Callable[..., Stage]):
    stage = open_stage(permissions={**APP_PERMISSIONS, "contents": "read"})
    pull = stage.pull()
    stage.maintainer.comment_line(pull, "fix.py", 1, "why?")
    with pytest.raises(AccessDenied):
        stage.hub.resolve_thread(stage.repo, f"PRRT_{pull.threads[0].id}")
    assert pull.threads[0].resolved_by is None


@pytest.mark.parametrize("kind", ["before", "hang"])
def test_a_question_that_gets_a_5xx_or_half_an_answer_is_asked_again(stage: Stage, kind):
    stage.github.faults.add("GET .*/heads/main$", kind, status=502)
    assert stage.hub.head_of(stage.repo, "main")


@shows("W74")
def test_a_new_token_that_is_not_known_everywhere_yet_is_tried_again(stage: Stage):
    issue = stage.issue()
    stage.github.faults.add("GET .*/issues", "unauthorized", count=2)
    stage.github.faults.add("POST .*/comments", "before", status=403)
    stage.hub.say(stage.repo, issue.number, "progress", "working")
    assert stage.times.slept == [1.0, 2.0, 1.0]
    assert len(issue.comments) == 1


@shows("W74")
def test_a_token_that_was_withdrawn_is_replaced_once(stage: Stage):
    assert stage.hub.head_of(stage.repo, "main")
    stage.github.world.tokens.clear()
    stage.times.ahead_s = 60
    assert stage.hub.head_of(stage.repo, "main")
    stage.times.ahead_s = 120
    stage.github.faults.add("GET .*/heads/main$", "unauthorized", count=99)
    with pytest.raises(AccessDenied):
        stage.hub.head_of(stage.repo, "main")


@shows("W74")
def test_a_signature_of_the_app_that_is_refused_once_is_made_anew(stage: Stage):
    stage.github.faults.add("POST .*/access_tokens$", "unauthorized", count=2)
    assert stage.hub.head_of(stage.repo, "main")
    assert stage.times.slept == [1.0, 2.0]
    other = stage.make_hub()
    stage.github.faults.add("POST .*/access_tokens$", "unauthorized", count=3)
    with pytest.raises(AccessDenied):
        other.head_of(stage.repo, "main")


def test_writes_of_one_installation_keep_their_distance(open_stage):
    stage = open_stage(pause_s=1.0)
    issue = stage.issue()
    for n in range(4):
        stage.hub.say(stage.repo, issue.number, f"tag-{n}", "hello")
    assert len(stage.times.slept) == 3
    assert all(0.5 < pause <= 1.0 for pause in stage.times.slept)


def test_what_was_not_delivered_is_asked_for_again_once(stage: Stage):
    app = stage.app
    app.webhook_url, app.webhook_secret = "http://127.0.0.1:9/hook", "s"  # nobody is there
    since = stage.github.world.now()
    stage.issue("lost")
    stage.github.settle()
    assert stage.hub.redeliver_failed(since=since, again=True) == 1
    stage.github.settle()
    lost, again = (each for each in stage.github.deliveries if each.event == "issues")
    assert (lost.guid, again.redelivery) == (again.guid, True)


def test_a_proof_is_entered_once_for_each_key_and_counts_for_nothing(stage: Stage):
    def show(key: str, title: str, hub: GitHubHub) -> None:
        words = "It passed. <!-- @ann -->" + "x" * 70_000
        hub.show_check(stage.repo, stage.base, name="honk", key=key, conclusion="failure", title=title, summary=words)

    show("e-1/0", "first", stage.hub)
    show("e-1/0", "again", stage.make_hub())
    assert [(run.name, run.conclusion, run.output["title"]) for run in stage.place.check_runs(stage.base)] == [
        ("honk", "failure", "first")
    ]
    assert stage.hub.checks(stage.repo, stage.base, with_logs=True).state == "none"
    show("e-2/0", "of a later publication", stage.hub)
    assert len(stage.place.check_runs(stage.base)) == 2


def test_a_check_run_points_at_lines_and_at_no_more_than_github_takes(stage: Stage):
    notes = [Annotation(path="honk.yml", line=n, level="failure", text=f"{n} is wrong") for n in range(1, 61)]
    said: dict[str, Any] = {"key": "e", "conclusion": "failure", "title": "t", "summary": "s", "annotations": notes}
    stage.hub.show_check(stage.repo, stage.base, name="honk policy", **said)
    [run] = stage.place.check_runs(stage.base)
    assert (run.name, len(run.output["annotations"])) == ("honk policy", 50)
    assert run.output["annotations"][2]["start_line"] == 3


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, None),
        ({"pull_request_template.md": "top", "docs/pull_request_template.md": "docs"}, "top"),
        ({".github/PULL_REQUEST_TEMPLATE.md": "hidden", "pull_request_template.md": "top"}, "hidden"),
        ({"docs/Pull_Request_Template.txt": "docs"}, "docs"),
        ({".github/PULL_REQUEST_TEMPLATE/usual.md": "one", "README.md": "r"}, "one"),
        ({".github/PULL_REQUEST_TEMPLATE/a.md": "a", ".github/PULL_REQUEST_TEMPLATE/b.md": "b"}, None),
        ({"PULL_REQUEST_TEMPLATE/a.md": "a", "docs/pull_request_template": "docs"}, "docs"),
        ({"pull_request_template.md": "x" * 60_001}, None),
        ({"pull_request_template.md.bak": "x", "my_pull_request_template.md": "y"}, None),
    ],
)
def test_the_template_of_pull_requests_is_found_as_github_finds_it(stage: Stage, files, found):
    before = stage.base
    sha = stage.maintainer.push(stage.place, "main", files, "Templates") if files else before
    assert stage.hub.template(stage.repo, sha) == found
    assert stage.hub.template(stage.repo, before) is None, "as it was at that commit"


def test_a_pull_request_has_the_template_below_our_part_and_keeps_it(stage: Stage):
    stage.publish()
    opened = stage.hub.open_pull(
        stage.repo, branch="honk/1-fix", base="main", title="t", body="words", below="## What\n\n- [ ] tested"
    )
    assert str(stage.place.issues[opened.number].body).endswith("<!-- honk:end -->\n\n## What\n\n- [ ] tested")
    stage.hub.edit_pull(stage.repo, opened.number, body="new words")
    assert stage.place.issues[opened.number].body == (
        "<!-- honk:begin -->\nnew words\n<!-- honk:end -->\n\n## What\n\n- [ ] tested"
    )


@pytest.mark.parametrize("kind", ["before", "after", "hang"])
def test_a_proof_whose_answer_is_lost_is_there_once(stage: Stage, kind):
    def show() -> None:
        stage.hub.show_check(stage.repo, stage.base, name="honk", key="e", conclusion="success", title="t", summary="s")

    stage.github.faults.add("POST .*/check-runs", kind)
    if kind == "before":
        with pytest.raises(Transient):
            show()
    show()
    assert len(stage.place.check_runs(stage.base)) == 1


def test_an_installation_that_has_not_granted_it_gets_no_proof(open_stage: Callable[..., Stage]):
    stage = open_stage(permissions={**APP_PERMISSIONS, "checks": "read"})
    with pytest.raises(AccessDenied, match="checks: write"):
        stage.hub.show_check(stage.repo, stage.base, name="honk", key="e", conclusion="success", title="t", summary="s")


def test_a_review_is_posted_once_on_its_lines_and_decides_nothing(stage: Stage):
    stage.maintainer.push(stage.place, "honk/1-fix", {"logo.png": b"\x89PNG\0"}, "A picture")
    pull = stage.pull()
    number, sha = pull.issue.number, pull.head_sha
    files = {each.path: each for each in stage.hub.patches(stage.repo, number)}
    assert (files["fix.py"].status, files["fix.py"].additions, files["logo.png"].diff) == ("added", 3, "")
    assert is_in_diff(files["fix.py"].diff, 1, 3)
    lines = (
        LineComment(path="fix.py", first_line=2, last_line=3, body="both"),
        LineComment(path="fix.py", first_line=1, last_line=1, body="![x](https://evil.example/x)"),
    )
    for hub in (stage.hub, stage.hub, stage.make_hub()):
        hub.post_review(stage.repo, number, key="e/0", sha=sha, body="See below.", comments=lines)
    (review,) = pull.reviews
    assert (review.state, review.sha, review.user.login) == ("COMMENTED", sha, "honk[bot]")
    both, one = (each.thread for each in review.comments)
    assert (both.line, both.start_line, one.line, one.start_line) == (3, 2, 1, None)
    assert "](https://evil" not in review.comments[1].body


def test_a_review_of_other_lines_is_refused_as_a_whole(stage: Stage):
    pull = stage.pull()
    lines = (LineComment(path="fix.py", first_line=9, last_line=9, body="nine"),)
    with pytest.raises(Refused, match="must be part of the diff"):
        stage.hub.post_review(
            stage.repo, pull.issue.number, key="e/0", sha=pull.head_sha, body="See below.", comments=lines
        )
    assert pull.reviews == []


def merged(stage: Stage) -> tuple[int, str]:
    """A merged pull request's number, and the commit that it became."""
    pull = stage.pull(draft=False)
    return pull.issue.number, stage.maintainer.merge(pull)


def reverts(stage: Stage) -> list[str]:
    return [each.head_ref for each in stage.place.pulls() if each.head_ref.startswith("revert-")]


@pytest.mark.parametrize("kind", ["after", "hang"])
def test_a_merged_pull_request_is_reverted_once_even_if_the_answer_is_lost(stage: Stage, kind):
    number, _ = merged(stage)
    stage.github.faults.add("POST .*/graphql", kind, status=502, body="revertPullRequest")
    made = stage.hub.revert_pull(stage.repo, number, key="7-1-1", title="Take it\nback", body="Why")
    assert stage.make_hub().revert_pull(stage.repo, number, key="7-1-1", title="Again", body="Why") == made
    assert reverts(stage) == [f"revert-{number}-honk/1-fix"]
    issue = stage.place.issues[made]
    assert (issue.title, issue.pull and issue.pull.draft) == ("Take it back", True)
    assert issue.body == "Why\n\n<!-- honk:revert:7-1-1 -->"


def test_what_github_cannot_revert_is_refused_with_its_words(stage: Stage):
    pull = stage.pull()
    with pytest.raises(Refused, match="GitHub says: Pull request is not merged"):
        stage.hub.revert_pull(stage.repo, pull.issue.number, key="7-1-1", title="Back", body="Why")
    assert reverts(stage) == []


def test_the_way_back_from_a_merge_is_along_first_parents(stage: Stage):
    before = stage.base
    number, sha = merged(stage)
    later = stage.maintainer.push(stage.place, "main", {"later.txt": "later\n"}, "Later")
    assert stage.hub.pull(stage.repo, number).merge_sha == sha
    assert stage.hub.first_parents(stage.repo, later, limit=10) == (sha, before)
    assert stage.hub.first_parents(stage.repo, later, limit=1) == (sha,)
    assert stage.hub.first_parents(stage.repo, before, limit=10) == ()
