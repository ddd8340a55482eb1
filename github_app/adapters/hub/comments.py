"""What we say: comments, reactions, answers in review threads. Each is found again by its hidden mark and by being
ours, so that nothing is said twice, not even after an answer that got lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote

from github.IssueComment import IssueComment
from github.Repository import Repository

from github_app.adapters.hub.clients import Clients, RepoClient
from github_app.adapters.hub.errors import NotFound
from github_app.adapters.hub.people import EDITOR_FIELDS
from github_app.adapters.hub.shapes import actor_of_node
from github_app.adapters.hub.texts import has_mark, mark
from github_app.core.effects import ReactionTarget
from github_app.core.errors import RateLimited, Transient
from github_app.core.model import Actor, Repo

T = TypeVar("T")


def say(clients: Clients, repo: Repo, number: int, *, tag: str, body: str, me: Actor, known: int | None = None) -> int:
    """Post a comment, or edit ours with the same tag; its id. If it is `known`, it is found by that."""
    client = clients.repo(repo, "say")
    text = mark(body, tag)

    def look() -> tuple[int, str] | None:
        def ask(it: Repository) -> tuple[int, str] | None:
            for comment in it.get_issue(number).get_comments():
                if comment.user and comment.user.id == me.id and has_mark(comment.body or "", tag):
                    return comment.id, comment.body
            return None

        return client.read(ask, what=f"comments of #{number}")

    def edit(id: int) -> None:
        client.write(lambda it: it.get_issue(number).get_comment(id).edit(text), what=f"our comment on #{number}")

    found = None if known is None else _read_known(client, known, me)
    found = found or look()
    if found is None:

        def post(it: Repository) -> tuple[int, str]:
            return it.get_issue(number).create_comment(text).id, text

        found = post_once(client, post, look, what=f"comment on #{number}")
    if _plain(found[1]) != _plain(text):
        edit(found[0])
    return found[0]


def _read_known(client: RepoClient, comment_id: int, me: Actor) -> tuple[int, str] | None:
    comment = _find_ours(client, comment_id, me)
    return (comment.id, comment.body or "") if comment is not None else None


def _find_ours(client: RepoClient, comment_id: int, me: Actor) -> IssueComment | None:
    """A comment by its number; None if it is gone, or not ours."""

    def ask(it: Repository) -> IssueComment | None:
        comment = it.get_issue(0).get_comment(comment_id)
        return comment if comment.user and comment.user.id == me.id else None

    try:
        return client.read(ask, what=f"our comment {comment_id}")
    except NotFound:
        return None


MINIMISE = """
mutation($id: ID!) {
  minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) { minimizedComment { isMinimized } }
}
"""


def minimise(clients: Clients, repo: Repo, comment_id: int, *, me: Actor) -> None:
    """Fold up a comment of ours as outdated; nothing if it is gone, or another's."""
    client = clients.repo(repo, "minimise")
    comment = _find_ours(client, comment_id, me)
    if comment is not None:
        client.mutate(MINIMISE, {"id": comment.raw_data["node_id"]}, what=f"our comment {comment_id}")


_AS_IT_STANDS = f"query($id: ID!) {{ node(id: $id) {{ ... on Comment {{ body {EDITOR_FIELDS} }} }} }}"


def read_own(clients: Clients, repo: Repo, number: int, *, tag: str, me: Actor) -> tuple[str, Actor | None] | None:
    """Our comment with a tag: its body and last editor as of one moment; None if it is not there (any more)."""

    def ask(it: Repository) -> str | None:
        for comment in it.get_issue(number).get_comments():
            if comment.user and comment.user.id == me.id and has_mark(comment.body or "", tag):
                node_id: str = comment.raw_data["node_id"]
                return node_id
        return None

    node_id = clients.repo(repo, "comments").read(ask, what=f"comments of #{number}")
    if node_id is None:
        return None
    answer = clients.repo(repo, "comments").query(_AS_IT_STANDS, {"id": node_id}, what=f"our comment on #{number}")
    node = answer.get("node")
    if not node:
        return None
    return node["body"], actor_of_node(node["editor"]) if node.get("lastEditedAt") else None


def reply_in_thread(
    clients: Clients, repo: Repo, pull_number: int, *, reply_to: int, key: str, body: str, me: Actor
) -> None:
    """Answer under the first comment of a review thread, once for each key."""
    client = clients.repo(repo, "reply_thread")
    text = mark(body, key)
    what = f"review thread {reply_to} of #{pull_number}"

    def look() -> int | None:
        def ask(it: Repository) -> int | None:
            for comment in it.get_pull(pull_number).get_review_comments():
                if comment.user and comment.user.id == me.id and has_mark(comment.body or "", key):
                    return comment.id
            return None

        return client.read(ask, what=what)

    def post(it: Repository) -> int:
        return it.get_pull(pull_number).create_review_comment_reply(reply_to, text).id

    if look() is None:
        post_once(client, post, look, what=what)


def post_once(client: RepoClient, post: Callable[[Repository], T], look: Callable[[], T | None], *, what: str) -> T:
    """Post; if the answer is lost, look whether it was done all the same. Raises `Transient` if it was not."""
    try:
        return client.write(post, what=what)
    except RateLimited:
        raise
    except Transient:
        found = look()
        if found is None:
            raise
        return found


def react(clients: Clients, repo: Repo, *, target: ReactionTarget, target_id: int, content: str) -> None:
    """Put a reaction. GitHub answers 200 and changes nothing if it is already there."""

    def act(it: Repository) -> None:
        match target:
            case "issue":
                it.get_issue(target_id).create_reaction(content)
            case "issue_comment":
                it.get_issue(0).get_comment(target_id).create_reaction(content)
            case "review_comment":
                it.get_pull(0).get_review_comment(target_id).create_reaction(content)

    clients.repo(repo, "react").write(act, what=f"{target.replace('_', ' ')} {target_id}")


def remove_label(clients: Clients, repo: Repo, number: int, *, label: str) -> None:
    """Take a label off; nothing if it is not on."""

    def act(it: Repository) -> None:
        # Not by PyGithub's own call: it leaves the slash in `a/b` as it is.
        path = f"{it.url}/issues/{number}/labels/{quote(label, safe='')}"
        it.requester.requestJsonAndCheck("DELETE", path)

    try:
        clients.repo(repo, "remove_label").write(act, what=f"label {label} of #{number}")
    except NotFound:
        return


def _plain(body: str) -> str:
    """Undo what GitHub does to line ends."""
    return body.replace("\r\n", "\n").strip()
