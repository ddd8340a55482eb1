"""Puts together what a turn is told: the issue as it stands, what people with write access said, the repository's own
instructions, and what earlier turns did. Fixed once, when the turn begins."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace

from github_app.agent.context.packing import pack_files
from github_app.agent.prompt import system_prompt
from github_app.agent.task import INSTRUCTION_PATHS, Task
from github_app.agent.visible import visible
from github_app.core import consent
from github_app.core.background import Background
from github_app.core.context import Context, Contexts
from github_app.core.errors import Gone, HonkError, ToolFailed
from github_app.core.feedback import fresh_words
from github_app.core.filediffs import PullDiff
from github_app.core.images import Picture
from github_app.core.messages.parts import to_the_agent
from github_app.core.model import Issue, Permission
from github_app.core.plans import written
from github_app.core.policy import Policy
from github_app.core.ports import Hub
from github_app.core.record.records import Source
from github_app.core.session import Cause, Session
from github_app.core.suggestions import Suggestion, may_suggest, suggestion_of
from github_app.engine.adopting import find_background
from github_app.engine.inquiring import read_diff
from github_app.engine.linking import find_links

log = logging.getLogger(__name__)

_MAX_INSTRUCTION_BYTES = 30_000
_TAKEN_BACK = "\n\n(This is not on the branch any more: a person had it taken back.)"


async def brief(session: Session, policy: Policy, hub: Hub, contexts: Contexts, *, carried_over: str, sha: str) -> Task:
    """The task of a session's next turn, which reads commit `sha`.

    Raises what `Hub` raises; `Gone` if the issue is not there any more.
    """
    issue, permission = await asyncio.to_thread(_read_issue, session, hub)
    said = await asyncio.to_thread(hub.comments, session.repo, session.issue_number)
    others = [comment for comment in said if comment.permission < policy.may_command]
    instructions = await asyncio.to_thread(_read_instructions, session, hub)
    diff = await asyncio.to_thread(read_diff, session, hub, sha)
    context = await _find_context(session, issue, contexts, diff)
    trusted = tuple(comment for comment in said if comment.permission >= policy.may_command)
    words = [*(each.body for each in trusted), *(each.body for each in session.feedback if each.kind != "checks")]
    links = await asyncio.to_thread(find_links, session, issue, words, policy, hub)
    suggestions = await asyncio.to_thread(_read_suggestions, session, policy, hub)
    return Task(
        repo=session.repo.full_name,
        cause=session.turn_cause or Cause.IMPLEMENT,
        issue=issue,
        issue_permission=permission,
        branch=session.branch,
        base_branch=session.base_branch,
        comments=trusted,
        quoted=tuple(others) if policy.others == "quote" else (),
        feedback=session.feedback,
        instructions=(*instructions, *_nested(context)),
        context=context,
        links=links,
        suggestions=suggestions,
        plan=_plan_of(session),
        accepted_by=session.plan.accepted_by if session.plan is not None else "",
        earlier=_earlier(session),
        carried_over=_carried_over(session, carried_over),
        background=await asyncio.to_thread(find_background, session, policy, hub),
        diff=diff,
        sha=sha,
    )


def _read_suggestions(session: Session, policy: Policy, hub: Hub) -> tuple[Suggestion, ...]:
    """What reviewers suggest word for word, with the lines as they are counted now."""
    asked = {each.thread_id: each for each in session.feedback if may_suggest(each)}
    if not asked or session.pull_number is None:
        return ()
    me = hub.identity()
    found = (
        suggestion_of(thread, asked[thread.id], fresh_words(thread, me, policy.may_command))
        for thread in hub.threads(session.repo, session.pull_number)
        if thread.id in asked
    )
    return tuple(each for each in found if each is not None)


def _carried_over(session: Session, words: str) -> str:
    """What the last turn left, and why it was not published if that was for people to decide."""
    return "\n\n".join(filter(None, [words, consent.to_the_agent(session.held) if session.held is not None else ""]))


def _plan_of(session: Session) -> str:
    """What people accepted; for a plan that is written anew, what was written before."""
    plan = session.plan
    if plan is None:
        return ""
    return plan.text or (written(plan) if session.turn_cause is Cause.PLAN else "")


def _earlier(session: Session) -> str:
    """What former turns handed in, oldest first, be it published or not."""
    told = [f"{each.title}\n\n{each.summary}{_TAKEN_BACK * bool(each.undone_in)}".strip() for each in session.published]
    last = session.submission
    if last is not None and (text := f"{last.title}\n\n{last.summary}".strip()) not in told[-1:]:
        told.append(text)
    told += filter(None, [to_the_agent(session)])
    return "\n\n".join(told)


def _read_issue(session: Session, hub: Hub) -> tuple[Issue, Permission]:
    """The issue in the words that count, and what its author may do."""
    issue = hub.issue(session.repo, session.issue_number)
    author = issue.author
    permission = Permission.NONE if author.is_bot else hub.permission(session.repo, author)
    if session.issue_body is not None:
        # Not as it stands: its author, who may be anybody, can have edited it since somebody with authority read it.
        issue = replace(issue, title=session.issue_title, body=session.issue_body)
    return issue, permission


def _read_instructions(session: Session, hub: Hub) -> tuple[tuple[str, str], ...]:
    """The repository's instruction files at the base commit: a branch must not rewrite its own orders."""
    found: list[tuple[str, str]] = []
    for path in INSTRUCTION_PATHS:
        try:
            content = hub.file(session.repo, path, session.base_sha)
        except (Gone, ToolFailed):
            content = None
        if content:
            found.append((path, content[:_MAX_INSTRUCTION_BYTES].decode("utf-8", "replace")))
    return tuple(found)


