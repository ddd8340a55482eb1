"""Alerts and dashboard speak of numbers that Honk tells, and each alert of something to do."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from github_app.core.session import Status
from github_app.core.traffic import Traffic
from github_app.web.metrics import metrics_text
from github_app.web.server import _counts_of
from github_app.web.webhooks import Door

ROOT = Path(__file__).resolve().parents[2]
RULES: list[dict[str, Any]] = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"][0]["rules"]
BOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/honk.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
QUERIES = {f"panel {panel['title']}, {at['refId']}": at["expr"] for panel in PANELS for at in panel["targets"]} | {
    f"alert {rule['alert']}": rule["expr"] for rule in RULES
}
FUNCTIONS = {"absent", "delta", "increase", "max", "min", "rate", "sum"}


def told() -> dict[str, dict[str, set[str]]]:
    """All numbers that Honk can tell, each with its labels and their values: as `GET /metrics` prints them."""
    text = metrics_text(
        inbox={}, oldest_s=0, sessions=dict.fromkeys(Status, 1), waiting=0, silent_s=0, day_usd=0,
        turn_s={0.5: 1.0}, secrets_removed=0, tallies={}, workers={"one": (1.0, 0)},
        traffic=Traffic(left={(-1, "core"): 1, (1, "graphql"): 1}),
    )  # fmt: skip
    codes = {(202, "recorded"), (401, "rejected"), (408, "rejected"), (503, "unavailable")}
    door = Door(recorder=None, secrets=[b"x"], max_body_bytes=1, answers=Counter(codes))  # type: ignore[arg-type]
    found: dict[str, dict[str, set[str]]] = {}
    for name, labels in re.findall(r"^(\w+)(?:{(.*)})? [\d.]+$", text + _counts_of(door), re.MULTILINE):
        known = found.setdefault(name, {})
        for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
            known.setdefault(label, set()).add(value)
    return found


TOLD = told()


def problems(query: str) -> list[str]:
    """What a query names that Honk does not tell."""
    found: list[str] = []
    grouped = re.findall(r"\bby \(([^)]*)\)", query)
    names = set(re.findall(r"\bhonk_\w+", query))
    found += [f"{name} is told by nobody" for name in names - TOLD.keys()]
    for name, labels in re.findall(r"(\bhonk_\w+){([^}]*)}", query):
        for label, sign, value in re.findall(r'(\w+)\s*(!=|=~|!~|=)\s*"([^"]*)"', labels):
            values = TOLD.get(name, {}).get(label, set())
            named = value.split("|") if "~" in sign else [value]
            found += [f"{name} has no {label}={one}" for one in named if one not in values]
    for label in re.findall(r"\w+", " ".join(grouped)):
        found += [f"{name} has no label {label}" for name in names if label not in TOLD.get(name, {})]
    # The rest must be words of PromQL: what a tokenizer does not know may be a number that it has not looked up.
    bare = re.sub(r"\bon \([^)]*\)|\bby \([^)]*\)|{[^}]*}|\[\w+\]|\bhonk_\w+", " ", query)
    found += [f"what is {word}?" for word in set(re.findall(r"[A-Za-z_]\w*", bare)) - FUNCTIONS - {"and"}]
    return found


@pytest.mark.parametrize("where", QUERIES)
def test_queries_name_only_what_is_told(where: str) -> None:
    assert problems(QUERIES[where]) == []


@pytest.mark.parametrize(
    "query",
    [
        "honk_nothing > 0",
        'honk_inbox{state="lost"}',
        'honk_inbox{kind="new"}',
        'honk_sessions{status=~"merged|gone"}',
        "sum by (person) (honk_sessions)",
        "up == 0",
        "summ(honk_sessions)",
    ],
)
def test_a_query_that_is_wrong_is_found(query: str) -> None:
    assert len(problems(query)) == 1


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_what_it_means_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule.keys() == {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"[1-9]\d*[mh]", rule["for"])
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook"}
    assert all(text.strip() and "\n" not in text for text in rule["annotations"].values())
    used = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    (name,) = set(re.findall(r"\bhonk_\w+", rule["expr"].split(" and ")[0]))
    assert used <= TOLD[name].keys()


def test_each_alert_has_a_section_of_its_own_and_no_section_is_left_over() -> None:
    page = (ROOT / "docs/operate.md").read_text()
    sections = re.findall(r"^### (Honk\w+)$", page, re.MULTILINE)
    assert sections == [rule["alert"] for rule in RULES]
    for rule in RULES:
        assert rule["annotations"]["runbook"] == f"docs/operate.md#{rule['alert'].lower()}"


def test_all_that_is_told_is_on_the_dashboard_and_in_the_docs() -> None:
    shown = {
        name for panel in PANELS for target in panel["targets"] for name in re.findall(r"honk_\w+", target["expr"])
    }
    assert shown == TOLD.keys()
    page = (ROOT / "docs/operate.md").read_text()
    assert set(re.findall(r"^\| `(honk_\w+)", page, re.MULTILINE)) == TOLD.keys()


def test_the_dashboard_takes_whatever_prometheus_it_is_given_and_no_panel_hides_another() -> None:
    assert [each["name"] for each in BOARD["templating"]["list"]] == ["datasource"]
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    cells: list[tuple[int, int]] = []
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells += [(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]
    assert len(cells) == len(set(cells))
    for panel in PANELS:
        assert panel["title"]
        assert panel["description"]
        assert {each["datasource"]["uid"] for each in (panel, *panel["targets"])} == {"${datasource}"}
