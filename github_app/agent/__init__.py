"""Thinking: one turn of the agent, from prompt to submitted change set, within its limits.

Everything it reads of a repository or a person is untrusted, and everything it runs goes through the sandbox port.
Imports only `core`.
"""
