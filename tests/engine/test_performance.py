"""Effects change GitHub once, whatever happens in between; what must not be published is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from github_app.core.decisions import Decision
from github_app.core.effects import (
    Deliver,
    DiscardWorkspace,
    DropLesson,
    KeepLesson,
    LookAgain,
    MarkReady,
    MinimiseComments,
    OpenRevert,
    PauseRepository,
    Publish,
    React,
    RemoveLabel,
    ReplyThreads,
    RequestReview,
    RerunChecks,
    ResumeRepository,
    RunTurn,
    Say,
    ShowPolicy,
    ShowProgress,
    ShowProof,
    Undo,
)
from github_app.core.errors import AccessDenied, Gone, HeadMoved, Refused, Stopped
from github_app.core.events import ChangeSetHeld, ChecksChanged, IssueLabeled, Published, Reverted, Ticked, Undone
from github_app.core.holds import Approval, Hold
from github_app.core.lessons import Lesson
from github_app.core.links import PageLinks
from github_app.core.model import Annotation, ChangeSet, Comment, FileChange, Merged, Permission, Pull, Thread
from github_app.core.policy import POLICY_PATH
from github_app.core.session import Cause, Reply, Round, Status, Submission
from github_app.engine import codec
from github_app.engine.delivering import Delivery
from github_app.engine.inbox import read
from github_app.engine.pauses import Paused, Pauses
from github_app.engine.performance import Performance, explain
from github_app.engine.policies import Policies
from github_app.engine.shipping import Shipper
from github_app.engine.store import Pending
from tests.agent.parts import WordScanner
from tests.engine.values import ANN, FACTS, ISSUE, REPO, MovingClock, a_session
from tests.fakes.builds import PreparedBuilds
from tests.fakes.hub import BASE, ME, RecordingHub
from tests.fakes.merges import PreparedMerges
from tests.fakes.reverts import PreparedReverts

RULE = Lesson(
    repo_id=7, pull_number=12, number=1, text="Use dB.", kept_by="ann", kept_at=FACTS.now, last_used_at=FACTS.now
)
TURN = "7-1-1/turn-1"
NOTE = Annotation(path=POLICY_PATH, line=3, level="failure", text="wrong")
LABELED = IssueLabeled(id="d-1", repo=REPO, actor=ANN, issue=ISSUE, label="honk")
DONE = Submission(title="Make it two", summary="It was one.")


@pytest.fixture
def hub():
    return RecordingHub(issues={1: ISSUE})


@pytest.fixture
def performance(hub, store, transcripts):
    pauses = Pauses(database=store.engine, clock=MovingClock())
    return Performance(
        hub=hub,
        policies=Policies(hub=hub),
        publisher=hub,
        reverts=PreparedReverts(),
        merges=PreparedMerges(),
        scanner=WordScanner(),
        store=store,
        transcripts=transcripts,
        pauses=pauses,
        shipper=Shipper(hub=hub, store=store, pauses=pauses, merger=hub),
        delivery=Delivery(builds=PreparedBuilds(), policies=Policies(hub=hub), links=PageLinks(), clock=MovingClock()),
    )


def pending(effect) -> Pending:
    return Pending(
        id="d-1/0",
        event_id="d-1",
        session_id="7-1-1",
        repo=REPO,
        effect=effect,
        decided_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.fixture
def to_publish(store, transcripts):
    """A session in a turn that ended with a change set; the effect that publishes it."""

    def make(path: str = "a.py", base: str = BASE, *, content: bytes = b"x = 2\n", base_mode=None, **more) -> Pending:
        change = FileChange(path=path, mode="100644", content=content, base_mode=base_mode)
        changes = ChangeSet(base_sha=base, changes=(change,))
        publish = Publish(turn_id=TURN, change_set_id=transcripts.add_blob(codec.dump_changes(changes)))
        session = a_session(submission=DONE, **more)
        store.commit(LABELED, None, Decision(session=session, effects=(publish,), why="w"), REPO, FACTS)
        return pending(publish)

    return make


def test_each_effect_is_what_its_name_says(hub, performance):
    hub.pulls = {12: None}
    hub.open_threads = (Thread(id="T1", reply_to=5, path="a.py", line=1, comments=()),)
    reply = Reply(thread_id="T1", reply_to=5, body="Done.")
    settled = Reply(thread_id="T2", reply_to=6, body="Done.")
    for effect in (
        LookAgain(head_sha="c" * 40, after_s=10.0),
        React(target="issue", target_id=1),
        Say(number=1, tag="t", body="b"),
        ReplyThreads(pull_number=12, replies=(settled, reply)),
        RequestReview(pull_number=12, logins=("rob",)),
        Deliver(head_sha="c" * 40),
        RerunChecks(run_ids=(69, 70)),
        ShowProof(head_sha="c" * 40, conclusion="neutral", title="Nothing", summary="none"),
        ShowPolicy(head_sha="c" * 40, conclusion="failure", title="Wrong", summary="all", annotations=(NOTE,)),
        RemoveLabel(number=1, label="honk"),
    ):
        assert performance.perform(pending(effect)) is None
    assert hub.acts == [
        ("react", "issue", 1, "eyes"),
        ("say", 1, "t", "b"),
        ("reply_thread", 12, 5, "d-1:T1", "Done."),
        ("request_review", 12, ("rob",)),
        ("rerun_failed", 69),
        ("rerun_failed", 70),
        ("show_check", "c" * 40, "honk", "d-1/0", "neutral", "Nothing"),
        ("show_check", "c" * 40, "honk policy", "d-1/0", "failure", "Wrong", NOTE),
        ("remove_label", 1, "honk"),
    ]


def test_what_is_outdated_is_found_by_what_the_session_wrote(hub, performance):
    for tag in ("ask:1", "answer:2", "ask:3"):
        performance.perform(pending(Say(number=1, tag=tag, body="b")))
    performance.perform(pending(MinimiseComments(session_id="7-1-1", tags=("ask:1", "ask:3", "ask:4"))))
    performance.perform(pending(MinimiseComments(session_id="7-1-2", tags=("ask:1",))))
    assert hub.acts_of("minimise") == [(1,), (3,)]


def a_comment(number: int, author=ANN) -> Comment:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Comment(id=number, author=author, permission=Permission.WRITE, body="?", created_at=at)


@pytest.mark.parametrize(
    ("comments", "resolves", "acts"),
    [
        ((a_comment(5),), 5, ["reply_thread", "resolve_thread"]),
        ((a_comment(5), a_comment(6, ME)), 5, ["reply_thread", "resolve_thread"]),  # our answer, before a crash
        ((a_comment(5), a_comment(6)), 5, ["reply_thread"]),
        ((a_comment(5),), None, ["reply_thread"]),
    ],
)
def test_a_thread_is_resolved_after_its_answer_unless_somebody_said_more(hub, performance, comments, resolves, acts):
    hub.open_threads = (Thread(id="T1", reply_to=5, path="a.py", line=1, comments=comments),)
    replies = (Reply(thread_id="T1", reply_to=5, body="Done.", standing="fixed", resolves=resolves),)
    assert performance.perform(pending(ReplyThreads(pull_number=12, replies=replies))) is None
    assert [act[0] for act in hub.acts] == acts


@pytest.mark.parametrize("error", [AccessDenied("no"), Refused("no"), Gone("no", what="thread")])
def test_a_thread_that_may_not_be_resolved_is_no_failure(hub, performance, error):
    hub.open_threads = (Thread(id="T1", reply_to=5, path="a.py", line=1, comments=(a_comment(5),)),)
    hub.fail("resolve_thread", error)
    replies = (Reply(thread_id="T1", reply_to=5, body="Done.", standing="fixed", resolves=5),)
    assert performance.perform(pending(ReplyThreads(pull_number=12, replies=replies))) is None
    assert [act[0] for act in hub.acts] == ["reply_thread"]


def test_a_later_look_comes_once_and_not_before_its_time(store, performance, clock):
    for _ in range(2):
        performance.perform(pending(LookAgain(head_sha="c" * 40, after_s=10.0)))
    assert store.entries.new(9) == []
    clock.pass_s(10)
    (entry,) = store.entries.new(9)
    assert read(entry, trigger_label="honk") == ChecksChanged(
        id="d-1/0/again", repo=REPO, head_sha="c" * 40, branch=None
    )


@pytest.mark.parametrize("effect", [RunTurn(turn_id=TURN, cause=Cause.IMPLEMENT), DiscardWorkspace()], ids=str)
def test_flows_of_their_own_are_not_performed_here(performance, effect):
    with pytest.raises(TypeError):
        performance.perform(pending(effect))


def test_lessons_are_kept_and_dropped(store, performance):
    performance.perform(pending(KeepLesson(lesson=RULE)))
    performance.perform(pending(KeepLesson(lesson=RULE)))
    assert store.lessons.of(7) == [RULE]
    performance.perform(pending(DropLesson(pull_number=12, number=1)))
    performance.perform(pending(DropLesson(pull_number=12, number=1)))
    assert store.lessons.of(7) == []


def test_nothing_is_published_while_the_repository_is_paused(hub, performance, to_publish):
    effect = to_publish()
    performance.perform(pending(PauseRepository(login="ann", reason="release")))
    with pytest.raises(Paused):
        performance.perform(effect)
    assert hub.acts_of("publish") == []

    performance.perform(pending(ResumeRepository()))
    performance.perform(effect)
    assert len(hub.acts_of("publish")) == 1


def test_progress_is_one_comment_of_the_session_as_it_is_now(hub, performance, to_publish):
    to_publish()
    performance.perform(pending(ShowProgress()))
    [(number, tag, body)] = hub.acts_of("say")
    assert (number, tag) == (1, "tracking:7-1-1")
    assert "honk/1-make-it-two" in body


def test_progress_of_nothing_is_nothing(hub, performance):
    performance.perform(pending(ShowProgress()))
    assert hub.acts == []


def test_publishing_makes_a_commit_and_a_pull_request_and_again_makes_neither(hub, performance, to_publish):
    effect = to_publish()
    first = performance.perform(effect)
    assert performance.perform(effect) == first
    assert (len(hub.commits), len(hub.pulls)) == (1, 1)
    assert (first.id, first.head_sha, first.pull_number) == (f"{TURN}/published", hub.commits[TURN], 100)


@pytest.mark.parametrize(("most", "paths"), [(1, ("a.py",)), (0, ())])
def test_paths_of_a_change_are_told_unless_they_are_too_many(performance, to_publish, monkeypatch, most, paths):
    monkeypatch.setattr("github_app.engine.performance.MAX_PATHS", most)
    published = performance.perform(to_publish())
    assert isinstance(published, Published)
    assert published.paths == paths


def test_a_change_set_goes_on_top_of_the_commit_that_it_was_made_on(hub, performance, to_publish):
    """Not on the newest head that we have heard of: files that others changed there would be put back."""
    effect = to_publish(base="c" * 40, head_sha="d" * 40)
    hub.heads["honk/1-make-it-two"] = "d" * 40
    with pytest.raises(HeadMoved) as moved:
        performance.perform(effect)
    assert moved.value.head_sha == "d" * 40


def test_a_turn_that_is_not_in_force_publishes_nothing(hub, store, performance, to_publish):
    effect = to_publish()
    session = store.session("7-1-1")
    ended = replace(session, status=Status.CLOSED, turn_id=None)
    store.commit(Ticked(id="t", session_id=session.id), session, Decision(session=ended, why="stopped"), REPO, FACTS)
    with pytest.raises(Stopped):
        performance.perform(effect)
    assert hub.acts == []


@pytest.mark.parametrize("path", [".github/workflows/ci.yml", ".github/honk.yml", "docs/CODEOWNERS", "db/schema.sql"])
def test_what_nobody_accepted_is_held_back(hub, performance, to_publish, path):
    hub.files[POLICY_PATH, BASE] = b"protected: ['db/**']"
    event = performance.perform(to_publish(path))
    assert isinstance(event, ChangeSetHeld)
    assert (event.id, event.turn_id, [f.kind for f in event.findings]) == ("d-1/0/held", TURN, ["protected"])
    assert hub.acts == []


def test_what_nobody_can_accept_is_refused(hub, performance, to_publish):
    with pytest.raises(Refused, match=r"never published.*gitmodules"):
        performance.perform(to_publish(".gitmodules"))
    assert hub.acts == []


def accepted(store, held: ChangeSetHeld, *, change_set_id: str = "") -> None:
    """Somebody accepted all that was found, in this change set or another."""
    session = store.session("7-1-1")
    blob = change_set_id or held.change_set_id
    hold = Hold(turn_id=TURN, change_set_id=blob, findings=held.findings)
    approvals = tuple(
        Approval(kind=kind, actor_id=1, login="ann", change_set_id=blob, at=datetime(2026, 1, 1, tzinfo=UTC))
        for kind in hold.kinds
    )
    known = replace(session, held=replace(hold, approvals=approvals))
    store.commit(Ticked(id="t", session_id=session.id), session, Decision(session=known, why="accepted"), REPO, FACTS)


def test_what_somebody_accepted_is_published(hub, store, performance, to_publish):
    effect = to_publish("CODEOWNERS")
    accepted(store, performance.perform(effect))
    assert isinstance(performance.perform(effect), Published)
    assert len(hub.commits) == 1


def test_what_was_accepted_in_another_change_set_is_not(hub, store, performance, to_publish):
    effect = to_publish("CODEOWNERS")
    accepted(store, performance.perform(effect), change_set_id="another")
    assert isinstance(performance.perform(effect), ChangeSetHeld)
    assert hub.acts == []


def test_a_secret_is_held_back_unless_it_stood_there(hub, performance, to_publish):
    effect = to_publish("a.py", content=b"key = 'secret-1'\n", base_mode="100644")
    hub.files["a.py", BASE] = b"x = 1\n"
    [finding] = performance.perform(effect).findings
    assert (finding.kind, "secret-1" in str(finding)) == ("secrets", False)
    hub.files["a.py", BASE] = b"key = 'secret-1'\n" + b"x" * 1_000_000
    assert isinstance(performance.perform(effect), ChangeSetHeld)
    hub.files["a.py", BASE] = b"key = 'secret-1'\n"
    assert isinstance(performance.perform(effect), Published)


HEAD, THEIRS, OURS = "1" * 40, "7" * 40, "e" * 40


@pytest.fixture
def to_merge(hub, store, transcripts):
    """A session in a turn that merged; the effect that publishes what was changed on top."""

    def make(content: bytes = b"x = 2\n", *, path: str = "a.py") -> Pending:
        change = FileChange(path=path, mode="100644", content=content, base_mode="100644")
        changes = ChangeSet(base_sha=OURS, changes=(change,), merged=Merged(head_sha=HEAD, base_sha=THEIRS))
        publish = Publish(turn_id=TURN, change_set_id=transcripts.add_blob(codec.dump_changes(changes)))
        session = a_session(
            submission=DONE, turn_cause=Cause.MERGE_BASE, merging=THEIRS, base_sha=THEIRS, head_sha=HEAD, pull_number=9
        )
        store.commit(LABELED, None, Decision(session=session, effects=(publish,), why="w"), REPO, FACTS)
        hub.heads[session.branch] = HEAD
        hub.open_pull(REPO, branch=session.branch, base="main", title="t", body="b")
        hub.pulls[9] = replace(hub.pulls.pop(100), number=9)
        return pending(publish)

    return make


def test_a_new_pull_request_has_the_template_of_the_base_below_and_an_old_one_does_not(hub, performance, to_publish):
    hub.templates = {BASE: "## What\n- [x] done\n"}
    effect = to_publish("a.py")
    published = performance.perform(effect)
    assert hub.pulls[published.pull_number].body.endswith("## What\n- [ ] done")
    performance.perform(effect)
    assert len(hub.acts_of("open_pull")) == 2, "found again, not opened again"
    assert len(hub.pulls) == 1


def test_a_merge_is_published_once_on_top_of_both(hub, performance, to_merge):
    effect = to_merge()
    published = performance.perform(effect)
    assert isinstance(published, Published)
    assert performance.perform(effect) == published
    assert hub.acts_of("publish")[0][1:] == (HEAD, TURN, THEIRS)
    assert len(hub.commits) == 1
    [whole, _] = performance.merges.completed
    assert (whole.base_sha, published.paths) == (OURS, ("a.py",)), "what the base changed is not what we changed"


def test_a_merge_in_which_markers_are_left_is_not_published(hub, performance, to_merge):
    performance.merges.conflicts = ("a.py",)
    with pytest.raises(Refused, match="conflict markers are left"):
        performance.perform(to_merge(b"<<<<<<< 1\nx = 1\n"))
    assert hub.commits == {}


def test_a_merge_is_held_against_what_it_was_made_of(hub, performance, to_merge):
    performance.merges.files = {"test_a.py": b"def test_a():\n    assert 1\n"}
    held = performance.perform(to_merge(b"x = 1\n", path="test_a.py"))
    assert isinstance(held, ChangeSetHeld)
    assert [finding.kind for finding in held.findings] == ["tests"]
    assert hub.commits == {}


def test_a_merge_that_comes_out_otherwise_is_not_published(hub, performance, to_merge):
    performance.merges.sha = "f" * 40
    with pytest.raises(Refused, match="came out differently"):
        performance.perform(to_merge())
    assert hub.commits == {}


def test_nothing_is_pushed_to_a_pull_request_that_has_ended(hub, performance, to_publish):
    hub.heads["honk/1-make-it-two"] = BASE
    hub.open_pull(REPO, branch="honk/1-make-it-two", base="main", title="t", body="b")
    hub.pulls[100] = replace(hub.pulls[100], is_open=False)
    with pytest.raises(Stopped, match="#100"):
        performance.perform(to_publish(pull_number=100))
    assert hub.commits == {}


@pytest.fixture
def to_undo(hub, store, performance, to_publish):
    """A session whose round is published; the effect that takes it back, or another commit."""
    published = performance.perform(to_publish())
    session = store.session("7-1-1")
    round_ = Round(head_sha=published.head_sha, title=DONE.title, summary=DONE.summary)
    known = replace(session, pull_number=published.pull_number, head_sha=published.head_sha, published=(round_,))
    hub.pulls[published.pull_number] = replace(hub.pulls[published.pull_number], head_sha=published.head_sha)

    def make(commit_sha: str = published.head_sha) -> Pending:
        before = store.session("7-1-1")
        effect = Undo(commit_sha=commit_sha, head_sha=published.head_sha, login="ann")
        decision = Decision(session=replace(known, version=before.version), effects=(effect,), why="undo")
        store.commit(Ticked(id=f"u-{before.version}", session_id="7-1-1"), before, decision, REPO, FACTS)
        return pending(effect)

    return make


def test_a_round_is_taken_back_once_and_the_pull_request_says_so(hub, performance, to_undo):
    effect = to_undo()
    undone = performance.perform(effect)
    assert isinstance(undone, Undone)
    assert performance.perform(effect) == undone, "after a crash it is found done"
    assert len(hub.commits) == 2
    assert undone.head_sha == hub.heads["honk/1-make-it-two"] == hub.commits["d-1/0"]
    assert performance.reverts.asked[0] == (effect.effect.commit_sha, effect.effect.head_sha)
    assert f"Taken back in {undone.head_sha}" in str(hub.acts_of("edit_pull")[-1])


def test_the_words_of_somebody_elses_pull_request_stay_theirs(hub, store, performance, to_publish):
    hub.pulls[12] = Pull(
        number=12, head_branch="theirs", head_sha=BASE, base_branch="main", is_open=True, is_merged=False,
        is_draft=False, author=ANN,
    )  # fmt: skip
    hub.heads["theirs"] = BASE
    published = performance.perform(to_publish(adopted=ANN, pull_number=12, branch="theirs"))
    assert (published.pull_number, published.head_sha) == (12, hub.heads["theirs"])
    session = store.session("7-1-1")
    round_ = Round(head_sha=published.head_sha, title=DONE.title, summary=DONE.summary)
    known = replace(session, head_sha=published.head_sha, published=(round_,))
    effect = Undo(commit_sha=published.head_sha, head_sha=published.head_sha, login="ann")
    decision = Decision(session=known, effects=(effect,), why="undo")
    store.commit(Ticked(id="u", session_id="7-1-1"), session, decision, REPO, FACTS)
    assert performance.perform(pending(effect)).head_sha == hub.heads["theirs"]
    assert len(hub.commits) == 2
    assert hub.acts_of("edit_pull") == hub.acts_of("open_pull") == []


def test_nothing_is_taken_back_that_is_none_of_ours(hub, performance, to_undo):
    with pytest.raises(Refused, match="no commit of mine"):
        performance.perform(to_undo("e" * 40))
    assert len(hub.commits) == 1


def test_nothing_is_taken_back_where_the_pull_request_has_ended_or_all_is_paused(hub, performance, to_undo):
    effect = to_undo()
    performance.perform(pending(PauseRepository(login="ann", reason="release")))
    with pytest.raises(Paused):
        performance.perform(effect)
    hub.pulls[100] = replace(hub.pulls[100], is_open=False)
    with pytest.raises(Refused, match="#100 is not open"):
        performance.perform(effect)
    assert len(hub.commits) == 1


def test_a_pull_request_leaves_draft(hub, performance, to_publish):
    performance.perform(to_publish())
    performance.perform(pending(MarkReady(pull_number=100)))
    assert not hub.pulls[100].is_draft


def test_who_asked_is_told_and_nobody_else(hub, performance):
    performance.answer(LABELED, "I could not act on this: an error of my own (id 12345678, in the log).")
    performance.answer(ChecksChanged(id="d", repo=REPO, head_sha="c" * 40, branch=None), "why")
    [(number, tag, body)] = hub.acts_of("say")
    assert (number, tag) == (1, "failed:d-1")
    assert "12345678" in body


def test_an_error_is_a_clause_of_a_sentence():
    assert explain(Stopped("The branch moved. ")) == "The branch moved"
    assert explain(Stopped("")) == "Stopped"


def test_a_merged_change_is_reverted_under_the_name_of_its_session_and_not_in_a_pause(hub, store, performance):
    session = a_session(status=Status.MERGED, turn_id=None, pull_number=12)
    effect = OpenRevert(pull_number=12, title="Revert", body="Why", login="ann")
    decision = Decision(session=session, effects=(effect,), why="w")
    store.commit(Ticked(id="u", session_id="7-1-1"), None, decision, REPO, FACTS)
    performance.pauses.pause(REPO.id, login="ann", reason="")
    with pytest.raises(Paused):
        performance.perform(pending(effect))
    performance.pauses.resume(REPO.id, by_operator=False)
    made = performance.perform(pending(effect))
    assert isinstance(made, Reverted)
    assert (made.session_id, made.revert_number, made.login) == ("7-1-1", 1012, "ann")
    assert hub.acts_of("revert_pull") == [(12, "7-1-1", "Revert", "Why")]
