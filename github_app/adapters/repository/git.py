"""Git as a tool of the host: only on repositories that Honk made itself, never on a tree that an agent can write.

Each process gets a fixed environment (no system, global or home configuration, no prompts, hooks, filters or
helpers, few protocols), a deadline, and, where it talks to a remote, the token by its environment alone.
"""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from github_app.core.errors import AccessDenied, Gone, HonkError, NotVisibleYet, Transient
from github_app.core.ports import GitAuth
from github_app.core.text.redaction import Redactor

_ENV = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "HOME": "/nonexistent",
    "XDG_CONFIG_HOME": "/nonexistent",
    "LC_ALL": "C",
}
_CONFIG = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "credential.helper=",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    # A fetch that is killed leaves nothing that looks whole: objects arrive as one pack or not at all.
    "fetch.unpackLimit=1",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
)
DAMAGED = "damaged"
"""The file that marks a repository as not to be used any more."""

_SHA = re.compile(r"[0-9a-f]{40}")


class TookTooLong(Transient):
    """A git process did not end in the time it was given, and was killed."""


@dataclass(frozen=True, kw_only=True)
class Git:
    """Runs git. `env` is what the operator's machine needs (PATH, proxies, certificates), the same for every process.

    `allow_file` permits local paths as remotes, for a repository on this machine that a person named.
    """

    env: Mapping[str, str] = field(default_factory=lambda: {"PATH": os.defpath})
    allow_file: bool = False

    def run(
        self,
        git_dir: Path,
        args: Sequence[str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        config: Sequence[str] = (),
        auth: GitAuth | None = None,
        timeout_s: float = 120.0,
        hold: int | None = None,
        ends: tuple[int, ...] = (0,),
    ) -> bytes:
        """Run one git command on the repository `git_dir` and return its stdout. Blocks.

        `ends` are the exit codes that are no failure.

        `hold` is a lock's descriptor that git keeps open too, so that a lock outlives Honk for as long as git does.
        Raises `AccessDenied`, `Gone`, `NotVisibleYet` or `Transient`, by what git said; the text holds no token. A
        repository that git finds torn or half-made gets a file `DAMAGED`: it is only good for being made anew.
        """
        process = self.start(git_dir, args, env={**self._remote_env(auth), **(env or {})}, config=config, hold=hold)
        try:
            out, err = process.communicate(stdin, timeout=timeout_s)
        except BaseException as error:
            # Not only git itself: its transport and pack children hold the pipes.
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                raise TookTooLong(f"git {args[0]} took longer than {timeout_s:.0f} s") from None
            raise
        if process.returncode not in ends:
            said = redact(err.decode(errors="replace"), auth)
            if _is_damage(said):
                with suppress(OSError):  # there is not even a folder
                    (git_dir / DAMAGED).touch()
            raise error_of(args[0], said, process.returncode)
        return out

    def start(
        self,
        git_dir: Path,
        args: Sequence[str],
        *,
        env: Mapping[str, str],
        config: Sequence[str] = (),
        hold: int | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a git process with pipes, for a caller that talks with it. It leads a process group of its own."""
        flags = [part for setting in (*_CONFIG, *config) for part in ("-c", setting)]
        return subprocess.Popen(
            ["git", "--git-dir", str(git_dir), *flags, *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.env, **_ENV, **env},
            cwd="/",
            pass_fds=() if hold is None else (hold,),
            start_new_session=True,
        )

    def _remote_env(self, auth: GitAuth | None) -> dict[str, str]:
        """What lets one process talk to its remote; without `auth`, nothing talks to anything."""
        if auth is None:
            return {"GIT_ALLOW_PROTOCOL": ""}
        env = {"GIT_ALLOW_PROTOCOL": "http:https:file" if self.allow_file else "http:https"}
        if auth.token:
            url = urlsplit(auth.url)
            env |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": f"http.{url.scheme}://{url.netloc}/.extraHeader",
                "GIT_CONFIG_VALUE_0": f"Authorization: Basic {_basic(auth.token)}",
            }
        return env


def _basic(token: str) -> str:
    return base64.b64encode(f"x-access-token:{token}".encode()).decode()


def redact(text: str, auth: GitAuth | None) -> str:
    """The text without the token, in any form, and without whatever opens an address in it."""
    known = [] if auth is None or not auth.token else [auth.token, _basic(auth.token)]
    return Redactor.of(known).redact(text)[0]


def check_sha(sha: str) -> str:
    """The SHA itself; raises `ValueError` for anything but 40 lower-case hexadecimal digits."""
    if not _SHA.fullmatch(sha):
        raise ValueError(f"not a full commit SHA: {sha!r}")
    return sha


def check_url(url: str, *, allow_file: bool) -> str:
    """The URL itself; raises `ValueError` for one that git could read as an option or that carries a credential."""
    if not url.isprintable() or " " in url:
        raise ValueError("a clone URL holds a control character or a space")
    if allow_file and url.startswith("/"):
        return url
    parts = urlsplit(url)
    if parts.scheme not in (("http", "https", "file") if allow_file else ("http", "https")):
        raise ValueError(f"clone URLs start with https:// or http://, not {parts.scheme or url[:8]!r}")
    if "@" in parts.netloc:
        raise ValueError("a clone URL holds a credential")
    return url


_SIGNS: tuple[tuple[str, str], ...] = (
    (r"Authentication failed|could not read (Username|Password)|error: 40[13]\b|Permission .*denied", "denied"),
    (r"Repository not found|error: 404\b|repository .* not found|does not appear to be a git rep", "gone"),
    (r"not our ref|couldn't find remote ref|unadvertised object|no such remote ref", "missing"),
)


_DAMAGE = re.compile(
    r"not a git repository: |far too short|does not match index|is too small|unterminated line|unexpected line|corrupt|"
    r"bad object refs/|object file .* is empty|inflate:|unable to read|failed to unpack tree|garbage at end|bad config|"
    r"(wrong|non-monotonic) index|while index|does not contain a section|missing (blob|tree|commit)|reference broken|"
    r"bad shallow|File exists"
)
_NO_DAMAGE = re.compile(r"No space left|quota exceeded|Permission denied|Read-only file system", re.IGNORECASE)


def _is_damage(stderr: str) -> bool:
    """Whether git speaks of what a power loss or a kill leaves, and not of a disk that it cannot write to."""
    return bool(_DAMAGE.search(stderr)) and not _NO_DAMAGE.search(stderr)


def error_of(command: str, stderr: str, exit_code: int) -> HonkError:
    """The error for a git command that failed, sorted by who must act; what git does not explain may pass by itself."""
    lines = [line for line in stderr.splitlines() if line.startswith(("fatal:", "error:", "remote:", " !"))]
    said = " ".join(lines or stderr.split("\n"))[-600:].strip()
    text = f"git {command} failed ({exit_code}): {said}"
    for pattern, meaning in _SIGNS:
        if re.search(pattern, stderr, re.IGNORECASE):
            match meaning:
                case "denied":
                    return AccessDenied(text)
                case "gone":
                    return Gone(text, what="repository")
                case _:
                    return NotVisibleYet(text)
    return Transient(text)
