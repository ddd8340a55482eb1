"""The whole loop and its inside, with a scripted model that answers at once: from a label to a draft pull request, a
turn beside the smallest loop on the same SDK, and memory for each session.

`python -m bench.loop [--write] [PART …]`; the parts are `drafts`, `turns` and `sessions`, all by default.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench import report

PARTS = {
    "drafts": "From a label to a draft pull request",
    "turns": "A turn against the bare SDK loop",
    "sessions": "Memory",
}


def measure(part: str) -> str:
    """One part's tables, as Markdown, in a folder of its own that sandboxes can reach."""
    from bench import drafts, sessions, turns

    with tempfile.TemporaryDirectory(prefix="honk-bench-", ignore_cleanup_errors=True) as name:
        room = Path(name)
        room.chmod(0o711)
        module = {"drafts": drafts, "turns": turns, "sessions": sessions}[part]
        return f"#### {PARTS[part]}\n\n{module.measure(room)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.loop", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the result into docs/performance.md")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[], help="what to measure (all)")
    options = parser.parse_args()
    texts = [report.machine(), *(measure(part) for part in options.parts or PARTS)]
    report.publish("loop", "\n\n".join(texts), write=options.write)
