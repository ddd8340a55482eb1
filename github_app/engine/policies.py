"""Policies as they are in force: a repository's file at one commit, cut down to the operator's floor; or a reason why
not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from github_app.agent.yamlfile import load_yaml
from github_app.core.errors import Misconfigured, Refused
from github_app.core.explanation import Explained, explain
from github_app.core.model import Repo
from github_app.core.policy import POLICY_PATH, Floor, Policy, tighten
from github_app.core.policyfile import parse_floor, parse_policy
from github_app.core.ports import Hub
from github_app.core.quotas import MONTH


@dataclass(frozen=True, kw_only=True)
class Policies:
    """Policies of repositories, on the operator's floor."""

    hub: Hub
    floor: Floor = field(default_factory=Floor)

    def at(self, repo: Repo, sha: str) -> Policy:
        """The policy in force for work that began at a commit. Raises `Refused`, and what `Hub` raises."""
        return tighten(read_policy(self.hub.file(repo, POLICY_PATH, sha)), self.floor)

    def explained(self, repo: Repo) -> tuple[Explained, ...]:
        """Each value that is in force for work that begins now, and where it comes from. Raises as `at` does."""
        head = self.hub.head_of(repo, repo.default_branch)
        return explain_text(self.hub.file(repo, POLICY_PATH, head) if head is not None else None, self.floor)


def read_policy(text: bytes | None) -> Policy:
    """The policy in a file; None (no file) gives the defaults. Raises `Refused` for what is wrong in it."""
    return Policy() if text is None else parse_policy(*load_yaml(text, POLICY_PATH))


def explain_text(text: bytes | None, floor: Floor) -> tuple[Explained, ...]:
    """Each value that a policy file comes to on the operator's floor. Raises as `read_policy` does."""
    document, lines = load_yaml(text, POLICY_PATH) if text is not None else (None, {})
    return tuple(explain(parse_policy(document, lines), lines, floor))


def read_floor(path: Path | None, *, kept: timedelta = MONTH) -> Floor:
    """The operator's floor; None restricts nothing. `kept` is for how long it is known what was spent.

    Raises `Misconfigured` naming file, line and key.
    """
    if path is None:
        return Floor()
    try:
        floor = parse_floor(*load_yaml(path.read_bytes(), path.name), name=path.name)
    except (OSError, Refused) as error:
        raise Misconfigured(f"HONK_POLICY_FILE: {error}") from error
    quotas = (floor.per_person, floor.per_repository, floor.per_organisation)
    if kept < MONTH and any(quota.month_micro_usd is not None for quota in quotas):
        raise Misconfigured(
            f"HONK_POLICY_FILE: `{path.name}` has `usd_a_month`, which needs HONK_KEEP_DAYS of {MONTH.days} or more: "
            "what was spent is forgotten earlier"
        )
    return floor
