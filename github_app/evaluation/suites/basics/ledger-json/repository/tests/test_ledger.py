import unittest
from decimal import Decimal

from ledger.entries import balances, read_entries
from ledger.report import as_text


class LedgerTest(unittest.TestCase):
    def test_balances(self):
        entries = read_entries(["2026-03-01 food -10", "", "2026-03-02 food -2.5 # bread", "2026-03-01 salary 1000"])
        self.assertEqual(balances(entries), {"food": Decimal("-12.5"), "salary": Decimal(1000)})

    def test_text(self):
        self.assertEqual(as_text({"food": Decimal("-12.5")}), "food     -12.50")
