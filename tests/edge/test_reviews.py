"""Reviews as people write them: in many pieces, about lines that are gone, settled before we answer."""

from __future__ import annotations

import pytest

from github_app.localhub.deeds.reviews import Inline
from github_app.localhub.values import Thread
from tests.edge.cases import shows
from tests.story.play import bash, calls, submit
from tests.story.world import BOT, World


def _authors(thread: Thread) -> list[str]:
    return [comment.user.login for comment in thread.comments]


@shows("W33")
@pytest.mark.parametrize("order", ["review first", "review last", "pieces late and doubled"])
def test_a_review_in_30_pieces_is_one_round_in_any_order(world: World, order: str) -> None:
    faults = world.stack.hub.faults
    world.when(
        "<thread",
        replies=[calls(bash("echo answered >> hello.txt"), submit("Address it", answers=("Done.",) * 30))],
    )
    world.ask_for()
    pull = world.wait_ready()
    head = pull.head_sha
    if order == "review last":
        faults.add("pull_request_review.submitted", "late", seconds=0.5)
    if order == "pieces late and doubled":
        faults.add("pull_request_review_comment.created", "late", seconds=0.3, count=10)
        faults.add("pull_request_review_comment.created", "duplicate", count=10)
        faults.add("pull_request_review.submitted", "duplicate")
    world.rob.review(pull, "COMMENT", "", [Inline("hello.txt", f"Why {n}?", 1) for n in range(30)])
    world.wait_new_head(pull, head)
    world.wait_ready()
    assert world.turns() == 2
    assert [_authors(thread) for thread in pull.threads] == [["rob", BOT]] * 30


@shows("W34")
def test_a_single_inline_comment_and_a_reply_in_an_old_thread_are_a_round_each(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    head = pull.head_sha
    world.rob.comment_line(pull, "hello.txt", 1, "Why in lower case?")
    second = world.wait_new_head(pull, head)
    world.wait_ready()
    (thread,) = pull.threads
    world.ann.reply(thread, "And why in English?")
    world.wait_new_head(pull, second)
    world.wait_ready()
    assert _authors(thread) == ["rob", BOT, "ann", BOT]
    assert world.turns() == 3


@shows("W37")
def test_a_thread_that_is_resolved_meanwhile_gets_no_answer(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    head = pull.head_sha
    answers = submit("Address it", answers=("Done.", "Done, too."))
    world.when("<thread", replies=[world.hold_model(bash("echo answered >> hello.txt")), calls(answers)])
    before = len(world.requests())
    world.rob.review(pull, "COMMENT", "", [Inline("hello.txt", "Why?", 1), Inline("hello.txt", "What for?", 1)])
    world.wait_thinking(before + 1)
    world.rob.resolve(pull.threads[0])
    world.let_model_go()
    world.wait_new_head(pull, head)
    world.wait_ready()
    assert [_authors(thread) for thread in pull.threads] == [["rob"], ["rob", BOT]]


@shows("W36")
def test_a_thread_on_a_file_that_is_gone_is_answered_in_its_place(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    world.rob.push(world.repo, pull.head_ref, {"extra.txt": "one\ntwo\n"}, "Add more")
    world.wait("the push to be known", lambda: world.session and world.session.head_sha == pull.head_sha)
    world.wait_ready()
    world.ci.hold()
    with world.stack.hub.world.lock:
        world.rob.comment_line(pull, "extra.txt", 2, "Is this needed?")
        head = world.rob.push(world.repo, pull.head_ref, {"extra.txt": None}, "Or rather not")
    world.ci.let_go()
    world.wait_new_head(pull, head)
    world.wait_ready()
    assert _authors(pull.threads[0]) == ["rob", BOT]
    assert any("    +two" in prompt.replace("\\n", "\n") for prompt in world.prompts())


@shows("W35")
@pytest.mark.parametrize(
    ("event", "body", "turns"),
    [
        ("APPROVE", "Looks good to me.", 1),
        ("COMMENT", "Louder, please.", 2),
        ("REQUEST_CHANGES", "Louder, please.", 2),
    ],
)
def test_what_a_review_comes_to_and_what_its_dismissal_does(world: World, event: str, body: str, turns: int) -> None:
    world.ask_for()
    pull = world.wait_ready()
    review = world.rob.review(pull, event, body)
    world.wait("the round to begin", lambda: world.turns() == turns)
    world.rest()
    world.wait_ready()
    if event != "COMMENT":
        world.ann.dismiss(review)
    world.rest()
    assert world.turns() == turns
    assert world.answers(pull.issue) == []
