"""The story of one issue, from label to merge: people are played here, everything else is real. A stage counts only
when its trace is seen on (local) GitHub; the exit code is 0 only if all were reached."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from rich.table import Table

from github_app.core.errors import Misconfigured
from github_app.demo.stack import NotReached, Stack
from github_app.demo.telling import Telling
from github_app.localhub import git
from github_app.localhub.deeds.reviews import Inline
from github_app.localhub.people import Person
from github_app.localhub.runner import ActRunner, find_act
from github_app.localhub.showcase import ReviewComment, Sample, load_sample, read_issue
from github_app.localhub.values import CheckRun, Comment, Issue, Pull, Repository
from github_app.settings import DEFAULT_JUDGE_MODEL, has_model_key

T = TypeVar("T")

BOT = "honk[bot]"
FAST_S = 60.0
_REAL_S = 1800.0


def run_demo(*, repo: Path | None = None, issue: Path | None = None, keep: bool = False) -> int:
    """Play the sample's story, or open `issue` on a local repository; 0 if every stage was really reached."""
    telling = Telling()
    is_real = has_model_key()
    if repo is not None and not is_real:
        raise Misconfigured("the scripted model knows only the sample: set ANTHROPIC_API_KEY for a repository of yours")
    sample = load_sample()
    # Workflows run on this very machine, outside of any sandbox. The sample's is ours; another repository's may do
    # anything with what a model wrote.
    runner = find_runner(telling) if repo is None else None
    telling.title("honk demo: one issue, from label to merge")
    if is_real and runner is not None:
        telling.note("The sample's CI runs on this machine, outside of the sandbox: it runs what the model writes.")
    settings = {"HONK_JUDGE_MODEL": DEFAULT_JUDGE_MODEL}
    script = None if is_real else sample.script
    with Stack(script=script, runner=runner, settings=settings, keep=keep, has_sign_in=keep) as stack:
        story = Story(stack=stack, telling=telling, patience_s=_REAL_S if is_real else FAST_S, is_real=is_real)
        try:
            if repo is not None and issue is not None:
                story.own(repo, issue)
            else:
                story.sample(sample)
        except NotReached as error:
            telling.failure(str(error))
            return 1
        finally:
            if keep:
                stay(stack, telling)
    return 0


def find_runner(telling: Telling) -> ActRunner | None:
    """What runs workflows, if it is there."""
    act = find_act()
    if act is None:
        telling.note("act is not installed, so no workflow runs")
        return None
    return ActRunner(act)


def stay(stack: Stack, telling: Telling) -> None:
    """Leave everything up until Ctrl-C."""
    telling.title("Everything is still up")
    telling.note(f"GitHub on this machine: {stack.hub.url}")
    if stack.chat is not None:
        telling.note(f"Slack on this machine: {stack.chat.url}")
    telling.note(f"Honk: {stack.url}/sessions (sign in as anybody), its log: {stack.log_path}")
    telling.note("Press Ctrl-C to end it.")
    try:
        signal.pause()
    except KeyboardInterrupt:
        telling.note("Ended.")