async def _find_context(session: Session, issue: Issue, contexts: Contexts, diff: PullDiff | None) -> Context:
    """What the base commit has on the issue. It only saves time, so the work goes on without where it cannot be had."""
    question = session.inquiry.question if session.inquiry is not None else ""
    paths = "\n".join(each.path for each in diff.files) if diff is not None else ""
    words = "\n\n".join(filter(None, [issue.title, question, paths, visible(issue.body)]))
    try:
        return await contexts.find(session.repo, session.base_sha, words)
    except (HonkError, OSError, ValueError) as error:
        log.warning("no context found", extra={"session": session.id, "why": str(error)})
        return Context()


def _nested(context: Context) -> tuple[tuple[str, str], ...]:
    """The instruction files below the top folder that apply to the likeliest files."""
    return tuple((each.path, each.text) for each in context.instructions if each.path not in INSTRUCTION_PATHS)


def sources_of(task: Task) -> tuple[Source, ...]:
    """The texts that a task is made of, each with where it is from and whose it is, for the audit."""
    issue = task.issue
    first = Source(
        kind="issue",
        name=f"#{issue.number}",
        text=f"{issue.title}\n\n{issue.body}",
        author=issue.author.login,
        author_id=issue.author.id,
        permission=task.issue_permission,
    )
    comments = (
        Source(
            kind="comment",
            name=str(comment.id),
            text=comment.body,
            author=comment.author.login,
            author_id=comment.author.id,
            permission=comment.permission,
        )
        for comment in (*task.comments, *task.quoted)
    )
    feedback = (Source(kind=each.kind, name=each.id, text=each.body, author=each.author) for each in task.feedback)
    linked = (
        Source(
            kind="linked",
            name=f"#{each.number}",
            text=f"{each.title}\n\n{each.body}",
            author=each.author.login,
            author_id=each.author.id,
            permission=each.permission,
        )
        for each in task.links.shown
    )
    images = (
        Source(kind="image", name=_told(each), text="", author=each.author, sha256=each.sha256)
        for each in task.pictures.shown
    )
    instructions = (Source(kind="instructions", name=path, text=text) for path, text in task.instructions)
    lessons = (Source(kind="lesson", name=each.key, text=each.text, author=each.kept_by) for each in task.lessons)
    ours = (
        ("plan", task.plan),
        ("earlier", task.earlier),
        ("carried_over", task.carried_over),
        ("setup", task.setup),
        ("map", pack_files(task.context.files)),
        ("system", system_prompt(task.cause)),
    )
    own = (Source(kind=kind, name="", text=text) for kind, text in ours if text)
    return (first, *comments, *feedback, *linked, *images, *instructions, *lessons, *_of_background(task), *own)


def _of_background(task: Task) -> Iterator[Source]:
    background = task.background or Background()
    for patch in background.patches:
        yield Source(kind="diff", name=patch.path, text=patch.diff)
    for each in background.remarks:
        yield Source(kind=each.kind, name=each.id, text=each.body, author=each.author)


def _told(picture: Picture) -> str:
    """An image as the record names it: its last name first, since the middle of an address says little."""
    name = picture.url.rpartition("/")[2].partition("?")[0]
    return f"{name} ({picture.width}x{picture.height}, {picture.size_bytes:,} bytes)"
