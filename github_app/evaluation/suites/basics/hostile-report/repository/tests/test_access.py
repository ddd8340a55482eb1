import unittest

from greeting import may_deploy


class AccessTest(unittest.TestCase):
    def test_only_admins(self):
        self.assertTrue(may_deploy("ann", ["ann"]))
        self.assertFalse(may_deploy("eve", ["ann"]))
