"""A tea timer for the terminal."""

from steep.duration import parse, spell

__all__ = ["parse", "spell"]
