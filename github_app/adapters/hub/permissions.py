"""What each call may do at GitHub: every installation token names these permissions and one repository, nothing else.

`app.yml` must grant all of it and no more; a test holds the two against each other. Which endpoint wants what:
https://docs.github.com/rest/authentication/permissions-required-for-github-apps
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

READ_TALK = {"issues": "read", "pull_requests": "read"}
WRITE_TALK = {"issues": "write", "pull_requests": "write"}  # comments of a pull request are open to the latter only

PERMISSIONS: Final[Mapping[str, Mapping[str, str]]] = {
    # about the app itself and about people
    "identity": {"metadata": "read"},
    "permission": {"metadata": "read"},
    "repositories": {"metadata": "read"},
    # issues and conversations
    "issue": READ_TALK,
    "comments": READ_TALK,
    "listing": READ_TALK,
    "react": WRITE_TALK,
    "say": WRITE_TALK,
    "open_issue": {"issues": "write"},
    "minimise": WRITE_TALK,
    "remove_label": WRITE_TALK,
    # pull requests; `contents: write` is what GitHub wants beside `pull_requests` for markPullRequestReadyForReview and
    # resolveReviewThread
    "pull": {"pull_requests": "read"},
    "patches": {"pull_requests": "read"},
    "find_pull": {"pull_requests": "read"},
    "threads": {"pull_requests": "read"},
    "open_pull": {"pull_requests": "write", "contents": "read"},
    "edit_pull": {"pull_requests": "write"},
    "mark_ready": {"pull_requests": "write", "contents": "write"},
    "approvals": {"pull_requests": "read"},
    "gate": {"pull_requests": "read"},
    # GitHub has no permission for a merge alone: it is that to write contents. `engine.shipping` says who may use it.
    "ship": {"pull_requests": "write", "contents": "write"},
    "stop_merging": {"pull_requests": "write", "contents": "write"},
    "post_review": {"pull_requests": "write"},
    "reply_thread": {"pull_requests": "write"},
    "resolve_thread": {"pull_requests": "write", "contents": "write"},
    "request_review": {"pull_requests": "write"},
    "revert_pull": {"pull_requests": "write", "contents": "write"},
    # CI
    "checks": {"checks": "read", "statuses": "read", "actions": "read"},
    "rerun_failed": {"actions": "write"},
    "show_check": {"checks": "write"},
    "artifacts": {"actions": "read"},
    "deployments": {"deployments": "read"},  # of its own: where it is not granted yet, all else goes on
    # code
    "head_of": {"contents": "read"},
    "is_protected": {"contents": "read"},
    "compare": {"contents": "read"},
    "first_parents": {"contents": "read"},
    "file": {"contents": "read"},
    "template": {"contents": "read"},
    "fetch": {"contents": "read"},
    "publish": {"contents": "write"},
    "push": {"contents": "write"},
    # only for a change set in which a person accepted changed workflows: with any other token, GitHub refuses them
    "publish_workflows": {"contents": "write", "workflows": "write"},
    "push_workflows": {"contents": "write", "workflows": "write"},
}
