"""Tests in Python files, as pytest and unittest find them, read from the syntax tree: code that never runs does not
count, nor what is caught and forgotten."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from math import prod

from github_app.core.changes.cases import BARE, EMPTY, EXACT, LOOSE, Case, Suite

_SKIP = re.compile(r"(?:^|\.)(?:skip\w*|xfail|expectedFailure|SkipTest|importorskip)$")
_EXACT_CALLS = re.compile(
    r"assert(?:_)?(?:Equals?|Is|List|Dict|Set|Tuple|Sequence|MultiLine|Count)\w*|assertIsNone|assert\w*Regex"
    r"|assert_(?:called_once_with|called_with|has_calls|any_call|not_called|array_equal|equal)\w*"
)
_BARE_CALLS = {
    "assertTrue",
    "assertFalse",
    "assertIsNotNone",
    "assert_",
    "assert_called",
    "assert_true",
    "assert_false",
}
_ALMOST = re.compile(r"assert\w*(?:Almost|Close|close|almost)\w*|approx|isclose|allclose")
_ASSERTING = re.compile(r"(?:assert|check|verify|expect)(?:[A-Z_]\w*)?")
_TOLERANCES = {"rel", "abs", "rtol", "atol", "delta", "rel_tol", "abs_tol", "tolerance"}
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Block = ast.With | ast.AsyncWith | ast.For | ast.AsyncFor | ast.While | ast.If | ast.Try


def read_python(text: str) -> Suite | None:
    """The tests of a file; None if it is no Python that we can read."""
    try:
        tree = ast.parse(text)
        return Suite(cases=tuple(_in_module(tree, text.splitlines())))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _in_module(tree: ast.Module, lines: Sequence[str]) -> Iterator[Case]:
    pending: list[tuple[str, Sequence[ast.stmt], int]] = [("", tree.body, _skips_of_body(tree.body))]
    while pending:
        prefix, body, skips = pending.pop()
        for node in body:
            if isinstance(node, ast.ClassDef):
                own = _skips_of_body(node.body) + sum(_is_skip(each) for each in node.decorator_list)
                pending.append((f"{prefix}{node.name}.", node.body, skips + own))
            elif isinstance(node, _Function) and node.name.startswith("test"):
                yield _case(prefix + node.name, node, lines, skips)
            elif isinstance(node, ast.If | ast.Try):
                pending.append((prefix, node.body, skips))


def _skips_of_body(body: Sequence[ast.stmt]) -> int:
    """What skips all of a module or class: `pytestmark`, `__test__ = False`, `pytest.skip(allow_module_level=True)`."""
    count = 0
    for node in body:
        if isinstance(node, ast.Assign):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
            marks = [each for each in ast.walk(node.value) if isinstance(each, ast.Attribute | ast.Name)]
            count += "pytestmark" in names and any(_is_skip(mark) for mark in marks)
            count += "__test__" in names and isinstance(node.value, ast.Constant) and not node.value.value
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            count += _is_skip(node.value)
        elif isinstance(node, ast.Raise) and node.exc is not None:
            count += _is_skip(node.exc)
    return count


def _case(name: str, node: _Function, lines: Sequence[str], skips: int) -> Case:
    live = list(_live(node.body))
    strengths = [strength for each, is_caught in live for strength in _strengths(each, is_caught)]
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    own = sum(_is_skip(each) for each in node.decorator_list) + sum(_skips_in(each) for each, _ in live)
    numbers = [number for each, _ in live for number in _tolerances(each)]
    return Case(
        name=name,
        strengths=tuple(strengths),
        lines=tuple(line.rstrip() for line in lines[first - 1 : node.end_lineno] if line.strip()),
        skips=skips + own,
        runs=prod(_values(each) for each in node.decorator_list),
        tolerance=max(numbers, default=0.0),
    )


def _live(body: Sequence[ast.stmt]) -> Iterator[tuple[ast.AST, bool]]:
    """Statements and heads of blocks that can run, each with whether what it raises is caught and forgotten."""
    pending: list[tuple[Sequence[ast.stmt], bool]] = [(body, False)]
    while pending:
        block, is_caught = pending.pop()
        for node in block:
            if isinstance(node, ast.ClassDef | _Function):
                pending.append((node.body, is_caught))
            elif isinstance(node, _Block):
                yield from ((head, is_caught) for head in _heads(node))
                pending += ((inner, is_caught or _forgets(node, inner)) for inner in _blocks(node))
            else:
                yield node, is_caught
            if isinstance(node, ast.Return | ast.Raise | ast.Continue | ast.Break) or _is_skip_statement(node):
                break  # what follows in this block never runs


def _heads(node: _Block) -> list[ast.expr]:
    match node:
        case ast.With() | ast.AsyncWith():
            return [item.context_expr for item in node.items]
        case ast.For() | ast.AsyncFor():
            return [node.iter]
        case ast.While() | ast.If():
            return [node.test]
        case _:
            return []


def _blocks(node: _Block) -> list[list[ast.stmt]]:
    if isinstance(node, ast.Try):
        return [node.body, node.orelse, node.finalbody, *(handler.body for handler in node.handlers)]
    is_never = isinstance(node, ast.If | ast.While) and isinstance(node.test, ast.Constant) and not node.test.value
    return [*([] if is_never else [node.body]), getattr(node, "orelse", [])]


def _forgets(node: _Block, inner: list[ast.stmt]) -> bool:
    """Whether a failed assertion in this block is swallowed."""
    if isinstance(node, ast.Try) and inner is node.body:
        return any(_is_broad(handler.type) and _does_nothing(handler.body) for handler in node.handlers)
    if isinstance(node, ast.With | ast.AsyncWith):
        calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
        return any(_name(call.func) == "suppress" and any(map(_is_broad, call.args)) for call in calls)
    return False


def _is_broad(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(each is None or _name(each) in ("AssertionError", "Exception", "BaseException") for each in kinds)


def _does_nothing(body: Sequence[ast.stmt]) -> bool:
    return not any(isinstance(each, ast.Raise | ast.Assert) or _calls(each, "fail") for each in body)


def _calls(node: ast.AST, name: str) -> bool:
    return any(isinstance(each, ast.Call) and _name(each.func) == name for each in ast.walk(node))


def _is_skip(node: ast.expr) -> bool:
    return bool(_SKIP.search(_name(node.func if isinstance(node, ast.Call) else node)))


def _is_skip_statement(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _is_skip(node.value)


def _skips_in(node: ast.AST) -> int:
    return sum(isinstance(each, ast.Call) and _is_skip(each) for each in ast.walk(node))


def _name(node: ast.AST | None) -> str:
    """The last part of a dotted name; empty for anything else."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _values(decorator: ast.expr) -> int:
    """How many values a `parametrize` gives, where they stand there."""
    if isinstance(decorator, ast.Call) and _name(decorator.func) == "parametrize" and len(decorator.args) > 1:
        values = decorator.args[1]
        if isinstance(values, ast.List | ast.Tuple | ast.Set):
            return max(1, len(values.elts))
    return 1


