"""https://docs.github.com/rest/pulls/reviews and /comments : reviews and inline comments."""

from __future__ import annotations

from typing import Any

from github_app.localhub import shapes_code
from github_app.localhub.deeds import reviews
from github_app.localhub.deeds.reviews import Inline
from github_app.localhub.exchange import ApiError, Call, Reply, not_found, route
from github_app.localhub.shapes import iso
from github_app.localhub.values import Review, ReviewComment

_READ, _TALK = "pull_requests:read", "talk|pull_requests:write"


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/reviews", _READ)
def list_reviews(call: Call) -> Any:
    """Reviews, oldest first; a pending one only for its author."""
    found = [r for r in call.pull.reviews if r.state != "PENDING" or r.user is call.caller.user]
    return call.page(found, lambda r: shapes_code.review(call.world, r))


def _inline(asked: Any) -> Inline:
    return Inline(
        str(asked.get("path", "")), str(asked.get("body", "")), asked.get("line"),
        asked.get("side") or "RIGHT", asked.get("start_line"), asked.get("position"),
        asked.get("subject_type") or "line",
    )  # fmt: skip


@route("POST", "/repos/{owner}/{repo}/pulls/{number}/reviews", _TALK)
def create_review(call: Call) -> Any:
    """Review; without `event` it stays pending."""
    try:
        review = reviews.write_review(
            call.world, call.pull, call.user,
            event=call.may("event"), body=call.may("body", default=""), sha=call.may("commit_id"),
            inline=[_inline(x) for x in call.may("comments", list, [])],
        )  # fmt: skip
    except ApiError as error:
        # Here GitHub names what it minds in sentences.
        sentences = [each.get("message") or each["field"] if isinstance(each, dict) else each for each in error.errors]
        raise ApiError(error.status, error.message, sentences) from error
    return shapes_code.review(call.world, review)


def _review(call: Call) -> Review:
    found = next((r for r in call.pull.reviews if r.id == call.number("review_id")), None)
    if found is None:
        raise not_found()
    return found


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/reviews/{review_id}", _READ)
def get_review(call: Call) -> Any:
    """One review."""
    return shapes_code.review(call.world, _review(call))


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/reviews/{review_id}/comments", _READ)
def list_comments_of_review(call: Call) -> Any:
    """The inline comments of one review."""
    return call.page(_review(call).comments, lambda c: shapes_code.legacy_review_comment(call.world, c))


@route("POST", "/repos/{owner}/{repo}/pulls/{number}/reviews/{review_id}/events", _TALK)
def submit_review(call: Call) -> Any:
    """Submit a pending review."""
    review = _review(call)
    reviews.submit(call.world, review, call.want("event"), call.may("body"))
    return shapes_code.review(call.world, review)


@route("PUT", "/repos/{owner}/{repo}/pulls/{number}/reviews/{review_id}/dismissals", "pull_requests:write")
def dismiss_review(call: Call) -> Any:
    """Dismiss a review."""
    review = _review(call)
    call.want("message")  # GitHub shows it in the timeline, which is not kept here
    reviews.dismiss(call.world, review, call.user)
    return shapes_code.review(call.world, review)


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/comments", _READ)
def list_comments(call: Call) -> Any:
    """All inline comments of a pull request, oldest first unless asked otherwise."""
    since = call.query.get("since", "")
    threads = call.pull.threads
    found = [c for t in threads for c in t.comments if c.review.state != "PENDING" and iso(c.updated_at) >= since]
    found.sort(key=lambda c: (c.updated_at, c.id) if call.query.get("sort") == "updated" else (c.created_at, c.id))
    if call.query.get("sort") and call.query.get("direction") == "desc":
        found.reverse()
    return call.page(found, lambda c: shapes_code.review_comment(call.world, c))


@route("POST", "/repos/{owner}/{repo}/pulls/{number}/comments", _TALK)
def create_comment(call: Call) -> Any:
    """One inline comment, or with `in_reply_to` an answer."""
    if call.body.get("in_reply_to"):
        comment = reviews.reply(call.world, call.pull, call.user, call.want("in_reply_to", int), call.want("body"))
    else:
        asked = _inline({**call.body, "path": call.want("path"), "body": call.want("body")})
        comment = reviews.comment_alone(call.world, call.pull, call.user, call.want("commit_id"), asked)
    return Reply(shapes_code.review_comment(call.world, comment), 201)


@route("POST", "/repos/{owner}/{repo}/pulls/{number}/comments/{comment_id}/replies", _TALK)
def reply(call: Call) -> Any:
    """Answer in a thread."""
    comment = reviews.reply(call.world, call.pull, call.user, call.number("comment_id"), call.want("body"))
    return Reply(shapes_code.review_comment(call.world, comment), 201)


def find_review_comment(call: Call) -> ReviewComment:
    """Return the review comment in the path; 404 without it."""
    wanted = call.number("comment_id")
    for pull in call.repo.pulls():
        for thread in pull.threads:
            for comment in thread.comments:
                if comment.id == wanted:
                    return comment
    raise not_found()


@route("GET", "/repos/{owner}/{repo}/pulls/comments/{comment_id}", _READ)
def get_comment(call: Call) -> Any:
    """One inline comment."""
    return shapes_code.review_comment(call.world, find_review_comment(call))


@route("PATCH", "/repos/{owner}/{repo}/pulls/comments/{comment_id}", _TALK)
def edit_comment(call: Call) -> Any:
    """Change an inline comment."""
    comment = find_review_comment(call)
    reviews.edit_comment(call.world, comment, call.user, call.want("body"))
    return shapes_code.review_comment(call.world, comment)
