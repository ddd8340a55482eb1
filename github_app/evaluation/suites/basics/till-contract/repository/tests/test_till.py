import unittest

from till import change


class TillTest(unittest.TestCase):
    def test_nothing(self):
        self.assertEqual(change(0), [])
