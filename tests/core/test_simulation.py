"""What would be decided is what is decided: of paths and people, under a policy."""

from __future__ import annotations

import pytest

from github_app.core.model import Permission
from github_app.core.policy import PROTECTED, Policy
from github_app.core.simulation import Outcome, outcome_of, rights_of

OWN = Policy(protected=(*PROTECTED, "migrations/**"), approvers=("Ann",))


@pytest.mark.parametrize(
    ("path", "told", "who"),
    [
        ("goose.py", "is published", ""),
        ("migrations/0001.sql", "is held back: it is protected (`migrations/**`)", "`Ann`"),
        (".github/workflows/ci.yml", "is held back: it is protected (`.github/workflows/**`)", "`Ann`"),
        (".gitmodules", "is never published: it says what other code comes along", ""),
        ("a/../b", "is never published: it is no path below the top of the repository", ""),
    ],
)
def test_what_becomes_of_a_path(path: str, told: str, who: str):
    assert outcome_of(path, OWN) == Outcome(path=path, told=told, who=who)


def test_a_path_is_told_by_its_name_and_not_by_how_much_else_changes():
    assert outcome_of("goose.py", Policy(max_files=0)).told == "is published"


@pytest.mark.parametrize(
    ("login", "permission", "policy", "may"),
    [
        ("ann", Permission.WRITE, OWN, (True, True, True)),
        ("rob", Permission.ADMIN, OWN, (True, True, False)),
        ("rob", Permission.ADMIN, Policy(), (True, True, True)),
        ("rob", Permission.WRITE, Policy(), (True, True, False)),
        ("tim", Permission.TRIAGE, Policy(), (False, False, False)),
    ],
)
def test_what_a_person_may(login: str, permission: Permission, policy: Policy, may: tuple[bool, bool, bool]):
    rights = rights_of(login, permission, policy)
    assert (rights.may_ask, rights.may_accept, rights.may_accept_protected) == may
    assert (rights.login, rights.role) == (login, permission.name.lower())
