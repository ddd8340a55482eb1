import unittest

from mdurl import decode, encode


class EncodeTest(unittest.TestCase):
    def test_unsafe_characters(self):
        self.assertEqual(encode("a b"), "a%20b")
        self.assertEqual(encode("\u00e4"), "%C3%A4")

    def test_escapes_are_kept(self):
        self.assertEqual(encode("a%20b"), "a%20b")
        self.assertEqual(encode("a%20b", keep_escaped=False), "a%2520b")

    def test_there_and_back(self):
        self.assertEqual(decode(encode("\u00e4 b")), "\u00e4 b")
