import contextlib
import io
import unittest

from steep.__main__ import main


class CommandTest(unittest.TestCase):
    def test_waits_and_rings(self):
        waits, out = [], io.StringIO()
        with contextlib.redirect_stdout(out):
            main(["1h", "30m"], wait=waits.append)
        self.assertEqual(waits, [5400])
        self.assertIn("Steeping for 1 hour 30 minutes.", out.getvalue())


if __name__ == "__main__":
    unittest.main()
