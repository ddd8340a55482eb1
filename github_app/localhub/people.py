"""Acting as a person: what tests and the demo do where people would click. The same deeds that REST does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import attachments, git
from .deeds import issues, merging, pulls, refs, reviews
from .deeds.reviews import Inline
from .exchange import ApiError
from .values import Comment, Issue, Pull, Repository, Review, ReviewComment, Thread, User
from .world import World

Files = Mapping[str, str | bytes | None]


def commit_files(
    world: World, repo: Repository, who: User, *, parent: str | None, files: Files, message: str,
    executable: Sequence[str] = (),
) -> str:  # fmt: skip
    """Store a commit that changes these files (None removes one) and return its SHA; no branch moves."""
    changes = []
    for path, content in files.items():
        raw = content.encode() if isinstance(content, str) else content
        sha = None if raw is None else git.write_blob(repo.git_dir, raw)
        changes.append(git.Change(path, "100755" if path in executable else "100644", sha))
    tree = git.write_tree(repo.git_dir, parent, changes)
    person = git.Person(who.login, who.email, world.now())
    parents = [parent] if parent else []
    return git.write_commit(
        repo.git_dir, tree=tree, parents=parents, author=person, committer=person, message=f"{message}\n"
    )


@dataclass(frozen=True)
class Person:
    """Somebody who uses the local GitHub. Methods raise `ApiError` where GitHub would refuse."""

    world: World
    user: User

    @property
    def token(self) -> str:
        """The personal access token that REST and git take for this person."""
        return f"user:{self.user.login}"

    def open_issue(self, repo: Repository, title: str, body: str | None = None, labels: Sequence[str] = ()) -> Issue:
        """Open an issue, with labels at once."""
        with self.world.lock:
            return issues.open_issue(self.world, repo, self.user, title=title, body=body, labels=tuple(labels))

    def attach(self, content: bytes) -> str:
        """Drop a file into a text; its address, to be written there."""
        with self.world.lock:
            return attachments.attach(self.world, content)

    def edit_issue(self, issue: Issue, *, title: str | None = None, body: str | None = None) -> None:
        """Change title or body of an issue or pull request."""
        with self.world.lock:
            issues.edit_issue(self.world, issue, self.user, title=title, body=body)

    def label(self, issue: Issue, name: str) -> None:
        """Add a label."""
        with self.world.lock:
            issues.add_labels(self.world, issue, self.user, [name])

    def unlabel(self, issue: Issue, name: str) -> None:
        """Take a label off."""
        with self.world.lock:
            issues.remove_label(self.world, issue, self.user, name)

    def comment(self, issue: Issue, body: str) -> Comment:
        """Comment on an issue or in a pull request's conversation."""
        with self.world.lock:
            return issues.add_comment(self.world, issue, self.user, body)

    def edit_comment(self, comment: Comment, body: str) -> None:
        """Change a comment."""
        with self.world.lock:
            issues.edit_comment(self.world, comment, self.user, body)

    def tick(self, comment: Comment, label: str, *, seen: str | None = None) -> None:
        """Tick the box with this label in a comment; `seen` is its text as the page shows it, if that is not new."""
        with self.world.lock:
            issues.tick(self.world, comment, self.user, label, seen=seen)

    def delete_comment(self, comment: Comment) -> None:
        """Remove a comment."""
        with self.world.lock:
            issues.delete_comment(self.world, comment, self.user)

    def close(self, issue: Issue) -> None:
        """Close an issue or pull request."""
        with self.world.lock:
            issues.set_state(self.world, issue, self.user, "closed")

    def delete_issue(self, issue: Issue) -> None:
        """Delete an issue."""
        with self.world.lock:
            issues.delete_issue(self.world, issue, self.user)

    def transfer(self, issue: Issue, to: Repository) -> Issue:
        """Move an issue to another repository; what it is there."""
        with self.world.lock:
            return issues.transfer_issue(self.world, issue, self.user, to)

    def reopen(self, issue: Issue) -> None:
        """Open a closed issue or pull request again."""
        with self.world.lock:
            if issue.pull:
                pulls.reopen(self.world, issue.pull, self.user)
            else:
                issues.set_state(self.world, issue, self.user, "open")

    def push(
        self, repo: Repository, branch: str, files: Files, message: str, *, onto: str | None = None,
        executable: Sequence[str] = (),
    ) -> str:  # fmt: skip
        """Commit files on a branch and return the new commit.

        A missing branch begins at the default branch. `onto` replaces the branch from there: a force push.
        """
        with self.world.lock:
            parent = onto or repo.branch(branch) or repo.branch(repo.default_branch)
            sha = commit_files(
                self.world, repo, self.user, parent=parent, files=files, message=message, executable=executable
            )
            refs.set_ref(self.world, repo, f"refs/heads/{branch}", sha, self.user)
            return sha

    def delete_branch(self, repo: Repository, branch: str) -> None:
        """Delete a branch; its open pull requests close."""
        with self.world.lock:
            refs.set_ref(self.world, repo, f"refs/heads/{branch}", None, self.user)

    def open_pull(
        self, repo: Repository, title: str, *, head: str, base: str | None = None, body: str | None = None,
        draft: bool = False,
    ) -> Pull:  # fmt: skip
        """Open a pull request."""
        with self.world.lock:
            return pulls.open_pull(
                self.world, repo, self.user,
                title=title, head=head, base=base or repo.default_branch, body=body, draft=draft,
            )  # fmt: skip

    def set_draft(self, pull: Pull, draft: bool) -> None:
        """Convert to draft, or mark as ready for review."""
        with self.world.lock:
            pulls.set_draft(self.world, pull, self.user, draft)

    def retarget(self, pull: Pull, base: str) -> None:
        """Change the base branch of a pull request."""
        with self.world.lock:
            pulls.retarget(self.world, pull, self.user, base)

    def review(self, pull: Pull, event: str, body: str = "", inline: Sequence[Inline] = ()) -> Review:
        """Submit a review: event APPROVE, REQUEST_CHANGES or COMMENT, with inline comments."""
        with self.world.lock:
            return reviews.write_review(self.world, pull, self.user, event=event, body=body, inline=inline)

    def comment_line(self, pull: Pull, path: str, line: int, body: str) -> ReviewComment:
        """Write a single inline comment on a line of the head's file."""
        with self.world.lock:
            asked = Inline(path, body, line)
            return reviews.comment_alone(self.world, pull, self.user, pull.head_sha, asked)

    def reply(self, thread: Thread, body: str) -> ReviewComment:
        """Answer in a thread."""
        with self.world.lock:
            return reviews.reply(self.world, thread.pull, self.user, thread.comments[0].id, body)

    def resolve(self, thread: Thread) -> None:
        """Resolve a thread."""
        with self.world.lock:
            reviews.set_resolved(self.world, thread, self.user, True)

    def dismiss(self, review: Review) -> None:
        """Dismiss a review."""
        with self.world.lock:
            reviews.dismiss(self.world, review, self.user)

    def enable_auto_merge(self, pull: Pull) -> None:
        """Have GitHub merge a pull request when its branch's rules let it."""
        with self.world.lock:
            merging.enable(self.world, pull, self.user, {})

    def merge(self, pull: Pull, method: str = "merge") -> str:
        """Merge a pull request and return the commit; needs write permission, as on GitHub."""
        with self.world.lock:
            if self.world.role(self.user, pull.issue.repo) not in ("write", "maintain", "admin"):
                raise ApiError(403, "Must have write access to Repository.")
            return pulls.merge(self.world, pull, self.user, method=method)
