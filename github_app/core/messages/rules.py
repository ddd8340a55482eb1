"""What stands against a push: rules of GitHub and of the repository, by GitHub's own words, and who can mend what."""

from __future__ import annotations

import re

_QUOTED = 300

_KINDS: tuple[tuple[str, str], ...] = (
    (
        r"workflow.*without .?workflows.? permission",
        "this App may not change workflows here: an owner accepts its new permission on the installation's page",
    ),
    (
        r"(verified|valid|required) signatures|must be signed|signed commits",
        "a rule wants signed commits: GitHub signs mine where the operator publishes by its API (`HONK_PUBLISH=api`)",
    ),
    (
        r"GH009|push cannot contain secrets|secrets? (was |were )?detected|secret[- ]scanning",
        "GitHub's push protection takes something in it for a secret: take that out, or allow it on the page it names",
    ),
    (
        r"GH001|large files? detected|file size limit|exceeds .{0,40}\b100(\.00)? ?MB|(blob|input|file) too large",
        "a file is larger than GitHub takes (100 MB): it belongs into Git LFS or out of the repository",
    ),
    (
        r"(branch|ref)( name)?s? must|(branch|ref) name .{0,40}(pattern|match)",
        "a rule wants other names for branches: allow `honk/**` in it, or let this App bypass it",
    ),
    (
        r"creations? (being )?restricted|cannot create ref|not permitted to create",
        "a rule restricts who makes branches: let this App bypass it, or allow `honk/**`",
    ),
    (r"commit message", "a rule wants commit messages of another form: let this App bypass it"),
    (
        r"GH006|protected branch|through a pull request|required status check|cannot update (this )?protected",
        "the branch is protected against pushes: leave `honk/**` out of that rule",
    ),
    (r"archived", "the repository is archived, and so only to be read"),
    (r"GH013|rule violations?", "a rule of the repository forbids it"),
)
"""Words of GitHub's, and what they mean; the first that fits counts."""


def explain_push(said: str) -> str:
    """Why a push was refused, as a clause with what can be done and GitHub's words; these alone where we know nothing
    of them."""
    words = " ".join(said.split())
    quoted = words if len(words) <= _QUOTED else f"{words[:_QUOTED]}…"
    for pattern, meaning in _KINDS:
        if re.search(pattern, words, re.IGNORECASE):
            return f"{meaning} (GitHub says: {quoted})"
    return quoted


def name_in_the_way(branch: str, other: str) -> str:
    """Git cannot have a branch below another one's name."""
    return f"there is a branch `{other}`, and so git can have no `{branch}`: give it another name or delete it"
