"""The policy file: bytes from a repository become a policy, or a reason why not."""

from __future__ import annotations

from typing import Any

import yaml

from github_app.core.errors import Refused
from github_app.core.policy import POLICY_PATH, Policy, parse_policy

_MAX_BYTES = 64_000


def read_policy(text: bytes | None) -> Policy:
    """The policy in a file; None (no file) gives the defaults. Raises `Refused` for what is wrong in it."""
    if text is None:
        return Policy()
    if len(text) > _MAX_BYTES:
        raise Refused(f"`{POLICY_PATH}` is {len(text)} bytes long; {_MAX_BYTES} are allowed")
    try:
        # A safe loader all the same: it makes plain values only.
        document = yaml.load(text.decode("utf-8"), Loader=_StrictLoader)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: UTF-8, dates, numbers without end
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise Refused(f"`{POLICY_PATH}` is not valid YAML{where}") from error
    return parse_policy(document)


class _StrictLoader(yaml.SafeLoader):
    """YAML in which nothing is said twice: the reader of a file must not believe the one and we the other."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [str(key.value) for key, _ in node.value]
        if len(set(keys)) < len(keys) or "<<" in keys:
            line = node.start_mark.line + 1
            raise Refused(f"`{POLICY_PATH}`: the mapping at line {line} has a key twice, or is merged with another")
        return super().construct_mapping(node, deep=deep)
