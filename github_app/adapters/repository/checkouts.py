"""Working trees made from a mirror: one shared, never written checkout for each commit, or a private one.

Each has a throw-away `.git` of its own for the agent: the commit and a piece of the history behind it, no remote, no
credential, nothing of other branches. The host never reads that `.git` again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from github_app.adapters.repository.boots import is_of_this_boot, note_boot
from github_app.adapters.repository.evictions import Kept
from github_app.adapters.repository.git import Git, check_sha
from github_app.adapters.repository.locks import acquire
from github_app.adapters.repository.mirrors import HISTORY_COMMITS

CHECKOUT_TIMEOUT_S = 1800.0
_PARALLEL = ("checkout.workers=2", "checkout.thresholdForParallelism=100")

# The agent's owner id and times differ from those that the index remembers: compare sizes and whole seconds only.
_AGENT_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tbare = false
\tfileMode = true
\ttrustctime = false
\tcheckStat = minimal
[user]
\tname = Honk
\temail = honk@localhost
[gc]
\tauto = 0
[advice]
\tdetachedHead = false
"""


def list_files(git: Git, mirror: Path, sha: str) -> list[str]:
    """The paths of all files of a commit, submodules left out."""
    rows = git.run(mirror, ["ls-tree", "-r", "-z", "--full-tree", sha]).split(b"\0")[:-1]
    return [os.fsdecode(row.partition(b"\t")[2]) for row in rows if not row.startswith(b"160000 ")]


def check_out(git: Git, mirror: Path, sha: str, *, into: Path, owner: tuple[int, int], lock: int | None = None) -> None:
    """Write the files of commit `sha` and an agent's `.git` into the new directory `into`, owned by `owner`.

    Files are the bytes of their blobs: nothing is converted or filtered, submodules are empty folders. Blocks.
    """
    own = into / ".git"
    for folder in ("objects/pack", "refs/heads", "info"):
        (own / folder).mkdir(parents=True)
    with ThreadPoolExecutor(1) as beside:
        history = beside.submit(_copy_history, git, mirror, sha, own)
        git.run(
            mirror,
            ["read-tree", "--reset", "-u", sha],
            env={"GIT_WORK_TREE": str(into), "GIT_INDEX_FILE": str(own / "index")},
            config=("core.bare=false", "index.version=2", *_PARALLEL),
            timeout_s=CHECKOUT_TIMEOUT_S,
            hold=lock,
        )
        history.result()
    (own / "HEAD").write_text("ref: refs/heads/work\n")
    (own / "refs/heads/work").write_text(f"{sha}\n")
    (own / "config").write_text(_AGENT_CONFIG)
    shutil.copyfile(mirror / "info/attributes", own / "info/attributes")
    give(into, owner)


def _copy_history(git: Git, mirror: Path, sha: str, own: Path) -> None:
    """Pack the commit and those behind it, and say where the history was cut."""
    if cut := ends_of(git, mirror, sha):
        (own / "shallow").write_text("".join(f"{commit}\n" for commit in cut))
    depth = f"--max-count={HISTORY_COMMITS}"
    objects = git.run(mirror, ["rev-list", "--objects", "--no-object-names", depth, sha])
    # No search for better deltas: what the mirror has packed is copied as it is.
    args = ["pack-objects", "--quiet", str(own / "objects/pack/pack")]
    git.run(mirror, args, stdin=objects, config=("pack.window=0",), timeout_s=CHECKOUT_TIMEOUT_S)


def ends_of(git: Git, mirror: Path, sha: str) -> list[str]:
    """The commits at which the piece of history ends that an agent gets to see of `sha`."""
    depth = f"--max-count={HISTORY_COMMITS}"
    rows = git.run(mirror, ["rev-list", "--parents", depth, sha, "--"]).decode().splitlines()
    commits = [row.split() for row in rows]
    known = {commit for commit, *_ in commits}
    # Where the mirror is cut itself (a runner's), git says that such commits have no parents.
    shallow = mirror / "shallow"
    cut = set(shallow.read_text().split()) if shallow.exists() else set()
    return [commit for commit, *parents in commits if commit in cut or not known.issuperset(parents)]


def give(tree: Path, owner: tuple[int, int]) -> None:
    """Make `owner` (uid, gid) own a tree, links themselves and not what they point to. Nothing if it is us."""
    if owner != (os.geteuid(), os.getegid()):
        uid, gid = owner
        subprocess.run(["chown", "-R", "-h", f"{uid}:{gid}", "--", tree], check=True)


def remove_tree(tree: Path) -> None:
    """Delete a tree of any depth, also where permissions were taken away (overlayfs does). Nothing if absent."""
    if tree.is_dir():
        if os.geteuid() != 0:
            subprocess.run(["chmod", "-R", "u+rwx", "--", tree], check=False, capture_output=True)
        subprocess.run(["rm", "-rf", "--", tree], check=True)


def remove_anything(path: Path) -> None:
    """Delete a file, link, device or tree. Nothing if absent."""
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
    else:
        path.unlink(missing_ok=True)


def make_passage(folder: Path) -> None:
    """Make a folder that a sandbox's user can pass through on the way to its own, and not list."""
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    # Looked at again each time: we may have been killed between making it and opening it against our umask.
    if folder.stat().st_mode & 0o011 != 0o011:
        folder.chmod(0o711)


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A shared checkout that stays until it is let go of (or this process dies). `tree` must never be written."""

    tree: Path
    lock: int

    def release(self) -> None:
        """Let go; call it once."""
        os.close(self.lock)


@dataclass(frozen=True, kw_only=True)
class Checkouts:
    """The shared checkouts below `root`: `<repository id>/<sha>`. Safe between threads and processes of one machine."""

    root: Path
    git: Git
    owner: tuple[int, int]

    def lease(self, repo_id: int, sha: str, mirror: Callable[[], Path]) -> Lease:
        """The checkout of a commit, made from `mirror()` if nobody had it since the machine was started. Blocks."""
        check_sha(sha)
        folder = self.root / str(repo_id)
        make_passage(self.root)
        make_passage(folder)
        tree = folder / sha
        while True:
            lock = acquire(folder / f"{sha}.lock", shared=True)
            if tree.is_dir() and is_of_this_boot(lock):
                os.utime(lock)
                return Lease(tree=tree, lock=lock)
            os.close(lock)
            lock = acquire(folder / f"{sha}.lock")
            try:
                if not (tree.is_dir() and is_of_this_boot(lock)):
                    self._make(tree, sha, mirror=mirror(), lock=lock)
                    note_boot(lock)
            finally:
                os.close(lock)

    def _make(self, tree: Path, sha: str, *, mirror: Path, lock: int) -> None:
        making = tree.with_suffix(".making")
        remove_tree(making)
        remove_tree(tree)
        making.mkdir(mode=0o700)  # private code; other users of the machine may pass what is above
        check_out(self.git, mirror, sha, into=making, owner=self.owner, lock=lock)
        making.rename(tree)

    def kept(self) -> Iterator[Kept]:
        """All that are there; one that is open is in use."""
        for lock in sorted(self.root.glob("*/*.lock")):
            yield Kept(path=lock.with_suffix(""), lock=lock, remove=remove_tree)
