import unittest

from steep import parse, spell


class ParseTest(unittest.TestCase):
    def test_short_units(self):
        self.assertEqual(parse("3m"), 180)
        self.assertEqual(parse("45s"), 45)
        self.assertEqual(parse("2h"), 7200)

    def test_several_units(self):
        self.assertEqual(parse("1h 30m"), 5400)
        self.assertEqual(parse("1h30m"), 5400)


class SpellTest(unittest.TestCase):
    def test_one_and_many(self):
        self.assertEqual(spell(60), "1 minute")
        self.assertEqual(spell(5400), "1 hour 30 minutes")

    def test_nothing(self):
        self.assertEqual(spell(0), "0 seconds")


if __name__ == "__main__":
    unittest.main()
