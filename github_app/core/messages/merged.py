"""What Honk says of a merge of the base that it made without the agent."""

from __future__ import annotations

from github_app.core.session import Submission
from github_app.core.text.prose import code

NOT_RUN = "What verifies this repository could not be run here."


def submission(base_branch: str, base_sha: str, *, could_run: bool) -> Submission:
    """What is handed in where nothing conflicts."""
    return Submission(
        title="Bring the branch up to date",
        summary=f"{code(base_branch)} at {base_sha[:7]} is merged into this branch. Nothing conflicted.",
        unverified_reason="" if could_run else NOT_RUN,
    )
