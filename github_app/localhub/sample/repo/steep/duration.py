"""Durations as they stand on a tea tin."""

import re

SECONDS = {"h": 3600, "m": 60, "s": 1}
NAMES = {"h": "hour", "m": "minute", "s": "second"}


def parse(text):
    """Seconds in a duration such as ``3m`` or ``1h 30m``."""
    pieces = re.findall(r"(\d+)([hms])", text.lower())
    return sum(int(number) * SECONDS[unit] for number, unit in pieces)


def spell(seconds):
    """A number of seconds in words: ``1 hour 30 minutes``."""
    words = []
    for unit, size in SECONDS.items():
        count, seconds = divmod(seconds, size)
        if count:
            words.append(f"{count} {NAMES[unit]}{'s' if count > 1 else ''}")
    return " ".join(words) or "0 seconds"
