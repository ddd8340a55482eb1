"""What a run of a suite came to, in three forms: a table for a terminal, JSON for programs, a page for a browser."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from github_app import __version__
from github_app.core.messages.figures import money
from github_app.core.text.characters import legible
from github_app.evaluation.scoring import Score, Sum, add_up

SCRIPTED = "scripted model"
JSON_FORMAT = 1
"""The number of the JSON's form: keys are added without a new one, and never change their meaning with the same."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """One run. `model` is the real model's name, or `SCRIPTED`; `violations` are requests that GitHub would refuse."""

    suite: str
    model: str
    began_at: str
    scores: tuple[Score, ...]
    violations: int = 0

    @property
    def is_scripted(self) -> bool:
        """Whether nobody thought: then it is the product that was tried, and no model."""
        return self.model == SCRIPTED

    @property
    def sum(self) -> Sum:
        """All tasks together."""
        return add_up(self.scores)


def print_table(report: Report, console: Console) -> None:
    """The table, and a line for each task that is not resolved."""
    table = Table(title=f"{report.suite}, {report.model}", title_justify="left", header_style="bold", box=None)
    table.add_column("task", no_wrap=True)
    table.add_column("")
    table.add_column("ended", no_wrap=True)
    for name in ("rounds", "turns", "calls", "cost", "time", "outside"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in report.scores:
        resolved = "[green]✓[/green]" if each.is_resolved else "[red]✗[/red]"
        table.add_row(each.task.id, resolved, each.outcome.ended, *_figures(each))
    total = report.sum
    cells = _numbers(total.rounds, total.turns, total.model_calls, total.cost_micro_usd, total.seconds)
    table.add_row(f"{total.resolved} of {total.tasks} resolved", "", "", *cells, str(total.violations), style="bold")
    console.print(table)
    for each in report.scores:
        if not each.is_resolved:
            console.print(f"[red]✗[/red] {each.task.id}: {escape(legible(each.why))}")
    if report.violations:
        console.print(f"GitHub would have refused {report.violations} requests: a defect of Honk or of localhub.")
    if report.is_scripted:
        console.print(f"[dim]{SCRIPTED}: this shows that the product works, and nothing about a model.[/dim]")


def _figures(score: Score) -> list[str]:
    done = score.outcome
    numbers = _numbers(done.rounds, done.turns, done.model_calls, done.cost_micro_usd, done.seconds)
    return [*numbers, str(len(score.violations))]


def _numbers(rounds: int, turns: int, calls: int, cost_micro_usd: int, seconds: float) -> list[str]:
    return [str(rounds), str(turns), str(calls), money(cost_micro_usd), f"{seconds:.1f} s"]


def as_json(report: Report) -> str:
    """The report as JSON; `docs/agent.md` says what the keys mean."""
    total = report.sum
    document = {
        "format": JSON_FORMAT,
        "honk": __version__,
        "suite": report.suite,
        "model": report.model,
        "is_scripted": report.is_scripted,
        "began_at": report.began_at,
        "sum": {
            "tasks": total.tasks,
            "resolved": total.resolved,
            "rounds": total.rounds,
            "turns": total.turns,
            "model_calls": total.model_calls,
            "cost_usd": total.cost_micro_usd / 1_000_000,
            "seconds": round(total.seconds, 3),
            "scope_violations": total.violations,
        },
        "tasks": [_task(each) for each in report.scores],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _task(score: Score) -> dict[str, object]:
    task, done = score.task, score.outcome
    return {
        "task": task.id,
        "name": task.name,
        "source": task.source,
        "licence": task.licence,
        "expects": task.expects,
        "is_resolved": score.is_resolved,
        "why": score.why,
        "ended": done.ended,
        "reason": done.reason,
        "hidden": done.hidden,
        "hidden_lines": done.hidden_lines,
        "rounds": done.rounds,
        "turns": done.turns,
        "model_calls": done.model_calls,
        "cost_usd": done.cost_micro_usd / 1_000_000,
        "seconds": round(done.seconds, 3),
        "changed": list(done.changed),
        "scope_violations": list(score.violations),
        "forbidden": list(score.forbidden),
    }


def as_page(report: Report) -> str:
    """The report as one HTML file without scripts that loads nothing; what models and people wrote is escaped."""
    return _template().render(report=report, total=report.sum, version=__version__)


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"money": money, "legible": legible}
    return environment.from_string(files("github_app.evaluation").joinpath("page.html").read_text("utf-8"))
