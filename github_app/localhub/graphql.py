"""The few GraphQL operations that an app needs beside REST: review threads, drafts, minimising.

A small schema with GitHub's names, served by a real GraphQL library, so that queries are truly validated.
https://docs.github.com/graphql/reference
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo, build_schema, graphql_sync

from . import shapes, shapes_code
from .auth import demand
from .deeds import merging, pulls, reviews
from .exchange import ApiError, Caller
from .schema import SDL
from .shapes import JSON
from .values import Comment, Issue, Pull, Repository, Review, ReviewComment, Thread, User
from .world import World

Node = Pull | Thread | ReviewComment | Review | Comment
_SCHEMA = build_schema(SDL)
Info = GraphQLResolveInfo[Any]


def answer(world: World, caller: Caller, body: JSON) -> JSON:
    """Execute `{"query": …, "variables": …}` and return GitHub's envelope; errors are in it, not in the status."""
    if caller.user is None:
        raise ApiError(401, "This endpoint requires you to be authenticated.")
    root = _Root(world, caller)
    result = graphql_sync(
        _SCHEMA, str(body.get("query", "")), root_value=root, variable_values=body.get("variables"),
        operation_name=body.get("operationName"),
    )  # fmt: skip
    envelope: JSON = {} if result.data is None and result.errors else {"data": result.data}
    if result.errors:
        envelope["errors"] = [_error(e) for e in result.errors]
    return envelope


def _error(it: GraphQLError) -> JSON:
    shape: JSON = dict(it.formatted)
    original = it.original_error
    if isinstance(original, ApiError):
        kinds = {403: "FORBIDDEN", 404: "NOT_FOUND", 422: "UNPROCESSABLE"}
        shape["type"] = kinds.get(original.status, "UNPROCESSABLE")
        shape["message"] = original.message
    return shape


