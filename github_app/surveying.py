"""The context of an issue, for the agent (`Surveyor`) and for people and programs (`honk context`).

A repository that takes more than a moment is looked at by that very command in a process of its own: what it makes us
pay in time and memory ends with that process.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from github_app.agent.context.packing import count_tokens, pack_commands, pack_files
from github_app.agent.context.survey import Bounds, survey
from github_app.agent.untrusted import show
from github_app.core.context import Context
from github_app.core.errors import Misconfigured, Transient
from github_app.core.model import Repo
from github_app.workshop import open_commit

_CONTEXT: TypeAdapter[Context] = TypeAdapter(Context)
_SMALL_BYTES = 1_000_000
_MAX_KEPT = 30
_TIMEOUT_S = 60.0
_MEMORY_BYTES = 2 * 2**30
_CPU_S = 60
_MAX_ISSUE_CHARS = 200_000


@dataclass(frozen=True, kw_only=True)
class Surveyor:
    """Looks into mirrors of this machine (`core.context.Contexts`); `mirror` says where each is, by repository id."""

    mirror: Callable[[int], Path]
    _kept: dict[tuple[int, str, str], Context] = field(default_factory=dict)

    async def find(self, repo: Repo, sha: str, issue: str) -> Context:
        """What a commit has on an issue; see `Contexts.find`. The later turns of a session ask the same again."""
        key = (repo.id, sha, issue)
        if key not in self._kept:
            git_dir = self.mirror(repo.id)
            soon = await asyncio.to_thread(self._find_soon, git_dir, sha, issue)
            found = soon if soon is not None else await _find_apart(git_dir, sha, issue)
            while len(self._kept) >= _MAX_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = found
        return self._kept[key]

    def _find_soon(self, git_dir: Path, sha: str, issue: str) -> Context | None:
        """The same for a small repository; None for another."""
        _, files = open_commit(git_dir, sha)
        if sum(blob.size for blob in files.list()) > _SMALL_BYTES:
            return None
        return survey(files, issue, bounds=Bounds())


async def _find_apart(git_dir: Path, sha: str, issue: str) -> Context:
    command = ["-I", "-m", "github_app", "context", "--json", "--repo", str(git_dir), "--rev", sha, "--issue", "-"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdin=pipe, stdout=pipe, stderr=pipe, env={"PATH": os.defpath}, start_new_session=True
    )
    try:
        said, error = await asyncio.wait_for(process.communicate(issue.encode("utf-8", "replace")), _TIMEOUT_S)
    except TimeoutError:
        raise Transient(f"looking for the context took longer than {_TIMEOUT_S:.0f} s") from None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode != 0:
        raise Transient(
            f"looking for the context failed ({process.returncode}): {error.decode(errors='replace')[-300:]}"
        )
    return _CONTEXT.validate_json(said)


def tell(repo: Path, *, rev: str, issue: Path, as_json: bool) -> int:
    """Print the context of an issue (a file; `-` is standard input) at a revision. Raises `Misconfigured`."""
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    sha, files = open_commit(repo, rev)
    found = survey(files, _read_issue(issue), bounds=Bounds())
    print(json.dumps(_json(sha, found)) if as_json else _text(sha, found))
    return 0


def _read_issue(path: Path) -> str:
    if str(path) == "-":
        return sys.stdin.buffer.read(_MAX_ISSUE_CHARS).decode("utf-8", "replace")
    try:
        with path.open("rb") as opened:
            return opened.read(_MAX_ISSUE_CHARS).decode("utf-8", "replace")
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error


def _json(sha: str, found: Context) -> dict[str, Any]:
    said = asdict(found)
    for file in said["files"]:
        file["source"] = f"{sha}:{file['path']}"
    for each in said["instructions"]:
        each |= {"source": f"{sha}:{each['path']}", "tokens": count_tokens(each["text"])}
    return {"rev": sha, **said, "tokens": _tokens(found)}


def _tokens(found: Context) -> dict[str, int]:
    parts = {
        "files": count_tokens(pack_files(found.files)),
        "instructions": sum(count_tokens(each.text) for each in found.instructions),
        "commands": count_tokens(pack_commands(found.commands)),
    }
    return {**parts, "all": sum(parts.values())}


def _text(sha: str, found: Context) -> str:
    tokens = _tokens(found)
    partly = ", looked at in part: it is too large" if found.is_partial else ""
    parts = [f"{sha}{partly}"]
    ranked = "\n".join(f"{file.score:9.2f}  {file.path}  ({'; '.join(file.reasons)})" for file in found.files)
    parts.append(f"Ranked files\n{ranked or '(nothing in it speaks of this)'}")
    parts.append(f"Map, about {tokens['files']} tokens\n{pack_files(found.files)}")
    told = "\n".join(f"{each.path}  ({count_tokens(each.text)} tokens)" for each in found.instructions)
    parts.append(f"Instructions that apply, about {tokens['instructions']} tokens\n{told or '(none)'}")
    parts.append(f"Commands, about {tokens['commands']} tokens\n{pack_commands(found.commands) or '(none found)'}")
    return show("\n\n".join(parts))
