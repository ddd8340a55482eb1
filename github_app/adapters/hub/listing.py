"""What stands on GitHub, list by list: `core.listing.Listing`. Lists are walked by the time of the last change, not by
pages: whatever changes meanwhile comes again at the end, and nothing is passed over.

https://docs.github.com/rest/issues/issues#list-repository-issues
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, cast

from github import Github
from github.Repository import Repository
from github.Requester import Requester

from github_app.adapters.hub.clients import Clients, pages
from github_app.adapters.hub.errors import NotFound
from github_app.adapters.hub.people import EDITOR_FIELDS
from github_app.adapters.hub.shapes import GHOST, actor_of_node
from github_app.core.errors import Gone
from github_app.core.events import CommentSource, ReviewState
from github_app.core.missed import Act, Change, Edit, Remark
from github_app.core.model import Actor, Issue, Repo

T = TypeVar("T")

AT_ONCE: Final = 100
"""The most that GitHub puts on one page."""

LONGEST: Final = 30
"""So many pages of one list are read in one look; the next look reads on."""

ACTS: Final = ("labeled", "unlabeled", "closed", "renamed")
STATES: Final[Mapping[str, ReviewState]] = {
    "APPROVED": "approved",
    "CHANGES_REQUESTED": "changes_requested",
    "COMMENTED": "commented",
}
EDITS_AT_ONCE: Final = 50


class GitHubListing:
    """Reads lists for the one GitHub App. Safe to share between threads."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def installations(self) -> tuple[tuple[int, datetime], ...]:
        """The installations that are not suspended, each with the time when it was made."""

        def ask(it: Github) -> tuple[tuple[int, datetime], ...]:
            found = pages(it.requester, "/app/installations")
            return tuple((each["id"], _time(each["created_at"])) for each in found if not each.get("suspended_at"))

        return self._clients.as_app(ask, what="installations")

    def repositories(self, installation_id: int) -> tuple[Repo, ...]:
        """The repositories of an installation that are neither archived nor disabled."""

        def ask(it: Github) -> tuple[Repo, ...]:
            found = pages(it.requester, "/installation/repositories", item="repositories")
            return tuple(
                Repo(
                    id=each["id"],
                    full_name=each["full_name"],
                    installation_id=installation_id,
                    default_branch=each["default_branch"],
                )
                for each in found
                if not each.get("archived") and not each.get("disabled")
            )

        return self._clients.as_installation(installation_id, "repositories", ask, what="repositories")

    def changes(self, repo: Repo, since: datetime) -> tuple[Change, ...]:
        """Issues and pull requests, open or closed, that changed since then."""
        return tuple(_change(each) for each in self._walk(repo, "/issues", since, state="all"))

    def change(self, repo: Repo, number: int) -> Change | None:
        """One issue or pull request as it stands; None if it is gone from this repository."""

        def ask(it: Repository) -> Change | None:
            return _change(it.requester.requestJsonAndCheck("GET", f"{it.url}/issues/{number}")[1])

        return _unless_gone(self._clients, repo, ask, None, what=f"issue #{number}")

    def remarks(self, repo: Repo, since: datetime) -> tuple[Remark, ...]:
        """Comments on all issues and pull requests, written or edited since then, but for inline comments."""
        return tuple(_remark(each, "issue_comment") for each in self._walk(repo, "/issues/comments", since))

    def acts(self, repo: Repo, number: int) -> tuple[Act, ...]:
        """An issue's record, oldest first."""

        def ask(it: Repository) -> tuple[Act, ...]:
            found = pages(it.requester, f"{it.url}/issues/{number}/events")
            return tuple(_act(each) for each in found if each["event"] in ACTS)

        return self._clients.repo(repo, "listing").read(ask, what=f"issue #{number}")

    def reviews(self, repo: Repo, number: int) -> tuple[Remark, ...]:
        """The reviews of a pull request that are submitted and stand."""

        def ask(it: Repository) -> tuple[Remark, ...]:
            found = pages(it.requester, f"{it.url}/pulls/{number}/reviews")
            return tuple(_review(each, number) for each in found if each["state"] in STATES)

        return self._clients.repo(repo, "listing").read(ask, what=f"reviews of #{number}")

    def inline_remarks(self, repo: Repo, number: int, since: datetime) -> tuple[Remark, ...]:
        """Inline comments on a pull request, written or edited since then."""
        found = self._walk(repo, f"/pulls/{number}/comments", since)
        return tuple(_remark(each, "review_comment", number) for each in found)

    def edits(self, repo: Repo, node_ids: Sequence[str]) -> dict[str, Edit]:
        """The last edits of texts, by their GraphQL ids; those that were never edited are left out."""
        found: dict[str, Edit] = {}
        for start in range(0, len(node_ids), EDITS_AT_ONCE):
            batch = node_ids[start : start + EDITS_AT_ONCE]
            asked = "".join(
                f"n{at}: node(id: $id{at}) {{ ... on Comment {{ {EDITOR_FIELDS} }} }}\n" for at, _ in enumerate(batch)
            )
            query = f"query({', '.join(f'$id{at}: ID!' for at, _ in enumerate(batch))}) {{ {asked} }}"
            answers = self._clients.repo(repo, "listing").query(
                query, {f"id{at}": node_id for at, node_id in enumerate(batch)}, what="editors"
            )
            for at, node_id in enumerate(batch):
                node = answers.get(f"n{at}") or {}
                if node.get("lastEditedAt"):
                    found[node_id] = Edit(editor=actor_of_node(node["editor"]), at=_time(node["lastEditedAt"]))
        return found

    def _walk(self, repo: Repo, path: str, since: datetime, **parameters: str) -> list[dict[str, Any]]:
        def ask(it: Repository) -> list[dict[str, Any]]:
            return list(_changed_since(it.requester, f"{it.url}{path}", since, parameters))

        return self._clients.repo(repo, "listing").read(ask, what=path.removeprefix("/"))


