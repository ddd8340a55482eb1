"""Benchmarks against peers: each module runs alone (`python -m bench.loop`) and prints a table of ratios."""
