import tempfile
import unittest
from pathlib import Path

from iniconfig import IniConfig, ParseError

MARK = "\N{BYTE ORDER MARK}"


class HiddenTest(unittest.TestCase):
    def test_the_mark_is_ignored_at_the_beginning(self):
        for read in (IniConfig, IniConfig.parse):
            config = read("x.ini", data=f"{MARK}[tool]\nname = value\n")
            self.assertEqual(config["tool"]["name"], "value")
            self.assertEqual(config.lineof("tool"), 1)

    def test_in_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "x.ini")
            path.write_text("[tool]\nname = value\n", encoding="utf-8-sig")
            self.assertEqual(IniConfig(path)["tool"]["name"], "value")

    def test_only_there(self):
        config = IniConfig("x.ini", data=f"[tool]\nname = {MARK}value\n")
        self.assertEqual(config["tool"]["name"], f"{MARK}value")
        with self.assertRaises(ParseError):
            IniConfig("x.ini", data=f"[tool]\n{MARK}[other]\n")
