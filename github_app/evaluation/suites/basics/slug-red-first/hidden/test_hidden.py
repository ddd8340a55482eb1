import unittest

from slugs import slug


class HiddenTest(unittest.TestCase):
    def test_dashes(self):
        self.assertEqual(slug("- News -"), "news")
        self.assertEqual(slug("a -- b"), "a-b")
        self.assertEqual(slug("--x"), "x")

    def test_nothing_is_left(self):
        self.assertEqual(slug("!!!"), "-")
        self.assertEqual(slug("---"), "-")
