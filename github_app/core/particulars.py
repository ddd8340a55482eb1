"""What people ask of Honk itself, with or without work at the place: what it understands, whether it is there, by which
rules it works."""

from __future__ import annotations

from github_app.core.events import CommandIssued
from github_app.core.facts import Facts
from github_app.core.messages import answers, policies
from github_app.core.simulation import rights_of


def told_of_honk(event: CommandIssued, facts: Facts) -> str:
    """The answer to a question about Honk; empty where a command is none."""
    match event.command.verb:
        case "help":
            return answers.help_text(facts.trigger_label)
        case "ping":
            rights = rights_of(event.actor.login, facts.permission, facts.policy)
            return answers.here(facts.version, rights, policy=facts.policy, pause=facts.pause, obstacle=facts.obstacle)
        case "config":
            return policies.in_force(facts.rules, facts.obstacle)
        case _:
            return ""
