"""Tasks on disk, as somebody writes them."""

from __future__ import annotations

from pathlib import Path

TASK = {
    "task.yml": """\
name: Add numbers
source: written here
licence: Apache-2.0
limits: {usd: 0.5, minutes: 5, turns: 3}
allowed: [sums.py, tests/]
hidden: python3 -m unittest test_hidden
""",
    "issue.md": "# Sums are wrong\n\n1 + 1 is 3.\n",
    "repository/sums.py": "def add(a, b):\n    return a + b + 1\n",
    "hidden/test_hidden.py": "from sums import add\n\nassert add(1, 1) == 2\n",
    "solution/sums.py": "def add(a, b):\n    return a + b\n",
    "script.yml": "scenes:\n  - when: <issue\n    replies: [Done.]\n",
}


def lay_out(folder: Path, changed: dict[str, str | None] | None = None) -> Path:
    """Write the task with these files changed, or without those that are None."""
    for name, text in {**TASK, **(changed or {})}.items():
        if text is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return folder
