"""The ports are promises: Protocols whose every word is explained."""

from __future__ import annotations

import inspect

import pytest

from github_app.core import context, listing, merges, ports, programs, reverts

PROTOCOLS = [
    value
    for module in (ports, context, listing, merges, programs, reverts)
    for value in vars(module).values()
    if getattr(value, "_is_protocol", False) and value.__module__ == module.__name__
]


@pytest.mark.parametrize("port", PROTOCOLS, ids=lambda port: port.__name__)
def test_every_promise_of_a_port_is_explained(port: type):
    unexplained = [name for name, value in vars(port).items() if not name.startswith("_") and not inspect.getdoc(value)]
    assert inspect.getdoc(port)
    assert unexplained == []


def test_the_outside_world_is_on_one_screen():
    assert {"Hub", "Model", "Workspace", "Workspaces", "Journal", "Publisher", "Clock"} <= {
        port.__name__ for port in PROTOCOLS
    }


def test_token_of_a_repository_is_never_shown():
    assert "s3cret" not in repr(ports.GitAuth(url="https://github.com/acme/goose.git", token="s3cret"))
