"""Words while the agent works, and words that end or take up the work."""

from __future__ import annotations

from tests.edge.cases import shows
from tests.story.play import ask, bash, calls, submit, write
from tests.story.world import World


def _slow_work(world: World) -> None:
    """Let the model think until all people have spoken."""
    world.when(replies=[world.hold_model(write("hello.txt", "hello\n")), calls(submit())])


@shows("W32")
def test_words_during_a_turn_join_it(world: World) -> None:
    _slow_work(world)
    world.when_told("and say goodbye, too (joins)", replies=[calls(write("bye.txt", "bye\n"), submit())])
    issue = world.ask_for()
    world.wait_thinking()
    said = world.rob.comment(issue, "/honk and say goodbye, too (joins)")
    world.wait_reaction(said)
    world.let_model_go()
    pull = world.wait_ready()
    assert world.has(pull.head_sha, "bye.txt")
    assert world.turns() == 1
    assert len(world.subjects(pull.head_sha)) == 1


def test_words_that_come_too_late_for_a_turn_start_the_next(world: World) -> None:
    world.when(replies=[calls(write("hello.txt", "hello\n")), world.hold_model(submit())])
    world.when_told("say it twice (late)", replies=[calls(bash("echo twice >> hello.txt"), submit("Say it twice"))])
    issue = world.ask_for()
    world.wait_thinking(2)
    world.rob.comment(issue, "/honk say it twice (late)")
    world.let_model_go()
    world.wait("a second turn", lambda: world.turns() == 2)
    pull = world.wait_ready()
    assert world.text(pull.head_sha, "hello.txt") == "hello\ntwice\n"
    assert len(world.ours()) == 1


def test_an_edit_of_the_issue_during_a_turn_joins_it(world: World) -> None:
    _slow_work(world)
    world.when_told("Better: hej (edited)", replies=[calls(write("hej.txt", "hej\n"), submit())])
    issue = world.ask_for()
    world.wait_thinking()
    world.ann.edit_issue(issue, body="Better: hej (edited)")
    world.let_model_go()
    pull = world.wait_ready()
    assert world.has(pull.head_sha, "hej.txt")


def test_stop_ends_a_running_command_within_seconds(world: World) -> None:
    world.when(replies=[calls(bash("echo $$ > started; sleep 600")), calls(submit())])
    issue = world.ask_for()
    world.wait("the command to run", lambda: _sleepers() > 0)
    world.rob.comment(issue, "/honk stop")
    assert "`rob` asked me to stop" in world.wait_end(issue)
    world.wait("the command to be gone", lambda: _sleepers() == 0, timeout_s=20)
    world.rest()
    assert world.labels(issue) == []
    assert "Closed" in world.tracking(issue).body
    assert world.branches() == []
    assert len(world.requests()) == 1  # nothing more was asked of the model


def test_a_ticked_box_is_a_command_of_who_ticked_it(world: World) -> None:
    _slow_work(world)
    issue = world.ask_for()
    world.wait_thinking()
    comment, hub = world.tracking(issue), world.stack.hub
    as_it_was = comment.body
    with hub.world.lock:
        hub.grant(world.repo, "eve", "write").tick(comment, "stop")
        hub.grant(world.repo, "eve", "read")  # before anybody can look
    world.wait_reaction(comment, "confused")
    world.wait_comment(issue, "`eve`, I take instructions only from people with write access")
    world.wait("the box to be clear", lambda: "- [ ] stop" in comment.body)
    assert [each.status for each in world.sessions()] == ["working"]

    world.rob.edit_comment(comment, "All mine.")
    world.wait("the comment to be as it was", lambda: "- [ ] stop" in comment.body)
    world.rob.tick(comment, "stop")
    assert "`rob` asked me to stop" in world.wait_end(issue)
    world.let_model_go()
    world.rest()
    assert "Closed" in world.tracking(issue).body
    assert "- [" not in comment.body

    world.ann.tick(comment, "stop", seen=as_it_was)  # in a page that is older than the end
    world.wait("the comment to be as it was", lambda: "Closed" in comment.body)
    world.rest()
    assert world.turns() == 1
    assert world.ours() == []


