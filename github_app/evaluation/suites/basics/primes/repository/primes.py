"""Prime numbers."""


def primes_up_to(limit):
    """All primes up to `limit`, which may be one itself, in rising order."""
    is_prime = [False, False] + [True] * (limit - 1)
    for number in range(2, limit + 1):
        if is_prime[number]:
            for multiple in range(number * number + number, limit + 1, number):
                is_prime[multiple] = False
    return [number for number in range(2, limit + 1) if is_prime[number]]
