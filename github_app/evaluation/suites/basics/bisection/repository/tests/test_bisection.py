import unittest

from bisection import position_of


class PositionTest(unittest.TestCase):
    def test_in_the_middle(self):
        self.assertEqual(position_of([3, 5, 8], 5), 1)

    def test_not_in_there(self):
        self.assertIsNone(position_of([3, 5, 8], 4))
