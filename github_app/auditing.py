"""`honk audit`: says whether the record of what was done is whole, and hands it out, for people and for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from github_app.app import open_store
from github_app.core.errors import Misconfigured, Refused
from github_app.core.record.attestation import statement_of
from github_app.core.record.audit import Problem, chain_of_pin, line_of, verify_pin
from github_app.engine.signing import open_envelope, public_key, seal_key, sign
from github_app.settings import read_settings


def verify(named: str, *, former_keys: Sequence[Path]) -> int:
    """Say what is wrong in all chains, or in that of a session or of a commit's trailer; 1 if anything is."""
    audit = open_store(read_settings()).audit
    chain = chain_of_pin(named) or named
    problems = audit.verify(chain, former_keys=[seal_key(_read(path)) for path in former_keys])
    if chain != named:
        problems += verify_pin(named, audit.read(chain))
    for problem in problems:
        print(_plain(problem))
    print(f"{len(problems)} problem{'s' * (len(problems) != 1)}." if problems else "The record is whole.")
    return 1 if problems else 0


def export(session_id: str, *, is_attestation: bool) -> int:
    """Print a session's records, a line of JSON each; or what is attested of its newest commit, signed."""
    settings = read_settings()
    audit = open_store(settings).audit
    links = audit.read(session_id)
    if not links:
        raise Refused(f"there is no record of a session `{session_id}`; `honk sessions` lists them")
    problems = audit.verify(session_id)
    if is_attestation:
        if problems:
            raise Refused(f"nothing is attested of a record that is not whole: {problems[0]}")
        print(json.dumps(sign(statement_of(links, github_url=settings.github_url), settings.private_key)))
        return 0
    for link in links:
        print(json.dumps({**line_of(link), "hash": link.hash}, sort_keys=True))
    for problem in problems:
        print(f"honk: {_plain(problem)}", file=sys.stderr)
    return 1 if problems else 0


def check_attestation(path: Path, *, key: Path) -> int:
    """Print what an attestation says, if the key signed it. Needs no settings and no database."""
    print(json.dumps(open_envelope(_read(path), _read(key)), indent=2))
    return 0


def print_public_key() -> int:
    """Print the public half of the App's key: what others check attestations with."""
    print(public_key(read_settings().private_key), end="")
    return 0


def _plain(problem: Problem) -> str:
    """A problem on one line of ASCII: whoever wrote to the database must not write on the operator's screen."""
    return str(problem).encode("unicode_escape").decode()


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {error}") from error
