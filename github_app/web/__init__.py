"""What answers HTTP: the webhook route, health, metrics, and the pages that people look at.

A request verifies, records and returns; the work happens in `engine`.
"""
