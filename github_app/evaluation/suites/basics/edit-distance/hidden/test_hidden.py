import unittest

from distance import closest, distance


class HiddenTest(unittest.TestCase):
    def test_known_distances(self):
        for one, other, wanted in [
            ("", "", 0), ("cat", "cat", 0), ("cat", "cut", 1), ("kitten", "sitting", 3), ("flaw", "lawn", 2),
            ("abc", "abcd", 1), ("sunday", "saturday", 3),
        ]:
            self.assertEqual(distance(one, other), wanted)
            self.assertEqual(distance(other, one), wanted)

    def test_closest(self):
        self.assertEqual(closest("comit", ["checkout", "commit", "merge"]), "commit")
