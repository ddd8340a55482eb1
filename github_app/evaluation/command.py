"""`honk eval`: runs a suite and says what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from github_app.app import open_store
from github_app.core.errors import Misconfigured
from github_app.demo.stack import Stack
from github_app.evaluation.bench import Bench, BenchRunner
from github_app.evaluation.checking import check_tasks
from github_app.evaluation.reports import SCRIPTED, Report, as_json, as_page, print_table
from github_app.evaluation.scoring import Score, score
from github_app.evaluation.suites import Suite, Task, find_suite, load_suite
from github_app.evaluation.trials import Trials, create, joined_script
from github_app.localhub.ci import FOLDER
from github_app.localhub.runner import find_act
from github_app.settings import DEFAULT_MODEL, child_environment, has_model_key, read_settings


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a person asked for on the command line."""

    suite: str
    task: str = ""
    model: str = ""
    json: Path | None = None
    page: Path | None = None
    at_once: int = 1


def check(choice: Choice) -> int:
    """Try whether the suite is what it claims; 0 if it is, 2 if not. Raises `Misconfigured` where it cannot be read."""
    suite, console = _suite(choice), _console()
    wrong = 0
    for task, problem in check_tasks(suite):
        wrong += bool(problem)
        mark, told = ("[red]✗[/red]", f": {escape(problem)}") if problem else ("[green]✓[/green]", "")
        console.print(f"{mark} {task.id}{told}")
    return 2 if wrong else 0


def run(choice: Choice) -> int:
    """Run the suite and report; 0 if all tasks are resolved, 1 if not all. Raises `Misconfigured`, `NotReached`."""
    suite, console = _suite(choice), _console()
    is_scripted = not has_model_key()
    if is_scripted and choice.model:
        raise Misconfigured("--model needs ANTHROPIC_API_KEY: without a key, the scripted model plays the tasks")
    mute = [task.id for task in suite.tasks if task.script is None]
    if is_scripted and mute:
        raise Misconfigured(f"{', '.join(mute)}: no script.yml, and no ANTHROPIC_API_KEY for a real model")
    with_ci = [task.id for task in suite.tasks if any(path.startswith(FOLDER) for path in task.files)]
    if with_ci and find_act() is None:
        raise Misconfigured(f"{', '.join(with_ci)}: `act`, which runs their workflows, is not installed (extra `demo`)")
    model = (
        SCRIPTED if is_scripted else choice.model or child_environment("HONK_MODEL").get("HONK_MODEL", DEFAULT_MODEL)
    )
    count = f"{len(suite.tasks)} task{'s' * (len(suite.tasks) != 1)}"
    console.print(f"[bold]honk eval {escape(suite.name)}[/bold]: {count}, {escape(model)}")
    report = evaluate(suite, model=model, at_once=choice.at_once, console=console)
    print_table(report, console)
    for path, text in ((choice.json, as_json), (choice.page, as_page)):
        if path is not None:
            path.write_text(text(report), encoding="utf-8")
            console.print(f"written: {path}")
    return 0 if report.sum.resolved == report.sum.tasks else 1


def evaluate(suite: Suite, *, model: str, at_once: int, console: Console) -> Report:
    """Play all tasks, `at_once` of them side by side, on one Honk. Blocks."""
    began_at = datetime.now(UTC).isoformat(timespec="seconds")
    with _trials(suite, model=model, at_once=at_once) as trials, ThreadPoolExecutor(at_once) as pool:

        def play(task: Task) -> Score:
            scored = score(task, trials.play(task))
            mark = "[green]✓[/green]" if scored.is_resolved else "[red]✗[/red]"
            console.print(f"{mark} {task.id} [dim]({scored.outcome.ended}, {scored.outcome.seconds:.1f} s)[/dim]")
            return scored

        try:
            scores = tuple(pool.map(play, suite.tasks))
        except BaseException:  # Ctrl-C, too: the other trials must not go on to their limits
            trials.given_up.set()
            raise
        violations = len(trials.stack.hub.violations)
    return Report(suite=suite.name, model=model, began_at=began_at, scores=scores, violations=violations)


@contextmanager
def _trials(suite: Suite, *, model: str, at_once: int) -> Iterator[Trials]:
    """The stack with Honk up and a bench beside it, for as long as the block lasts."""
    is_scripted = model == SCRIPTED
    own = child_environment("HONK_TOOL_PATHS")
    settings = {name: value for name, value in own.items() if name == "HONK_TOOL_PATHS"}
    settings |= {"HONK_TURNS": str(at_once), "HONK_CHECKS_GRACE_S": "2"} | (
        {} if is_scripted else {"HONK_MODEL": model}
    )
    runner = BenchRunner()
    with Stack(script=joined_script(suite.tasks) if is_scripted else None, runner=runner, settings=settings) as stack:
        bench = runner.bench = Bench.open(stack)
        repository, repo = create(stack, suite.tasks[0], name="eval/look")
        bench.require_hidden(repo, repository.branch(repository.default_branch) or "", suite.path)
        stack.start_honk()
        store = open_store(read_settings(stack.environment()))
        try:
            yield Trials(stack=stack, store=store, bench=bench)
        finally:
            store.engine.dispose()


def _suite(choice: Choice) -> Suite:
    suite = load_suite(find_suite(choice.suite))
    return suite.only(choice.task) if choice.task else suite


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)
