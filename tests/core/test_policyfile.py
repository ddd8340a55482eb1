"""Policy files: read strictly, or not at all; and a repository's never looser than the operator's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from github_app.core.errors import Refused
from github_app.core.policy import PROTECTED, Floor, Limits, Network, Policy, Quota, tighten
from github_app.core.policyfile import parse_floor, parse_policy
from github_app.core.shipments import Shipping
from github_app.core.toolservers import ToolServer


def test_no_file_or_an_empty_one_means_the_defaults():
    assert parse_policy(None) == parse_policy({}) == Policy()
    assert parse_floor(None, name="floor.yml") == parse_floor({}, name="floor.yml") == Floor()


def test_all_that_a_repository_can_say():
    document = {
        "limits": {"usd": 2.5, "steps": 40, "minutes": 10},
        "rounds": {"checks": 1, "reviews": 0},
        "verify": ["make test"],
        "setup": ["make deps"],
        "deliver": ["app", "dist/*.whl"],
        "network": {"setup": ["registries"], "turn": ["docs.example.org"]},
        "protected": ["migrations/**"],
        "approvers": ["ann"],
        "others": "quote",
        "judge": "block",
        "mcp": {
            "docs": {"command": " npx docs-mcp ", "network": ["docs.example.org"]},
            "tickets": {"url": "https://mcp.example.com/mcp"},
        },
        "resolve": "fixed",
        "watch": {"hours": 1.5},
        "changes": {"files": 10, "kilobytes": 50, "binary_kilobytes": 5},
    }
    assert parse_policy(document) == Policy(
        limits=Limits(cost_micro_usd=2_500_000, steps=40, time_s=600.0),
        fix_rounds=1,
        review_rounds=0,
        verify=("make test",),
        setup=("make deps",),
        deliver=("app", "dist/*.whl"),
        network=Network(setup=("registries",), turn=("docs.example.org",)),
        protected=(*PROTECTED, "migrations/**"),
        approvers=("ann",),
        others="quote",
        judge="block",
        mcp=(
            ToolServer(name="docs", command="npx docs-mcp", network=("docs.example.org",)),
            ToolServer(name="tickets", url="https://mcp.example.com/mcp"),
        ),
        resolve="fixed",
        watch_s=5_400.0,
        max_files=10,
        max_bytes=50_000,
        max_binary_bytes=5_000,
    )


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ([], "the file"),
        ("limits", "the file"),
        ({"limit": {}}, "unknown key `limit`"),
        ({"limits": {"euro": 1}}, "unknown key `limits.euro`"),
        ({"rounds": {"check": 1}}, "unknown key `rounds.check`"),
        ({"quota": {}}, "unknown key `quota`"),
        ({1: 2}, "unknown key `1`"),
        ({"limits": None}, "`limits` must be a mapping"),
        ({"limits": {"usd": "5"}}, "`limits.usd` must be a number"),
        ({"limits": {"usd": True}}, "`limits.usd` must be a number"),
        ({"limits": {"usd": -1}}, "`limits.usd` must be a number"),
        ({"limits": {"usd": 1_001}}, "from 0 to 1000"),
        ({"limits": {"usd": float("nan")}}, "`limits.usd` must be a number"),
        ({"limits": {"usd": float("inf")}}, "`limits.usd` must be a number"),
        ({"limits": {"steps": None}}, "`limits.steps` must be a whole number"),
        ({"limits": {"steps": 1.5}}, "`limits.steps` must be a whole number"),
        ({"rounds": {"checks": 0.5}}, "`rounds.checks` must be a whole number"),
        ({"rounds": {"reviews": 51}}, "`rounds.reviews` must be a whole number"),
        ({"limits": {"minutes": 1441}}, "`limits.minutes` must be a number"),
        ({"verify": "make test"}, "`verify` must be a list"),
        ({"verify": ["make test", 1]}, "`verify` must be a list"),
        ({"verify": [" "]}, "`verify` must be a list"),
        ({"protected": None}, "`protected` must be a list"),
        ({"judge": "maybe"}, "`judge` must be `off`, `advise` or `block`"),
        ({"judge": True}, "`judge` must be `off`, `advise` or `block`"),
        ({"resolve": "all"}, "`resolve` must be `never` or `fixed`"),
        ({"others": "trust"}, "`others` must be `leave_out` or `quote`"),
        ({"network": {"turn": "any"}}, "`network.turn` must be a list"),
        (
            {"network": {"setup": ["registries", "10.0.0.1"]}},
            "`network.setup` has `10.0.0.1`, which is not a host's name",
        ),
        ({"network": {"turn": ["*.com"]}}, "`network.turn` has `*.com`, which is a whole top-level domain"),
        ({"changes": {"files": -1}}, "`changes.files` must be a whole number"),
        ({"mcp": ["docs"]}, "`mcp` must be a mapping"),
        ({"mcp": {1: {}}}, "unknown key `mcp.1`"),
        ({"mcp": {"Docs": {}}}, "`mcp.Docs` must be a name of at most 20"),
        ({"mcp": {"docs": "npx"}}, "`mcp.docs` must be a mapping"),
        ({"mcp": {"docs": {"token": "x"}}}, "unknown key `mcp.docs.token`"),
        ({"mcp": {"docs": {}}}, "`mcp.docs` must have either a `command` or a `url`"),
        ({"mcp": {"docs": {"command": "x", "url": "https://x"}}}, "`mcp.docs` must have either a `command` or a `url`"),
        ({"mcp": {"docs": {"command": ["x"]}}}, "`mcp.docs` must have either a `command` or a `url`"),
        ({"mcp": {"docs": {"command": "x", "url": 3}}}, "`mcp.docs` must have either a `command` or a `url`"),
        ({"mcp": {"docs": {"command": "x", "network": ["10.0.0.1"]}}}, "`mcp.docs.network` has `10.0.0.1`"),
        ({"mcp": {"docs": {"url": "https://x", "network": ["x.org"]}}}, "`mcp.docs.network` is for servers with a"),
        ({"mcp": {"docs": {"url": "https://u:p@x"}}}, "`mcp.docs.url` is not a plain http(s) URL"),
        ({"ship": "always"}, "`ship` must be a mapping"),
        ({"ship": {"method": "rebase"}}, "`ship.method` must be `merge` or `squash`"),
        ({"ship": {"two_people": "yes"}}, "`ship.two_people` must be `true` or `false`"),
        ({"ship": {"approvals": 11}}, "`ship.approvals` must be a whole number from 0 to 10"),
        ({"mcp": {f"s{n}": {"command": "x"} for n in range(9)}}, "`mcp` may name at most 8 servers"),
    ],
)
def test_a_policy_that_is_only_half_understood_is_refused(document: Any, named: str):
    with pytest.raises(Refused) as refused:
        parse_policy(document)
    assert "`.github/honk.yml`: " in str(refused.value)
    assert named in str(refused.value)


def test_all_that_the_operator_can_say():
    document = {
        "limits": {"usd": 3, "steps": 50, "minutes": 20},
        "rounds": {"checks": 2, "reviews": 5},
        "network": {"setup": ["registries"], "turn": []},
        "protected": ["infra/**"],
        "approvers": ["ann", "rob"],
        "others": "leave_out",
        "judge": "advise",
        "mcp": "off",
        "resolve": "never",
        "watch": {"hours": 0},
        "changes": {"files": 20, "kilobytes": 100, "binary_kilobytes": 0},
        "quota": {
            "person": {"turns_a_day": 5, "usd_a_day": 1.5, "usd_a_month": 20, "open_pulls": 2},
            "repository": {"turns_a_day": 0},
        },
    }
    assert parse_floor(document, name="floor.yml") == Floor(
        most=Policy(
            limits=Limits(cost_micro_usd=3_000_000, steps=50, time_s=1_200.0),
            fix_rounds=2,
            review_rounds=5,
            network=Network(setup=("registries",)),
            protected=(*PROTECTED, "infra/**"),
            approvers=("ann", "rob"),
            others="leave_out",
            watch_s=0,
            max_files=20,
            max_bytes=100_000,
            max_binary_bytes=0,
        ),
        setup_hosts=("registries",),
        turn_hosts=(),
        allows_mcp=False,
        per_person=Quota(turns=5, cost_micro_usd=1_500_000, month_micro_usd=20_000_000, open_pulls=2),
        per_repository=Quota(turns=0),
    )


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"verify": ["true"]}, "unknown key `verify`"),
        ({"quota": {"team": {}}}, "unknown key `quota.team`"),
        ({"mcp": {"docs": {}}}, "`mcp` must be `off` or `on`"),
        ({"quota": {"person": {"usd_a_day": "1"}}}, "`quota.person.usd_a_day` must be a number"),
        ({"quota": {"person": {"open_pulls": 1.5}}}, "`quota.person.open_pulls` must be a whole number"),
    ],
)
def test_a_floor_that_is_only_half_understood_is_refused(document: Any, named: str):
    with pytest.raises(Refused, match=r"`floor\.yml`: ") as refused:
        parse_floor(document, name="floor.yml")
    assert named in str(refused.value)


@pytest.mark.parametrize(("said", "allows"), [(False, False), ("off", False), (True, True), ("on", True)])
def test_the_operator_may_forbid_tool_servers(said: bool | str, allows: bool):
    policy = parse_policy({"mcp": {"docs": {"command": "docs", "network": ["a.example", "b.example"]}}})
    floor = parse_floor({"mcp": said, "network": {"turn": ["b.example"]}}, name="floor.yml")
    left = tighten(policy, floor).mcp
    assert left == ((ToolServer(name="docs", command="docs", network=("b.example",)),) if allows else ())


def test_an_open_floor_changes_nothing():
    assert tighten(Policy(), Floor()) == Policy()
    loud = parse_policy({"network": {"turn": ["a.example"]}, "others": "quote", "approvers": ["eve"]})
    assert tighten(loud, Floor()) == loud


def test_what_goes_beyond_the_floor_is_cut_down_to_it():
    floor = parse_floor(
        {
            "limits": {"usd": 1, "steps": 10, "minutes": 5},
            "rounds": {"checks": 1, "reviews": 1},
            "network": {"setup": ["registries", "a.example"], "turn": []},
            "protected": ["infra/**"],
            "approvers": ["Ann"],
            "others": "leave_out",
            "changes": {"files": 1, "kilobytes": 1, "binary_kilobytes": 1},
        },
        name="floor.yml",
    )
    wanted = parse_policy(
        {
            "limits": {"usd": 1_000, "steps": 1_000, "minutes": 600},
            "rounds": {"checks": 50, "reviews": 50},
            "network": {"setup": ["a.example", "evil.example"], "turn": ["evil.example"]},
            "protected": ["db/**"],
            "approvers": ["eve", "ann"],
            "others": "quote",
            "changes": {"files": 9_999, "kilobytes": 9_999, "binary_kilobytes": 9_999},
        }
    )
    assert tighten(wanted, floor) == Policy(
        limits=Limits(cost_micro_usd=1_000_000, steps=10, time_s=300.0),
        fix_rounds=1,
        review_rounds=1,
        network=Network(setup=("a.example",)),
        protected=(*PROTECTED, "db/**", "infra/**"),
        approvers=("ann",),
        others="leave_out",
        max_files=1,
        max_bytes=1_000,
        max_binary_bytes=1_000,
    )


@pytest.mark.parametrize("off", ["off", False])  # to YAML, a bare `off` is false
def test_a_repository_may_do_without_a_second_look_unless_the_operator_wants_one(off: object):
    repository = parse_policy({"judge": off})
    assert repository.judge == "off"
    assert tighten(repository, Floor()).judge == "off"
    assert tighten(repository, parse_floor({"judge": "advise"}, name="floor.yml")).judge == "advise"
    assert tighten(Policy(judge="block"), parse_floor({"judge": "advise"}, name="floor.yml")).judge == "block"


def test_people_ship_only_where_repository_and_operator_let_them():
    for off in ({}, {"ship": False}, {"ship": "off"}):
        assert parse_policy(off).ship == Shipping()
    for said in (True, "on", {}, {"method": "merge"}):
        assert parse_policy({"ship": said}).ship == Shipping(is_allowed=True)
    wanted = parse_policy({"ship": {"method": "squash", "two_people": False, "approvals": 2, "own_approval": True}})
    ships = Shipping(is_allowed=True, method="squash", two_people=False, approvals=2, own_approval=True)
    assert tighten(wanted, parse_floor({"ship": True}, name="floor.yml")).ship == ships
    assert not tighten(wanted, parse_floor({}, name="floor.yml")).ship.is_on


def test_threads_are_resolved_only_where_repository_and_operator_let_us():
    assert parse_policy({}).resolve == "never"
    wanted = parse_policy({"resolve": "fixed"})
    assert tighten(wanted, parse_floor({}, name="floor.yml")).resolve == "fixed"
    assert tighten(wanted, parse_floor({"resolve": "never"}, name="floor.yml")).resolve == "never"
    assert tighten(parse_policy({"resolve": "never"}), Floor()).resolve == "never"


def test_a_repository_cannot_rid_itself_of_the_operators_approvers():
    floor = replace(Floor(), most=replace(Floor().most, approvers=("ann",)))
    assert tighten(Policy(approvers=("eve",)), floor).approvers == ("ann",)
    assert tighten(Policy(), floor).approvers == ("ann",)


def test_a_floor_allows_what_is_below_its_hosts():
    floor = parse_floor({"network": {"setup": ["registries"], "turn": ["*.example.org"]}}, name="floor.yml")
    wanted = {"setup": ["registries", "a.example.org"], "turn": ["docs.Example.org", "example.org", "registries"]}
    policy = tighten(parse_policy({"network": wanted}), floor)
    assert policy.network == Network(setup=("registries",), turn=("docs.Example.org",))


@pytest.mark.parametrize("value", ["helper[bot]", ["helper[bot]"], [True], [0], [-1], [1.5], {}])
def test_bots_are_named_by_their_numbers(value: object):
    with pytest.raises(Refused, match=r"`\.github/honk\.yml`: `bots` must be a list of accounts' numbers"):
        parse_policy({"bots": value})


def test_bots_of_a_repository_and_of_the_floor():
    assert parse_policy({"bots": [12345]}).bots == (12345,)
    assert parse_floor({}, name="floor.yml").bots is None
    assert parse_floor({"bots": []}, name="floor.yml").bots == ()


def test_a_merge_is_watched_for_no_longer_than_the_operator_lets_us():
    assert parse_policy({}).watch_s == 86_400
    assert tighten(parse_policy({"watch": {"hours": 168}}), Floor()).watch_s == 7 * 86_400
    assert tighten(parse_policy({}), parse_floor({"watch": {"hours": 2}}, name="floor.yml")).watch_s == 7_200
    with pytest.raises(Refused, match=r"`watch\.hours` must be a number from 0 to 168"):
        parse_policy({"watch": {"hours": 169}})
