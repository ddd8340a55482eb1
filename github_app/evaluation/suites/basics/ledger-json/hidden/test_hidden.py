import contextlib
import io
import json
import tempfile
import unittest
from pathlib import Path

from ledger.__main__ import main

FILE = "2026-03-01 salary 1000\n2026-03-01 food -10\n2026-03-02 food -2.5 # bread\n"


def printed(*options, text=FILE):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        path.write_text(text)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            main(["balances", str(path), *options])
    return out.getvalue()


class HiddenTest(unittest.TestCase):
    def test_json(self):
        found = json.loads(printed("--json"))
        self.assertEqual(found, {"food": "-12.50", "salary": "1000.00"})
        self.assertEqual(list(found), ["food", "salary"])

    def test_nothing(self):
        self.assertEqual(json.loads(printed("--json", text="")), {})

    def test_text_is_as_it_was(self):
        self.assertEqual(printed(), "food       -12.50\nsalary    1000.00\n")

    def test_the_readme_knows_it(self):
        self.assertIn("--json", Path("README.md").read_text())
