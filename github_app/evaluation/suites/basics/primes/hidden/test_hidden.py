import unittest

from primes import primes_up_to


class HiddenTest(unittest.TestCase):
    def test_against_division(self):
        for limit in range(1, 200):
            wanted = [n for n in range(2, limit + 1) if all(n % d for d in range(2, n))]
            self.assertEqual(primes_up_to(limit), wanted)
