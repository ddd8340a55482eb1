"""A GitHub on this machine: small enough to read, true enough to trust. See `server.py` for how to start it."""
