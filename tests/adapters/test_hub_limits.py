"""GitHub's limits: what we have is not sent again, what is spent is not asked for at all, and nobody else waits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from github_app.adapters.hub.answers import Answer, Answers
from github_app.adapters.hub.budgets import Budgets
from github_app.core.errors import AccessDenied, RateLimited, Transient
from github_app.core.model import Repo
from github_app.core.waits import LONGEST_LIMIT_S
from github_app.localhub.limits import Limits
from tests.adapters.hub_stage import Stage
from tests.adapters.test_hub_clients import REPO, a_hub
from tests.adapters.wire import Answer as Told
from tests.adapters.wire import Asked
from tests.edge.cases import shows

OpenStage = Callable[..., Stage]


def used(stage: Stage) -> int:
    """How many requests GitHub has counted."""
    return stage.github.meter.used(stage.installation.id)


# Conditional requests


def test_looking_again_where_nothing_has_changed_is_free(stage: Stage):
    issue, pull = stage.issue(), stage.pull()
    sha = stage.tip("honk/1-fix")

    def look() -> list[object]:
        return [
            stage.hub.issue(stage.repo, issue.number),
            stage.hub.pull(stage.repo, pull.issue.number),
            stage.hub.checks(stage.repo, sha),
            stage.hub.head_of(stage.repo, "main"),
            stage.hub.file(stage.repo, "README.md", stage.base),
        ]

    stage.hub.identity()
    used_before = used(stage)
    seen = look()
    once = used(stage) - used_before
    asked = len(stage.github.exchanges)
    assert [look() for _ in range(9)] == [seen] * 9
    repeated = stage.github.exchanges[asked:]
    assert (once, used(stage) - used_before) == (7, 7), "70 questions, of which GitHub counts 7"
    assert {each.status for each in repeated} == {304}
    assert stage.hub.traffic().unchanged == len(repeated) == 63


def test_what_has_changed_is_seen_at_once(stage: Stage):
    issue = stage.issue()
    assert stage.hub.issue(stage.repo, issue.number).is_open
    stage.maintainer.close(issue)
    assert not stage.hub.issue(stage.repo, issue.number).is_open


def test_a_page_that_was_the_last_and_full_does_not_hide_the_next_one(stage: Stage):
    issue = stage.issue()
    for n in range(100):
        stage.maintainer.comment(issue, f"word {n}")
    for hub in (stage.hub, stage.hub, stage.make_hub()):
        hub.say(stage.repo, issue.number, "progress", "working")
        assert len(issue.comments) == 101, "the one that is ours is found on the second page"


def test_an_answer_is_given_to_nobody_else():
    def told(asked: Asked) -> Told:
        assert "if-none-match" not in asked.headers
        return Told({"object": {"sha": "a" * 40}}, headers={"etag": 'W/"x"'})

    with a_hub(told) as (hub, wire, _):
        hub.head_of(REPO, "main")
        hub.head_of(Repo(id=8, full_name=REPO.full_name, installation_id=3, default_branch="main"), "main")
        assert len(wire.paths("GET")) == 2


def test_answers_are_held_up_to_a_size_and_the_longest_unasked_goes_first():
    answers = Answers(max_bytes=10_000)
    for key in "abc":
        answers.keep(key, Answer(etag=key, headers={}, body="x" * 400))
        assert answers.get("a")
    answers.keep("d", Answer(etag="d", headers={}, body="x" * 400))
    assert [key for key in "abcd" if answers.get(key)] == ["a", "c", "d"]
    answers.keep("a", Answer(etag="a", headers={}, body="x" * 2_000_000))
    assert answers.get("a") is None, "what is too large to be held is forgotten, too"


# Budgets


@shows("W76")
@pytest.mark.parametrize(
    ("fault", "seconds", "wait_s"),
    [("primary", 3000, 3000), ("secondary", 120, 120), ("secondary", 0, 60)],
)
def test_a_limit_ends_before_anything_is_asked_again_and_nobody_sleeps(stage: Stage, fault, seconds, wait_s):
    issue = stage.issue()
    stage.github.faults.add("POST .*/comments", fault, seconds=seconds)
    with pytest.raises(RateLimited) as told:
        stage.hub.say(stage.repo, issue.number, "progress", "working")
    assert wait_s - 10 < told.value.retry_after_s <= wait_s + 1
    asked = len(stage.asked(" /repos"))
    for _ in range(5):
        with pytest.raises(RateLimited):
            stage.hub.issue(stage.repo, issue.number)
    assert len(stage.asked(" /repos")) == asked
    stage.times.ahead_s += wait_s + 2
    stage.hub.say(stage.repo, issue.number, "progress", "working")
    assert len(issue.comments) == 1
    assert stage.times.slept == []


@shows("W76")
def test_a_403_that_is_no_limit_is_no_reason_to_wait(stage: Stage):
    issue = stage.issue()
    stage.github.faults.add("GET .*/issues/", "before", status=403, text="Resource not accessible", count=4)
    with pytest.raises(AccessDenied):
        stage.hub.issue(stage.repo, issue.number)
    assert stage.hub.issue(stage.repo, issue.number)


def test_a_limit_that_says_nothing_is_waited_for_longer_each_time():
    now = 0.0
    budgets = Budgets(lambda: now)
    waits = []
    for _ in range(7):
        budgets.learn(3, "core", 403, {}, is_limit=True)
        with pytest.raises(RateLimited) as told:
            budgets.require(3, "core")
        waits.append(told.value.retry_after_s)
        now += told.value.retry_after_s
    assert waits == [60, 120, 240, 480, 960, 960, 960]
    budgets.learn(3, "core", 200, {}, is_limit=False)
    budgets.learn(3, "core", 429, {}, is_limit=True)
    with pytest.raises(RateLimited) as told:
        budgets.require(3, "core")
    assert told.value.retry_after_s == 60


def test_no_limit_is_believed_for_longer_than_githubs_hour():
    budgets = Budgets(lambda: 1_000.0)
    budgets.learn(3, "core", 403, {"retry-after": "999999"}, is_limit=True)
    with pytest.raises(RateLimited) as told:
        budgets.require(3, "core")
    assert told.value.retry_after_s == LONGEST_LIMIT_S


@shows("W75")
@pytest.mark.parametrize("skew_s", [-90, 90])
def test_the_end_of_a_limit_is_told_by_githubs_clock(stage: Stage, skew_s):
    stage.times.ahead_s = skew_s
    stage.github.meter.spend(stage.installation.id, left=1, seconds=600)
    stage.hub.head_of(stage.repo, "main")
    with pytest.raises(RateLimited) as told:
        stage.hub.issue(stage.repo, 1)
    assert 590 < told.value.retry_after_s <= 602


def test_what_is_spent_is_known_before_it_is_refused(stage: Stage):
    stage.github.meter.spend(stage.installation.id, left=2, seconds=600)
    for _ in range(9):
        with suppress(RateLimited):
            stage.hub.file(stage.repo, f"{used(stage)}", stage.base)
    assert [each.status for each in stage.asked("GET")] == [404, 200], "the second asks for the repository's name"
    assert stage.hub.traffic().limited == 0


def test_work_that_can_wait_leaves_a_fifth_for_people(stage: Stage):
    issue = stage.issue()
    stage.github.meter.limits = Limits(requests_per_hour=10)
    stage.hub.head_of(stage.repo, "main")
    with stage.hub.at_leisure():
        for n in range(8 - used(stage)):
            stage.maintainer.push(stage.place, "main", {"README.md": f"{n}\n"}, "Again")
            assert stage.hub.head_of(stage.repo, "main")
        with pytest.raises(RateLimited, match="kept for people"):
            stage.hub.head_of(stage.repo, "main")
    assert used(stage) == 8
    assert stage.hub.issue(stage.repo, issue.number)


def test_another_installation_is_not_held_up(stage: Stage):
    other = stage.github.create_repository("blue/shop", {"README.md": "x\n"})
    there = stage.github.install(stage.app, "blue", [other])
    blue = Repo(id=other.id, full_name="blue/shop", installation_id=there.id, default_branch="main")
    stage.github.faults.add("GET .*/git/ref/", "secondary", seconds=600, repo="acme/shop")
    with pytest.raises(RateLimited):
        stage.hub.head_of(stage.repo, "main")
    assert stage.hub.head_of(blue, "main")


def test_graphql_and_rest_have_budgets_of_their_own(stage: Stage):
    pull = stage.pull()
    stage.github.meter.spend(stage.installation.id, resource="graphql", left=1, seconds=600)
    assert stage.hub.threads(stage.repo, pull.issue.number) == ()
    with pytest.raises(RateLimited):
        stage.hub.threads(stage.repo, pull.issue.number)
    assert stage.hub.pull(stage.repo, pull.issue.number)
    left = stage.hub.traffic().left
    assert left[stage.installation.id, "graphql"] == 0
    assert left[stage.installation.id, "core"] > 4_900


@shows("W85")
def test_a_burst_of_writes_is_paced(open_stage: OpenStage):
    stage = open_stage(pause_s=1.0)
    stage.share_the_clock()
    issue = stage.issue()
    began = stage.times.seconds()
    put_off = 0
    for n in range(100):
        while True:
            try:
                stage.hub.react(stage.repo, "issue_comment", stage.maintainer.comment(issue, f"{n}").id, "eyes")
                break
            except RateLimited as told:
                put_off += 1
                stage.times.ahead_s += told.retry_after_s  # another job comes back then
    written = stage.asked("POST /repos")
    assert [each.status for each in written if each.status != 201] == [], "GitHub, which counts, had nothing to say"
    assert 99 <= stage.times.seconds() - began < 200
    assert put_off == 0, "at one a second nobody is sent away"


@shows("W85")
def test_no_more_is_written_in_an_hour_than_github_accepts(open_stage: OpenStage):
    stage = open_stage(pause_s=1.0)
    stage.share_the_clock()
    client = stage.hub._clients
    began, turns = stage.times.seconds(), 0
    while (now := stage.times.seconds()) < began + 2 * 3_600:
        try:
            client.pacer.wait(stage.installation.id)
            turns += 1
        except RateLimited as told:
            stage.times.ahead_s += told.retry_after_s
    assert turns / ((now - began) / 3_600) < 500


# Lists


@shows("W79")
def test_a_list_that_changes_while_its_pages_are_turned_is_read_again(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    issue = stage.issue()
    for n in range(150):
        stage.maintainer.comment(issue, f"word {n}")
    stage.hub.identity()
    first = issue.comments[0]
    answer = stage.github.site._route

    def route(request, path, parsed, caller):
        reply = answer(request, path, parsed, caller)
        if path.endswith("/comments") and "page=2" not in request.url.query and first in issue.comments:
            issue.comments.remove(first)  # right after the first page: all others move up by one
        return reply

    monkeypatch.setattr(stage.github.site, "_route", route)
    seen = stage.hub.comments(stage.repo, issue.number)
    assert [each.body for each in seen] == [f"word {n}" for n in range(1, 150)]


@shows("W79")
def test_a_list_that_never_holds_still_is_left_for_another_job(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    issue = stage.issue()
    for n in range(150):
        stage.maintainer.comment(issue, f"word {n}")
    answer = stage.github.site._route

    def route(request, path, parsed, caller):
        if path.endswith("/comments"):
            stage.maintainer.comment(issue, "and another")
        return answer(request, path, parsed, caller)

    monkeypatch.setattr(stage.github.site, "_route", route)
    with pytest.raises(Transient, match="faster"):
        stage.hub.comments(stage.repo, issue.number)


@shows("W73")
def test_a_token_that_ends_between_two_pages_is_replaced(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    issue = stage.issue()
    for n in range(150):
        stage.maintainer.comment(issue, f"word {n}")
    answer = stage.github.site._route

    def route(request, path, parsed, caller):
        reply = answer(request, path, parsed, caller)
        if path.endswith("/comments"):
            stage.github.world.tokens.clear()
            monkeypatch.setattr(stage.github.site, "_route", answer)
        return reply

    monkeypatch.setattr(stage.github.site, "_route", route)
    assert len(stage.hub.comments(stage.repo, issue.number)) == 150
