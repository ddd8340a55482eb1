"""What is done about what people say and press in a chat."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from github_app.core.chat.decisions import ANY, ChatFacts, decide_in_chat, wanted
from github_app.core.chat.model import (
    AskWhere,
    Begin,
    ChatEffect,
    Linked,
    OfferLink,
    Person,
    Place,
    Post,
    Pressed,
    Said,
    Steer,
    Unlink,
    UseRepository,
    Whisper,
    Work,
)
from github_app.core.chat.words import command_in
from github_app.core.commands import Command
from github_app.core.messages import chat as texts
from github_app.core.model import Repo
from github_app.core.session import Status
from tests.core.scene import ALICE, HEAD, ISSUE, REPO, checks, session

GITHUB = "https://github.com"
HERE = Place(team="T1", channel="C1", thread="1.0")
WHO, OTHER = Person(team="T1", id="U1"), Person(team="T1", id="U2")
OTHER_REPO = Repo(id=8, full_name="acme/till", installation_id=70, default_branch="main")
WORK = Work(repo=REPO, issue_number=ISSUE)
KNOWN = ChatFacts(github_url=GITHUB, actor=ALICE)
AT_WORK = replace(KNOWN, work=WORK, session=session(), may_steer=True)


def said(words: str, **changes: Any) -> Said:
    return replace(Said(id="s1", person=WHO, place=HERE, words=words, is_addressed=True), **changes)


def pressed(action: Any, about: str = "", **changes: Any) -> Pressed:
    about = about or texts.about_of(session())
    return replace(Pressed(id="p1", person=WHO, place=HERE, action=action, about=about), **changes)


def told(effects: tuple[ChatEffect, ...]) -> str:
    """The only thing that happens: somebody is told something."""
    assert len(effects) == 1
    assert isinstance(effects[0], Whisper)
    return effects[0].card.text


def begun(effects: tuple[ChatEffect, ...]) -> Begin:
    assert isinstance(effects[0], Begin), effects
    return effects[0]


def in_repos(*repos: Repo, by: str = ANY, **changes: Any) -> ChatFacts:
    return replace(KNOWN, repos=repos, found_by=by, **changes)


def test_who_is_not_known_gets_a_link_and_nothing_else():
    unknown = replace(AT_WORK, actor=None)
    assert decide_in_chat(said("stop"), unknown) == (OfferLink(),)
    assert decide_in_chat(said("do it", is_addressed=False), unknown) == ()
    assert decide_in_chat(pressed("go"), unknown) == (OfferLink(),)
    assert wanted(said("fix it"), unknown) == ()
    linked = Linked(id="l", person=WHO, place=HERE, login="alice")
    assert "`alice` on GitHub" in told(decide_in_chat(linked, unknown))


@pytest.mark.parametrize(
    ("words", "asked_for"),
    [
        ("fix the till", (ANY,)),
        ("fix it in acme/till", ("acme/till", ANY)),
        ("acme/till: fix it", ("acme/till",)),
        (f"{GITHUB}/acme/till/issues/3", ("acme/till",)),
        ("use acme/till", ("acme/till",)),
    ],
)
def test_which_repositories_are_looked_up(words: str, asked_for: tuple[str, ...]):
    assert wanted(said(words), KNOWN) == asked_for


def test_a_channels_repository_comes_before_all_others():
    assert wanted(said("fix it"), replace(KNOWN, default=REPO)) == ("acme/goose",)
    assert wanted(said("fix it in src/main.py"), replace(KNOWN, default=REPO)) == ("src/main.py", "acme/goose")
    assert wanted(said("fix it"), AT_WORK) == ()
    assert wanted(said("fix it", is_addressed=False), KNOWN) == ()
    assert wanted(pressed("choose", "acme/till"), KNOWN) == ("acme/till",)
    assert wanted(pressed("go"), KNOWN) == ()


def test_work_begins_in_the_one_repository_that_fits():
    begin = begun(decide_in_chat(said("plan: fix the till"), in_repos(REPO)))
    assert (begin.verb, begin.words, begin.number, begin.repo, begin.key) == (
        "plan",
        "fix the till",
        None,
        REPO,
        "s1/said",
    )
    assert begin.actor == ALICE
    named = begun(decide_in_chat(said("fix it in acme/till"), in_repos(OTHER_REPO, by="acme/till")))
    assert (named.repo, named.words) == (OTHER_REPO, "fix it")
    existing = begun(decide_in_chat(said("acme/till#3"), in_repos(OTHER_REPO, by="acme/till")))
    assert (existing.number, existing.words) == (3, "")


@pytest.mark.parametrize(
    ("words", "verb", "number", "rest"),
    [
        ("review #3", "review", 3, ""),
        ("why is the till off?", "explain", None, "why is the till off?"),
        ("explain the till", "explain", None, "the till"),
    ],
)
def test_what_somebody_only_wants_to_know_begins_a_report(words: str, verb: str, number: int | None, rest: str):
    begin = begun(decide_in_chat(said(words), in_repos(REPO)))
    assert (begin.verb, begin.number, begin.words) == (verb, number, rest)


def test_in_a_thread_about_a_pull_request_that_is_read_nothing_begins_work_on_it():
    reading = replace(AT_WORK, work=replace(WORK, is_pull=True), session=None)
    for words, heard in (
        ("explain it", "explain it"),
        ("review", "review"),
        ("stop", "stop"),
        ("why?", "explain why?"),
    ):
        (steer,) = decide_in_chat(said(words), reading)
        assert isinstance(steer, Steer)
        assert (steer.words, steer.work.is_pull) == (heard, True)
    assert "only read" in told(decide_in_chat(said("fix it"), reading))
    assert decide_in_chat(said("fix it", is_addressed=False), reading) == ()
    (steer,) = decide_in_chat(said("fix it"), replace(reading, session=session()))
    assert isinstance(steer, Steer), "there is work of ours on it"


def test_what_was_said_before_the_request_is_known_by_its_message():
    assert begun(decide_in_chat(said("fix it", at="5.0"), in_repos(REPO))).said_at == "5.0"


def test_what_only_looks_like_a_repository_is_part_of_the_words():
    begin = begun(decide_in_chat(said("fix the typo in src/main.py"), in_repos(REPO)))
    assert (begin.repo, begin.words) == (REPO, "fix the typo in src/main.py")


def test_nowhere_to_work_says_no_more_than_that():
    assert "`acme/secret`" in told(decide_in_chat(said("acme/secret: fix it"), KNOWN))
    assert told(decide_in_chat(said("fix it"), KNOWN)) == texts.no_repository().text
    assert told(decide_in_chat(said(""), in_repos(REPO))) == texts.NOTHING_SAID.text


def test_several_repositories_are_a_question():
    words = said("fix it")
    (ask,) = decide_in_chat(words, in_repos(OTHER_REPO, REPO))
    assert ask == AskWhere(said=words, choices=("acme/goose", "acme/till"))
    (many,) = decide_in_chat(words, in_repos(is_cut=True))
    assert many == AskWhere(said=words, choices=())
    assert [each.label for each in texts.which_repository(("a/b", "c/d")).buttons] == ["a/b", "c/d"]
    assert texts.which_repository(()).buttons == ()


def test_the_question_is_answered_by_who_asked_with_a_button_or_the_name():
    waiting = replace(KNOWN, waiting=said("fix it"), repos=(OTHER_REPO,), found_by="acme/till")
    begin, post = decide_in_chat(pressed("choose", "acme/till"), waiting)
    assert isinstance(begin, Begin)
    assert (begin.words, begin.repo, begin.key) == ("fix it", OTHER_REPO, "s1/said")
    assert isinstance(post, Post)
    written = begun(decide_in_chat(said("acme/till", id="s2", is_addressed=False), waiting))
    assert (written.words, written.key) == ("fix it", "s1/said")
    assert decide_in_chat(said("hm", id="s2", is_addressed=False), waiting) == ()
    assert told(decide_in_chat(pressed("choose", "acme/till", person=OTHER), waiting)) == texts.NOT_YOURS.text
    assert told(decide_in_chat(pressed("choose", "x/y"), replace(waiting, waiting=None))) == texts.ANSWERED.text
    assert "`x/y`" in told(decide_in_chat(pressed("choose", "x/y"), replace(waiting, repos=())))


def test_a_channel_gets_a_repository_that_its_giver_can_write_in():
    use, said_so = decide_in_chat(said("use acme/till"), in_repos(OTHER_REPO, by="acme/till"))
    assert use == UseRepository(repo=OTHER_REPO)
    assert isinstance(said_so, Whisper)
    assert "`acme/till`" in told(decide_in_chat(said("use acme/till"), KNOWN))


def test_what_is_said_of_chats_themselves():
    assert decide_in_chat(said("unlink"), KNOWN)[0] == Unlink()
    assert "no repository yet" in told(decide_in_chat(said("help"), KNOWN))
    assert "`acme/goose`" in told(decide_in_chat(said("help"), replace(AT_WORK, default=REPO)))
    assert told(decide_in_chat(said("stop"), KNOWN)) == texts.NO_WORK.text


def test_words_in_a_thread_steer_its_work():
    words = said("louder, please", is_addressed=False)
    assert decide_in_chat(words, AT_WORK) == (Steer(key="s1", actor=ALICE, work=WORK, words="louder, please"),)


def test_who_lost_the_right_to_write_steers_no_more():
    lost = replace(AT_WORK, may_steer=False)
    assert decide_in_chat(said("hm", is_addressed=False), lost) == ()
    assert "write" in told(decide_in_chat(said("stop"), lost))
    assert "write" in told(decide_in_chat(pressed("stop"), lost))


def test_a_button_counts_once_and_for_what_it_was_shown_for():
    (first,) = decide_in_chat(pressed("retry"), AT_WORK)
    (second,) = decide_in_chat(pressed("retry", id="p2", person=OTHER), AT_WORK)
    assert isinstance(first, Steer)
    assert isinstance(second, Steer)
    assert (first.words, first.key) == ("retry", second.key)
    later = replace(AT_WORK, session=session(turns=9))
    assert told(decide_in_chat(pressed("retry"), later)) == texts.OUTDATED.text
    assert isinstance(decide_in_chat(pressed("stop"), later)[0], Steer)
    assert told(decide_in_chat(pressed("stop", "7-12-2:1:"), later)) == texts.OUTDATED.text
    assert told(decide_in_chat(pressed("go"), KNOWN)) == texts.OUTDATED.text


@pytest.mark.parametrize(
    ("status", "stuck_on", "labels"),
    [
        (Status.WORKING, "", ["Stop"]),
        (Status.AWAITING_CHECKS, "", ["Stop"]),
        (Status.AWAITING_REVIEW, "", ["Undo the last commit", "Stop"]),
        (Status.NEEDS_HUMAN, "", ["Try again", "Stop"]),
        (Status.NEEDS_HUMAN, "plan", ["Approve the plan", "Stop"]),
        (Status.MERGED, "", []),
    ],
)
def test_what_can_be_pressed(status: Status, stuck_on: str, labels: list[str]):
    card = texts.progress(session(status, stuck_on=stuck_on), page="https://honk.example/sessions/7-12-1")
    assert [button.label for button in card.buttons] == labels
    assert card.repo == REPO.full_name
    assert "https://honk.example" in card.text


def test_progress_has_the_checks_of_the_head():
    card = texts.progress(session(Status.AWAITING_REVIEW, checks=checks("passed")))
    assert f"Checks of `{HEAD[:7]}`" in card.text


def test_progress_before_there_is_a_pull_request():
    card = texts.progress(session(Status.WORKING, pull_number=None, checks=None))
    assert "Pull request" not in card.text
    assert "step by step" not in card.text


def test_a_plan_says_where_it_can_be_edited():
    assert "edited" in texts.said("plan:7-12-1/turn-1", "I would", "a/b").text
    assert texts.said("ask:1", "Which?", "a/b").text == "Which?"
    assert "What" in texts.asked("alice", "What?").text
    assert "gone" in texts.failed("it is gone").text
    assert texts.link_offer("https://x").buttons[0].url == "https://x"


@pytest.mark.parametrize("words", ["stop", "use acme/till", "unlink", "help"])
def test_a_message_that_is_handed_over_gives_no_orders(words: str):
    handed = said(words, is_handed=True, at="1.5")
    assert wanted(handed, KNOWN) == (ANY,)
    assert begun(decide_in_chat(handed, in_repos(REPO))).words == words
    (steer,) = decide_in_chat(handed, AT_WORK)
    assert isinstance(steer, Steer)
    assert command_in(steer.words) == Command(verb="do", text=f"Take this message up:\n\n{words}")
    assert "write" in told(decide_in_chat(handed, replace(AT_WORK, may_steer=False)))
    assert decide_in_chat(handed, replace(KNOWN, actor=None)) == (OfferLink(),)


def test_a_message_is_known_by_its_own_number_whoever_hands_it_over():
    mine = said("fix it", is_handed=True, at="1.5")
    again = replace(mine, id="s2", person=OTHER)
    steered = decide_in_chat(again, AT_WORK)[0]
    assert isinstance(steered, Steer)
    assert begun(decide_in_chat(mine, in_repos(REPO))).key == f"{steered.key}/said"