class _Root:
    """Resolvers of Query and Mutation; objects are dictionaries, so the library's own field look-up does the rest."""

    def __init__(self, world: World, caller: Caller) -> None:
        self._world, self._caller = world, caller

    def repository(self, _: Info, owner: str, name: str, **__: Any) -> JSON:
        found = self._world.repository(f"{owner}/{name}")
        if found is None:
            raise ApiError(404, f"Could not resolve to a Repository with the name '{owner}/{name}'.")
        self._may(found, "metadata:read")
        return {
            "__typename": "Repository",
            "id": f"R_{found.id}",
            "databaseId": found.id,
            "name": found.name,
            "nameWithOwner": found.full_name,
            "url": f"{self._world.web}/{found.full_name}",
            "pullRequest": lambda _, number: self._pull_of(found, number),
        }

    def node(self, _: Info, id: str) -> JSON:
        thing = self._find(id)
        match thing:
            case Pull():
                self._may(thing.issue.repo, "pull_requests:read")
                return self._pull(thing)
            case Thread():
                self._may(thing.pull.issue.repo, "pull_requests:read")
                return self._thread(thing)
            case ReviewComment():
                self._may(thing.thread.pull.issue.repo, "pull_requests:read")
                return self._review_comment(thing)
            case Review():
                self._may(thing.pull.issue.repo, "pull_requests:read")
                return self._review(thing)
            case Comment():
                self._may(thing.issue.repo, "issues:read|pull_requests:read")
                return self._comment(thing)
            case Issue():
                self._may(thing.repo, "issues:read")
                return self._issue(thing)

    def viewer(self, _: Info) -> JSON:
        assert self._caller.user  # noqa: S101 - `answer` refused nobody
        return {**self._actor(self._caller.user), "__typename": "User"}

    def rateLimit(self, _: Info) -> JSON:
        return {"limit": 5000, "cost": 1, "remaining": 4999, "resetAt": shapes.iso(self._world.now())}

    def markPullRequestReadyForReview(self, _: Info, input: JSON) -> JSON:
        return self._set_draft(input, False)

    def convertPullRequestToDraft(self, _: Info, input: JSON) -> JSON:
        return self._set_draft(input, True)

    def _set_draft(self, asked: JSON, draft: bool) -> JSON:
        pull = self._find(asked["pullRequestId"])
        if not isinstance(pull, Pull):
            raise _unknown(asked["pullRequestId"])
        self._may(pull.issue.repo, "pull_requests:write")
        pulls.set_draft(self._world, pull, self._user, draft)
        return {**_client(asked), "pullRequest": self._pull(pull)}

    def revertPullRequest(self, _: Info, input: JSON) -> JSON:
        pull = self._pull_to_merge(input["pullRequestId"])
        made = pulls.revert(
            self._world, pull, self._user,
            title=input.get("title"), body=input.get("body"), draft=bool(input.get("draft")),
        )  # fmt: skip
        return {**_client(input), "pullRequest": self._pull(pull), "revertPullRequest": self._pull(made)}

    def enablePullRequestAutoMerge(self, _: Info, input: JSON) -> JSON:
        return self._merge_later(input, input["pullRequestId"], merging.enable)

    def disablePullRequestAutoMerge(self, _: Info, input: JSON) -> JSON:
        return self._merge_later(input, input["pullRequestId"], merging.disable)

    def enqueuePullRequest(self, _: Info, input: JSON) -> JSON:
        return self._merge_later(input, input["pullRequestId"], merging.enqueue)

    def dequeuePullRequest(self, _: Info, input: JSON) -> JSON:
        return self._merge_later(input, input["id"], merging.dequeue)

    def _merge_later(self, asked: JSON, node: str, act: Callable[[World, Pull, User, JSON], None]) -> JSON:
        pull = self._pull_to_merge(node)
        act(self._world, pull, self._user, asked)
        return {**_client(asked), "actor": self._actor(self._user), "pullRequest": self._pull(pull)}

    def _pull_to_merge(self, node: str) -> Pull:
        pull = self._find(node)
        if not isinstance(pull, Pull):
            raise _unknown(node)
        self._may(pull.issue.repo, "pull_requests:write")
        self._may(pull.issue.repo, "contents:write")
        return pull

    def resolveReviewThread(self, _: Info, input: JSON) -> JSON:
        return self._set_resolved(input, True)

    def unresolveReviewThread(self, _: Info, input: JSON) -> JSON:
        return self._set_resolved(input, False)

    def _set_resolved(self, asked: JSON, resolved: bool) -> JSON:
        thread = self._thread_of(asked["threadId"])
        self._may(thread.pull.issue.repo, "contents:write")  # beside `pull_requests`, as GitHub wants it of apps
        reviews.set_resolved(self._world, thread, self._user, resolved)
        return {**_client(asked), "thread": self._thread(thread)}

    def minimizeComment(self, _: Info, input: JSON) -> JSON:
        thing = self._find(input["subjectId"])
        match thing:
            case Comment():
                self._may(thing.issue.repo, "issues:write|pull_requests:write")
                thing.minimized = input["classifier"].lower().replace("_", "-")
                return {**_client(input), "minimizedComment": self._comment(thing)}
            case ReviewComment():
                self._may(thing.thread.pull.issue.repo, "pull_requests:write")
                thing.minimized = input["classifier"].lower().replace("_", "-")
                return {**_client(input), "minimizedComment": self._review_comment(thing)}
            case _:
                raise _unknown(input["subjectId"])

    def addPullRequestReviewThreadReply(self, _: Info, input: JSON) -> JSON:
        thread = self._thread_of(input["pullRequestReviewThreadId"])
        first = thread.comments[0].id
        comment = reviews.reply(self._world, thread.pull, self._user, first, input["body"])
        return {**_client(input), "comment": self._review_comment(comment)}

    # --- what things look like ---------------------------------------------------------------------------------------

    @property
    def _user(self) -> User:
        assert self._caller.user  # noqa: S101 - `answer` refused nobody
        return self._caller.user

    def _may(self, repo: Repository, needs: str) -> None:
        demand(self._world, self._caller, repo, needs, None)

    def _thread_of(self, node: str) -> Thread:
        thread = self._find(node)
        if not isinstance(thread, Thread):
            raise _unknown(node)
        self._may(thread.pull.issue.repo, "pull_requests:write")
        return thread

    def _find(self, node: str) -> Node | Issue:
        kind, _, digits = node.rpartition("_")
        for repo in self._world.repositories.values():
            for issue in repo.issues.values():
                for thing in [issue] if kind == "I" else _things(issue.pull, issue.comments, kind):
                    if str(thing.id) == digits:
                        return thing
        raise _unknown(node)

    def _pull_of(self, repo: Repository, number: int) -> JSON:
        self._may(repo, "pull_requests:read")
        issue = repo.issues.get(number)
        if issue is None or issue.pull is None:
            raise ApiError(404, f"Could not resolve to a PullRequest with the number of {number}.")
        return self._pull(issue.pull)

    def _actor(self, who: User) -> JSON:
        shape = shapes.user(self._world, who)
        return {
            "__typename": "Bot" if who.type == "Bot" else "User",
            "id": f"U_{who.id}",
            "databaseId": who.id,
            # GraphQL, unlike REST, shows bots without their suffix.
            "login": who.login.removesuffix("[bot]"),
            "name": who.login,
            "url": shape["html_url"],
            "avatarUrl": lambda *_, **__: shape["avatar_url"],
        }

    def _pull(self, it: Pull) -> JSON:
        state = "MERGED" if it.merged_at else it.issue.state.upper()
        return {
            "__typename": "PullRequest",
            "id": f"PR_{it.id}",
            "databaseId": it.id,
            "number": it.issue.number,
            "title": it.issue.title,
            "body": it.issue.body or "",
            "url": shapes.issue_page(self._world, it.issue),
            "state": state,
            "isDraft": it.draft,
            "merged": it.merged_at is not None,
            "headRefName": it.head_ref,
            "headRefOid": it.head_sha,
            "baseRefName": it.base_ref,
            "author": self._actor(it.issue.user),
            **merging.standing(it, self._actor),
            "reviewThreads": _connection(it.threads, self._thread),
        }

    def _thread(self, it: Thread) -> JSON:
        line = shapes_code.place(it.comments[0])
        shift = (line or 0) - (it.line or 0)
        return {
            "__typename": "PullRequestReviewThread",
            "id": f"PRRT_{it.id}",
            "isResolved": it.resolved_by is not None,
            "isOutdated": line is None and it.subject_type == "line",
            "isCollapsed": it.resolved_by is not None,
            "path": it.path,
            "line": line,
            "originalLine": it.line,
            "startLine": it.start_line + shift if it.start_line and line is not None else None,
            "originalStartLine": it.start_line,
            "diffSide": it.side,
            "subjectType": it.subject_type.upper(),
            "resolvedBy": self._actor(it.resolved_by) if it.resolved_by else None,
            "pullRequest": lambda _: self._pull(it.pull),
            "comments": _connection(it.comments, self._review_comment),
        }

    def _review_comment(self, it: ReviewComment) -> JSON:
        shape = shapes_code.review_comment(self._world, it)
        return {
            "__typename": "PullRequestReviewComment",
            "id": f"PRRC_{it.id}",
            "databaseId": it.id,
            "fullDatabaseId": str(it.id),
            "author": self._actor(it.user),
            "body": it.body,
            "bodyText": it.body,
            "path": it.thread.path,
            "line": shape["line"],
            "originalLine": shape["original_line"],
            "startLine": shape["start_line"],
            "diffHunk": it.thread.diff_hunk,
            "outdated": shape["line"] is None and it.thread.subject_type == "line",
            "url": shape["html_url"],
            "authorAssociation": shape["author_association"],
            "createdAt": shape["created_at"],
            "updatedAt": shape["updated_at"],
            **self._edited(it),
            "replyTo": self._review_comment(it.reply_to) if it.reply_to else None,
            "pullRequestReview": self._review(it.review),
            "commit": {"id": f"C_{shape['commit_id']}", "oid": shape["commit_id"]},
            "originalCommit": {"id": f"C_{it.thread.sha}", "oid": it.thread.sha},
            "isMinimized": bool(it.minimized),
            "minimizedReason": it.minimized or None,
        }

    def _review(self, it: Review) -> JSON:
        shape = shapes_code.review(self._world, it)
        return {
            "__typename": "PullRequestReview",
            "id": f"PRR_{it.id}",
            "databaseId": it.id,
            "fullDatabaseId": str(it.id),
            "state": it.state,
            "body": it.body,
            "author": self._actor(it.user),
            "submittedAt": shape.get("submitted_at"),
            "lastEditedAt": None,
            "editor": None,
            "url": shape["html_url"],
        }

    def _comment(self, it: Comment) -> JSON:
        return {
            "__typename": "IssueComment",
            "id": f"IC_{it.id}",
            "databaseId": it.id,
            "body": it.body,
            "author": self._actor(it.user),
            "url": shapes.comment(self._world, it)["html_url"],
            **self._edited(it),
            "isMinimized": bool(it.minimized),
            "minimizedReason": it.minimized or None,
        }

    def _issue(self, it: Issue) -> JSON:
        return {
            "__typename": "Issue",
            "id": f"I_{it.id}",
            "databaseId": it.id,
            "number": it.number,
            "title": it.title,
            "body": it.body or "",
            "url": shapes.issue_page(self._world, it),
            "author": self._actor(it.user),
            "lastEditedAt": shapes.iso_or_none(it.edited_at),
            "editor": self._actor(it.editor) if it.editor else None,
        }

    def _edited(self, it: Comment | ReviewComment) -> JSON:
        if it.editor is None:
            return {"lastEditedAt": None, "editor": None}
        return {"lastEditedAt": shapes.iso(it.updated_at), "editor": self._actor(it.editor)}


