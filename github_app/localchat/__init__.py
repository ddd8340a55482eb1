"""A Slack on this machine, for demo and tests: the product does not know it."""
