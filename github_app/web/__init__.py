"""What answers HTTP: the webhook route, health and metrics.

A request verifies, records and returns; the work happens in `engine`.
"""
