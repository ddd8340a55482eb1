"""A Honk with one defence taken out, as a program: `python weakened.py NAME serve`. The tests that run it show that the
defence is needed. It takes out what has that name in `REMOVALS` and then is Honk."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any


def _no_step_limit() -> None:
    from github_app.agent import budget

    def unlimited(*_: Any, **__: Any) -> int:
        return 1_000

    budget.allowed_output_tokens = unlimited


def _wide_tokens() -> None:
    from github_app.adapters.hub.tokens import TokenKey

    def request(self: TokenKey) -> dict[str, Any]:
        return {"permissions": dict(self.permissions)}

    TokenKey.request = property(request)  # type: ignore[assignment,method-assign]


def _no_seal() -> None:
    from github_app.core.record import audit

    audit.is_sealed = lambda *_: True


def _no_doubt() -> None:
    from github_app.engine import audit

    vars(audit)["is_sealed"] = lambda *_: True


def _forged_trailers() -> None:
    from github_app.adapters.hub import texts

    texts._FORGED = re.compile("()(?!)")


def _bots_by_name() -> None:
    from github_app.core import opening, words
    from github_app.core.facts import Facts
    from github_app.core.model import Actor

    def trust(actor: Actor, _: Facts) -> bool:
        return actor.login.endswith("[bot]")

    vars(opening)["may_ask"] = vars(words)["may_ask"] = trust


def _names_for_numbers() -> None:
    from github_app.adapters.hub import people
    from github_app.adapters.hub.shapes import to_permission

    def ask(clients: Any, repo: Any, actor: Any) -> Any:
        path = f"/collaborators/{actor.login}/permission"
        answer = clients.repo(repo, "permission").read(
            lambda it: it.requester.requestJsonAndCheck("GET", f"{it.url}{path}")[1], what="permission"
        )
        return to_permission(answer["role_name"], answer["permission"])

    vars(people)["ask_permission"] = ask


def _no_second_look() -> None:
    from github_app.engine.admission import Admission

    def admit(self: Admission, session: Any, _: Any) -> None:
        self.require_no_pause(session)

    Admission.require = admit  # type: ignore[method-assign,assignment]


def _all_pushes_welcome() -> None:
    from github_app.core import upkeep

    vars(upkeep)["may_ask"] = lambda *_: True


def _all_is_heard() -> None:
    from github_app.agent import untrusted

    vars(untrusted)["visible"] = str


def _all_is_said() -> None:
    from github_app.core.messages import account, answers, stops

    for room in (account, answers, stops):
        vars(room)["harmless"] = str
    vars(account)["plain"] = str


def _all_leads_away() -> None:
    from github_app.adapters import vault

    vars(vault)["defang"] = lambda text, **_: text


def _nothing_is_known() -> None:
    from github_app.core.text.redaction import Redactor

    Redactor._known = lambda *_: []  # type: ignore[method-assign]


def _authors_are_editors() -> None:
    from github_app.adapters.hub import people

    vars(people)["least"] = lambda own, *_: own


def _all_may_accept() -> None:
    from github_app.core import consent

    consent.may_accept = lambda *_: True


def _policy_of_the_head() -> None:
    from github_app.engine.policies import Policies, read_policy

    def at(self: Policies, repo: Any, sha: str) -> Any:
        from github_app.core.policy import POLICY_PATH

        branches = self.hub.find_pull(repo, "honk/1-say-hello")
        return read_policy(self.hub.file(repo, POLICY_PATH, branches.head_sha if branches else sha))

    Policies.at = at  # type: ignore[method-assign]


REMOVALS: dict[str, tuple[Callable[[], None], str]] = {
    "limits checked before each model call": (_no_step_limit, "X71c"),
    "a token for one repository only": (_wide_tokens, "X48"),
    "a seal on the end of each record": (_no_seal, "H11"),
    "no seal on what was not ours": (_no_doubt, "H18a"),
    "forged trailers are disarmed": (_forged_trailers, "H19"),
    "bots are known by their numbers": (_bots_by_name, "X21"),
    "the permission is the account's, not the name's": (_names_for_numbers, "X22"),
    "the permission is asked again when a turn starts": (_no_second_look, "X32"),
    "nothing is built on what strangers push": (_all_pushes_welcome, "X27a"),
    "what people do not see is not heard": (_all_is_heard, "X01"),
    "what is said is made harmless": (_all_is_said, "X45"),
    "links lead nowhere else": (_all_leads_away, "X43"),
    "known secrets are removed": (_nothing_is_known, "X38"),
    "a comment is worth what its editor may": (_authors_are_editors, "H20"),
    "protected paths have approvers": (_all_may_accept, "H42"),
    "policy is read at the base commit": (_policy_of_the_head, "X64"),
}
"""Each defence with how it is taken out, and the attack that must then get through."""


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    REMOVALS[name][0]()
    from github_app.__main__ import main

    sys.argv = ["honk", *arguments]
    sys.exit(main())
