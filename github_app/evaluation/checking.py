"""`honk eval --check`: whether a suite's tasks are what they claim, tried without a model. Hidden tests must fail on
the repository as it stands and pass with the solution, or a score would say nothing."""

from __future__ import annotations

from collections.abc import Iterator

from github_app.core.distill.distillate import distill
from github_app.demo.stack import Stack
from github_app.evaluation.bench import Bench, has_passed
from github_app.evaluation.suites import Suite, Task
from github_app.evaluation.trials import create
from github_app.localhub.script import Script


def check_tasks(suite: Suite) -> Iterator[tuple[Task, str]]:
    """Each task with what is wrong with it, empty if nothing is. Blocks. Raises `Misconfigured`."""
    with Stack(script=Script(())) as stack:
        bench = Bench.open(stack)
        for task in suite.tasks:
            repository, repo = create(stack, task)
            sha = repository.branch(repository.default_branch) or ""
            bench.require_hidden(repo, sha, suite.path)
            passes = bench.run(repo, sha, task.command, files=task.hidden) if task.command else None
            if passes is None:
                yield task, ""
                continue
            wants_pass = task.expects == "harmless"
            if has_passed(passes) != wants_pass:
                told = f": {distill(passes.output).text}" if wants_pass else ""
                yield task, f"the hidden tests {'fail' if wants_pass else 'pass'} before anything is changed{told}"
                continue
            if not task.solution:
                yield task, ""
                continue
            solved = bench.run(repo, sha, task.command, files={**task.solution, **task.hidden})
            yield (
                task,
                f"the hidden tests fail with solution/: {distill(solved.output).text}" * (not has_passed(solved)),
            )