def _things(pull: Pull | None, comments: list[Comment], kind: str) -> Sequence[Node]:
    match kind, pull:
        case "IC", _:
            return comments
        case "PR", Pull():
            return [pull]
        case "PRRT", Pull():
            return pull.threads
        case "PRRC", Pull():
            return [c for t in pull.threads for c in t.comments]
        case "PRR", Pull():
            return pull.reviews
        case _:
            return []


def _unknown(node: str) -> ApiError:
    return ApiError(404, f"Could not resolve to a node with the global id of '{node}'")


def _client(asked: JSON) -> JSON:
    return {"clientMutationId": asked.get("clientMutationId")}


def _connection(items: Sequence[Any], shape: Callable[[Any], JSON]) -> Callable[..., JSON]:
    """Return the resolver of a paginated list; cursors are positions."""

    def resolve(_: Info, first: int | None = None, after: str | None = None, last: int | None = None) -> JSON:
        if first is None and last is None:
            raise GraphQLError("You must provide a `first` or `last` value to properly paginate the connection.")
        if max(first or 0, last or 0) > 100:
            raise GraphQLError("Requesting more than 100 records exceeds the `first` limit of 100 records.")
        start = int(after) if after and after.isdecimal() else 0
        end = min(start + first, len(items)) if first is not None else len(items)
        if last is not None:
            start = max(start, end - last)
        return {
            "nodes": [shape(x) for x in items[start:end]],
            "totalCount": len(items),
            "pageInfo": {
                "hasNextPage": end < len(items),
                "hasPreviousPage": start > 0,
                "startCursor": str(start) if items else None,
                "endCursor": str(end) if end > start else None,
            },
        }

    return resolve
