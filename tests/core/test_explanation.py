"""Each value of a policy is told with where it comes from."""

from __future__ import annotations

import pytest

from github_app.core.explanation import explain
from github_app.core.policy import Floor, Policy
from github_app.core.policyfile import parse_floor, parse_policy

LINES = {("limits",): 1, ("limits", "usd"): 2, ("verify",): 4, ("protected",): 6, ("judge",): 8}
POLICY = parse_policy(
    {"limits": {"usd": 20}, "verify": ["make check"], "protected": ["migrations/**"], "judge": "off"}, LINES
)


def told(policy: Policy, floor: Floor) -> dict[str, str]:
    return {each.key: f"{each.value or '-'} ({each.source})" for each in explain(policy, LINES, floor)}


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("limits.usd", "20 (line 2)"),
        ("limits.steps", "100 (default)"),
        ("verify", "make check (line 4)"),
        ("setup", "- (default)"),
        ("deliver", "what is found (default)"),
        ("protected", "migrations/** (line 6)"),
        ("changes.kilobytes", "2000 (default)"),
    ],
)
def test_a_value_comes_from_its_line_or_is_the_default(key: str, words: str):
    assert told(POLICY, Floor())[key] == words


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("limits.usd", "5 (the operator's floor; the file has 20)"),
        ("limits.steps", "50 (the operator's floor; the default has 100)"),
        ("judge", "advise (the operator's floor; the file has off)"),
        ("approvers", "ann (the operator's floor; the default has none)"),
        ("others", "leave_out (default)"),
    ],
)
def test_what_the_operator_cut_down_is_told_with_what_was_wanted(key: str, words: str):
    floor = parse_floor({"limits": {"usd": 5, "steps": 50}, "judge": "advise", "approvers": ["ann"]}, name="floor.yml")
    assert told(POLICY, floor)[key] == words


def test_tool_servers_are_told_with_what_they_run_and_reach():
    servers = {"docs": {"command": "docs-mcp", "network": ["docs.example.org"]}, "wiki": {"url": "https://x.example/"}}
    found = told(parse_policy({"mcp": servers}), Floor())["mcp"]
    assert found == "docs: docs-mcp (docs.example.org); wiki: https://x.example/ (default)"


def test_how_things_are_shipped_is_told_in_one_line():
    lines: dict[tuple[str, ...], int] = {("ship",): 3}
    wanted = parse_policy({"ship": {"method": "squash", "approvals": 1, "own_approval": True}})
    found = {
        each.key: (each.value, each.source)
        for each in explain(wanted, lines, parse_floor({"ship": True}, name="f.yml"))
    }
    assert found["ship"] == ("squash; two people; 1 approvals (own ones count)", "line 3")
    alone = parse_policy({"ship": {"two_people": False}})
    [told] = [each for each in explain(alone, lines, Floor()) if each.key == "ship"]
    assert (told.value, told.source) == (
        "off",
        "the operator's floor; the file has merge; one person is enough; 0 approvals",
    )


def test_every_key_of_a_policy_is_told():
    known = {
        "setup",
        "verify",
        "mcp",
        "deliver",
        "protected",
        "approvers",
        "others",
        "judge",
        "resolve",
        "bots",
        "ship",
    }
    sections = {"limits": 3, "rounds": 2, "network": 2, "changes": 3}
    keys = list(told(Policy(), Floor()))
    assert {key for key in keys if "." not in key} == known
    assert {name: sum(key.startswith(f"{name}.") for key in keys) for name in sections} == sections
