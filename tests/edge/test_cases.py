"""Each case is shown by a test."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.edge.cases import CASES

TESTS = Path(__file__).resolve().parent.parent


def test_there_are_86_cases():
    assert list(CASES) == [f"W{number:02}" for number in range(1, 87)]


def test_each_case_is_shown_by_a_test():
    shown = {id for path in TESTS.glob("**/test_*.py") for id in _shown_in(ast.parse(path.read_text()))}
    assert CASES.keys() - shown == set()


def _shown_in(tree: ast.Module) -> Iterator[str]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name.startswith("test_"):
            for mark in function.decorator_list:
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "shows":
                    yield from (str(ast.literal_eval(id)) for id in mark.args)
