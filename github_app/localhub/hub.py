"""`LocalHub`: a local GitHub as one object, to start, to fill and to look at."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType

from . import events, git
from .actions import Runner
from .ci import Actions
from .deeds import builds, checks, issues, refs, repos
from .deliveries import Post
from .faults import Faults
from .limits import Limits, Meter
from .pages import Pages
from .people import Files, Person, commit_files
from .registration import NewApp, register
from .server import Certificate, Exchange, Judge, Served, Site, serve
from .values import App, CheckRun, Delivery, Installation, Repository, Role, Status
from .values_builds import Artifact, Deployment
from .world import World, utc_now


class LocalHub:
    """A GitHub on this machine.

    `root` is where its git repositories live. `judge` holds every exchange and webhook against GitHub's documents and
    fills `violations`; `runner` executes workflow files (without one, none start); `clock` is what time it is here;
    `limits` are GitHub's own unless others are given.
    Thread-safe. Use as a context manager, or `start` and `stop`.
    """

    def __init__(
        self,
        root: Path,
        *,
        runner: Runner | None = None,
        judge: Judge | None = None,
        clock: Callable[[], datetime] = utc_now,
        limits: Limits | None = None,
        pages: bool = True,
    ) -> None:
        self.world = World(root.resolve(), clock)
        self.meter = self.world.meter = Meter(lambda: self.world.clock(), limits or Limits())
        self.faults = Faults()
        self.violations: list[str] = []
        self.exchanges: list[Exchange] = []
        self.post = Post(self.world, self.faults, self.violations, judge)
        self._actions_app = self._system_app("github-actions")
        self.actions = Actions(self.world, self._actions_app, runner)
        self.world.emit = self.post.emit
        self.world.redeliver = self._redeliver
        self.world.start_workflows = self.actions.start
        self.world.rerun_workflow = self.actions.rerun
        self.site = Site(self.world, self.post, self.faults, self.meter, self.violations, judge, self.exchanges)
        self.site.pages = Pages(self.world, self.faults, self.violations) if pages else None
        self._served: Served | None = None

    # --- life --------------------------------------------------------------------------------------------------------

    def start(self, port: int = 0, host: str = "127.0.0.1", tls: Certificate | None = None) -> LocalHub:
        """Serve on a port (0: any free one), in the clear or by TLS, and return when it answers."""
        self._served = serve(self.site, host, port, tls)
        self.world.web = f"{'https' if tls else 'http'}://{host}:{self._served.port}"
        self.post.start()
        return self

    def stop(self) -> None:
        """End workflow runs, deliver what is queued, close the port."""
        self.actions.stop()
        self.post.stop()
        if self._served:
            self._served.stop()

    def __enter__(self) -> LocalHub:
        return self if self._served else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def settle(self) -> None:
        """Wait until the workflow runs and deliveries that are under way have ended."""
        self.actions.settle()
        self.post.settle()

    @property
    def url(self) -> str:
        """Where people and git go."""
        return self.world.web

    @property
    def api_url(self) -> str:
        """Where REST is; PyGithub's `base_url`."""
        return self.world.api

    @property
    def graphql_url(self) -> str:
        """Where GraphQL is."""
        return f"{self.world.web}/api/graphql"

    @property
    def deliveries(self) -> list[Delivery]:
        """All deliveries, oldest first."""
        return self.world.deliveries

    # --- who and what is there ---------------------------------------------------------------------------------------

    def person(self, login: str) -> Person:
        """Return somebody to act as; the account is made on first use."""
        with self.world.lock:
            return Person(self.world, self.world.user(login))

    def grant(self, repo: Repository, login: str, role: Role) -> Person:
        """Give somebody a role in a repository."""
        person = self.person(login)
        repo.collaborators[person.user.id] = role
        return person

    def create_app(
        self,
        slug: str,
        *,
        permissions: Mapping[str, str],
        events: Sequence[str] = (),
        webhook_url: str = "",
        webhook_secret: str = "",
        private_key: str = "",
        owner: str = "honk-makers",
        callback_urls: Sequence[str] = (),
    ) -> NewApp:
        """Register a GitHub App; without `private_key` (PEM) one is made, which takes a moment."""
        return register(
            self.world, slug, permissions=permissions, events=events, webhook_url=webhook_url,
            webhook_secret=webhook_secret, private_key=private_key, owner=owner, callback_urls=callback_urls,
        )  # fmt: skip

    def _system_app(self, slug: str) -> App:
        world = self.world
        owner = world.user("github", "Organization")
        bot = world.user(f"{slug}[bot]", "Bot")
        return App(15368, slug, owner, bot, "", f"Iv1.{slug}", {"metadata": "read"}, (), "", "", world.now())

    def install(self, app: App, owner: str, repositories: Sequence[Repository] | None = None) -> Installation:
        """Install an app on an account, for all its repositories or for some."""
        world = self.world
        with world.lock:
            now = world.now()
            ids = None if repositories is None else {r.id for r in repositories}
            account = world.user(owner)
            made = Installation(world.new_id(), app, account, ids, now, now)
            world.installations[made.id] = made
            reached = [r for r in world.repositories.values() if r.owner is account and (ids is None or r.id in ids)]
            events.installation(world, "created", made, reached, account)
            return made

    def uninstall(self, installation: Installation) -> None:
        """Remove an installation; its tokens die."""
        with self.world.lock:
            events.installation(self.world, "deleted", installation, [], installation.account)
            del self.world.installations[installation.id]

    def suspend(self, installation: Installation, suspended: bool = True) -> None:
        """Suspend an installation, or let it work again."""
        with self.world.lock:
            installation.suspended_at = self.world.now() if suspended else None
            installation.suspended_by = installation.account if suspended else None
            action = "suspend" if suspended else "unsuspend"
            events.installation(self.world, action, installation, [], installation.account)

    def grant_permissions(self, installation: Installation, permissions: Mapping[str, str] | None) -> None:
        """Have an installation grant these permissions alone; None accepts all that the app wants, and is told."""
        with self.world.lock:
            installation.granted = None if permissions is None else dict(permissions)
            if permissions is None:
                events.installation(
                    self.world, "new_permissions_accepted", installation, [], installation.account
                )  # fmt: skip

    def select(self, installation: Installation, repositories: Sequence[Repository]) -> None:
        """Change which repositories an installation has."""
        with self.world.lock:
            every = set(self.world.repositories)
            before = every if installation.repository_ids is None else installation.repository_ids
            after = {r.id for r in repositories}
            installation.repository_ids = after
            known = self.world.repositories
            for added, removed in ((after - before, set()), (set[int](), before - after)):
                if added or removed:
                    events.installation_repositories(
                        self.world, installation, [known[i] for i in sorted(added)],
                        [known[i] for i in sorted(removed) if i in known], installation.account,
                    )  # fmt: skip

    def create_repository(
        self,
        full_name: str,
        files: Files | None = None,
        *,
        private: bool = True,
        default_branch: str = "main",
        executable: Sequence[str] = (),
        message: str = "Begin",
    ) -> Repository:
        """Make a repository with one commit of these files, or an empty one."""
        owner_login, _, name = full_name.partition("/")
        world = self.world
        with world.lock:
            owner, now = world.user(owner_login), world.now()
            git_dir = world.root / owner_login / f"{name}.git"
            git.create(git_dir, default_branch)
            repo = Repository(world.new_id(), owner, name, git_dir, now, now, default_branch, private)
            world.repositories[repo.id] = repo
            if files:
                sha = commit_files(world, repo, owner, parent=None, files=files, message=message, executable=executable)
                git.set_ref(git_dir, f"refs/heads/{default_branch}", sha)
            refs.reread(repo)
            return repo

    def import_repository(self, full_name: str, path: Path, *, default_branch: str = "") -> Repository:
        """Make a repository from a git repository on disk (its branches and tags), or from a plain folder's files."""
        if not (path / ".git").exists() and not (path / "HEAD").exists():
            found = sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink())
            names = [p.relative_to(path).as_posix() for p in found]
            executable = [n for n, p in zip(names, found, strict=True) if p.stat().st_mode & 0o100]
            files = {n: p.read_bytes() for n, p in zip(names, found, strict=True)}
            return self.create_repository(
                full_name, files, default_branch=default_branch or "main", executable=executable
            )
        command = [git.GIT, "-c", "safe.directory=*", "-C", str(path), "symbolic-ref", "--short", "HEAD"]
        head = subprocess.run(command, env=git.environment(), capture_output=True, text=True, check=False)
        repo = self.create_repository(full_name, default_branch=default_branch or head.stdout.strip() or "main")
        git.run(
            repo.git_dir, "fetch", "-q", str(path.resolve()), "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"
        )
        refs.reread(repo)
        return repo

    def delete_repository(self, repo: Repository) -> None:
        """Remove a repository, also from the disk."""
        with self.world.lock:
            del self.world.repositories[repo.id]
            for pull in (p for r in self.world.repositories.values() for p in r.pulls()):
                if pull.head_repo is repo:
                    pull.head_repo = None
            shutil.rmtree(repo.git_dir, ignore_errors=True)

    def rename_repository(self, repo: Repository, name: str) -> None:
        """Give a repository another name; its number stays."""
        with self.world.lock:
            moved = repo.git_dir.with_name(f"{name}.git")
            repo.git_dir.rename(moved)
            repo.name, repo.git_dir = name, moved

    def transfer_repository(self, repo: Repository, owner: str) -> None:
        """Give a repository to another account; its number stays, and nobody is told."""
        with self.world.lock:
            repos.transfer(self.world, repo, self.world.user(owner))

    def rename_branch(self, repo: Repository, old: str, new: str) -> None:
        """Give a branch another name, as its owner does."""
        with self.world.lock:
            repos.rename_branch(self.world, repo, old, new, repo.owner)

    def create_label(self, repo: Repository, name: str, color: str = "ededed") -> None:
        """Make a label that issues may get."""
        with self.world.lock:
            issues.label_named(self.world, repo, name, color)

    # --- other people's CI -----------------------------------------------------------------------------------------

    def set_status(self, repo: Repository, sha: str, state: str, context: str = "ci/external") -> Status:
        """Set a commit status as an external CI does."""
        with self.world.lock:
            creator = self.world.user("external-ci[bot]", "Bot")
            return checks.add_status(self.world, repo, creator, sha, state=state, context=context)

    def add_check(
        self, repo: Repository, sha: str, name: str, conclusion: str | None = None, app: App | None = None
    ) -> CheckRun:
        """Report a check run of an app (default: GitHub Actions), running or with its conclusion."""
        with self.world.lock:
            of = app or self._actions_app
            suite = checks.suite_for(self.world, repo, of, sha)
            run = checks.add_run(self.world, repo, suite, name=name, sender=of.bot, status="in_progress")
            if conclusion:
                checks.update_run(self.world, repo, run, of.bot, conclusion=conclusion)
            return run

    def finish_check(self, repo: Repository, run: CheckRun, conclusion: str) -> None:
        """Complete a check run that `add_check` began."""
        with self.world.lock:
            checks.update_run(self.world, repo, run, run.suite.app.bot, conclusion=conclusion)

    # --- what CI makes ----------------------------------------------------------------------------------------------

    def add_artifact(self, repo: Repository, sha: str, name: str, content: Mapping[str, bytes] | bytes) -> Artifact:
        """Leave an artifact (files, or an archive as it is) with the newest workflow run of a commit."""
        with self.world.lock:
            run = next(run for run in reversed(repo.runs) if run.suite.head_sha == sha)
            archive = content if isinstance(content, bytes) else builds.pack(content)
            return builds.add_artifact(self.world, run, name, archive)

    def deploy(self, repo: Repository, sha: str, environment: str, url: str, state: str = "success") -> Deployment:
        """Deploy a commit as an external service does."""
        with self.world.lock:
            creator = self.world.user("deployer[bot]", "Bot")
            made = builds.add_deployment(self.world, repo, creator, sha, ref=sha, environment=environment)
            builds.add_deployment_status(self.world, made, creator, state=state, environment_url=url)
            return made

    def ping(self, app: App) -> None:
        """Send an app the `ping` that a new webhook gets."""
        with self.world.lock:
            events.ping(self.world, app)

    def _redeliver(self, delivery: Delivery) -> None:
        self.post.redeliver(delivery)
