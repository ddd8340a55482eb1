"""Publishing by plain `git push`, for those whose rules want a pusher (`core.ports.Publisher`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from github_app.adapters.hub.texts import commit_message
from github_app.adapters.repository.git import Git
from github_app.adapters.repository.mirrors import Mirrors
from github_app.adapters.repository.pushes import Signature, make_commit, push
from github_app.adapters.vault import Vault
from github_app.core.changes.paths import is_workflow
from github_app.core.errors import HeadMoved
from github_app.core.model import ChangeSet, Repo
from github_app.core.ports import Fence, GitAuth, Hub, Unfenced


@dataclass(frozen=True, kw_only=True)
class PushPublisher:
    """Makes commits in the mirror, in our bot's name, and pushes them. The mirror then has the next turn's base."""

    git: Git
    mirrors: Mirrors
    hub: Hub
    vault: Vault = field(default_factory=Vault)
    fence: Fence = field(default_factory=Unfenced)

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
        """Make and push one commit; see `core.ports.Publisher`. The same call makes the same commit again."""

        has_workflow = any(is_workflow(change.path) for change in changes.changes)

        def auth() -> GitAuth:
            return self.hub.git_auth(repo, write=True, workflows=has_workflow)

        with self.mirrors.held(repo.id):
            parents = [sha for sha in (merged_sha, parent_sha) if sha]
            for sha in parents:
                mirror = self.mirrors.ensure(repo.id, sha, auth)
            seconds = max(map(int, self.git.run(mirror, ["show", "-s", "--format=%ct", *parents]).split()))
            me = self.hub.identity()
            author = Signature(
                name=me.login,
                email=f"{me.id}+{me.login}@users.noreply.github.com",
                # A second after its parents, whenever that is: a commit made again must have the same SHA.
                at=datetime.fromtimestamp(seconds + 1, UTC),
            )
            fit = self.vault.fit(message, of=f"a commit on {branch}", is_markdown=False)
            text = commit_message(fit, key=key, audit=audit)
            sha = make_commit(
                self.git, mirror, changes, parent_sha=parent_sha, merged_sha=merged_sha, message=text, author=author
            )
            token = auth()
            self.fence.require()
            try:
                push(self.git, mirror, sha, branch=branch, auth=token, may_create=may_create)
            except HeadMoved as moved:
                if moved.head_sha is None or not self._holds(repo, moved.head_sha, sha):
                    raise
            return sha

    def _holds(self, repo: Repo, head_sha: str, sha: str) -> bool:
        """Whether a head that has moved on holds our commit already: pushed before a crash, then built upon."""
        mirror = self.mirrors.ensure(repo.id, head_sha, lambda: self.hub.git_auth(repo))
        ours = self.git.run(mirror, ["rev-list", "--max-count=200", head_sha]).decode().split()
        return sha in ours
