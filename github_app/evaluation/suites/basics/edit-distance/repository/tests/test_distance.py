import unittest

from distance import distance


class DistanceTest(unittest.TestCase):
    def test_of_nothing(self):
        self.assertEqual(distance("", "abc"), 3)
        self.assertEqual(distance("abc", ""), 3)
