"""GitHub's REST operations, one module a chapter of its documentation; importing this enters them all in the table."""

from . import actions, apps, builds, checks, contents, gitdata, issues, pulls, reactions, repos, reviews

__all__ = [
    "actions", "apps", "builds", "checks", "contents", "gitdata", "issues", "pulls", "reactions", "repos", "reviews",
]  # fmt: skip
