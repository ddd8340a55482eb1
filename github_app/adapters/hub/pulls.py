"""Our pull request: found by its branch, opened once, its body kept up to date between marks, review asked for."""

from __future__ import annotations

from collections.abc import Sequence

from github.Repository import Repository

from github_app.adapters.hub.clients import RepoClient
from github_app.adapters.hub.errors import Unprocessable
from github_app.adapters.hub.shapes import to_pull
from github_app.adapters.hub.texts import BEGIN, END, replace_enclosed, title_of
from github_app.core.errors import Gone, NotVisibleYet, RateLimited, Refused, Transient
from github_app.core.model import Patch, Pull

HEAD_PAUSES_S = (0.5, 1.0, 2.0)
"""Pauses while GitHub does not know a branch that was made a moment ago."""

MARK_READY = """
mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { isDraft } } }
"""


def find_pull(client: RepoClient, branch: str, *, state: str = "all") -> Pull | None:
    """Find the newest pull request whose head is this branch of this very repository.

    Without `owner:` GitHub ignores the filter and lists all, and forks may have such a branch, too: so it is checked.
    """

    def ask(it: Repository) -> Pull | None:
        owner = client.name.partition("/")[0]
        listed = it.get_pulls(state=state, head=f"{owner}:{branch}", sort="created", direction="desc")
        for pull in listed:
            head = pull.head
            if head.ref == branch and head.repo and head.repo.id == client.repo.id:
                return to_pull(pull)
        return None

    return client.read(ask, what=f"pull request of {branch}")


def read_patches(client: RepoClient, number: int) -> tuple[Patch, ...]:
    """What a pull request changes, file by file; GitHub names 3,000 files at most."""

    def ask(it: Repository) -> tuple[Patch, ...]:
        return tuple(
            Patch(
                path=file.filename,
                status=file.status,
                additions=file.additions,
                deletions=file.deletions,
                diff=file.patch or "",
                before=file.previous_filename or "",
            )
            for file in it.get_pull(number).get_files()
        )

    return client.read(ask, what=f"files of #{number}")


def open_pull(client: RepoClient, *, branch: str, base: str, title: str, body: str, below: str = "") -> Pull:
    """Return the open pull request of a branch, opening it as a draft (or not, where drafts are not to be had).

    `body` is our part of its text, `below` what stands after that and is people's from then on.

    A base that is not there any more gives way to the default branch. Raises `Refused` if there is nothing to merge or
    rules forbid it, `Gone` if that is missing, too, `NotVisibleYet` if GitHub does not show the branch yet.
    """
    is_draft = True
    whole = replace_enclosed(f"{BEGIN}\n{END}\n\n{below}".rstrip(), body)
    pauses = list(HEAD_PAUSES_S)
    while True:
        found = find_pull(client, branch, state="open")
        if found is not None:
            return found
        try:
            return _create(client, branch=branch, base=base, title=title, body=whole, is_draft=is_draft)
        except Unprocessable as error:
            if error.says("draft pull requests are not supported") and is_draft:
                is_draft = False
                continue
            if error.says("base invalid"):
                base = _another_base(client, base)
                continue
            if not _may_pass(error):
                raise Refused(f"GitHub does not open a pull request: {'; '.join(error.said)}") from error
            if not pauses:
                raise NotVisibleYet(f"{branch} is not ready for a pull request: {error}") from error
            client.pause(pauses.pop(0))


def _another_base(client: RepoClient, gone: str) -> str:
    """The default branch as it is called now: renamed since somebody told us, most likely. Raises `Gone`."""
    now: str = client.read(lambda it: it.default_branch, what="default branch")
    if now == gone:
        raise Gone(f"the branch {gone} is not there any more", what=f"base branch {gone}")
    return now


def _may_pass(error: Unprocessable) -> bool:
    """Whether GitHub may only not have seen our push, or its own pull request, yet."""
    return error.says("head invalid") or error.says("already exists")


def _create(client: RepoClient, *, branch: str, base: str, title: str, body: str, is_draft: bool) -> Pull:
    def act(it: Repository) -> Pull:
        return to_pull(it.create_pull(base, branch, title=title_of(title), body=body, draft=is_draft))

    try:
        return client.write(act, what=f"pull request of {branch}")
    except RateLimited:
        raise
    except Transient:
        found = find_pull(client, branch, state="open")
        if found is None:
            raise
        return found


def edit_pull(client: RepoClient, number: int, *, body: str) -> None:
    """Replace our part of the body; nothing is sent if nothing changes."""
    what = f"pull request #{number}"
    # Ours, maybe of a moment ago: what GitHub does not show is not there yet.
    read = client.read(lambda it: it.get_pull(number).body or "", what=what, was_told=True)
    whole = read.replace("\r\n", "\n")
    new = replace_enclosed(whole, body)
    if new != whole:
        client.write(lambda it: it.get_pull(number).edit(body=new), what=what)


def mark_ready(client: RepoClient, number: int) -> None:
    """Take a pull request out of draft; nothing if it is none or is closed."""

    def ask(it: Repository) -> tuple[str, bool]:
        pull = it.get_pull(number)
        return pull.node_id, pull.draft and pull.state == "open"

    node_id, must = client.read(ask, what=f"pull request #{number}", was_told=True)
    if must:
        client.mutate(MARK_READY, {"id": node_id}, what=f"pull request #{number}")


def request_review(client: RepoClient, number: int, logins: Sequence[str]) -> None:
    """Ask people to look again, all at once; if GitHub minds any of them, one by one, passing over those it minds."""

    def ask(names: list[str]) -> None:
        client.write(
            lambda it: it.get_pull(number).create_review_request(reviewers=names), what=f"reviewers of #{number}"
        )

    people = sorted(set(logins))
    if not people:
        return
    try:
        ask(people)
    except Unprocessable:
        for login in people if len(people) > 1 else ():
            try:
                ask([login])
            except Unprocessable:
                continue
