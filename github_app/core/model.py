"""The values that flow through Honk, as GitHub and the sandbox have them: people, repositories, issues, pull requests,
checks, change sets. All are frozen and hold what was observed, nothing that must still be fetched."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import IntEnum
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Repo:
    """A repository. `id` is what we key on: names change, numbers do not."""

    id: int
    full_name: str
    installation_id: int
    default_branch: str


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A GitHub account. Trust never rests on `login`; bots are known by `id` (a `[bot]` suffix proves nothing)."""

    id: int
    login: str
    is_bot: bool = False


class Permission(IntEnum):
    """What an account may do in a repository, by GitHub's `role_name`, in rising order:
    https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user"""

    NONE = 0
    READ = 1
    TRIAGE = 2
    WRITE = 3
    MAINTAIN = 4
    ADMIN = 5


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What model calls consumed, as the model's server counted it. Money is in millionths of a US dollar."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_micro_usd: int = 0
    steps: int = 0

    def __add__(self, other: Usage) -> Usage:
        """The two amounts together."""
        sums = {each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)}
        return Usage(**sums)

    @property
    def total_tokens(self) -> int:
        """Every token that went in or out, cached or not."""
        return self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_write_tokens


@dataclass(frozen=True, kw_only=True)
class NetworkDecision:
    """What became of attempts of sandboxed commands to reach one host; `times` that it happened.

    `host` is what was asked for: printable, of bounded length, and the asker's words. `reason` is ours: why it was
    refused, or what went wrong with what was allowed. The registries' mirror is called `registries`, port 0.
    """

    host: str
    port: int
    is_allowed: bool
    reason: str = ""
    times: int = 1
    bytes_up: int = 0
    bytes_down: int = 0


Mode = Literal["100644", "100755", "120000"]


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """One changed path. `content` is None for a deletion, the target for a symbolic link (mode 120000).

    `base_mode` is what the base has there (None: nothing); it is told of the change and no part of it."""

    path: str
    mode: Mode
    content: bytes | None
    base_mode: Mode | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Merged:
    """Two commits that become one: the head of our branch, and that of its base."""

    head_sha: str
    base_sha: str


@dataclass(frozen=True, kw_only=True)
class ChangeSet:
    """What a session changed against `base_sha`, sorted by path. The only thing that leaves a sandbox.

    `merged`: `base_sha` is no commit of GitHub's but our own merge of these two (`core.merges`)."""

    base_sha: str
    changes: tuple[FileChange, ...] = ()
    merged: Merged | None = None


CheckState = Literal["none", "pending", "passed", "failed", "blocked"]


@dataclass(frozen=True, kw_only=True)
class FailedCheck:
    """One check that ended badly. `log` is what could be had: the job's log tail, annotations or the summary.

    `source` is who reports it: with the name, it tells whether a check of another commit is the same one. `run_id` is
    the run of GitHub Actions that it belongs to, if it does, and `attempt` counts how often that ran on this commit.
    """

    name: str
    conclusion: str
    url: str = ""
    log: str = ""
    source: str = ""
    run_id: int = 0
    attempt: int = 0


@dataclass(frozen=True, kw_only=True)
class Checks:
    """All checks of one commit, merged by us from check runs and statuses.

    `none`: nothing ever reported. `blocked`: CI waits for a person (`action_required`). `succeeded` are those that ran
    and were good, by source and name; `passed` counts those that were skipped, too.
    """

    head_sha: str
    state: CheckState
    failed: tuple[FailedCheck, ...] = ()
    passed: int = 0
    pending: tuple[str, ...] = ()
    succeeded: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Comment:
    """Words of a person under an issue or pull request, with what the person may do there."""

    id: int
    author: Actor
    permission: Permission
    body: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Issue:
    """An issue as it stood at `updated_at`. `body` is empty where GitHub has null."""

    number: int
    title: str
    body: str
    author: Actor
    is_open: bool
    labels: tuple[str, ...] = ()
    is_locked: bool = False
    url: str = ""
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Pull:
    """A pull request as it stands. `head_repo_id` is None when the fork is gone, `has_conflicts` where GitHub has not
    looked (yet). `merge_sha` is the commit that it became on its base, once it is merged."""

    number: int
    head_branch: str
    head_sha: str
    base_branch: str
    is_open: bool
    is_merged: bool
    is_draft: bool
    author: Actor
    head_repo_id: int | None = None
    merged_by: str = ""
    merge_sha: str = ""
    title: str = ""
    body: str = ""
    url: str = ""
    updated_at: datetime | None = None
    has_conflicts: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Patch:
    """What a pull request changes in one file. `diff` is empty where GitHub shows none: it is binary, only renamed, or
    too large. `before` is the path that a renamed file had."""

    path: str
    status: str
    additions: int = 0
    deletions: int = 0
    diff: str = ""
    before: str = ""


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """What a check run says about a line of a file. The words are read as they stand, without Markdown."""

    path: str
    line: int
    level: Literal["warning", "failure"]
    text: str


@dataclass(frozen=True, kw_only=True)
class BranchHold:
    """Who else has a say about a branch: GitHub's protection, or open work of ours on an issue (its number)."""

    is_protected: bool = False
    issue_number: int | None = None


@dataclass(frozen=True, kw_only=True)
class Thread:
    """An unresolved review thread. `reply_to` is the comment that answers go under.

    `line` is of the file at the head, and with `first_line` the last of several. It is None where the thread is about
    the whole file, or about lines that are not in it (any more): then `quoted` has these, as a diff. `hunk` is the diff
    down to its lines as they were at first, `head_sha` the head of which all this is told.
    """

    id: str
    reply_to: int
    path: str
    line: int | None
    comments: tuple[Comment, ...]
    is_outdated: bool = False
    first_line: int | None = None
    quoted: str = ""
    hunk: str = ""
    head_sha: str = ""
