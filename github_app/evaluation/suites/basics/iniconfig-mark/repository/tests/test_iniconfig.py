import unittest

from iniconfig import IniConfig, ParseError


class IniConfigTest(unittest.TestCase):
    def test_values_and_their_lines(self):
        config = IniConfig("x.ini", data="[tool]\nname = value\nlist =\n  one\n  two\n")
        self.assertEqual(config["tool"]["name"], "value")
        self.assertEqual(config["tool"]["list"], "one\ntwo")
        self.assertEqual(config.lineof("tool", "list"), 3)

    def test_a_value_outside_of_a_section(self):
        with self.assertRaises(ParseError):
            IniConfig("x.ini", data="name = value\n")
