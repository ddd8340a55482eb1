"""Two runs of one turn side by side: for people, and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from github_app import __version__
from github_app.core.messages.figures import money
from github_app.core.messages.proof import outcome
from github_app.core.text.characters import legible
from github_app.core.verdicts import Verdict
from github_app.engine.rerun import Run

JSON_FORMAT = 1
"""The number of the JSON's form: keys are added without a new one, and never change their meaning with the same."""

_TOLD_CHARS = 200


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A recorded turn and the same again. `prompts` are the names of those that were replaced; `difference` is what the
    two leave different in files, as text that a terminal can show."""

    turn_id: str
    prompts: tuple[str, ...]
    then: Run
    now: Run
    difference: str


@dataclass(frozen=True, kw_only=True)
class Files:
    """Changed paths: by both alike, by both but not alike, by one alone."""

    same: tuple[str, ...]
    differ: tuple[str, ...]
    only_then: tuple[str, ...]
    only_now: tuple[str, ...]


def sort_files(then: Run, now: Run) -> Files:
    """What became of each path that either run changed."""
    old = {change.path: change for change in then.changes.changes}
    new = {change.path: change for change in now.changes.changes}
    both = sorted(old.keys() & new.keys())
    return Files(
        same=tuple(path for path in both if old[path] == new[path]),
        differ=tuple(path for path in both if old[path] != new[path]),
        only_then=tuple(sorted(old.keys() - new.keys())),
        only_now=tuple(sorted(new.keys() - old.keys())),
    )


def print_comparison(comparison: Comparison, console: Console) -> None:
    """A table of both runs, the files, and what differs in them."""
    then, now = comparison.then, comparison.now
    table = Table(title=comparison.turn_id, title_justify="left", header_style="bold", box=None)
    for name in ("", "then", "now"):
        table.add_column(name, overflow="fold")
    for row in _rows(then, now):
        table.add_row(*(escape(legible(cell)) for cell in row))
    console.print(table)
    replaced = ", ".join(comparison.prompts) or "as they come with this Honk"
    console.print(f"prompts now: {escape(replaced)}")
    files = sort_files(then, now)
    for what, paths in _file_lines(files):
        console.print(f"{what}: {escape(legible(', '.join(paths)))}")
    console.print()
    console.print(escape(comparison.difference) or "Both leave the same files.")


def _rows(then: Run, now: Run) -> Iterator[tuple[str, str, str]]:
    yield "model", then.model or "(none was asked)", now.model
    yield "ended", then.ended, now.ended
    yield "", _line(then.told), _line(now.told)
    yield "steps", str(then.usage.steps), str(now.usage.steps)
    yield "tokens", f"{then.usage.total_tokens:,}", f"{now.usage.total_tokens:,}"
    yield "cost", money(then.usage.cost_micro_usd), money(now.usage.cost_micro_usd)
    yield "time", f"{then.seconds:.1f} s", f"{now.seconds:.1f} s"
    yield "files", str(len(then.changes.changes)), str(len(now.changes.changes))
    old = {verdict.command: verdict for verdict in then.verdicts}
    new = {verdict.command: verdict for verdict in now.verdicts}
    for command in {**old, **new}:
        yield command, _verified(old.get(command)), _verified(new.get(command))


def _line(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _TOLD_CHARS else f"{words[:_TOLD_CHARS]}…"


def _verified(verdict: Verdict | None) -> str:
    return "not run" if verdict is None else outcome(verdict)


def _file_lines(files: Files) -> Iterator[tuple[str, Sequence[str]]]:
    named = (
        ("the same in both", files.same),
        ("changed in both, and not alike", files.differ),
        ("changed then only", files.only_then),
        ("changed now only", files.only_now),
    )
    yield from ((what, paths) for what, paths in named if paths)


def as_json(comparison: Comparison) -> str:
    """The comparison as JSON; `docs/agent.md` says what the keys mean."""
    files = sort_files(comparison.then, comparison.now)
    document = {
        "format": JSON_FORMAT,
        "honk": __version__,
        "turn": comparison.turn_id,
        "prompts": list(comparison.prompts),
        "then": _run(comparison.then),
        "now": _run(comparison.now),
        "files": {
            "same": list(files.same),
            "differ": list(files.differ),
            "only_then": list(files.only_then),
            "only_now": list(files.only_now),
        },
        "difference": comparison.difference,
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _run(run: Run) -> dict[str, object]:
    usage = run.usage
    return {
        "model": run.model,
        "ended": run.ended,
        "told": run.told,
        "steps": usage.steps,
        "tokens": {
            "input": usage.input_tokens,
            "output": usage.output_tokens,
            "cache_read": usage.cache_read_tokens,
            "cache_write": usage.cache_write_tokens,
        },
        "cost_usd": usage.cost_micro_usd / 1_000_000,
        "seconds": round(run.seconds, 3),
        "changed": sorted(change.path for change in run.changes.changes),
        "verifiers": [_verifier(verdict) for verdict in run.verdicts],
    }


def _verifier(verdict: Verdict) -> dict[str, object]:
    before = verdict.before
    return {
        "command": verdict.command,
        "exit_code": verdict.exit_code,
        "could_not_run": verdict.could_not_run,
        "failures": list(verdict.failures),
        "before": None if before is None else {"exit_code": before.exit_code, "failures": list(before.failures)},
    }
