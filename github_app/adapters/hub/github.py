"""GitHub as the rest of Honk sees it: `core.ports.Hub`, made of PyGithub. Each call is one line to the module that
knows how; what they share (tokens, patience, errors) is in `clients.py`."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from github.ContentFile import ContentFile
from github.Repository import Repository

from github_app.adapters.hub import (
    artifacts,
    checkruns,
    checks,
    comments,
    commits,
    deliveries,
    images,
    inspection,
    issues,
    listing,
    people,
    pulls,
    reverts,
    reviews,
    shipping,
    templates,
    threads,
)
from github_app.adapters.hub.budgets import at_leisure
from github_app.adapters.hub.clients import Clients
from github_app.adapters.hub.errors import NotFound
from github_app.adapters.hub.shapes import to_issue, to_linked, to_whole_pull
from github_app.adapters.hub.texts import commit_message
from github_app.adapters.vault import Vault
from github_app.core.changes.paths import is_workflow
from github_app.core.effects import ReactionTarget
from github_app.core.errors import NotVisibleYet, Refused
from github_app.core.events import CommentSource
from github_app.core.inspection import AppState
from github_app.core.linked import Linked
from github_app.core.merges import Comparison
from github_app.core.model import (
    Actor,
    Annotation,
    ChangeSet,
    Checks,
    Comment,
    Issue,
    Patch,
    Permission,
    Pull,
    Repo,
    Thread,
)
from github_app.core.ports import Fence, GitAuth, Unfenced
from github_app.core.reports import LineComment
from github_app.core.shipments import Approvals
from github_app.core.tracing import NoSpans, Spans
from github_app.core.traffic import Traffic

MAX_SUMMARY_CHARS = 65_535


class GitHubHub:
    """GitHub (github.com or an Enterprise Server) for one GitHub App. Made once; safe to share between threads.

    `ca_file` has the certificates that are trusted (without it, the usual ones). `pause_s` is the least time between
    two writes of one installation; `timeout_s` holds for each request. `clock` (seconds since 1970) and `sleep` are for
    tests. No request is made before the first call. All texts pass the vault, which learns each token, and nothing is
    changed that `fence` does not let pass.
    """

    def __init__(
        self,
        *,
        app_id: str,
        private_key: str,
        api_url: str,
        web_url: str,
        graphql_url: str | None = None,
        ca_file: Path | None = None,
        pause_s: float = 1.0,
        timeout_s: int = 15,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        vault: Vault | None = None,
        fence: Fence | None = None,
        spans: Spans | None = None,
    ) -> None:
        self._web_url = web_url.rstrip("/")
        self.vault = vault or Vault(homes=(self._web_url,))
        self._lock = threading.Lock()
        self._known: tuple[int, Actor, tuple[str, ...]] | None = None
        self._clients = Clients(
            app_id=app_id,
            private_key=private_key,
            api_url=api_url,
            graphql_url=graphql_url,
            verify=str(ca_file) if ca_file is not None else True,
            pause_s=pause_s,
            timeout_s=timeout_s,
            clock=clock,
            sleep=sleep,
            vault=self.vault,
            fence=fence or Unfenced(),
            spans=spans or NoSpans(),
        )
        self.listing = listing.GitHubListing(self._clients)
        self.builds = artifacts.GitHubBuilds(self._clients)

    @property
    def merger(self) -> shipping.GitHubMerger:
        """The way to a merge, for whoever is allowed one."""
        return shipping.GitHubMerger(self._clients)

    def close(self) -> None:
        """Close all connections. The hub can be used again; it then opens new ones."""
        self._clients.close()

    def at_leisure(self) -> AbstractContextManager[None]:
        """Within it, calls of this thread are work that can wait: `RateLimited` while the rest is for people."""
        return at_leisure()

    def traffic(self) -> Traffic:
        """What this process has asked of GitHub so far."""
        line, budgets = self._clients.line, self._clients.budgets
        return Traffic(
            sent=line.sent,
            unchanged=line.unchanged,
            limited=budgets.limited,
            kept_back=budgets.kept_back,
            left=budgets.left(),
        )

    def _whoami(self) -> tuple[int, Actor, tuple[str, ...]]:
        with self._lock:
            if self._known is None:
                self._known = people.find_identity(self._clients)
            return self._known

    def identity(self) -> Actor:
        """Our own account: the app's bot user. Asked once."""
        return self._whoami()[1]

    def app_state(self) -> AppState:
        """The App as GitHub has it."""
        return inspection.read_app(self._clients)

    def permission(self, repo: Repo, actor: Actor) -> Permission:
        """What an account may do, asked live; NONE for unknown and renamed accounts and bots."""
        return people.ask_permission(self._clients, repo, actor)

    def issue(self, repo: Repo, number: int) -> Issue:
        """An issue as it stands now."""
        client = self._clients.repo(repo, "issue")
        return client.read(lambda it: to_issue(it.get_issue(number)), what=f"issue #{number}", was_told=True)

    def find_account(self, login: str) -> Actor | None:
        """The account that has this name now."""
        return people.find_account(self._clients, login)

    def find_repo(self, full_name: str) -> Repo | None:
        """The repository that has this name now, if we are installed in it."""
        return issues.find_repo(self._clients, full_name)

    def open_issue(self, repo: Repo, *, key: str, title: str, body: str) -> int:
        """Open an issue in our name, once for each `key`; its number."""
        fit_title = self.vault.fit(title, of="the title of an issue", is_markdown=False)
        fit = self.vault.fit(body, of="an issue")
        return issues.open_issue(self._clients, repo, key=key, title=fit_title, body=fit, me=self.identity())

    def linked(self, repo: Repo, number: int) -> Linked:
        """An issue or pull request that a text refers to, if it is there."""
        return self._clients.repo(repo, "issue").read(lambda it: to_linked(it.get_issue(number)), what=f"#{number}")

    def images(self, repo: Repo, number: int, urls: Sequence[str]) -> Mapping[str, bytes]:
        """The images at these addresses, which an issue or its comments show; what cannot be had is left out."""
        return images.Images(client=self._clients.repo(repo, "issue"), web_url=self._web_url).fetch(number, urls)

    def comments(self, repo: Repo, number: int) -> tuple[Comment, ...]:
        """All comments of an issue or pull request but ours, oldest first, each with its author's permission."""
        return people.read_comments(self._clients, repo, number, me=self.identity())

    def pull(self, repo: Repo, number: int) -> Pull:
        """A pull request as it stands now."""
        client = self._clients.repo(repo, "pull")
        return client.read(lambda it: to_whole_pull(it.get_pull(number)), what=f"pull request #{number}", was_told=True)

    def patches(self, repo: Repo, number: int) -> tuple[Patch, ...]:
        """What a pull request changes, file by file, in the order of paths."""
        return pulls.read_patches(self._clients.repo(repo, "patches"), number)

    def find_pull(self, repo: Repo, branch: str) -> Pull | None:
        """The newest pull request whose head is `branch` of this repository."""
        return pulls.find_pull(self._clients.repo(repo, "find_pull"), branch)

    def head_of(self, repo: Repo, branch: str) -> str | None:
        """The commit at the tip of a branch; None if there is no such branch. Raises `Gone` for an empty repository."""
        return commits.read_head(self._clients.repo(repo, "head_of"), branch)

    def is_protected(self, repo: Repo, branch: str) -> bool:
        """Whether GitHub has a branch protected, so that nobody pushes to it directly."""
        client = self._clients.repo(repo, "is_protected")
        return client.read(lambda it: it.get_branch(branch).protected, what=f"branch {branch}")

    def compare(self, repo: Repo, *, base: str, head_sha: str) -> Comparison | None:
        """How a commit stands to a branch or commit `base`; None if that is gone, or they have nothing in common."""
        return commits.compare(self._clients.repo(repo, "compare"), base=base, head_sha=head_sha)

    def first_parents(self, repo: Repo, sha: str, *, limit: int) -> tuple[str, ...]:
        """The commits before a commit, each the first parent of the one after it; the newest first."""
        return commits.read_first_parents(self._clients.repo(repo, "first_parents"), sha, limit=limit)

    def checks(self, repo: Repo, sha: str, *, with_logs: bool = False) -> Checks:
        """All checks of a commit, merged; with `with_logs`, what the failed ones printed, as far as it can be had."""
        client = self._clients.repo(repo, "checks")
        return checks.read_checks(client, sha, own_app_id=self._whoami()[0], with_logs=with_logs)

    def rerun_failed(self, repo: Repo, run_id: int) -> None:
        """Have the failed jobs of a workflow run run once more; nothing if it has run more than once, or runs."""
        checks.rerun_failed(self._clients.repo(repo, "rerun_failed"), run_id)

    def threads(self, repo: Repo, pull_number: int) -> tuple[Thread, ...]:
        """The unresolved review threads of a pull request, all pages, our own comments among theirs."""
        permissions = people.Permissions(self._clients, repo)
        client = self._clients.repo(repo, "threads")
        return threads.read_threads(client, pull_number, permission_of=permissions.of)

    def file(self, repo: Repo, path: str, sha: str) -> bytes | None:
        """A file at a commit; None if it is not there. `Refused` above 1 MB, `NotVisibleYet` for an unknown commit."""

        def ask(it: Repository) -> bytes | None:
            found = it.get_contents(path, ref=sha)
            if not isinstance(found, ContentFile) or found.type != "file":
                return None
            if found.encoding != "base64":
                raise Refused(f"`{path}` is larger than 1 MB")
            return base64.b64decode(found.content)

        try:
            return self._clients.repo(repo, "file").read(ask, what=path)
        except NotFound as error:
            if "no commit found" in str(error).lower():
                raise NotVisibleYet(str(error)) from error
            return None

    def react(self, repo: Repo, target: ReactionTarget, target_id: int, content: str) -> None:
        """Put a reaction; once, however often it is called. `target_id`: an issue's number, else a comment's id."""
        comments.react(self._clients, repo, target=target, target_id=target_id, content=content)

    def say(self, repo: Repo, number: int, tag: str, body: str, *, known: int | None = None) -> int:
        """Post a comment, or edit ours with the same hidden `tag`; its id. Cuts a body that is too long, visibly.

        `known` is its id as it was: found by that, whatever people did to its text; if it is gone, by its tag.
        """
        fit = self.vault.fit(body, of=f"a comment on #{number}")
        return comments.say(self._clients, repo, number, tag=tag, body=fit, me=self.identity(), known=known)

    def minimise(self, repo: Repo, comment_id: int) -> None:
        """Fold up a comment of ours as outdated; nothing if it is gone, or another's."""
        comments.minimise(self._clients, repo, comment_id, me=self.identity())

    def own_comment(self, repo: Repo, number: int, tag: str) -> tuple[str, Actor | None] | None:
        """Our comment with this `tag` as it stands, and who edited it last (None: nobody); None if it is gone."""
        return comments.read_own(self._clients, repo, number, tag=tag, me=self.identity())

    def publish(
        self,
        repo: Repo,
        changes: ChangeSet,
        *,
        parent_sha: str,
        branch: str,
        message: str,
        key: str,
        audit: str,
        may_create: bool = True,
        merged_sha: str = "",
    ) -> str:
        """Make one commit on `branch` (created at `parent_sha` if absent) and return its SHA; never forces.

        Idempotent by `key`, kept as a trailer of the commit beside `audit`. Raises `HeadMoved` if the tip is not
        `parent_sha`, `Refused` where a rule of the repository forbids it, `Gone` for a branch that is not there and not
        to be created.
        """
        has_workflow = any(is_workflow(change.path) for change in changes.changes)
        client = self._clients.repo(repo, "publish_workflows" if has_workflow else "publish")
        fit = self.vault.fit(message, of=f"a commit on {branch}", is_markdown=False)
        text = commit_message(fit, key=key, audit=audit)
        where = commits.Place(branch=branch, parent_sha=parent_sha, may_create=may_create, merged_sha=merged_sha)
        return commits.publish(client, changes, where, message=text, key=key)

    def template(self, repo: Repo, sha: str) -> str | None:
        """The repository's template of pull requests at a commit, as GitHub finds it; None if there is none."""
        return templates.read_template(self._clients.repo(repo, "template"), sha)

    def open_pull(self, repo: Repo, *, branch: str, base: str, title: str, body: str, below: str = "") -> Pull:
        """The open draft pull request for `branch`: found if it is there, else opened; `below` goes below our part."""
        client = self._clients.repo(repo, "open_pull")
        where = f"the pull request of {branch}"
        fit_title = self.vault.fit(title, of=where, is_markdown=False)
        fit, fit_below = self.vault.fit(body, of=where), self.vault.fit(below, of=where)
        return pulls.open_pull(client, branch=branch, base=base, title=fit_title, body=fit, below=fit_below)

    def edit_pull(self, repo: Repo, number: int, *, body: str) -> None:
        """Replace the part of the body between our markers, or all of it if they are gone; the rest is the humans'."""
        fit = self.vault.fit(body, of=f"the body of #{number}")
        pulls.edit_pull(self._clients.repo(repo, "edit_pull"), number, body=fit)

    def show_check(
        self, repo: Repo, sha: str, *, name: str, key: str, conclusion: str, title: str, summary: str,
        annotations: Sequence[Annotation] = (),
    ) -> None:  # fmt: skip
        """Enter a check run of ours of a commit, completed; once for each `key`."""
        of = f"the check run of {sha[:12]}"
        checkruns.show_check(
            self._clients.repo(repo, "show_check"), sha, own_app_id=self._whoami()[0], name=name,
            key=key, conclusion=conclusion, title=title, summary=self.vault.fit(summary, of=of)[:MAX_SUMMARY_CHARS],
            annotations=[replace(each, text=self.vault.fit(each.text, of=of)) for each in annotations],
        )  # fmt: skip

    def revert_pull(self, repo: Repo, number: int, *, key: str, title: str, body: str) -> int:
        """The number of the draft pull request that reverts a merged one; once for each `key`. Raises `Refused`."""
        where = f"the revert of #{number}"
        fit_title = self.vault.fit(title, of=where, is_markdown=False)
        return reverts.revert_pull(
            self._clients.repo(repo, "revert_pull"), number,
            key=key, title=fit_title, body=self.vault.fit(body, of=where), me=self.identity(),
        )  # fmt: skip

    def mark_ready(self, repo: Repo, number: int) -> None:
        """Take a pull request out of draft; nothing if it is not one."""
        pulls.mark_ready(self._clients.repo(repo, "mark_ready"), number)

    def approvals(self, repo: Repo, number: int, sha: str) -> Approvals:
        """Who approved this commit of a pull request, and who asks for changes, of those who may write."""
        return shipping.read_approvals(self._clients, repo, number, sha)

    def is_merging(self, repo: Repo, number: int) -> bool:
        """Whether GitHub has merged a pull request, or will do so by itself."""
        return shipping.is_merging(self._clients, repo, number)

    def stop_merging(self, repo: Repo, number: int) -> None:
        """Have GitHub merge it by itself no more, as far as we asked for that; nothing if it has ended."""
        shipping.stop_merging(self._clients, repo, number, me=self.identity())

    def post_review(
        self, repo: Repo, number: int, *, key: str, sha: str, body: str, comments: Sequence[LineComment]
    ) -> None:
        """Post one review of commit `sha` that only comments; once for each `key`. Raises `Refused`."""
        of, client = f"a review of #{number}", self._clients.repo(repo, "post_review")
        fit = [replace(each, body=self.vault.fit(each.body, of=of)) for each in comments]
        body = self.vault.fit(body, of=of)
        reviews.post_review(client, number, key=key, sha=sha, body=body, comments=fit, me=self.identity())

    def reply_thread(self, repo: Repo, pull_number: int, *, reply_to: int, key: str, body: str) -> None:
        """Answer in a review thread; once for each `key`."""
        fit = self.vault.fit(body, of=f"an answer in #{pull_number}")
        comments.reply_in_thread(
            self._clients, repo, pull_number, reply_to=reply_to, key=key, body=fit, me=self.identity()
        )

    def resolve_thread(self, repo: Repo, thread_id: str) -> None:
        """Resolve a review thread; nothing if it is."""
        threads.resolve(self._clients.repo(repo, "resolve_thread"), thread_id)

    def request_review(self, repo: Repo, number: int, logins: Sequence[str]) -> None:
        """Ask for another review; unknown people are passed over."""
        pulls.request_review(self._clients.repo(repo, "request_review"), number, logins)

    def remove_label(self, repo: Repo, number: int, label: str) -> None:
        """Take a label off; nothing if it is not on."""
        comments.remove_label(self._clients, repo, number, label=label)

    def git_auth(self, repo: Repo, *, write: bool = False, workflows: bool = False) -> GitAuth:
        """How to fetch from (or push to, changed workflows as well) the repository for the next minutes."""
        push = "push_workflows" if workflows else "push"
        token = self._clients.token(repo, push if write else "fetch")
        return GitAuth(url=f"{self._web_url}/{self._clients.names.of(repo)}.git", token=token.value)

    def has_comment(self, repo: Repo, source: CommentSource, comment_id: int) -> bool:
        """Whether a comment is still there."""
        return listing.has_comment(self._clients, repo, source, comment_id)

    def redeliver_failed(self, *, since: datetime, again: bool) -> int:
        """Ask GitHub to deliver again what did not arrive; how many. With `again`, also what we refused twice."""
        return deliveries.redeliver_failed(self._clients, since=since, subscribed=self._whoami()[2], again=again)