def _tolerances(node: ast.AST) -> Iterator[float]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and _ALMOST.fullmatch(_name(call.func)):
            for keyword in call.keywords:
                value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
                if isinstance(value, int | float) and keyword.arg in _TOLERANCES:
                    yield float(value)
                elif isinstance(value, int) and keyword.arg == "places":
                    yield 10.0 ** -min(max(value, -50), 50)


def _strengths(node: ast.AST, is_caught: bool) -> Iterator[int]:
    """How much each assertion in a statement, or the head of a block, says."""
    found: list[int] = []
    if isinstance(node, ast.Assert):
        found += _strengths_of(node.test)
    else:
        calls = (each for each in ast.walk(node) if isinstance(each, ast.Call))
        found += [strength for call in calls if (strength := _of_call(call)) is not None]
    yield from (EMPTY if is_caught else strength for strength in found)


def _strengths_of(test: ast.expr) -> list[int]:
    """An expression that must be true; each part of an `and` counts for itself."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return [strength for value in test.values for strength in _strengths_of(value)]
    return [_strength(test)]


def _strength(test: ast.expr) -> int:
    match test:
        case ast.Constant():
            return EMPTY
        case ast.BoolOp(values=values):
            # Of an `or`, one part is enough.
            return max(EMPTY, min(_strength(value) for value in values) - 1)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return min(LOOSE, _strength(operand)) if isinstance(operand, ast.Compare) else BARE
        case ast.Compare():
            return _of_compare(test)
        case ast.Call(func=func, args=[ast.GeneratorExp(elt=element), *_]) if _name(func) == "all":
            return _strength(element)
        case ast.Call(func=func) if _name(func) in ("isinstance", "any", "startswith", "endswith", "match", "search"):
            return LOOSE
        case _:
            return BARE


def _of_compare(test: ast.Compare) -> int:
    sides = [test.left, *test.comparators]
    if len({ast.dump(side) for side in sides}) == 1:
        return EMPTY
    if any(isinstance(side, ast.Call) and _ALMOST.fullmatch(_name(side.func)) for side in sides):
        return LOOSE
    match test.ops[0], sides[1]:
        case ((ast.Eq() | ast.Is()), _):
            return EXACT
        case ast.IsNot(), ast.Constant(value=None):
            return BARE
        case _:
            return LOOSE


def _of_call(call: ast.Call) -> int | None:
    """A call that asserts, by its name; None for any other."""
    name = _name(call.func)
    if name in ("raises", "assertRaises", "warns", "assertWarns"):
        if any(keyword.arg == "match" for keyword in call.keywords):
            return EXACT
        return BARE if call.args and _is_broad(call.args[0]) else LOOSE
    if name in ("assertTrue", "assertFalse") and call.args:
        return _strength(call.args[0])
    if name in _BARE_CALLS:
        return BARE
    if name == "fail" or (_ALMOST.fullmatch(name) and name.startswith("assert")):
        return LOOSE
    if _EXACT_CALLS.fullmatch(name) and "Not" not in name and not name.startswith("assertIsInstance"):
        return EXACT
    return LOOSE if _ASSERTING.fullmatch(name) else None
