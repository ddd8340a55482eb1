"""One bare mirror for each repository: everything that Honk fetches goes here, once, and nothing untrusted runs here.

Mirrors hold the commits that were asked for. Checkouts are made from them and commits are pushed from them; no sandbox
ever sees one. `fetch.fsckObjects` stays off: old repositories with harmless flaws that GitHub serves would become
unusable, and what it guards against (paths like `.git/config` in a tree, hostile submodule URLs) git refuses at
checkout, and we follow no submodules.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from github_app.adapters.repository.evictions import Kept
from github_app.adapters.repository.git import DAMAGED, Git, TookTooLong, check_sha, check_url
from github_app.adapters.repository.locks import acquire, locked
from github_app.core.errors import Gone, HonkError, LimitReached, NotVisibleYet, Transient
from github_app.core.ports import GitAuth

log = logging.getLogger(__name__)

FETCH_TIMEOUT_S = 1800.0
# What `git log` and `git blame` show the agent. Copying the packed objects of 50 commits costs a fifth of writing the
# files; lending the mirror's would cost nothing, but they hold what others asked for and what history has lost.
HISTORY_COMMITS = 50

# What is in a commit is what lies on disk: no line ends, keywords, encodings or filters (LFS) are turned on the way, so
# an imported file is byte for byte what the agent left, and an untouched one is never a change.
RAW_ATTRIBUTES = "* -text -eol -ident -filter -working-tree-encoding\n"


@dataclass(frozen=True, kw_only=True)
class Mirrors:
    """The mirrors below `root`, named by repository id. Safe between threads and processes of one machine."""

    root: Path
    git: Git

    def path(self, repo_id: int) -> Path:
        """Where a repository's mirror is, or will be."""
        return self.root / f"{repo_id}.git"

    def ensure(self, repo_id: int, sha: str, auth: Callable[[], GitAuth]) -> Path:
        """The path of a mirror that has commit `sha`; fetches (and calls `auth`) only if it is not there yet. Blocks.

        Raises `NotVisibleYet` if the remote does not have the commit (yet), `Gone` for an empty or missing repository,
        `AccessDenied`, `Transient`, `LimitReached` for one that is not fetched in half an hour.
        """
        check_sha(sha)
        path = self.path(repo_id)
        if self._has(repo_id, sha):
            return path
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self.root / f"{repo_id}.lock") as lock:
            if not self._has(repo_id, sha):
                remote = auth()
                check_url(remote.url, allow_file=self.git.allow_file)
                self.make(repo_id)
                try:
                    self._fetch(path, sha, remote=remote, lock=lock)
                except Transient:
                    if self.is_there(repo_id):
                        raise
                    self.make(repo_id)
                    self._fetch(path, sha, remote=remote, lock=lock)
        return path

    @contextmanager
    def held(self, repo_id: int) -> Iterator[None]:
        """Within the block a repository's mirror is not evicted, be it there or to come."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = acquire(self.root / f"{repo_id}.use", shared=True)
        try:
            os.utime(lock)
            yield
        finally:
            os.close(lock)

    def kept(self) -> Iterator[Kept]:
        """All that are there; one that is `held` is in use."""
        for mirror in sorted(self.root.glob("*.git")):
            yield Kept(path=mirror, lock=mirror.with_suffix(".use"), remove=shutil.rmtree)

    def make(self, repo_id: int) -> Path:
        """Make an empty mirror, so that it is there wholly or not at all; of one that is, what a killed git left goes.
        Under its lock."""
        path = self.path(repo_id)
        if (path / DAMAGED).exists():
            log.warning("a mirror is damaged and made anew", extra={"mirror": path.name})
            shutil.rmtree(path)
        _drop_stale_locks(path)
        if not path.is_dir():
            making = path.with_suffix(".making")
            shutil.rmtree(making, ignore_errors=True)
            self.git.run(making, ["init", "--quiet", "--bare", "--template=", "--initial-branch=none"])
            (making / "info").mkdir()
            (making / "info/attributes").write_text(RAW_ATTRIBUTES)
            making.rename(path)
        return path

    def tidy(self, repo_id: int) -> None:
        """Pack a mirror if many fetches have left many packs. Blocks; seconds at most times."""
        with locked(self.root / f"{repo_id}.lock") as lock:
            if self.path(repo_id).is_dir():
                args = ["gc", "--auto", "--quiet"]
                config = ["gc.auto=6700", "gc.autoDetach=false"]
                self.git.run(self.path(repo_id), args, config=config, timeout_s=FETCH_TIMEOUT_S, hold=lock)

    def tidy_all(self) -> None:
        """The same for every mirror that was used since it was last looked at."""
        for kept in self.kept():
            looked_at = kept.path / "tidied"
            if not looked_at.exists() or looked_at.stat().st_mtime <= kept.used_at:
                self.tidy(int(kept.path.stem))
                if kept.path.is_dir():
                    looked_at.touch()

    def delete(self, repo_id: int) -> None:
        """Delete a mirror. What is needed again is fetched again."""
        if self.root.is_dir():
            with locked(self.root / f"{repo_id}.lock"):
                shutil.rmtree(self.path(repo_id), ignore_errors=True)

    def is_there(self, repo_id: int) -> bool:
        """Whether there is a mirror that nothing speaks against."""
        path = self.path(repo_id)
        return path.is_dir() and not (path / DAMAGED).exists()

    def _has(self, repo_id: int, sha: str) -> bool:
        if not self.is_there(repo_id):
            return False
        try:
            self.git.run(self.path(repo_id), ["cat-file", "-e", f"{sha}^{{commit}}"], timeout_s=30)
        except HonkError:
            return False
        return True

    def _fetch(self, path: Path, sha: str, *, remote: GitAuth, lock: int) -> None:
        """Fetch the commit by its name, be it on a branch (still) or not, with the piece of history that an agent gets
        to see: a repository may have gigabytes of it."""
        options = ["--quiet", "--no-tags", "--no-write-fetch-head", f"--depth={HISTORY_COMMITS}"]
        args = ["fetch", *options, "--", remote.url, f"+{sha}:refs/honk/{sha}"]
        try:
            self.git.run(path, args, auth=remote, timeout_s=FETCH_TIMEOUT_S, hold=lock)
        except NotVisibleYet:
            if not self.git.run(path, ["ls-remote", "--heads", "--", remote.url], auth=remote):
                raise Gone("the repository is empty: it has no branch yet", what="repository") from None
            raise
        except TookTooLong as error:
            minutes = round(FETCH_TIMEOUT_S / 60)
            text = f"fetching the last {HISTORY_COMMITS} commits of the repository took longer than {minutes} minutes"
            raise LimitReached(text, limit="time") from error


def _drop_stale_locks(path: Path) -> None:
    """Remove what a killed git left locked. We hold the mirror's own lock, so no git of ours is at work in it."""
    for stale in (*path.rglob("*.lock"), path / "gc.pid"):
        stale.unlink(missing_ok=True)
