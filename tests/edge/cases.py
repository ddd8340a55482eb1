"""The 86 cases in which GitHub is not as one would wish, and the mark by which a test says which of them it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

CASES = dict(line.split(" ", 1) for line in Path(__file__).with_name("cases.txt").read_text("utf-8").splitlines())
"""What happens, or what is asked; after the arrow, what must come of it. By id."""


def shows(*ids: str) -> pytest.MarkDecorator:
    """Mark a test as one that shows how these cases end. Raises `KeyError` for an unknown one."""
    return pytest.mark.edge(*[id for id in ids if CASES[id]])
