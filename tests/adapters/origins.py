"""A real git repository to fetch from and push to, told in few words."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from github_app.adapters.repository.git import Git
from github_app.core.ports import GitAuth

LOCAL_GIT = Git(allow_file=True)
"""Git that fetches from this disk."""

# (mode, bytes); a mode of 160000 takes the SHA of a submodule's commit.
File = tuple[str, bytes]


def text(content: str) -> File:
    """A plain file."""
    return ("100644", content.encode())


def program(content: str) -> File:
    """A file that can be executed."""
    return ("100755", content.encode())


def link(target: str) -> File:
    """A symbolic link."""
    return ("120000", target.encode())


def submodule(sha: str) -> File:
    """A submodule at a commit."""
    return ("160000", sha.encode())


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A bare repository. Commits hold just the files given."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> Origin:
        """A new, empty one."""
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", path], check=True)
        return cls(path=path)

    @property
    def auth(self) -> GitAuth:
        """How to fetch from it."""
        return GitAuth(url=str(self.path))

    def commit(self, files: Mapping[str, File], *, branch: str = "main", message: str = "change") -> str:
        """Commit on top of a branch; the commit's SHA."""
        lines = [
            f"commit refs/heads/{branch}\n".encode(),
            b"committer A <a@example.org> 1700000000 +0000\n",
            b"data %d\n%s\n" % (len(message.encode()), message.encode()),
        ]
        if self.tip(branch):
            lines.append(f"from refs/heads/{branch}^0\n".encode())
        lines.append(b"deleteall\n")
        for path, (mode, content) in files.items():
            name = b'"' + os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'
            if mode == "160000":
                lines.append(b"M 160000 %s %s\n" % (content, name))
            else:
                lines.append(b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), name, len(content), content))
        self.git("fast-import", "--quiet", "--force", stdin=b"".join(lines))
        return self.tip(branch)

    def tip(self, branch: str = "main") -> str:
        """The commit at the tip of a branch; empty if there is none."""
        return self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")

    def delete_branch(self, branch: str) -> None:
        """Delete a branch; its commits stay."""
        self.git("update-ref", "-d", f"refs/heads/{branch}")

    def git(self, *args: str, stdin: bytes = b"") -> str:
        """The stdout of a git command in it."""
        done = subprocess.run(["git", "-C", self.path, *args], input=stdin, capture_output=True, check=True)
        return done.stdout.decode().strip()