def has_comment(clients: Clients, repo: Repo, source: CommentSource, comment_id: int) -> bool:
    """Whether a comment on an issue or in a diff is still there."""
    path = "pulls" if source == "review_comment" else "issues"

    def ask(it: Repository) -> bool:
        it.requester.requestJsonAndCheck("GET", f"{it.url}/{path}/comments/{comment_id}")
        return True

    return _unless_gone(clients, repo, ask, False, what=f"comment {comment_id}")


def _unless_gone(clients: Clients, repo: Repo, ask: Callable[[Repository], T], gone: T, *, what: str) -> T:
    """Ask about one thing; if that is gone, and no more than that, the answer is `gone`."""
    try:
        return clients.repo(repo, "listing").read(ask, what=what)
    except NotFound:
        return gone
    except Gone as error:
        if error.what != what:
            raise
        return gone


def _changed_since(
    requester: Requester, url: str, since: datetime, parameters: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    asked = {"sort": "updated", "direction": "asc", "per_page": AT_ONCE, **parameters}
    cursor, page = _text(since), 1
    seen: set[int] = set()
    for _ in range(LONGEST):
        _, batch = requester.requestJsonAndCheck("GET", url, parameters={**asked, "since": cursor, "page": page})
        found = cast("list[dict[str, Any]]", batch)
        for each in found:
            if each["id"] not in seen:
                seen.add(each["id"])
                yield each
        if len(found) < AT_ONCE:
            return
        last = _text(_time(found[-1]["updated_at"]))
        # A hundred changes within one second: only there, pages are counted.
        cursor, page = (last, 1) if last != cursor else (cursor, page + 1)


def _change(each: Mapping[str, Any]) -> Change:
    updated_at = _time(each["updated_at"])
    issue = Issue(
        number=each["number"],
        title=each["title"],
        body=each.get("body") or "",
        author=_actor(each["user"]),
        is_open=each["state"] == "open",
        labels=tuple(label if isinstance(label, str) else label["name"] for label in each["labels"]),
        is_locked=bool(each.get("locked")),
        url=each["html_url"],
        updated_at=updated_at,
    )
    return Change(
        issue=issue,
        is_pull="pull_request" in each,
        node_id=each["node_id"],
        created_at=_time(each["created_at"]),
        updated_at=updated_at,
    )


def _remark(each: Mapping[str, Any], source: CommentSource, number: int = 0) -> Remark:
    return Remark(
        id=each["id"],
        source=source,
        # A comment names its issue by address alone; pull requests are told apart by the page.
        number=number or int(each["issue_url"].rpartition("/")[2]),
        is_pull=source == "review_comment" or "/pull/" in each["html_url"],
        node_id=each["node_id"],
        author=_actor(each["user"]),
        body=each.get("body") or "",
        created_at=_time(each["created_at"]),
        updated_at=_time(each["updated_at"]),
    )


def _review(each: Mapping[str, Any], number: int) -> Remark:
    at = _time(each["submitted_at"])
    return Remark(
        id=each["id"],
        source="review",
        number=number,
        is_pull=True,
        node_id=each["node_id"],
        author=_actor(each["user"]),
        body=each.get("body") or "",
        created_at=at,
        updated_at=at,
        state=STATES[each["state"]],
    )


def _act(each: Mapping[str, Any]) -> Act:
    return Act(
        id=each["id"],
        kind=each["event"],
        actor=_actor(each["actor"]),
        at=_time(each["created_at"]),
        label=(each.get("label") or {}).get("name", ""),
    )


def _actor(user: Mapping[str, Any] | None) -> Actor:
    if user is None:
        return GHOST
    return Actor(id=user["id"], login=user["login"], is_bot=user["type"] == "Bot")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
