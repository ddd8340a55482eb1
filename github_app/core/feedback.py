"""What is kept for the agent to act on, made of what people said. Every piece has an id that is stable for the same
fact, so that a fact which arrives twice is kept once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from textwrap import indent
from zlib import crc32

from github_app.core.events import CommandIssued, ReviewSubmitted
from github_app.core.facts import Facts
from github_app.core.ledger import Entry, Standing
from github_app.core.messages.threads import thread_answer
from github_app.core.model import Actor, Checks, Comment, Permission, Thread
from github_app.core.session import Feedback, Reply, Session, Submission

SEEN_KEPT = 500
"""How many ids of handled feedback a session remembers."""

WAITING_KEPT, WAITING_KEPT_BYTES = 50, 200_000
"""How much may wait for the agent at once. Each word is paid for when it is read."""


def is_full(session: Session) -> bool:
    """Whether more waits than a session holds."""
    size = sum(len(feedback.body.encode()) for feedback in session.feedback)
    return len(session.feedback) > WAITING_KEPT or size > WAITING_KEPT_BYTES


def with_feedback(session: Session, words: Iterable[Feedback]) -> Session:
    """The session with feedback added that it has neither seen nor already holds."""
    known = {*session.seen, *(feedback.id for feedback in session.feedback)}
    fresh = tuple(feedback for feedback in words if feedback.id not in known)
    return replace(session, feedback=(*session.feedback, *fresh)) if fresh else session


def without_feedback(session: Session, done: Iterable[str]) -> Session:
    """The session after feedback was dealt with: not held any more, and not to be taken in again."""
    ids = tuple(done)
    left = tuple(feedback for feedback in session.feedback if feedback.id not in ids)
    return replace(session, feedback=left, seen=(*session.seen, *ids)[-SEEN_KEPT:], carried=())


def without_old_checks(session: Session) -> Session:
    """The session without what failed on a head that is not in question any more."""
    left = tuple(feedback for feedback in session.feedback if feedback.kind != "checks")
    return replace(session, feedback=left) if left != session.feedback else session


def feedback_of_review(event: ReviewSubmitted, facts: Facts) -> tuple[Feedback, ...]:
    """The review's own words and the threads that are open, as far as they come from people who may instruct.

    The words of an approval are no instruction ("LGTM, thanks"); its threads are.
    """
    words: tuple[Feedback, ...] = ()
    if event.body.strip() and event.state != "approved":
        words = (
            Feedback(id=f"review:{event.review_id}", kind="review", author=event.actor.login, body=event.body.strip()),
        )
    return (*words, *_open_threads_in(facts))


def feedback_of_command(event: CommandIssued, facts: Facts) -> tuple[Feedback, ...]:
    """An instruction. One that was written in a review thread is that thread; one in a review brings all threads."""
    for thread in facts.threads:
        if event.source == "review_comment" and any(comment.id == event.comment_id for comment in thread.comments):
            found = _feedback_of_thread(thread, facts.me, facts.policy.may_command)
            if found is not None:
                return (found,)
    words: tuple[Feedback, ...] = ()
    if event.command.text:
        words = (
            Feedback(
                # The words are part of it: a comment that is edited to say something else says something else.
                id=f"command:{event.source}:{event.comment_id or event.id}:{crc32(event.command.text.encode()):08x}",
                kind="command",
                author=event.actor.login,
                body=event.command.text,
            ),
        )
    return (*words, *_open_threads_in(facts)) if event.source == "review" else words


def feedback_of_edit(title: str, body: str) -> str:
    """An edit of the issue, as words to the agent."""
    return f"The issue was edited. It now reads:\n\n# {title}\n\n{body}"


def feedback_of_push(sha: str) -> str:
    """A push by somebody else, as words to the agent."""
    return f"Somebody pushed to the branch; its head is now {sha}. Keep their commits and build on them."


def feedback_of_checks(checks: Checks) -> tuple[Feedback, ...]:
    """Failed checks as feedback, one each."""
    return tuple(
        Feedback(
            id=f"check:{checks.head_sha}:{failed.name}",
            kind="checks",
            author="CI",
            body=f"Check `{failed.name}` ended with {failed.conclusion} on {checks.head_sha[:7]}."
            + f" It has run {failed.attempt} times on this commit, so it is hardly chance." * (failed.attempt > 1)
            + (f"\n\n{failed.log}" if failed.log else f"\n\nIt left no log. Details: {failed.url}" * bool(failed.url)),
        )
        for failed in checks.failed
    )


def fresh_words(thread: Thread, me: Actor, may_command: Permission) -> tuple[Comment, ...]:
    """The comments of a thread since we last answered, of those who may instruct."""
    fresh: list[Comment] = []
    for comment in thread.comments:
        if comment.author.id == me.id:
            fresh.clear()
        elif comment.permission >= may_command and not comment.author.is_bot:
            fresh.append(comment)
    return tuple(fresh)


def entries_of(session: Session, consumed: Iterable[str], submission: Submission, *, has_changes: bool) -> list[Entry]:
    """What a turn made of the threads that it was given; without a change, nothing was fixed."""
    said = {reply.thread_id: reply.standing for reply in submission.replies}
    ids = set(consumed)
    entries = []
    for told in (each for each in session.feedback if each.kind == "thread" and each.id in ids):
        standing: Standing = said.get(told.thread_id, "open")
        if standing == "fixed" and not has_changes:
            standing = "answered"
        entries.append(
            Entry(
                thread_id=told.thread_id,
                reply_to=told.reply_to,
                path=told.path,
                line=told.line,
                author=told.author,
                standing=standing,
            )
        )
    return entries


def replies_in(
    session: Session, *, head_sha: str = "", paths: tuple[str, ...] = (), resolves: bool = False
) -> tuple[Reply, ...]:
    """The last turn's answers to threads as they are posted, after it was published as `head_sha` (empty: it changed
    nothing). What is fixed names the commit, and is resolved if that is wanted and the commit changed the thread's
    file: words alone prove nothing."""
    told = {each.thread_id: each for each in session.feedback if each.thread_id and each.id in session.carried}
    replies = []
    for reply in session.submission.replies if session.submission is not None else ():
        about = told.get(reply.thread_id)
        last = int(about.id.rpartition(":")[2]) if about is not None and about.path in paths else None
        body = thread_answer(reply, head_sha=head_sha if paths else "", is_elsewhere=last is None)
        is_settled = resolves and reply.standing == "fixed"
        replies.append(replace(reply, body=body, resolves=last if is_settled else None))
    return tuple(replies)


def _open_threads_in(facts: Facts) -> tuple[Feedback, ...]:
    return open_threads(facts.threads, me=facts.me, may_command=facts.policy.may_command)


def open_threads(threads: Iterable[Thread], *, me: Actor, may_command: Permission) -> tuple[Feedback, ...]:
    """The threads that wait for an answer of ours, as feedback."""
    found = (_feedback_of_thread(thread, me, may_command) for thread in threads)
    return tuple(each for each in found if each is not None)


def _feedback_of_thread(thread: Thread, me: Actor, may_command: Permission) -> Feedback | None:
    """A thread whose last word is a trusted person's; its id names that word, so that a new reply is new feedback."""
    if not fresh_words(thread, me, may_command):
        return None
    trusted = [
        comment
        for comment in thread.comments
        if comment.author.id == me.id or (comment.permission >= may_command and not comment.author.is_bot)
    ]
    body = "\n\n".join(f"{comment.author.login}: {comment.body.strip()}" for comment in trusted)
    if thread.quoted:
        body += f"\n\nThis is about lines that the file does not have now:\n\n{indent(thread.quoted, '    ')}"
    return Feedback(
        id=f"thread:{thread.id}:{trusted[-1].id}",
        kind="thread",
        author=trusted[-1].author.login,
        body=body,
        path=thread.path,
        line=thread.line,
        first_line=thread.first_line,
        thread_id=thread.id,
        reply_to=thread.reply_to,
    )
