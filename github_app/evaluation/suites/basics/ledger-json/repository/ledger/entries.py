"""Entries, and what they add up to."""

from collections import defaultdict
from decimal import Decimal


def read_entries(lines):
    """Pairs of account and amount; empty lines and comments (`#`) are passed over."""
    for line in lines:
        line = line.partition("#")[0].strip()
        if line:
            _day, account, amount = line.split()
            yield account, Decimal(amount)


def balances(entries):
    """Each account's balance, in alphabetical order."""
    found = defaultdict(Decimal)
    for account, amount in entries:
        found[account] += amount
    return dict(sorted(found.items()))
