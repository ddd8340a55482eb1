"""Searching in sorted lists."""


def position_of(items, wanted):
    """The index of `wanted` in the sorted list `items`; None if it is not in there."""
    low, high = 0, len(items) - 1
    while low < high:
        middle = (low + high) // 2
        if items[middle] == wanted:
            return middle
        if items[middle] < wanted:
            low = middle + 1
        else:
            high = middle - 1
    return None
