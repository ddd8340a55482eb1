"""Attacks as values: each is a function that really attacks and returns what got through, empty if nothing did. The
same
functions are run against the whole wall (`test_attacks`) and with one defence taken out (`test_defences`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.attack.arena import Arena
from tests.attack.scene import Scene

Run = Callable[[Arena], Awaitable[str]]
SceneRun = Callable[[Scene], str]


@dataclass(frozen=True, kw_only=True)
class Attack:
    """An attack on the sandbox or on git: `id` is unique, `stopped_by` says in a few words what is in its way."""

    id: str
    name: str
    stopped_by: str
    run: Run


@dataclass(frozen=True, kw_only=True)
class SceneAttack:
    """An attack on the running app, by words, people and repositories."""

    id: str
    name: str
    stopped_by: str
    run: SceneRun


ATTACKS: dict[str, Attack] = {}
SCENE_ATTACKS: dict[str, SceneAttack] = {}
"""All attacks by id, in the order in which they were written."""

NOT_RUN: dict[str, tuple[str, str]] = {}
"""Attacks that cannot be run, by id: their name and why."""


def attack(id: str, name: str, *, stopped_by: str) -> Callable[[Run], Run]:
    """Register a function as an attack."""

    def register(run: Run) -> Run:
        assert id not in ATTACKS.keys() | SCENE_ATTACKS.keys(), f"two attacks are called {id}"
        ATTACKS[id] = Attack(id=id, name=name, stopped_by=stopped_by, run=run)
        return run

    return register


def scene_attack(id: str, name: str, *, stopped_by: str) -> Callable[[SceneRun], SceneRun]:
    """Register a function as an attack on the running app. It says what got through; leaks are looked for after it."""

    def register(run: SceneRun) -> SceneRun:
        assert id not in ATTACKS.keys() | SCENE_ATTACKS.keys(), f"two attacks are called {id}"
        SCENE_ATTACKS[id] = SceneAttack(id=id, name=name, stopped_by=stopped_by, run=run)
        return run

    return register


def shell_attack(id: str, name: str, script: str, *, stopped_by: str) -> None:
    """Register a shell script that runs in the sandbox. It prints a line with GOT for each thing that it achieved."""
    attack(id, name, stopped_by=stopped_by)(lambda arena: arena.shell(script))


def python_attack(id: str, name: str, script: str, *, stopped_by: str) -> None:
    """Register a Python script that runs in the sandbox; `tried(what, do)` prints GOT if `do` raises no OSError."""
    attack(id, name, stopped_by=stopped_by)(lambda arena: arena.python(script))
