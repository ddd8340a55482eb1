"""What the other side claims, checked: values as a sandbox could have made them, or `ProtocolBroken`."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from github_app.adapters.egress.rules import EgressLimits
from github_app.adapters.repository.changes import MAX_FILE_BYTES
from github_app.adapters.runner.messages import File
from github_app.adapters.runner.wire import ProtocolBroken
from github_app.adapters.sandbox.files import split_path
from github_app.core.changes.paths import is_dot_git
from github_app.core.errors import PathRefused
from github_app.core.model import ChangeSet, FileChange, NetworkDecision
from github_app.core.ports import ExecResult

_COUNT = 2**53
_DECISIONS = 2 * EgressLimits().entries + 2
_NOT_A_HOST = re.compile(r"[^A-Za-z0-9.:_*\[\]? -]")
_NOT_A_REASON = re.compile(r"[^A-Za-z0-9.,;'()_? -]")  # so no link, mention or mark
_HOST_CHARACTERS = 100
_REASON_CHARACTERS = 200


def pack_changes(changes: ChangeSet) -> tuple[tuple[File, ...], bytes]:
    """The files of a change set, and their contents one after the other."""
    files = tuple(
        File(path=each.path, mode=each.mode, size=None if each.content is None else len(each.content))
        for each in changes.changes
    )
    return files, b"".join(each.content or b"" for each in changes.changes)


def unpack_changes(files: Sequence[File], contents: bytes, *, base_sha: str) -> ChangeSet:
    """The change set again. Raises `ProtocolBroken` for what no commit can have, so that no other code meets it."""
    sizes = [file.size or 0 for file in files]
    if sum(sizes) != len(contents) or max(sizes, default=0) > MAX_FILE_BYTES:
        raise ProtocolBroken("the sizes of changed files are not those of their contents")
    paths = [file.path for file in files]
    if any(before >= after for before, after in pairwise(paths)):
        raise ProtocolBroken("changed files are not in order, or one is named twice")
    written = {file.path for file in files if file.size is not None}
    changes, begin = [], 0
    for file, size in zip(files, sizes, strict=True):
        check_path(file.path)
        parts = file.path.split("/")
        if file.size is not None and any("/".join(parts[:depth]) in written for depth in range(1, len(parts))):
            raise ProtocolBroken(f"{file.path!r} lies below a file")
        content = None if file.size is None else contents[begin : begin + size]
        changes.append(FileChange(path=file.path, mode=file.mode, content=content))
        begin += size
    return ChangeSet(base_sha=base_sha, changes=tuple(changes))


def check_path(path: str) -> None:
    """Raises `ProtocolBroken` for a path that no file of a repository can have."""
    try:
        parts = split_path(path)
    except PathRefused as error:
        raise ProtocolBroken(str(error)) from None
    if "/".join(parts) != path or any(is_dot_git(part) for part in parts):
        raise ProtocolBroken(f"{path[:200]!r} cannot be a file of a repository")


def checked_result(result: ExecResult, output: bytes) -> ExecResult:
    """How a command ended, if it can have ended so; what people will read of the network, in words to be shown."""
    numbers = (
        result.output_bytes,
        *(n for each in result.network for n in (each.times, each.bytes_up, each.bytes_down)),
    )
    is_sane = (
        0 <= result.exit_code <= 255
        and math.isfinite(result.duration_s)
        and result.duration_s >= 0
        and all(0 <= number < _COUNT for number in numbers)
        and all(0 <= each.port < 65_536 for each in result.network)
        and len(result.network) <= _DECISIONS
    )
    if not is_sane:
        raise ProtocolBroken("a command cannot end like this")
    shown = tuple(_shown(each) for each in result.network)
    return replace(result, output=output.decode("utf-8", "replace"), network=shown)


def printable(text: str) -> str:
    """The other side's words, without what a terminal obeys or what ends a line."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def _shown(decision: NetworkDecision) -> NetworkDecision:
    host = _NOT_A_HOST.sub("?", decision.host)[:_HOST_CHARACTERS]
    return replace(decision, host=host, reason=_NOT_A_REASON.sub("?", decision.reason)[:_REASON_CHARACTERS])
