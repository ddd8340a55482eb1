"""`make faults`: each call of the whole story fails alone, in each way, in a story of its own; prints what came of
it."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack

from tests.edge.every_call import FAULTS, PROGRAM, calls_about, install, live_all, worlds
from tests.story.conftest import running

AT_ONCE = 12


def main() -> None:
    """Run all stories, a dozen at once, and print the table; exits with 1 if one of them ended otherwise."""
    began, bad, unused = time.monotonic(), dict[str, str](), list[str]()
    with running(PROGRAM, HONK_TURNS="12") as stack, ExitStack() as opened:
        (plain,) = worlds(stack, ["no fault"], opened)
        if odd := live_all({"no fault": plain}, at_once=1):
            sys.exit(f"the story does not even end well without faults:\n{odd}")
        calls = calls_about(stack, plain.repo.full_name)
        marks = {call: dict[str, str]() for call in calls}
        for how in FAULTS:
            names = {f"{how}: {call}": call for call in calls}
            made = dict(zip(names, worlds(stack, [how] * len(names), opened), strict=True))
            faults = {name: install(stack, made[name], {call: how}) for name, call in names.items()}
            (again,) = worlds(stack, ["no fault"], opened)
            odd = live_all({"no fault": again, **made}, at_once=AT_ONCE)
            bad |= odd
            for name, call in names.items():
                is_unused = any(fault.count for fault in faults[name].values())
                unused += [name] if is_unused else []
                marks[call][how] = "**other**" if name in odd else "not met" if is_unused else "same"
            print(f"{how}: {len(names)} stories, {len(odd)} ended otherwise", file=sys.stderr)
            print(*(f"\n{name}\n{told}" for name, told in odd.items()), sep="\n", file=sys.stderr, flush=True)
    print(f"| call | {' | '.join(FAULTS)} |\n|---|{'---|' * len(FAULTS)}")
    for call, row in marks.items():
        print(f"| `{call}` | {' | '.join(row[how] for how in FAULTS)} |")
    total = len(calls) * len(FAULTS)
    print(
        f"\n{len(calls)} calls, {len(FAULTS)} ways, {total} stories in {time.monotonic() - began:.0f} s; "
        f"{len(unused)} faults were not met, {len(bad)} stories ended otherwise."
    )
    sys.exit(1 if bad or unused else 0)


if __name__ == "__main__":
    main()
