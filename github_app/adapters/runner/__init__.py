"""Broker and runner as two users: sandboxes in another process, reached by a socket."""
