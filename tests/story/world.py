"""The world of a story: a repository with people in it, Honk installed, and eyes that wait for what should happen. What
cannot be seen on GitHub (that Honk is at rest, who acts next) is read from its database, never written."""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import sqlalchemy as sa

from github_app.core.session import Session
from github_app.demo.stack import NotReached, Stack
from github_app.engine import codec
from github_app.localhub import git
from github_app.localhub.people import Person
from github_app.localhub.script import Script, user_text
from github_app.localhub.values import Comment, Issue, Pull, Repository
from tests.story.ci import Ci
from tests.story.play import Reply, calls

T = TypeVar("T")

BOT = "honk[bot]"
PATIENCE_S = 90.0


@dataclass(kw_only=True, repr=False)
class World:
    """One repository and its people: ann (admin), rob (write), tim (triage), eve (read)."""

    stack: Stack
    database: sa.Engine
    repo: Repository
    ci: Ci
    ann: Person
    rob: Person
    tim: Person
    eve: Person
    may_log_errors: bool = field(default=False)
    may_merge: bool = field(default=False)

    # The model

    def when(self, *texts: str, replies: list[Reply]) -> None:
        """From now on the model plays these replies in turns of this repository that begin with these texts.

        The newest scene is preferred. Steering, which names no repository, is heard by `when_told`.
        """
        self._add(("Repository `" + self.repo.full_name + "`", *texts), replies)

    def when_told(self, text: str, *, replies: list[Reply]) -> None:
        """What the model does on words that reach it while it works; the text must be this test's alone."""
        self._add((text,), replies)

    def _add(self, when: tuple[str, ...], replies: list[Reply]) -> None:
        assert self.stack.model is not None
        name = f"{self.repo.full_name}: {' + '.join(when[1:] or when)}"
        made = Script.parse({"scenes": [{"name": name, "when": when, "replies": replies}]})
        self.stack.model.script = Script((*made.scenes, *self.stack.model.script.scenes))

    def requests(self) -> list[dict[str, Any]]:
        """The requests to the model about this repository, oldest first."""
        assert self.stack.model is not None
        found = [entry["body"] for entry in list(self.stack.model.log)]
        return [body for body in found if self.repo.full_name in user_text(body["messages"][0])]

    def prompts(self) -> list[str]:
        """All that the model was told in each request about this repository, oldest first."""
        return [json.dumps(body, ensure_ascii=False) for body in self.requests()]

    def wait_thinking(self, request: int = 1) -> None:
        """Wait until the model has got so many requests, and has not necessarily answered the last one."""
        self.wait("the model to be asked", lambda: len(self.requests()) >= request)

    def hold_model(self, *each: dict[str, Any]) -> Reply:
        """A reply with these tool calls that the model does not give before `let_model_go`."""
        assert self.stack.model is not None
        self.stack.model.closed_gates.add(self.repo.full_name)
        return calls(*each, gate=self.repo.full_name)

    def let_model_go(self) -> None:
        """Have the model answer, now that Honk has heard of all that people did meanwhile."""
        assert self.stack.model is not None
        self.wait("Honk to have heard it all", self.has_taken_in)
        self.stack.model.closed_gates.discard(self.repo.full_name)

    # People's acts in short

    def ask_for(self, title: str = "Say hello", body: str | None = "In a file, please.") -> Issue:
        """Ann opens an issue with the label."""
        return self.ann.open_issue(self.repo, title, body, ["honk"])

    # Waiting

    def wait(self, what: str, look: Callable[[], T | None], *, timeout_s: float = PATIENCE_S) -> T:
        """Look until there is something; fails telling all that is known about the repository."""
        try:
            return self.stack.wait_for(what, look, timeout_s=timeout_s)
        except NotReached as error:
            raise AssertionError(f"{str(error).splitlines()[0]}\n{self.story()}") from None

    def rest(self) -> None:
        """Wait until all that was sent has been dealt with, to the last effect, and no turn runs."""
        self.wait("Honk to be at rest", self._is_at_rest)

    def _is_at_rest(self) -> bool:
        before = len(self.stack.hub.deliveries)
        is_quiet = self.has_taken_in() and not any(each.status == "working" for each in self.sessions())
        return is_quiet and before == len(self.stack.hub.deliveries)

    def has_taken_in(self) -> bool:
        """Whether all that has been sent so far was dealt with, to the last effect."""
        self.stack.hub.post.settle()
        return not self.rows("SELECT id FROM inbox WHERE state IN ('new', 'queued')")

    def wait_pull(self) -> Pull:
        """Wait for the pull request."""
        return self.wait("a pull request", lambda: next(iter(self.ours()), None))

    def wait_ready(self) -> Pull:
        """Wait until it is a reviewer's turn and all that belongs to it is done; the pull request is out of draft."""
        pull = self.wait_pull()
        self.wait_status("awaiting_review")
        self.rest()
        assert not pull.draft, self.story()
        return pull

    def wait_status(self, status: str) -> Session:
        """Wait until the newest session has this status."""

        def look() -> Session | None:
            newest = self.session
            return newest if newest is not None and newest.status == status else None

        return self.wait(f"a session that is {status}", look)

    def wait_comment(self, issue: Issue, text: str, *, count: int = 1) -> Comment:
        """Wait for comments of ours with this text, beside the tracking comment; there must be exactly `count`."""

        def look() -> list[Comment]:
            return [each for each in self.said(issue, text) if not is_tracking(each)]

        found = self.wait(f"a comment with {text!r} on #{issue.number}", look)
        assert len(found) == count, self.story()
        return found[0]

    def wait_end(self, issue: Issue) -> str:
        """Wait for the last comment of the newest session, and return its text."""
        return self.wait_comment(issue, f"<!-- honk:ending:{self.repo.id}-{issue.number}-").body

    def wait_reaction(self, thing: Any, content: str = "eyes") -> None:
        """Wait until we have reacted to an issue or comment."""
        self.wait(
            f"the reaction {content}",
            lambda: [r for r in thing.reactions if r.user.login == BOT and r.content == content],
        )

    def wait_new_head(self, pull: Pull, old: str) -> str:
        """Wait until the pull request has another head, and return it."""
        self.wait(f"a head after {old[:7]}", lambda: pull.head_sha != old)
        return pull.head_sha

    # Looking

    def ours(self) -> list[Pull]:
        """The pull requests that Honk opened."""
        return [pull for pull in self.repo.pulls() if pull.issue.user.login == BOT]

    def said(self, issue: Issue, text: str = "") -> list[Comment]:
        """Our comments on an issue or pull request with this text in them."""
        return [each for each in issue.comments if each.user.login == BOT and text in each.body]

    def answers(self, issue: Issue) -> list[str]:
        """Our comments but for the tracking comment."""
        return [each.body for each in self.said(issue) if not is_tracking(each)]

    def tracking(self, issue: Issue) -> Comment:
        """The tracking comment; there must be exactly one."""
        found = [each for each in self.said(issue) if is_tracking(each)]
        assert len(found) == 1, self.story()
        return found[0]

    def labels(self, issue: Issue) -> list[str]:
        """Names of the labels."""
        return [label.name for label in issue.labels]

    def branches(self) -> list[str]:
        """Names of Honk's branches."""
        return [ref.removeprefix("refs/heads/") for ref in self.repo.refs if ref.startswith("refs/heads/honk/")]

    def text(self, revision: str, path: str) -> str:
        """A file at a commit or branch."""
        return git.run(self.repo.git_dir, "show", f"{revision}:{path}").decode()

    def has(self, revision: str, path: str) -> bool:
        """Whether a file is there at a commit or branch."""
        return bool(git.run(self.repo.git_dir, "ls-tree", revision, "--", path))

    def tree(self, revision: str) -> str:
        """The tree of a commit: the same for the same files."""
        return git.commit(self.repo.git_dir, revision).tree

    def subjects(self, revision: str) -> list[str]:
        """The first lines of the commits since the default branch, oldest first."""
        span = f"{self.repo.default_branch}..{revision}"
        return git.run(self.repo.git_dir, "log", "--reverse", "--format=%s", span).decode().splitlines()

    def pins(self, sha: str) -> list[str]:
        """What a commit names as its record in the audit, as git itself reads trailers."""
        form = "--format=%(trailers:key=Honk-Audit,valueonly)"
        return git.run(self.repo.git_dir, "log", "-1", form, sha).decode().split()

    def rows(self, query: str, **values: object) -> list[Any]:
        """Rows of Honk's own database."""
        with self.database.connect() as connection:
            return list(connection.execute(sa.text(query), values))

    def sessions(self) -> list[Session]:
        """The repository's sessions, oldest first."""
        rows = self.rows(
            "SELECT document FROM sessions WHERE repo_id = :r ORDER BY issue_number, generation", r=self.repo.id
        )
        return [codec.load_session(row.document) for row in rows]

    @property
    def session(self) -> Session | None:
        """The newest session."""
        return next(iter(self.sessions()[::-1]), None)

    def turns(self) -> int:
        """How many turns were begun for this repository."""
        return sum(session.turns for session in self.sessions())

    def decisions(self) -> list[str]:
        """What was decided about this repository's sessions, and why."""
        rows = self.rows(
            "SELECT event_kind, why FROM decisions WHERE session_id LIKE :s ORDER BY decided_at", s=f"{self.repo.id}-%"
        )
        return [f"{row.event_kind}: {row.why}" for row in rows]

    def story(self) -> str:
        """All that is known, for the reader of a failure."""
        told = [f"--- {self.repo.full_name}"]
        for issue in self.repo.issues.values():
            kind = "pull request" if issue.pull else "issue"
            told.append(f"{kind} #{issue.number} ({issue.state}) {self.labels(issue)} {issue.title}")
            told += [f"    {each.user.login}: {each.body[:600]}" for each in issue.comments]
        told += ["--- sessions", *(f"{s.id} {s.status} {s.waiting_for}" for s in self.sessions())]
        told += ["--- decisions", *self.decisions()]
        inbox = self.rows(
            "SELECT id, name, state, note FROM inbox WHERE state IN ('new', 'queued', 'failed', 'unreadable')"
        )
        told += ["--- inbox", *(f"{row.name} {row.state} {row.note}" for row in inbox)]
        told += ["--- GitHub would not have", *self.stack.hub.violations[:5]]
        told += ["--- log", self.stack.log_tail(25)]
        return "\n".join(told)

    # Beside GitHub

    def post(self, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
        """Post to the webhook URL as anybody could, signed unless the headers say otherwise; status and answer."""
        signature = hmac.new(self.stack.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
        usual = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "issues",
            "X-GitHub-Delivery": hashlib.sha256(body + self.repo.full_name.encode()).hexdigest()[:36],
            "X-Hub-Signature-256": f"sha256={signature}",
        }
        given: Mapping[str, str] = usual | {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in given.items() if value}
        request = urllib.request.Request(f"{self.stack.url}/webhooks/github", data=body, headers=kept)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


def is_tracking(comment: Comment) -> bool:
    """Whether this is the comment that is edited in place."""
    return comment.body.startswith("**Honk · ") and "<!-- honk:tracking:" in comment.body
