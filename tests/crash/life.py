"""The life of one issue in stages, each lived through whatever Honk dies of, and what must then be there: once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from github_app.localhub.deeds.reviews import Inline
from github_app.localhub.model import ScriptedModel
from github_app.localhub.values import Comment, Issue, Pull
from tests.crash.warm import DyingStack
from tests.story.play import bash, calls, submit, write
from tests.story.world import BOT, World

GATE = "think"
SUBJECTS = ["Say hello", "Mend what CI found", "Address the review"]
UNDONE = 'Revert "Address the review"'


def tell(world: World) -> None:
    """What the model does: several calls and commands in each turn. A command that was cut short is not run again, so
    that all is there in the end is what the last but one command sees to."""
    world.when(
        replies=[
            calls(bash("echo hello > hello.txt"), gate=GATE),
            calls(write("more.txt", "more\n")),
            calls(bash("echo hello > hello.txt; echo more > more.txt")),
            calls(submit()),
        ]
    )
    for when, text, done in (
        ("<check", r"hello\nmended\n", submit("Mend what CI found")),
        ("<thread", r"hello\nmended\nanswered\n", submit("Address the review", answers=("Done.",))),
    ):
        command = f"printf '{text}' > hello.txt"
        world.when(
            when, replies=[calls(bash(command), gate=GATE), calls(bash(f"cat hello.txt; {command}")), calls(done)]
        )


REPLIES = 10
"""So many are there in all."""


@dataclass
class Life:
    """One issue's life on a stack, in the world of one repository."""

    stack: DyingStack
    world: World
    issue: Issue = field(init=False)
    pull: Pull = field(init=False)
    said: Comment = field(init=False, repr=False)
    _asked_before: int = 0
    _lost_replies: int = 0

    def __post_init__(self) -> None:
        tell(self.world)
        self._asked_before = self._asked()
        self.stack.on_death = self.count_replies

    @property
    def stages(self) -> dict[str, Callable[[], None]]:
        """The stages in order."""
        return {
            "start": self.start,
            "issue": self.ask,
            "first turn": self.work,
            "red": self.turn_red,
            "second turn": self.mend,
            "green": self.turn_green,
            "review": self.review,
            "third turn": self.address,
            "green again": self.turn_green,
            "undo": self.undo,
            "merge": self.merge,
            "stop": self.stop,
        }

    # Stages

    def start(self) -> None:
        """The operator starts Honk."""
        self.stack.start_honk()
        self.rest()

    def ask(self) -> None:
        """An issue is opened; until the model is asked for the first time."""
        self.world.ci.hold()
        self.world.ci.will_say("failure", "success")
        self.hold_model()
        self.issue = self.world.ask_for()
        self._wait_asked(0)
        self.world.wait_reaction(self.issue)

    def work(self) -> None:
        """The agent works; until there is a pull request."""
        self.let_model_go()
        self.pull = self.world.wait_pull()
        self._wait_pushed(1)
        assert self.pull.draft

    def turn_red(self) -> None:
        """Checks fail; until the model is asked about it."""
        self.hold_model()
        self.world.ci.let_go()
        self.world.wait("CI to be red", lambda: self.world.ci.runs == 1)
        self.world.ci.hold()
        self._wait_asked(4)

    def mend(self) -> None:
        """The agent mends; until that is pushed."""
        self.let_model_go()
        self._wait_pushed(2)
        assert self.pull.draft

    def turn_green(self) -> None:
        """Checks pass; until the pull request is ready for review."""
        self.world.ci.let_go()
        self.world.wait_status("awaiting_review")
        self.rest()
        assert not self.pull.draft

    def review(self) -> None:
        """A review with a thread; until the model is asked about it."""
        self.hold_model()
        self.world.ci.hold()
        self.world.rob.review(self.pull, "REQUEST_CHANGES", "One thing.", [Inline("hello.txt", "Why so?", 1)])
        self._wait_asked(7)

    def address(self) -> None:
        """The agent addresses it; until that is pushed, and answered in the thread."""
        self.let_model_go()
        self._wait_pushed(3)
        assert [each.user.login for each in self.pull.threads[0].comments] == ["rob", BOT], self.world.story()

    def undo(self) -> None:
        """The reviewer has the last round taken back; until that is pushed, and said."""
        assert self.world.rob.user in self.pull.requested_reviewers
        self.said = self.world.rob.comment(self.pull.issue, "/honk undo")
        subjects = [*SUBJECTS, UNDONE]
        self.world.wait("the revert", lambda: self.world.subjects(self.pull.head_ref) == subjects)
        self.world.wait_status("needs_human")
        self.rest()

    def merge(self) -> None:
        """A human merges; until all is tidied up."""
        assert self.world.subjects(self.pull.head_ref) == [*SUBJECTS, UNDONE], self.world.story()
        self.world.rob.merge(self.pull)
        self.world.wait_end(self.issue)
        self.rest()

    def stop(self) -> None:
        """The operator stops Honk."""
        self.stack.drain()

    def hold_model(self) -> None:
        """Have the model think until it is let go."""
        self._model.closed_gates.add(GATE)

    def let_model_go(self) -> None:
        """Have it answer."""
        self._model.closed_gates.discard(GATE)

    def _wait_asked(self, stored: int) -> None:
        """Wait until the model is asked for the reply after so many, and all that is at rest but the turn."""

        def is_asked() -> bool:
            return self._stored() == stored and self._asked() == stored + self._lost_replies + 1

        while True:
            deaths = self.stack.deaths
            self.world.wait(f"the model to be asked for reply {stored + 1}", is_asked)
            self.world.wait("Honk to have heard it all", lambda: self._has_heard() and self.world.has_taken_in())
            self.stack.revive()
            if deaths == self.stack.deaths:
                return

    def _wait_pushed(self, commits: int) -> None:
        subjects = SUBJECTS[:commits]
        self.world.wait(f"{commits} commits", lambda: self.world.subjects(self.pull.head_ref) == subjects)
        self.world.wait_status("awaiting_checks")
        self.rest()

    def rest(self) -> None:
        """Wait until Honk is at rest, alive, and has heard of all that happened."""
        while True:
            deaths = self.stack.deaths
            self.world.rest()
            self.world.wait("all deliveries to arrive", self._has_heard)
            self.world.rest()  # What came late is taken in, too.
            self.stack.revive()
            if deaths == self.stack.deaths:
                return

    def _has_heard(self) -> bool:
        post = self.stack.hub.post
        post.settle()
        sent = list(self.stack.hub.deliveries)
        return {each.guid for each in sent} <= {each.guid for each in sent if 200 <= each.status_code < 300}

    # What must be there

    def count_replies(self) -> None:
        """At a death: at most one reply of the model was under way, and is lost."""
        lost = self._asked() - self._stored()
        assert lost - self._lost_replies in (0, 1), f"{lost} replies were paid for and lost"
        self._lost_replies = lost

    def _asked(self) -> int:
        return self._model.usage["requests"] - self._asked_before

    @property
    def _model(self) -> ScriptedModel:
        assert self.stack.model is not None
        return self.stack.model

    def _stored(self) -> int:
        try:
            return int(self.world.rows("SELECT count(*) FROM steps WHERE role = 'assistant'")[0][0])
        except Exception:  # it died before there were tables
            return 0

    def assert_all_is_there_once(self) -> None:
        """The whole of what is on GitHub, and in the database."""
        world, issue, pull = self.world, self.issue, self.pull
        assert world.ours() == [pull], world.story()
        assert world.branches() == [pull.head_ref]
        assert world.text(pull.head_sha, "hello.txt") == "hello\nmended\n"
        assert world.text(pull.head_sha, "more.txt") == "more\n"
        assert "Merged" in world.tracking(issue).body, world.story()
        assert len(world.said(issue)) == 2, world.story()  # the tracking comment and the ending
        [told] = world.said(pull.issue)
        assert pull.head_sha in told.body, world.story()
        assert [each.content for each in self.said.reactions] == ["eyes"]
        assert [each.content for each in issue.reactions] == ["eyes"]
        assert [each.user.login for each in pull.threads[0].comments] == ["rob", BOT]
        assert world.labels(issue) == []
        assert [session.status for session in world.sessions()] == ["merged"]
        assert world.turns() == 3
        assert self._stored() == REPLIES
        assert self._asked() == REPLIES + self._lost_replies, "replies were paid for again"
        assert world.rows("SELECT id FROM effects WHERE state <> 'done'") == [], world.story()
        assert world.rows("SELECT id, note FROM inbox WHERE state NOT IN ('done', 'ignored')") == [], world.story()
