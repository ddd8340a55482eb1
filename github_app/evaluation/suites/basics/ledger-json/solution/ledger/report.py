"""What people see."""

import json


def as_text(balances):
    """One line for each account."""
    width = max(map(len, balances), default=0)
    return "\n".join(f"{account:<{width}} {balance:>10.2f}" for account, balance in balances.items())


def as_json(balances):
    """One object, from account to balance."""
    return json.dumps({account: f"{balance:.2f}" for account, balance in balances.items()})
