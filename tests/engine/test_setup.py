"""Set-up commands: once, before the agent, and without a trace in the change."""

from __future__ import annotations

from pathlib import Path

import pytest

from github_app.core.errors import Refused
from github_app.core.model import NetworkDecision
from github_app.core.policy import Network, Policy
from github_app.engine.setup import set_up
from tests.agent.parts import LocalWorkspace

NETWORK = Network(setup=("registries",), turn=("docs.example.org",))
REFUSED = NetworkDecision(host="evil.example", port=443, is_allowed=False, reason="not in the policy")


@pytest.fixture
def workspace(tmp_path: Path) -> LocalWorkspace:
    (tmp_path / "tree").mkdir()
    return LocalWorkspace.of(tmp_path / "tree", {"app.py": "x = 1\n"})


def policy(*commands: str) -> Policy:
    return Policy(setup=commands, network=NETWORK)


async def test_set_up_runs_once_with_its_own_network(workspace: LocalWorkspace):
    once = policy("mkdir -p node_modules && echo ran >> node_modules/log", "echo ran >> ~/log")
    for _ in range(3):
        assert (await set_up(workspace, once)).report == ""
    assert workspace.networks == [("registries",)] * 2
    assert (workspace.root / "node_modules/log").read_text() == "ran\n"


async def test_another_set_up_or_a_lost_workspace_is_set_up_again(workspace: LocalWorkspace):
    await set_up(workspace, policy("true"))
    await set_up(workspace, policy("true", "true"))
    workspace.note = ""
    await set_up(workspace, policy("true"))
    assert len(workspace.commands) == 4


async def test_without_commands_nothing_happens(workspace: LocalWorkspace):
    assert (await set_up(workspace, Policy())).report == ""
    assert (workspace.commands, workspace.note) == ([], "")


async def test_the_first_failure_ends_it_is_told_and_is_tried_again(workspace: LocalWorkspace):
    workspace.refuses = (REFUSED,)
    failing = policy("echo no such package; exit 3", "echo never")
    for _ in range(2):
        done = await set_up(workspace, failing)
        assert done.report == (
            "echo no such package; exit 3: it ended with exit code 3\n"
            "refused by network policy: evil.example:443 (not in the policy); allowed here: registries\n"
            "no such package"
        )
        assert done.refused == (REFUSED,)
    assert len(workspace.commands) == 2


@pytest.mark.parametrize("command", ["echo y >> app.py", "rm app.py", "touch new.txt", "touch new.txt; false"])
async def test_a_set_up_that_changes_what_is_committed_is_refused(workspace: LocalWorkspace, command: str):
    with pytest.raises(Refused, match=r"changed files that git does not ignore \(`(app\.py|new\.txt)`\)"):
        await set_up(workspace, policy(command))
    assert workspace.note == ""
    assert workspace.discarded


async def test_what_the_network_refused_a_set_up_is_told_with_its_refusal(workspace: LocalWorkspace):
    workspace.refuses = (REFUSED,)
    with pytest.raises(Refused, match=r"its home folder\. The network refused it `evil\.example:443`$"):
        await set_up(workspace, policy("echo y >> app.py"))


async def test_work_that_was_there_before_is_no_change_of_the_set_ups(workspace: LocalWorkspace):
    (workspace.root / "app.py").write_text("x = 2\n")
    assert (await set_up(workspace, policy("true"))).report == ""


STEPS = "jobs: {copilot-setup-steps: {steps: [{uses: actions/checkout@v5}, {run: 'echo ran >> ~/log'}]}}"


async def test_what_a_repository_has_for_other_agents_is_run_where_its_policy_names_nothing(tmp_path: Path):
    (tmp_path / "tree").mkdir()
    workspace = LocalWorkspace.of(tmp_path / "tree", {".github/workflows/copilot-setup-steps.yml": STEPS})
    await set_up(workspace, Policy())
    await set_up(workspace, Policy())
    assert (tmp_path / "log").read_text() == "ran\n"
    await set_up(workspace, policy("true"))
    assert (tmp_path / "log").read_text() == "ran\n"


async def test_steps_of_others_that_touch_the_tree_are_told_how_to_be_replaced(tmp_path: Path):
    (tmp_path / "tree").mkdir()
    steps = STEPS.replace("~/log", "x.txt")
    workspace = LocalWorkspace.of(tmp_path / "tree", {".github/workflows/copilot-setup-steps.yml": steps})
    with pytest.raises(Refused, match=r"copilot-setup-steps.yml.*`x.txt`.*Say in `setup` of `.github/honk.yml`"):
        await set_up(workspace, Policy())