@dataclass(kw_only=True)
class Story:
    """One telling. `patience_s` is how long a stage may take, longer with a real model."""

    stack: Stack
    telling: Telling
    patience_s: float
    is_real: bool

    def sample(self, sample: Sample) -> None:
        """The whole loop on the sample repository."""
        hub = self.stack.hub
        repo = hub.create_repository(f"acme/{sample.name}", dict(sample.files))
        ann, rob = hub.grant(repo, "ann", "admin"), hub.grant(repo, "rob", "write")
        self.open_house(repo)
        issue = ann.open_issue(repo, sample.issue_title, sample.issue_body, ["honk"])
        self.telling.person(f"ann opens issue #1 “{sample.issue_title}” with the label `honk`", self._url(issue))
        pull = self._to_pull_request(issue)
        self.to_green(pull, expect_red=not self.is_real)
        self.to_build(pull)
        self._review(pull, rob, sample)
        self.to_green(pull, expect_red=False)
        rob.review(pull, "APPROVE", "Thanks!")
        self.telling.person("rob approves")
        ann.merge(pull)
        self.telling.person(f"ann merges #{pull.issue.number}")
        self.to_end(issue)
        self.sum_up(issue, pull)

    def own(self, path: Path, issue_path: Path) -> None:
        """A person's own repository and issue, up to a pull request; the repository itself is not touched."""
        hub = self.stack.hub
        if not (path / ".git").exists():
            raise Misconfigured(f"{path} is not a git repository")
        title, body = _read_own_issue(issue_path)
        repo = hub.import_repository(f"you/{path.resolve().name}", path)
        you = hub.grant(repo, "you", "admin")
        self.open_house(repo)
        issue = you.open_issue(repo, title, body, ["honk"])
        self.telling.person(f"you open issue #1 “{issue.title}”", self._url(issue))
        pull = self._to_pull_request(issue)
        self.sum_up(issue, pull)
        patch = Path(f"{pull.head_ref.replace('/', '-')}.patch")
        patch.write_bytes(git.run(repo.git_dir, "format-patch", "--stdout", f"{pull.base_ref}..{pull.head_ref}"))
        self.telling.note(f"The change is in {patch}; take it with: git -C {path} am {patch.resolve()}")

    # Stages

    def open_house(self, repo: Repository) -> None:
        """Install Honk on a repository, start it, and start the clock."""
        hub = self.stack.hub
        hub.create_label(repo, "honk")
        self.stack.install(repo)
        model = "the real model" if self.is_real else "a scripted model (no key set)"
        self.telling.note(f"GitHub on this machine: {hub.url}/{repo.full_name}, {model}, Honk at {self.stack.url}")
        with self.telling.stage("Honk starts") as stage:
            self.stack.start_honk()
            stage.text = "Honk is up: sandbox checked, database migrated, door open"
        self.telling.begin()

    def _to_pull_request(self, issue: Issue) -> Pull:
        with self.telling.stage("acknowledgement") as stage:
            self.wait("a reaction on the issue", lambda: [r for r in issue.reactions if r.user.login == BOT])
            stage.text = "acknowledged: 👀 on the issue, and a tracking comment"
        with self.telling.stage("the agent works") as stage:
            pull = self.wait("a pull request", lambda: next(iter(issue.repo.pulls()), None))
            kind = "draft pull request" if pull.draft else "pull request"
            stage.text = f"{kind} #{pull.issue.number} “{pull.issue.title}”"
            stage.link = self._url(pull.issue)
        return pull

    def to_green(self, pull: Pull, *, expect_red: bool) -> None:
        """Until all checks of the head have passed; red ones go back to the agent by themselves."""
        was_red = False
        while True:
            sha = pull.head_sha
            with self.telling.stage(f"CI runs on {sha[:7]}") as stage:
                runs = self.wait("CI to end", partial(self._ended, pull, sha))
                red = [run for run in runs if run.conclusion != "success"]
                names = ", ".join(sorted({run.name for run in red or runs}))
                stage.text = f"CI {'red' if red else 'green'} on {sha[:7]}: {names}"
                stage.details = self._last_words(pull.issue.repo, red)
            if not red:
                break
            was_red = True
            with self.telling.stage("the agent reads the log and fixes") as stage:
                self.wait("a new commit", partial(_moved, pull, sha))
                stage.text = f"fixed from the log: {pull.head_sha[:7]} pushed"
        if expect_red and not was_red:
            raise NotReached("the first attempt was to be red, and was not: the story is not the one it should be")
        with self.telling.stage("out of draft") as stage:
            self.wait("the pull request to be ready", lambda: not pull.draft)
            stage.text = f"#{pull.issue.number} is ready for review"

    def to_build(self, pull: Pull) -> None:
        """Until what CI made of the head is told."""
        with self.telling.stage("the build") as stage:
            begin = f"**To try: what CI made of `{pull.head_sha[:7]}`**"
            told = self.wait("the build", lambda: [c for c in _ours(pull.issue) if begin in c.body])
            stage.text = "what CI made is in the pull request, to be tried"
            stage.details = [line for line in told[0].body.splitlines() if line.startswith("- ")][:1]

    def _review(self, pull: Pull, rob: Person, sample: Sample) -> None:
        sha = pull.head_sha
        review = sample.review
        rob.review(pull, review.event, review.body, [_inline(pull.issue.repo, sha, each) for each in review.comments])
        count = len(pull.threads)
        self.telling.person(f"rob asks for changes in {count} inline comments", self._url(pull.issue) + "/files")
        with self.telling.stage("the agent addresses the review") as stage:
            self.wait("a new commit", partial(_moved, pull, sha))
            stage.text = f"addressed: {pull.head_sha[:7]} pushed"
        with self.telling.stage("answers in the threads") as stage:
            self.wait("an answer in each thread", lambda: all(t.comments[-1].user.login == BOT for t in pull.threads))
            stage.text = f"answered in each of the {count} threads, and asked rob to look again"
            stage.details = [thread.comments[-1].body.split("\n")[0] for thread in pull.threads]

    def to_end(self, issue: Issue) -> None:
        """Until the session has ended."""
        with self.telling.stage("the session ends") as stage:
            self.wait("the last comment", lambda: [c for c in _ours(issue) if "honk:ending:" in c.body])
            self.wait("the label to go", lambda: "honk" not in [label.name for label in issue.labels])
            stage.text = "session closed: last comment written, label taken off, workspace deleted"

    def sum_up(self, issue: Issue, pull: Pull) -> None:
        """Say what all of it was. Raises `NotReached` for what GitHub would not have taken."""
        self.telling.title("What happened")
        for comment in _ours(issue):
            self.telling.note(comment.body.split("\n")[0].replace("**", ""))
        table = Table(box=None, show_header=False, padding=(0, 2))
        if self.stack.model is not None:
            usage = self.stack.model.usage
            table.add_row("model (scripted)", f"{usage['requests']} calls; as its server counted:")
            table.add_row("", f"{usage['input_tokens']:,} tokens in, {usage['output_tokens']:,} out,")
            table.add_row("", f"{usage['cache_read_input_tokens']:,} read from and "
                          f"{usage['cache_creation_input_tokens']:,} written to the cache")  # fmt: skip
        violations = self.stack.hub.violations
        table.add_row("GitHub (local)", f"{len(self.stack.hub.exchanges)} requests and "
                      f"{len(self.stack.hub.deliveries)} webhooks, held against GitHub's OpenAPI documents: "
                      f"{len(violations)} violations")  # fmt: skip
        where = (
            self._url(pull.issue) if self.stack.keep else "`honk demo --keep` leaves everything up, to see in a browser"
        )
        table.add_row("look at", where)
        self.telling.console.print(table)
        if violations:
            raise NotReached("GitHub would not have said or accepted this:\n" + "\n".join(violations[:10]))

    # Looking

    def wait(self, what: str, look: Callable[[], T | None]) -> T:
        """Look again and again until there is something. Raises `NotReached`."""
        return self.stack.wait_for(what, look, timeout_s=self.patience_s)

    def _ended(self, pull: Pull, sha: str) -> list[CheckRun]:
        # Ours says how the commit was verified before it was published, and is no CI.
        runs = [run for run in pull.issue.repo.check_runs(sha) if run.name != "honk"]
        return runs if runs and all(run.status == "completed" for run in runs) else []

    def _last_words(self, repo: Repository, red: Iterable[CheckRun]) -> list[str]:
        """What failed in the jobs, as their logs put it."""
        jobs = [job for work in repo.runs for job in work.jobs if job.check in red]
        lines = [line.partition(" ")[2].strip() for job in jobs for line in (job.log or "").splitlines()]
        return [line for line in lines if line.startswith(("Failed example", "ValueError", "AssertionError"))][:2]

    def _url(self, issue: Issue) -> str:
        kind = "pull" if issue.pull else "issues"
        return f"{self.stack.hub.url}/{issue.repo.full_name}/{kind}/{issue.number}"


def _read_own_issue(path: Path) -> tuple[str, str]:
    try:
        title, body = read_issue(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"--issue cannot be read: {error}") from error
    if not title:
        raise Misconfigured(f"--issue {path} is empty: its first line is the issue's title")
    return title, body


def _ours(issue: Issue) -> list[Comment]:
    return [comment for comment in issue.comments if comment.user.login == BOT]


def _inline(repo: Repository, sha: str, comment: ReviewComment) -> Inline:
    text = git.run(repo.git_dir, "show", f"{sha}:{comment.path}").decode()
    return Inline(comment.path, comment.body, comment.line_in(text))


def _moved(pull: Pull, sha: str) -> bool:
    return pull.head_sha != sha
