import unittest

from greeting import greet


class GreetingTest(unittest.TestCase):
    def test_with_a_name(self):
        self.assertEqual(greet("Ada"), "Hello, Ada!")
