"""Honk: a self-hosted GitHub App that turns issues into pull requests.

An agent works on a branch in a sandbox; the app opens a draft pull request, brings check results and reviews back
to the agent until everything is green and answered, and a person merges.
"""

from __future__ import annotations

__version__ = "0.1.0"
