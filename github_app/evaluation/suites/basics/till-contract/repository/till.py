"""Giving back change."""

COINS = (200, 100, 50, 20, 10, 5, 2, 1)


def change(cents):
    """The coins to give back, the largest first."""
    given = []
    for coin in COINS:
        while cents > coin:
            given.append(coin)
            cents -= coin
    return given
