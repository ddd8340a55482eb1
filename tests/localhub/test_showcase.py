"""The sample keeps its promises: a real bug, a first attempt that only CI refuses, a second that CI takes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from github_app.agent import judge
from github_app.agent.tools import tool_definitions
from github_app.core.session import Cause
from github_app.localhub.actions import JobResult, WorkflowRequest
from github_app.localhub.runner import ActRunner, find_act
from github_app.localhub.script import Scene
from github_app.localhub.showcase import Sample, load_sample, read_issue

SOLVE, MEND, REVIEW = "solve the issue", "mend what CI found", "address the review"


@pytest.fixture(scope="module")
def sample() -> Sample:
    return load_sample()


@pytest.fixture
def repo(sample: Sample, tmp_path: Path) -> Path:
    home = tmp_path / "repo"
    for path, content in sample.files.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_bytes(content)
    git(home, "init", "-q", "-b", "main")
    return home


def git(home: Path, *words: str) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    done = subprocess.run(["git", *who, *words], cwd=home, env=env, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def calls(scene: Scene, tool: str) -> list[dict[str, Any]]:
    blocks = [block for reply in scene.replies for block in reply.content if block["type"] == "tool_use"]
    return [block["input"] for block in blocks if block["name"] == tool]


def play(sample: Sample, name: str, repo: Path) -> None:
    """Make the edits of a scene, as the tool `edit` would."""
    (scene,) = [scene for scene in sample.script.scenes if scene.name == name]
    for edit in calls(scene, "edit"):
        text = (repo / edit["path"]).read_text()
        assert text.count(edit["old_text"]) == 1, f"{name}: {edit['old_text']!r} in {edit['path']}"
        (repo / edit["path"]).write_text(text.replace(edit["old_text"], edit["new_text"]))


def verify(repo: Path) -> int:
    """What the agent's verifier runs where pytest is not installed."""
    command = [sys.executable, "-B", "-m", "unittest", "discover"]
    return subprocess.run(command, cwd=repo, env={}, capture_output=True, check=False).returncode


def ci(repo: Path) -> JobResult:
    act = find_act()
    assert act
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "--allow-empty", "-m", "all")
    sha = git(repo, "rev-parse", "HEAD")
    request = WorkflowRequest(repo, ".github/workflows/ci.yml", "push", {}, "ada/steep", sha, "refs/heads/main")
    (job,) = ActRunner(act).run(request, cancelled=threading.Event()).jobs
    return job


def says(repo: Path, expression: str) -> str:
    code = f"from steep import parse, spell; print({expression})"
    done = subprocess.run([sys.executable, "-B", "-c", code], cwd=repo, capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_the_bug_is_real_and_ci_does_not_know_it(repo: Path):
    assert says(repo, "parse('3 min'), parse('soon')") == "0 0"
    assert verify(repo) == 0
    assert ci(repo).conclusion == "success"


def test_the_first_attempt_solves_the_issue_and_only_ci_refuses_it(sample: Sample, repo: Path):
    play(sample, SOLVE, repo)
    assert says(repo, "parse('3 min'), parse('1 hour 30 minutes'), parse('20sec')") == "180 5400 20"
    assert says(repo, "parse('soon')") == "ValueError: not a duration: 'soon'"
    assert verify(repo) == 0
    job = ci(repo)
    assert job.conclusion == "failure"
    assert [step.name for step in job.steps if step.conclusion == "failure"] == ["The README tells the truth"]
    assert "ValueError: not a duration: '1h, 30m'" in job.log


def test_the_new_tests_fail_without_the_fix(sample: Sample, repo: Path):
    before = (repo / "steep/duration.py").read_bytes()
    play(sample, SOLVE, repo)
    (repo / "steep/duration.py").write_bytes(before)
    assert verify(repo) != 0


def test_the_second_attempt_makes_ci_green_and_the_review_keeps_it_so(sample: Sample, repo: Path):
    play(sample, SOLVE, repo)
    play(sample, MEND, repo)
    assert verify(repo) == 0
    assert ci(repo).conclusion == "success"
    lines = [(comment.path, comment.line_in((repo / comment.path).read_text())) for comment in sample.review.comments]
    assert len(set(lines)) == 2
    play(sample, REVIEW, repo)
    assert "PIECE" not in (repo / "steep/duration.py").read_text()
    assert "(try 3m" in says(repo, "parse('soon')")
    assert verify(repo) == 0
    assert ci(repo).conclusion == "success"


def test_every_call_is_one_that_the_agents_tools_take(sample: Sample):
    schemas = {
        tool["name"]: jsonschema_rs.validator_for(tool["input_schema"])
        for tool in [*tool_definitions(), *tool_definitions(Cause.PLAN), judge.tool()]
    }
    for scene in sample.script.scenes:
        for name, schema in schemas.items():
            for given in calls(scene, name):
                assert list(schema.iter_errors(given)) == []
        used = [block["name"] for reply in scene.replies for block in reply.content if block["type"] == "tool_use"]
        assert set(used) <= schemas.keys()


def test_every_scene_verifies_and_submits_within_what_the_tool_takes(sample: Sample):
    for scene in (each for each in sample.script.scenes if not each.tool):
        names = [block["name"] for reply in scene.replies for block in reply.content if block["type"] == "tool_use"]
        if names[-1] == "plan":
            continue
        # The last one answers what the judge said of the one before.
        assert names[-2:] == ["verify", "submit"] or names[-3:] == ["verify", "submit", "submit"]
        for submit in calls(scene, "submit"):
            assert len(submit["title"]) <= 72
            assert set(submit) <= {"title", "summary", "notes", "threads"}


def test_the_prompts_frames_choose_the_scenes(sample: Sample):
    def scene(text: str) -> str:
        said = [{"role": "user", "content": text}]
        return sample.script.answer({"model": "claude-opus-5-5", "messages": said}).scene

    issue = '<issue number="1">…</issue>'
    assert scene(issue) == SOLVE
    assert scene(f"{issue} <check>\n…") == MEND
    assert scene(f'<thread id="A" path="x"> <thread id="B"> {issue}') == REVIEW


def test_the_sample_is_whole_with_its_hidden_files(sample: Sample):
    assert {".github/workflows/ci.yml", ".gitignore", "AGENTS.md", "README.md"} <= sample.files.keys()
    assert not [path for path in sample.files if "__pycache__" in path]
    assert sample.issue_title == "`steep 3 min` rings at once"
    assert sample.issue_body.startswith("I typed what stands on the tin")


def test_an_issue_file_may_have_a_title_alone():
    assert read_issue("# Broken\n") == ("Broken", "")
