import unittest

from till import change


class ChangeTest(unittest.TestCase):
    def test_one_coin_is_enough(self):
        self.assertEqual(change(50), [50])

    def test_several(self):
        self.assertEqual(change(388), [200, 100, 50, 20, 10, 5, 2, 1])