def test_the_label_taken_off_ends_the_work(world: World) -> None:
    _slow_work(world)
    issue = world.ask_for()
    world.wait_thinking()
    world.ann.unlabel(issue, "honk")
    assert "`ann` took the `honk` label off" in world.wait_end(issue)
    world.let_model_go()
    world.rest()
    assert world.branches() == []
    assert world.session is not None
    assert world.session.status == "closed"


def test_a_closed_issue_ends_the_work(world: World) -> None:
    _slow_work(world)
    issue = world.ask_for()
    world.wait_thinking()
    world.ann.close(issue)
    assert "`ann` closed the issue" in world.wait_end(issue)
    world.let_model_go()
    world.rest()
    assert world.ours() == []
    assert world.labels(issue) == []


def test_status_and_help_are_answered_in_place(world: World) -> None:
    issue = world.ask_for()
    pull = world.wait_ready()
    world.rob.comment(pull.issue, "/honk status")
    world.wait_comment(pull.issue, "Ready for your review")
    world.rob.comment(issue, "/honk help")
    world.wait_comment(issue, "| `/honk stop` |")
    world.rest()
    assert world.turns() == 1


def test_help_needs_no_session(world: World) -> None:
    issue = world.ann.open_issue(world.repo, "A question")
    world.rob.comment(issue, "/honk help")
    world.wait_comment(issue, "Label an issue `honk`")
    world.rob.comment(issue, "/honk stop")
    world.wait_comment(issue, "There is no work of mine here")
    assert world.sessions() == []


def test_a_question_waits_for_its_answer_and_goes_on_with_it(world: World) -> None:
    world.when(replies=[calls(write("hello.txt", "hello\n"), ask("In which language (asked)?"))])
    issue = world.ask_for()
    asked = world.wait_comment(issue, "In which language (asked)?")
    world.wait_status("needs_human")
    world.when("in French (told)", replies=[calls(bash("echo bonjour >> hello.txt"), submit("Say bonjour"))])
    world.ann.comment(issue, "/honk in French (told)")
    pull = world.wait_ready()
    assert world.text(pull.head_sha, "hello.txt") == "hello\nbonjour\n"  # what was there before the question is kept
    assert world.turns() == 2
    assert [each for each in issue.comments if each.minimized] == [asked]


def test_a_turn_that_failed_is_taken_up_again_on_retry(world: World) -> None:
    world.may_log_errors = True
    broken = {"text": "", "content": [], "faults": [{"status": 400}]}
    world.when(replies=[calls(write("hello.txt", "hello\n")), {**broken, **calls(submit(), faults=[{"status": 400}])}])
    issue = world.ask_for()
    world.wait_comment(issue, "I stopped")
    world.wait_status("needs_human")
    world.when(replies=[calls(bash("cat hello.txt && echo again >> hello.txt"), submit())])
    world.ann.comment(issue, "/honk retry")
    pull = world.wait_ready()
    assert world.text(pull.head_sha, "hello.txt") == "hello\nagain\n"


def test_work_begins_anew_after_a_stop(world: World) -> None:
    issue = world.ask_for()
    first = world.wait_ready()
    world.ann.comment(issue, "/honk stop")
    world.wait_end(issue)
    world.rest()
    world.ann.close(first.issue)
    world.rest()
    world.ann.label(issue, "honk")
    second = world.wait("a second pull request", lambda: next(iter(world.ours()[1:]), None))
    world.wait_ready()
    assert second.head_ref != first.head_ref
    assert [session.status for session in world.sessions()] == ["closed", "awaiting_review"]


def _sleepers() -> int:
    """How many sandboxed `sleep 600` run on this machine."""
    from pathlib import Path

    count = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            count += path.read_bytes() == b"sleep\x00600\x00"
        except OSError:
            continue
    return count
