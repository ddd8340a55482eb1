"""Verification as it runs, and the gate that stands on it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from github_app.agent.outlet import Outlet
from github_app.agent.task import OutOfLimits, Submitted
from github_app.agent.verify import look_for_verifiers, verify
from github_app.core.policy import Limits, Policy
from github_app.core.session import Feedback
from tests.agent.conftest import Desk
from tests.agent.parts import LocalWorkspace, a_task, a_thread, call, reply, submit

CALC = "def divide(a, b):\n    return a / b\n"
TEST = """
import unittest
from calc import divide

class DivideTest(unittest.TestCase):
    def test_zero(self):
        self.assertIsNone(divide(1, 0))
"""
FIX = {"path": "calc.py", "old_text": "return a / b", "new_text": "return a / b if b else None"}


def workspace_of(tmp_path: Path, files: dict[str, str], tools: tuple[str, ...] = ()) -> LocalWorkspace:
    """A workspace with these files; with `tools`, nothing else is on its path."""
    root = tmp_path / "tree"
    root.mkdir(exist_ok=True)
    workspace = LocalWorkspace.of(root, files)
    if tools:
        folder = tmp_path / "bin"
        folder.mkdir()
        for tool in tools:
            (folder / tool).symlink_to(shutil.which(tool, path="/usr/bin:/bin") or "")
        workspace.path = str(folder)
    return workspace


async def verified(workspace: LocalWorkspace, *commands: str):
    return await verify(Outlet(workspace), Policy(verify=commands), time_left_s=lambda: 60.0)


async def test_a_failing_test_is_named_with_its_place(tmp_path: Path):
    workspace = workspace_of(tmp_path, {"calc.py": CALC, "tests/test_calc.py": TEST}, tools=("sh", "python3"))
    verification = await verified(workspace)
    assert not verification.has_passed
    assert "ERROR: test_zero (test_calc.DivideTest" in verification.text
    assert 'calc.py", line 2, in divide' in verification.text
    assert "ZeroDivisionError: division by zero" in verification.text


async def test_a_pass_is_one_line(tmp_path: Path):
    workspace = workspace_of(
        tmp_path, {"calc.py": CALC.replace("a / b", "a / b if b else None"), "tests/test_calc.py": TEST}
    )
    verification = await verified(workspace)
    assert verification.has_passed
    assert verification.text.startswith("passed: `python3 -m ")
    assert len(verification.text.splitlines()) == 1


async def test_unittest_stands_in_for_a_pytest_that_is_not_there(tmp_path: Path):
    files = {"calc.py": CALC, "tests/test_calc.py": TEST, "pytest.py": "raise SystemExit('No module named pytest')"}
    verification = await verified(workspace_of(tmp_path, files))
    assert [each.command for each in verification.verdicts] == ["python3 -m unittest discover -s tests"]
    assert not verification.verdicts[0].could_not_run


async def test_verification_leaves_no_litter(tmp_path: Path):
    workspace = workspace_of(tmp_path, {"calc.py": CALC, "tests/test_calc.py": TEST})
    workspace.ignored = ()
    await verified(workspace)
    assert not (await workspace.changes()).changes


async def test_a_missing_tool_is_not_a_failure_of_the_change(tmp_path: Path):
    verification = await verified(workspace_of(tmp_path, {}), "surely-not-installed --now", "true")
    assert not verification.has_passed
    assert [each.could_not_run for each in verification.verdicts] == [True, False]
    assert "could not run here: `surely-not-installed --now`. This says nothing about your change." in verification.text
    assert "passed: `true`" in verification.text


async def test_all_verifiers_run_also_after_one_failed(tmp_path: Path):
    verification = await verified(workspace_of(tmp_path, {}), "echo 'error: one'; exit 3", "echo two; false", "true")
    assert [each.exit_code for each in verification.verdicts] == [3, 1, 0]
    assert [each.lines for each in verification.verdicts] == ["error: one", "two", ""]


async def test_a_verifier_that_hangs_is_stopped(tmp_path: Path):
    workspace = workspace_of(tmp_path, {})
    verification = await verify(Outlet(workspace), Policy(verify=("sleep 60",)), time_left_s=lambda: 0.5)
    assert "it ran into its time limit and was stopped (1 s allowed)" in verification.text


# --- the gate


def refusal(desk: Desk) -> str:
    result = desk.model.results()[0]
    assert result["is_error"]
    return str(result["content"])


async def test_submit_is_refused_until_verification_passes(desk: Desk):
    desk.policy = Policy(verify=("grep -q None calc.py || { echo 'error: no None'; exit 1; }",))
    touch = reply(call("bash", command="echo '# x' >> calc.py"))
    outcome = await desk.run(touch, submit(), reply(call("edit", **FIX)), submit())
    assert isinstance(outcome, Submitted)
    assert "not submitted: verification did not pass. Mend it" in desk.model.results(2)[0]["content"]
    assert "error: no None" in desk.model.results(2)[0]["content"]
    assert [each.exit_code for each in outcome.submission.verdicts] == [0]


async def test_a_reason_lets_unverified_work_through_with_what_was_seen(desk: Desk):
    desk.policy = Policy(verify=("echo 'error: always'; false",))
    outcome = await desk.run(reply(call("edit", **FIX)), submit(unverified_reason="It fails without my change."))
    assert isinstance(outcome, Submitted)
    assert outcome.submission.unverified_reason == "It fails without my change."
    assert [(each.exit_code, each.lines) for each in outcome.submission.verdicts] == [(1, "error: always")]


async def test_a_reason_is_dropped_where_verification_passes(desk: Desk):
    outcome = await desk.run(reply(call("edit", **FIX)), submit(unverified_reason="No time."))
    assert isinstance(outcome, Submitted)
    assert outcome.submission.unverified_reason == ""


async def test_a_missing_tool_asks_for_another_way(desk: Desk):
    desk.policy = Policy(verify=("surely-not-installed",))
    await desk.run(reply(call("edit", **FIX)), submit(), submit(unverified_reason="Checked by hand."))
    assert "Check it in another way and submit with `unverified_reason`" in refusal(desk)


async def test_what_was_verified_is_not_verified_again(desk: Desk):
    desk.policy = Policy(verify=("echo run >> ../runs",))
    outcome = await desk.run(reply(call("edit", **FIX)), reply(call("verify")), submit())
    assert isinstance(outcome, Submitted)
    assert (desk.workspace.root.parent / "runs").read_text() == "run\n"


async def test_a_pass_counts_only_for_the_tree_that_it_saw(desk: Desk):
    desk.policy = Policy(verify=("echo run >> ../runs; ! grep -q broken calc.py",))
    spoil = reply(call("bash", command="echo broken >> calc.py"))
    await desk.run(
        reply(call("edit", **FIX)), reply(call("verify")), spoil, submit(), submit(unverified_reason="So be it.")
    )
    assert "verification did not pass" in refusal(desk)
    assert (desk.workspace.root.parent / "runs").read_text() == "run\nrun\n"


async def test_what_the_policy_protects_is_refused_before_anything_runs(desk: Desk):
    desk.policy = Policy(verify=("echo run >> ../runs",))
    new = {"old_text": "", "new_text": "on: push\n"}
    undo = reply(call("bash", command="rm -r .github"))
    outcome = await desk.run(reply(call("edit", path=".github/workflows/x.yml", **new)), submit(), undo, submit())
    assert isinstance(outcome, Submitted)
    assert "`.github/workflows/x.yml`: is protected" in desk.model.results(2)[0]["content"]
    assert not (desk.workspace.root.parent / "runs").exists()


async def test_what_a_verifier_writes_is_checked_as_well(desk: Desk):
    desk.policy = Policy(verify=("mkdir -p .github && echo x > .github/honk.yml",))
    outcome = await desk.run(reply(call("edit", **FIX)), submit(), reply(call("ask", question="What now?")))
    assert not isinstance(outcome, Submitted)
    assert "`.github/honk.yml`: is protected" in refusal(desk)


async def test_nothing_changed_may_be_submitted_and_runs_nothing(desk: Desk):
    desk.policy = Policy(verify=("echo run >> ../runs",))
    outcome = await desk.run(submit(summary="It is as it should be."))
    assert isinstance(outcome, Submitted)
    assert outcome.changes.changes == ()
    assert not (desk.workspace.root.parent / "runs").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"title": ""}, "`title` must be one line of 1 to 72 characters, not 0"),
        ({"summary": "x" * 5_001}, "`summary` must have at most 5000 characters, not 5001"),
        ({"title": "x" * 73}, "not 73"),
        ({"title": "two\nlines"}, "one line"),
        ({"summary": "  "}, "`summary` must say what was done"),
        (
            {"threads": [{"thread_id": "PRRT_9", "outcome": "fixed", "reply": "x"}]},
            "no such thread: PRRT_9. Threads to answer: PRRT_1",
        ),
    ],
)
async def test_words_that_are_missing_are_asked_for(desk: Desk, words: dict[str, object], said: str):
    answered = {"threads": [{"thread_id": "PRRT_1", "outcome": "fixed", "reply": "x"}]}
    outcome = await desk.run(submit(**answered | words), submit(**answered), task=a_task(feedback=(a_thread(),)))
    assert isinstance(outcome, Submitted)
    assert said in refusal(desk)


async def test_a_thread_that_cannot_be_answered_is_not_known(desk: Desk):
    mute = Feedback(id="t", kind="thread", author="rita", body="?", thread_id="PRRT_1", reply_to=None)
    answer = submit(threads=[{"thread_id": "PRRT_1", "outcome": "fixed", "reply": "x"}])
    await desk.run(answer, submit(), task=a_task(feedback=(mute,)))
    assert "Threads to answer: none" in refusal(desk)


async def test_a_model_that_only_ever_submits_runs_out(desk: Desk):
    desk.policy = Policy(verify=("false",))
    desk.limits = Limits(steps=4)
    (desk.workspace.root / "new.txt").write_text("x")
    assert isinstance(await desk.run(*[submit()] * 10), OutOfLimits)


# --- which ones run


async def test_what_the_commit_says_is_run_whatever_the_change_makes_of_it(tmp_path: Path):
    files = {"package.json": '{"scripts": {"test": "exit 4"}}', "Makefile": "test:\n\ttrue\n"}
    workspace = workspace_of(tmp_path, files)
    await workspace.write("package.json", b'{"scripts": {"build": "true"}}')
    await workspace.delete("Makefile")
    assert [each.commands for each in await look_for_verifiers(workspace, Policy())] == [("npm test --silent",)]


async def test_the_first_tests_of_a_repository_are_run(tmp_path: Path):
    workspace = workspace_of(tmp_path, {"README.md": ""})
    await workspace.write("Makefile", b"test:\n\ttrue\n")
    assert [each.commands for each in await look_for_verifiers(workspace, Policy())] == [("make test",)]


async def test_a_linter_that_is_not_there_stands_in_nobodys_way(tmp_path: Path):
    files = {"Makefile": "test:\n\ttrue\n", ".flake8": "[flake8]\n", "sh.py": ""}
    verification = await verified(workspace_of(tmp_path, files, tools=("sh", "make", "true", "python3")))
    assert [(each.command, each.could_not_run) for each in verification.verdicts] == [
        ("make test", False),
        ("python3 -m flake8", True),
    ]
    assert verification.has_passed
    assert "could not run here: `python3 -m flake8`" in verification.text
