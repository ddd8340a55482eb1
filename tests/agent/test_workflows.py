"""What is read from a repository's workflow files."""

from __future__ import annotations

import pytest

from github_app.agent.workflows import checks_in, setup_commands


def checks(steps: str, on: str = "push") -> list[str]:
    text = f"on: {on}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n{steps}"
    return [each.command for each in checks_in({".github/workflows/a.yml": text})]


def run(command: str) -> str:
    return "      - run: |\n" + "".join(f"          {line}\n" for line in command.split("\n"))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("pytest -q", ["pytest -q"]),
        ("pip install .\npytest -q\nruff check", ["pytest -q && ruff check"]),
        ("pip install pytest", []),
        ("npm ci", []),
        ("npm run test:unit", ["npm run test:unit"]),
        ("cargo build\ncargo test --all", ["cargo test --all"]),
        ("# pytest\necho done", []),
        ("for x in a b; do\n  pytest $x\ndone", ["for x in a b; do\n  pytest $x\ndone"]),
        ("pytest \\\n  -q", ["pytest \\\n  -q"]),
        ("twine upload dist/* # after tests", []),
        ("make docs", []),
        ("x" * 3_000 + " pytest", []),
    ],
)
def test_steps_that_look_like_checks(command: str, expected: list[str]):
    assert checks(run(command)) == expected


@pytest.mark.parametrize(
    ("on", "is_ours"),
    [
        ("push", True),
        ("[push, workflow_dispatch]", True),
        ("{pull_request: }", True),
        ("schedule", False),
        ("3", False),
    ],
)
def test_workflows_that_run_on_changes(on: str, is_ours: bool):
    assert bool(checks(run("pytest"), on)) == is_ours


@pytest.mark.parametrize(
    "text", ["", "[", "- a", "on: push\njobs: 3", "on: push\njobs: {a: {steps: x}}", "a: &b 1\nc: *b"]
)
def test_what_is_no_workflow_says_nothing(text: str):
    assert checks_in({".github/workflows/a.yml": text}) == ()


def test_steps_that_prepare_a_machine_for_agents():
    steps = "[{uses: a/b@v1}, {run: npm ci}, {run: make gen, working-directory: api}, {run: 'echo ${{ x }}'}]"
    assert setup_commands(f"jobs: {{copilot-setup-steps: {{steps: {steps}}}}}") == ("npm ci", "cd api && make gen")
    assert setup_commands("jobs: {other: {steps: [{run: npm ci}]}}") == ()
    assert setup_commands("jobs: 3") == ()
