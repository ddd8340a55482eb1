"""Two runs side by side, as people and programs read them."""

from __future__ import annotations

import json
from io import StringIO

from rich.console import Console

from github_app.core.model import ChangeSet, FileChange, Usage
from github_app.core.verdicts import Before, Verdict
from github_app.engine.rerun import Run
from github_app.evaluation.comparison import Comparison, Files, as_json, print_comparison, sort_files


def run(*changes: tuple[str, bytes | None], **more: object) -> Run:
    files = tuple(FileChange(path=path, mode="100644", content=content) for path, content in changes)
    usual: dict[str, object] = {
        "model": "claude-sonnet-5-5",
        "ended": "submitted",
        "told": "Mend the sum",
        "usage": Usage(input_tokens=900, output_tokens=100, steps=3, cost_micro_usd=120_000),
        "seconds": 12.34,
        "changes": ChangeSet(base_sha="b", changes=files),
    }
    return Run(**{**usual, **more})  # type: ignore[arg-type]


RED = Verdict(
    command="make",
    exit_code=1,
    duration_s=2,
    failures=("a",),
    before=Before(exit_code=1, duration_s=1, failures=("a",)),
)
THEN = run(("same.py", b"1"), ("other.py", b"1"), ("gone.py", None), verdicts=(RED,))
NOW = run(
    *(("same.py", b"1"), ("other.py", b"2"), ("new.py", b"1")),
    model="claude-opus-5-5",
    ended="asked",
    told="Why?\n\n\x1b[2J[red]",
)
FILES = Files(same=("same.py",), differ=("other.py",), only_then=("gone.py",), only_now=("new.py",))


def comparison(**more: object) -> Comparison:
    usual: dict[str, object] = {"then": THEN, "now": NOW, "prompts": ("system",), "difference": "changed: [b]other.py"}
    return Comparison(turn_id="7-1-1/turn-1", **{**usual, **more})  # type: ignore[arg-type]


def shown(compared: Comparison) -> str:
    file = StringIO()
    print_comparison(compared, Console(file=file, width=100, highlight=False, soft_wrap=True))
    return file.getvalue()


def test_paths_are_sorted_by_what_became_of_them() -> None:
    assert sort_files(THEN, NOW) == FILES


def test_people_see_both_and_what_models_wrote_does_nothing() -> None:
    text = shown(comparison())
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for line in (
        "model claude-sonnet-5-5 claude-opus-5-5",
        "ended submitted asked",
        "steps 3 3",
        "tokens 1,000 1,000",
        "cost $0.12 $0.12",
        "time 12.3 s 12.3 s",
        "files 3 3",
        "make exit code 1 (2.0 s), as before the change not run",
        "prompts now: system",
        "the same in both: same.py",
        "changed in both, and not alike: other.py",
        "changed then only: gone.py",
        "changed now only: new.py",
        "changed: [b]other.py",
    ):
        assert line in lines
    assert "\x1b" not in text
    assert "[red]" in text


def test_no_difference_is_said() -> None:
    assert "Both leave the same files." in shown(comparison(then=NOW, difference="", prompts=()))


def test_programs_get_all_of_it() -> None:
    told = json.loads(as_json(comparison()))
    assert told["files"] == {name: list(getattr(FILES, name)) for name in ("same", "differ", "only_then", "only_now")}
    assert told["then"]["verifiers"] == [
        {
            "command": "make",
            "exit_code": 1,
            "could_not_run": False,
            "failures": ["a"],
            "before": {"exit_code": 1, "failures": ["a"]},
        }
    ]
    assert told["now"]["told"] == NOW.told
    assert told["now"]["tokens"] == {"input": 900, "output": 100, "cache_read": 0, "cache_write": 0}
    assert (told["format"], told["prompts"], told["now"]["cost_usd"]) == (1, ["system"], 0.12)
