"""Policies as they are in force: a repository's file at one commit, cut down to the operator's floor; or a reason why
not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from github_app.core.errors import Misconfigured, Refused
from github_app.core.model import Repo
from github_app.core.policy import POLICY_PATH, Floor, Policy, tighten
from github_app.core.policyfile import parse_floor, parse_policy
from github_app.core.ports import Hub

_MAX_BYTES = 64_000


@dataclass(frozen=True, kw_only=True)
class Policies:
    """Policies of repositories, on the operator's floor."""

    hub: Hub
    floor: Floor = field(default_factory=Floor)

    def at(self, repo: Repo, sha: str) -> Policy:
        """The policy in force for work that began at a commit. Raises `Refused`, and what `Hub` raises."""
        return tighten(read_policy(self.hub.file(repo, POLICY_PATH, sha)), self.floor)


def read_policy(text: bytes | None) -> Policy:
    """The policy in a file; None (no file) gives the defaults. Raises `Refused` for what is wrong in it."""
    return Policy() if text is None else parse_policy(_load(text, POLICY_PATH))


def read_floor(path: Path | None) -> Floor:
    """The operator's floor; None restricts nothing. Raises `Misconfigured` naming file and key."""
    if path is None:
        return Floor()
    try:
        return parse_floor(_load(path.read_bytes(), path.name), name=path.name)
    except (OSError, Refused) as error:
        raise Misconfigured(f"HONK_POLICY_FILE: {error}") from error


def _load(text: bytes, name: str) -> object:
    if len(text) > _MAX_BYTES:
        raise Refused(f"`{name}` is {len(text)} bytes long; {_MAX_BYTES} are allowed")
    try:
        # A safe loader all the same: it makes plain values only.
        document: object = yaml.load(text.decode("utf-8"), Loader=_StrictLoader)  # noqa: S506
    except Refused as error:
        raise Refused(f"`{name}`: {error}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: UTF-8, dates, numbers without end
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise Refused(f"`{name}` is not valid YAML{where}") from error
    return document


class _StrictLoader(yaml.SafeLoader):
    """YAML in which nothing is said twice: the reader of a file must not believe the one and we the other."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [str(key.value) for key, _ in node.value]
        if len(set(keys)) < len(keys) or "<<" in keys:
            line = node.start_mark.line + 1
            raise Refused(f"the mapping at line {line} has a key twice, or is merged with another")
        return super().construct_mapping(node, deep=deep)
