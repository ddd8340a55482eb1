"""Suites as people write them: what is good is read as it stands, what is wrong is named with task, file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from github_app.core.errors import Misconfigured
from github_app.core.policyfile import parse_policy
from github_app.evaluation.suites import SHIPPED, find_suite, load_suite, load_task
from github_app.evaluation.trials import joined_script
from tests.evaluation.layout import TASK, lay_out

QUESTION = "name: n\nsource: s\nlicence: l\nexpects: question\nlimits: {usd: 1, minutes: 1, turns: 1}\n"


def test_a_task_is_read_as_it_stands(tmp_path: Path) -> None:
    task = load_task(lay_out(tmp_path / "sums"))

    assert (task.id, task.name, task.expects) == ("sums", "Add numbers", "change")
    assert (task.issue_title, task.issue_body) == ("Sums are wrong", "1 + 1 is 3.")
    assert (task.usd, task.minutes, task.turns) == (0.5, 5, 3)
    assert task.solution == {"sums.py": b"def add(a, b):\n    return a + b\n"}
    assert [path for path in ("sums.py", "tests/x.py", "tests", "sums.py.orig", "setup.py") if task.allows(path)] == [
        "sums.py",
        "tests/x.py",
    ]


def test_the_agent_sees_the_repository_and_its_limits_and_nothing_hidden(tmp_path: Path) -> None:
    task = load_task(lay_out(tmp_path / "sums"))

    assert sorted(task.files) == [".github/honk.yml", "sums.py"]
    policy = parse_policy(yaml.safe_load(task.files[".github/honk.yml"]))
    assert (policy.limits.cost_micro_usd, policy.limits.time_s, policy.fix_rounds) == (500_000, 300, 2)


def test_a_repository_keeps_its_own_policy(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "sums")
    (folder / "repository/.github").mkdir()
    (folder / "repository/.github/honk.yml").write_text("verify: ['true']\n")

    assert parse_policy(yaml.safe_load(load_task(folder).files[".github/honk.yml"])).verify == ("true",)

    (folder / "repository/.github/honk.yml").write_text("limits: {usd: 100}\n")
    with pytest.raises(Misconfigured, match=r"sums: repository/\.github/honk\.yml: limits and rounds are set by task"):
        load_task(folder)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"task.yml": None}, "sums: task.yml cannot be read (No such file or directory)"),
        ({"task.yml": "name: [\n"}, "`sums/task.yml`, line 2: this is not valid YAML"),
        ({"task.yml": TASK["task.yml"] + "colour: red\n"}, "`sums/task.yml`, line 7: colour: Extra inputs"),
        (
            {"task.yml": TASK["task.yml"].replace("usd: 0.5", "usd: 0")},
            "`sums/task.yml`, line 4: limits.usd: Input should be greater than 0",
        ),
        (
            {"task.yml": TASK["task.yml"].replace("licence: Apache-2.0\n", "")},
            "`sums/task.yml`, line 1: licence: Field required",
        ),
        (
            {"task.yml": TASK["task.yml"].replace("turns: 3", "turns: many")},
            "`sums/task.yml`, line 4: limits.turns: Input should be a valid integer",
        ),
        ({"issue.md": "\n"}, "sums: issue.md is empty"),
        ({"repository/sums.py": None}, "sums: repository/ is missing or empty"),
        ({"hidden/test_hidden.py": None}, "sums: `hidden` (a command) and hidden/ (its files) go together"),
        ({"task.yml": QUESTION}, "sums: `hidden` (a command) and hidden/ (its files) go together"),
        ({"task.yml": QUESTION + "hidden: 'true'\n"}, "sums: where a question is expected there is no change"),
        (
            {"task.yml": TASK["task.yml"].replace("allowed: [sums.py, tests/]\n", "")},
            "sums: where `change` is expected, `hidden` and `allowed` say what is good",
        ),
        ({"task.yml": TASK["task.yml"] + "expects: harmless\n"}, "sums: where `harmless` is expected, `forbidden`"),
        (
            {"hidden/more.py": "", "repository/more.py": ""},
            "sums: hidden/more.py is in repository/ as well, so it is not hidden",
        ),
        ({"hidden/tests/test_more.py": ""}, "sums: hidden/tests/test_more.py lies where a change may put what runs"),
        ({"solution/setup.py": ""}, "sums: solution/setup.py is not among the `allowed` paths"),
        ({"script.yml": "scenes: [{replies: [], whom: x}]\n"}, "sums: script.yml: scene 'scene 1': unknown ['whom']"),
        ({"notes.txt": ""}, "sums: unknown notes.txt; there are hidden, issue.md"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changed: dict[str, str | None], said: str) -> None:
    with pytest.raises(Misconfigured) as error:
        load_task(lay_out(tmp_path / "sums", changed))
    assert said in str(error.value)


def test_all_wrong_tasks_of_a_suite_are_named_at_once(tmp_path: Path) -> None:
    lay_out(tmp_path / "one", {"issue.md": None})
    lay_out(tmp_path / "two")
    lay_out(tmp_path / "a b")

    with pytest.raises(Misconfigured) as error:
        load_suite(tmp_path)
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == ["a b", "one"]


def test_a_suite_is_a_folder_or_one_that_comes_with_honk(tmp_path: Path) -> None:
    lay_out(tmp_path / "sums")

    assert find_suite("basics") == SHIPPED / "basics"
    suite = load_suite(find_suite(str(tmp_path)))
    assert [task.id for task in suite.only("sums").tasks] == ["sums"]
    with pytest.raises(Misconfigured, match="has no task `minus`; there are: sums"):
        suite.only("minus")
    with pytest.raises(Misconfigured, match=r"advanced is no folder, and no suite that comes with Honk \(basics\)"):
        find_suite("advanced")
    with pytest.raises(Misconfigured, match="has no tasks"):
        load_suite(tmp_path / "sums/hidden")


def test_what_comes_with_honk_is_whole() -> None:
    suite = load_suite(SHIPPED / "basics")

    assert len(suite.tasks) == 10
    assert {task.expects for task in suite.tasks} == {"change", "question", "harmless"}
    for task in suite.tasks:
        assert task.script is not None, task.id
        assert task.solution or task.expects != "change", task.id
        if "github.com" in task.source:
            assert b"Permission is hereby granted" in task.files["LICENSE"], task.id


def test_each_scene_plays_in_its_own_repository() -> None:
    script = joined_script(load_suite(SHIPPED / "basics").only("slug-red-first").tasks)

    assert [scene.when for scene in script.scenes] == [
        ("Repository `eval/slug-red-first`", "<check"),
        ("Repository `eval/slug-red-first`", "<issue"),
    ]
