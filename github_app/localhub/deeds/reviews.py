"""Reviews and the threads they leave on lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from github_app.localhub import diffs, events, git
from github_app.localhub.exchange import ApiError, invalid
from github_app.localhub.values import Pull, Review, ReviewComment, Thread, User
from github_app.localhub.world import World

from . import issues, merging

_STATES: dict[str, Any] = {
    "COMMENT": "COMMENTED",
    "APPROVE": "APPROVED",
    "REQUEST_CHANGES": "CHANGES_REQUESTED",
}


@dataclass(frozen=True)
class Inline:
    """One inline comment as asked for; `line` None with `subject_type` file is about the whole file."""

    path: str
    body: str
    line: int | None = None
    side: str = "RIGHT"
    start_line: int | None = None
    position: int | None = None
    subject_type: str = "line"


def start_thread(world: World, pull: Pull, sha: str, asked: Inline) -> Thread:
    """Make the thread of an inline comment; 422 when its line is not part of the diff."""
    repo = pull.issue.repo
    base = git.merge_base(repo.git_dir, pull.base_sha, sha) or git.EMPTY_TREE
    found = next((f for f in diffs.between(repo.git_dir, base, sha) if f.path == asked.path), None)
    resource = "PullRequestReviewComment"
    if found is None:
        raise invalid(resource, "pull_request_review_thread.path", "invalid")
    line, spot = asked.line, None
    if asked.subject_type != "file":
        if line is None and asked.position is not None:
            line = _line_at(found.patch or "", asked.position)
        if line is not None:
            spot = diffs.find_spot(found.patch or "", line, asked.side)
        if spot is None:
            message = "pull_request_review_thread.line must be part of the diff"
            raise invalid(resource, "pull_request_review_thread.line", "custom", message)
    return Thread(
        world.new_id(), pull, asked.path, sha, "LEFT" if asked.side == "LEFT" else "RIGHT",
        line if spot else None, asked.start_line, spot.position if spot else 1, spot.hunk if spot else "",
        "line" if spot else "file",
    )  # fmt: skip


def _line_at(patch: str, position: int) -> int | None:
    last = patch.count("\n") + 1
    for line in range(1, 100_000):
        spot = diffs.find_spot(patch, line, "RIGHT")
        if spot and spot.position == position:
            return line
        if line > last + 100_000:
            break
    return None


def _say(
    world: World, thread: Thread, review: Review, body: str, reply_to: ReviewComment | None = None
) -> ReviewComment:
    issues.check_body("PullRequestReviewComment", body)
    now = world.now()
    comment = ReviewComment(world.new_id(), thread, review, review.user, body, now, now, reply_to)
    thread.comments.append(comment)
    review.comments.append(comment)
    return comment


def write_review(
    world: World,
    pull: Pull,
    author: User,
    *,
    event: str | None,
    body: str = "",
    inline: Sequence[Inline] = (),
    sha: str | None = None,
) -> Review:
    """Write a review; without `event` it stays pending and nobody hears of it."""
    issues.check_body("PullRequestReview", body)
    if event is not None:
        _check_event(pull, author, event, has_text=bool(body or inline))
    if event is None and any(r.state == "PENDING" and r.user is author for r in pull.reviews):
        raise ApiError(422, "User can only have one pending review per pull request")
    sha = sha or pull.head_sha
    if git.object_type(pull.issue.repo.git_dir, sha) != "commit":
        raise invalid("PullRequestReview", "commit_id", "invalid")
    threads = [start_thread(world, pull, sha, asked) for asked in inline]
    review = Review(world.new_id(), pull, author, body, "PENDING", sha, None)
    pull.reviews.append(review)
    for thread, asked in zip(threads, inline, strict=True):
        _say(world, thread, review, asked.body)
        pull.threads.append(thread)
    if event is not None:
        _publish(world, review, event)
    return review


def _check_event(pull: Pull, author: User, event: str, *, has_text: bool) -> None:
    if event not in _STATES:
        raise invalid("PullRequestReview", "event", "invalid")
    if author is pull.issue.user and event != "COMMENT":
        what = "approve" if event == "APPROVE" else "request changes on"
        raise ApiError(422, "Unprocessable Entity", [f"Can not {what} your own pull request"])
    if event != "APPROVE" and not has_text:
        raise ApiError(422, "Unprocessable Entity", ["Review body is required"])


def submit(world: World, review: Review, event: str, body: str | None = None) -> None:
    """Submit a pending review."""
    if review.state != "PENDING":
        raise ApiError(422, "Unprocessable Entity", ["Can only submit a pending review"])
    review.body = review.body if body is None else body
    _check_event(review.pull, review.user, event, has_text=bool(review.body or review.comments))
    _publish(world, review, event)


def _publish(world: World, review: Review, event: str) -> None:
    pull = review.pull
    review.state, review.submitted_at = _STATES[event], world.now()
    pull.issue.updated_at = world.now()
    if review.user in pull.requested_reviewers:
        pull.requested_reviewers.remove(review.user)
    events.review(world, "submitted", review, review.user)
    for comment in review.comments:
        events.review_comment(world, "created", comment, review.user)
    merging.catch_up(world, pull.issue.repo)


def dismiss(world: World, review: Review, sender: User) -> None:
    """Take back what a review demanded or approved."""
    if review.state not in ("APPROVED", "CHANGES_REQUESTED"):
        raise ApiError(422, "Can not dismiss a commented pull request review")
    review.state = "DISMISSED"
    events.review(world, "dismissed", review, sender)


def comment_alone(world: World, pull: Pull, author: User, sha: str, asked: Inline) -> ReviewComment:
    """Write one inline comment outside a review: GitHub wraps it in a review of its own."""
    review = write_review(world, pull, author, event="COMMENT", inline=[asked], sha=sha)
    return review.comments[0]


def reply(world: World, pull: Pull, author: User, comment_id: int, body: str) -> ReviewComment:
    """Answer in a thread, named by any of its comments; 404 when there is no such comment."""
    first = next((c for t in pull.threads for c in t.comments if c.id == comment_id), None)
    if first is None:
        raise ApiError(404, "Not Found")
    if not body.strip():
        raise invalid("PullRequestReviewComment", "body", "missing_field")
    review = Review(world.new_id(), pull, author, "", "PENDING", pull.head_sha, None)
    pull.reviews.append(review)
    comment = _say(world, first.thread, review, body, first.thread.comments[0])
    _publish(world, review, "COMMENT")
    return comment


def edit_comment(world: World, comment: ReviewComment, sender: User, body: str) -> None:
    """Change an inline comment's text."""
    issues.check_body("PullRequestReviewComment", body)
    comment.body, comment.updated_at, comment.editor = body, world.now(), sender


def set_resolved(world: World, thread: Thread, sender: User, resolved: bool) -> None:
    """Resolve a thread or open it again."""
    if (thread.resolved_by is not None) != resolved:
        thread.resolved_by = sender if resolved else None
        events.review_thread(world, "resolved" if resolved else "unresolved", thread, sender)
