"""`honk config explain` and `simulate`: what a policy file comes to on the operator's floor, before it is pushed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from github_app.core.errors import Misconfigured
from github_app.core.explanation import Explained
from github_app.core.model import Permission
from github_app.core.policy import tighten
from github_app.core.simulation import Outcome, Rights, outcome_of, rights_of
from github_app.engine.policies import explain_text, read_floor, read_policy
from github_app.settings import read_policy_file


def explain_file(path: Path, *, is_json: bool) -> int:
    """Print each value in force, and where it comes from. Raises `Misread` naming line and key for what is wrong in
    the file, `Misconfigured` if it cannot be read or the floor is wrong."""
    found = explain_text(_read(path), read_floor(read_policy_file()))
    if is_json:
        print(json.dumps([vars(each) for each in found], indent=2))
        return 0
    _show("Key|Value|From", _rows(found))
    return 0


def simulate_file(path: Path, *, paths: Sequence[str], person: str, is_json: bool) -> int:
    """Print the same, and what would become of a change of these paths, and what `person` (`LOGIN:ROLE`) may do. Raises
    as above."""
    text, floor = _read(path), read_floor(read_policy_file())
    found, policy = explain_text(text, floor), tighten(read_policy(text), floor)
    outcomes = [outcome_of(each, policy) for each in paths]
    rights = rights_of(*_person(person), policy) if person else None
    if is_json:
        told = {
            "policy": [vars(each) for each in found],
            "paths": [vars(each) for each in outcomes],
            "person": vars(rights) if rights is not None else None,
        }
        print(json.dumps(told, indent=2))
        return 0
    _show("Key|Value|From", _rows(found))
    if outcomes:
        _show("Path|A change of it|Who can accept it", _outcome_rows(outcomes))
    if rights is not None:
        _show("Person|May", _rights_rows(rights))
    return 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error


def _person(text: str) -> tuple[str, Permission]:
    login, _, role = text.partition(":")
    if not login or role.upper() not in Permission.__members__:
        roles = ", ".join(each.name.lower() for each in Permission)
        raise Misconfigured(f"--as takes LOGIN:ROLE, with one of these roles: {roles}")
    return login, Permission[role.upper()]


def _rows(found: Sequence[Explained]) -> list[tuple[str, ...]]:
    return [(each.key, each.value or "–", each.source) for each in found]


def _outcome_rows(outcomes: Sequence[Outcome]) -> list[tuple[str, ...]]:
    return [(each.path, each.told, each.who or "–") for each in outcomes]


def _rights_rows(rights: Rights) -> list[tuple[str, ...]]:
    may = {
        "start and steer work": rights.may_ask,
        "accept a change that is held back": rights.may_accept,
        "accept one of protected paths": rights.may_accept_protected,
    }
    return [(f"{rights.login} ({rights.role})", f"{'yes' if yes else 'no':3}  {what}") for what, yes in may.items()]


def _show(heads: str, rows: Sequence[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*heads.split("|"), box=None)
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)
