import unittest

from mdurl import encode


class HiddenTest(unittest.TestCase):
    def test_escapes_at_the_end(self):
        for text in ("%20", "a%20", "a%2F", "%41%42", "a%c3%a4"):
            self.assertEqual(encode(text), text)

    def test_what_only_begins_like_one(self):
        self.assertEqual(encode("a%"), "a%25")
        self.assertEqual(encode("a%2"), "a%252")
        self.assertEqual(encode("a%zz"), "a%25zz")

    def test_where_they_are_not_kept(self):
        self.assertEqual(encode("a%20", keep_escaped=False), "a%2520")
