import unittest

from primes import primes_up_to


class PrimesTest(unittest.TestCase):
    def test_small_limits(self):
        self.assertEqual(primes_up_to(2), [2])
        self.assertEqual(primes_up_to(3), [2, 3])
