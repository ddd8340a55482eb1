import unittest

from bisection import position_of


class HiddenTest(unittest.TestCase):
    def test_every_place_of_every_length(self):
        for length in range(12):
            items = list(range(0, 2 * length, 2))
            for index, item in enumerate(items):
                self.assertEqual(position_of(items, item), index)
                self.assertIsNone(position_of(items, item + 1))
            self.assertIsNone(position_of(items, -1))
