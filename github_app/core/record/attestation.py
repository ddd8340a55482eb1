"""What is attested of a commit that we pushed: who asked, what was run and paid for, who looked at it; told from the
session's audit alone. An in-toto statement, version 1.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from github_app.core.errors import Refused
from github_app.core.record.audit import Link, document_of

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:honk:session:v1"


def statement_of(links: Sequence[Link], *, github_url: str) -> dict[str, Any]:
    """The statement about the newest commit that a session pushed. Raises `Refused` if it pushed none."""
    told = [(link.kind, document_of(link)) for link in links]
    opening = next((document["opens"] for _, document in told if "opens" in document), None)
    pushes = [document for kind, document in told if kind == "push"]
    if opening is None or not pushes:
        raise Refused("this session has pushed nothing: there is no commit to attest")
    decisions = [document for kind, document in told if kind == "decision"]
    models = [document for kind, document in told if kind == "model"]
    newest = pushes[-1]
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": f"{github_url}/{opening['repo']['name']}", "digest": {"gitCommit": newest["sha"]}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "session": opening["session"],
            "repo": opening["repo"],
            "issue": opening["issue"],
            "pull": newest["pull"],
            "base": opening["base"],
            "pushed": [document["sha"] for document in pushes],
            "asked_by": [_person(document) for document in decisions if "permission" in document],
            "turns": [
                {"turn": document["turn"], "cause": document["cause"], "base": document["base"]}
                for kind, document in told
                if kind == "prompt"
            ],
            "models": sorted({document["model"] for document in models}),
            "model_requests": len(models),
            "cost_micro_usd": sum(document["cost_micro_usd"] for document in models),
            "commands": sum(kind == "command" for kind, _ in told),
            "hosts": sorted(
                {document["host"] for kind, document in told if kind == "network" and document["is_allowed"]}
            ),
            "verifiers": [
                {"command": document["command"], "exit_code": document["exit_code"]}
                for kind, document in told
                if kind == "verifier" and document["turn"] == newest["turn"]
            ],
            "reviews": [_person(document) for document in decisions if document["kind"] == "ReviewSubmitted"],
            "merged_by": next((_person(document) for document in decisions if _is_merge(document)), None),
            "audit": {"chain": links[-1].chain, "number": links[-1].number, "hash": links[-1].hash},
        },
    }


def _is_merge(document: dict[str, Any]) -> bool:
    return bool(document["after"] == "merged" and document["before"] != "merged")


def _person(decision: dict[str, Any]) -> dict[str, Any]:
    """Who did what, with the permission that we saw, where we asked for it."""
    kept = ("actor", "permission", "kind", "about")
    return {name: decision[name] for name in kept if name in decision}
