"""Totals of invoices."""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def total(lines):
    """What is to be paid for lines of price and amount."""
    return sum((price * amount for price, amount in lines), Decimal(0)).quantize(CENT, ROUND_HALF_UP)
