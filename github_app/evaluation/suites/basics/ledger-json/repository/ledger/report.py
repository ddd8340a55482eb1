"""What people see."""


def as_text(balances):
    """One line for each account."""
    width = max(map(len, balances), default=0)
    return "\n".join(f"{account:<{width}} {balance:>10.2f}" for account, balance in balances.items())
