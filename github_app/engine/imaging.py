"""Looks at the images in what a turn is told. None of them is needed: what cannot be shown is named, and no more."""

from __future__ import annotations

import hashlib
import logging
from urllib.parse import urlsplit

from github_app.agent.task import Task
from github_app.agent.visible import visible
from github_app.core.errors import HonkError
from github_app.core.images import MAX_IMAGES, Picture, Pictures, find_images, is_hosted, read_format
from github_app.core.ports import Hub
from github_app.core.session import Session

log = logging.getLogger(__name__)


def look_at_images(session: Session, task: Task, hub: Hub) -> tuple[Pictures, dict[str, bytes]]:
    """The images of the issue and of those of its comments that the agent hears, and their bytes by SHA-256."""
    heard = [(task.issue.author.login, task.issue.body)]
    heard += [(comment.author.login, comment.body) for comment in (*task.comments, *task.quoted)]
    authors: dict[str, str] = {}
    for author, body in heard:
        for url in find_images(visible(body)):
            authors.setdefault(url, author)
    home = urlsplit(task.issue.url)
    hosted = [url for url in authors if is_hosted(url, web_url=f"{home.scheme}://{home.netloc}")]
    shown: list[Picture] = []
    unread: list[str] = []
    contents: dict[str, bytes] = {}
    found = _fetch(session, hosted[:MAX_IMAGES], hub)
    for url in hosted[:MAX_IMAGES]:
        content = found.get(url, b"")
        form = read_format(content)
        if form is None:
            unread.append(url)
            continue
        key = hashlib.sha256(content).hexdigest()
        contents[key] = content
        shown.append(
            Picture(
                url=url,
                author=authors[url],
                media_type=form.media_type,
                width=form.width,
                height=form.height,
                size_bytes=len(content),
                sha256=key,
            )
        )
    pictures = Pictures(
        shown=tuple(shown),
        unread=tuple(unread),
        more=len(hosted[MAX_IMAGES:]),
        elsewhere=len(authors) - len(hosted),
    )
    return pictures, contents


def _fetch(session: Session, urls: list[str], hub: Hub) -> dict[str, bytes]:
    if not urls:
        return {}
    try:
        return dict(hub.images(session.repo, session.issue_number, urls))
    except HonkError as error:
        log.info("no images", extra={"session": session.id, "why": str(error)})
        return {}
