"""`honk config explain`: what a policy file comes to on the operator's floor, before it is pushed."""

from __future__ import annotations

import json
from pathlib import Path

from github_app.agent.yamlfile import load_yaml
from github_app.core.errors import Misconfigured
from github_app.core.explanation import explain
from github_app.core.policy import POLICY_PATH
from github_app.core.policyfile import parse_policy
from github_app.engine.policies import read_floor
from github_app.settings import read_policy_file


def explain_file(path: Path, *, is_json: bool) -> int:
    """Print each value in force, and where it comes from. Raises `Refused` naming line and key for what is wrong in
    the file, `Misconfigured` if it cannot be read or the floor is wrong."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error
    document, lines = load_yaml(text, POLICY_PATH)
    found = explain(parse_policy(document, lines), lines, read_floor(read_policy_file()))
    if is_json:
        print(json.dumps([vars(each) for each in found], indent=2))
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table("Key", "Value", "From", box=None)
    for each in found:
        table.add_row(each.key, each.value or "–", each.source)
    Console(markup=False, highlight=False).print(table)
    return 0
