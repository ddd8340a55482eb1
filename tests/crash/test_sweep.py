"""Honk dies by `kill -9` wherever state changes or the outside world is touched, and each time the issue ends as it
would have. Here at some of the points, chosen by their names; `make crash` takes all of them, on both databases."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.probes import PASSED_THROUGH
from tests.crash.sweep import Theatre, plan, theatre
from tests.crash.warm import shared_parent
from tests.edge.cases import shows

PRODUCT = Path(__file__).resolve().parents[2] / "github_app"
EVERY = 200

UNSEEN = {
    "conversations.Conversations._put": "nobody asks in a chat; tests/story/test_slack.py does",
    "conversations.Conversations.link": "the same; one transaction",
    "conversations.Conversations.note_message": "the same; one statement",
    "conversations.Conversations.tell_words": "the same; one statement",
    "conversations.Conversations.unlink": "the same; one statement",
    "conversations.Conversations.use": "the same; one statement",
    "database.try_write": "it is there to be undone by anything",
    "entries.Entries.add_found": "all deliveries come, if late; what is found by looking is an event like any other",
    "entries.Entries.postpone": "nothing fails for now in this life",
    "hub.checks.rerun_failed": "no failure looks like chance in this life; see tests/edge/test_every_call.py",
    "hub.commits._upload": "no binary files; a blob that no commit has is seen by nobody",
    "hub.comments.minimise": "nothing is out of date in this life; what is folded up twice is folded up",
    "hub.reverts._ask": "nobody takes a merge back in this life; a revert that is there is found by its hidden mark",
    "hub.reviews.post_review.post": "nobody asks for a review; the hidden mark finds one that is there",
    "hub.shipping._ask": "nobody ships in this life; what is merged, or waits, is seen before GitHub is asked again",
    "hub.shipping.stop_merging": "the same; what GitHub does not hold any more is let go of",
    "hub.signin.GitHubSignIn.actor": "nobody signs in to pages; asking who somebody is changes nothing",
    "hub.threads.resolve": "the policy of this life resolves no threads; one that is resolved twice is resolved",
    "leases.Lease._raise_epoch": "no other worker is there to be taken over from",
    "lessons.Lessons.drop": "nobody teaches anything; one statement",
    "lessons.Lessons.drop_by_hand": "the same",
    "lessons.Lessons.keep": "the same",
    "lessons.Lessons.keep_by_hand": "the same",
    "lessons.Lessons.recall": "there is nothing to recall; what is noted twice only lives a moment longer",
    "lessons.Lessons.write": "the operator's, by hand",
    "pauses.Pauses.pause": "nobody pauses; one statement",
    "pauses.Pauses.resume": "the same",
    "retention._delete": "nothing is old enough; one statement each",
    "retention.forget_blobs": "the same",
    "store.Store.count_try": "nothing fails for now in this life",
    "tokens.Tokens.create": "no program asks for anything; a token that nobody was told is good for nothing",
    "tokens.Tokens.find": "the same; it notes when a token was used",
    "tokens.Tokens.revoke": "the same; one statement",
    "verdicts.StoredVerdicts._store": "nothing is verified in this life; one statement, and the second finds it there",
    "waits.Waits.begin": "GitHub sets no limit in this life",
    "store.Store.due_watches": "nothing is merged for so long; what comes of it is an event like any other",
    "store.Store.due_sessions": "nothing is silent for so long; what comes of it is an event like any other",
}
"""What writes and is not passed in the life of an issue that goes well, each with its reason."""


@pytest.fixture(scope="module")
def it() -> Iterator[Theatre]:
    with theatre(shared_parent()) as opened:
        yield opened


@pytest.fixture(scope="module")
def points(it: Theatre) -> dict[str, Counter[str]]:
    return it.points()


def test_all_that_writes_is_among_the_points(points: dict[str, Counter[str]]) -> None:
    seen = {name for passed in points.values() for name in passed}
    passed = {function for point in seen for function in point.partition(" · ")[2].partition(" (")[0].split(" < ")}
    unseen = {name for name in _writers() if not any(f"{it}.".startswith(f"{name}.") for it in passed)}
    # On a slow machine some of these are passed, too.
    assert unseen - UNSEEN.keys() == set()
    assert UNSEEN.keys() - _writers() == set()


@shows("W86")
@pytest.mark.timeout(600)
def test_killed_at_some_points_of_each_stage_all_is_there_once(it: Theatre, points: dict[str, Counter[str]]) -> None:
    for deaths in plan(points, every=EVERY):
        it.live(deaths)


def _writers() -> set[str]:
    """The functions that open a writing transaction or change something on GitHub, by the names that points give."""
    found = set()
    for room, writes in (("engine", _opens_transaction), ("adapters/hub", _changes_github)):
        for path in (PRODUCT / room).rglob("*.py"):
            module = ".".join(path.relative_to(PRODUCT / room).with_suffix("").parts).removesuffix(".__init__")
            prefix = f"hub.{module}" if room == "adapters/hub" else module
            found |= {
                f"{prefix}.{name}" for name, calls in _functions(ast.parse(path.read_text())) if any(map(writes, calls))
            }
    return {name for name in found if not name.startswith(PASSED_THROUGH) and not name.endswith("._writing")}


def _functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, list[ast.Call]]]:
    """Each function by its qualified name, with the calls in it that are in no function within."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}{node.name}"
            if not isinstance(node, ast.ClassDef):
                yield name, list(_calls(node))
            yield from _functions(node, f"{name}.")
        else:
            yield from _functions(node, prefix)


def _calls(function: ast.AST) -> Iterator[ast.Call]:
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.Call):
            yield node
        yield from _calls(node)


def _opens_transaction(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name == "_writing" or (name == "transaction" and not any(it.arg == "reads" for it in call.keywords))


def _changes_github(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute):
        return False
    verbs = {it.value for it in call.args if isinstance(it, ast.Constant)} & {"POST", "PATCH", "PUT", "DELETE"}
    return call.func.attr in ("write", "mutate") or bool(verbs)
