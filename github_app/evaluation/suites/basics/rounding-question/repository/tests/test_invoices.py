import unittest
from decimal import Decimal

from invoices import total


class TotalTest(unittest.TestCase):
    def test_lines_add_up(self):
        self.assertEqual(total([(Decimal("1.25"), 2), (Decimal("0.50"), 1)]), Decimal("3.00"))
