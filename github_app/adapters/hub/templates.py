"""The template of pull requests, where GitHub looks for it:
https://docs.github.com/communities/using-templates-to-encourage-useful-issues-and-pull-requests/creating-a-pull-request-template-for-your-repository"""

from __future__ import annotations

import base64
import re

from github.ContentFile import ContentFile
from github.Repository import Repository

from github_app.adapters.hub.clients import RepoClient
from github_app.adapters.hub.errors import NotFound

MAX_BYTES = 60_000

_FOLDERS = (".github", "", "docs")
_FILE = re.compile(r"pull_request_template(?:\.(?:md|markdown|txt))?", re.IGNORECASE)
_FOLDER = re.compile(r"pull_request_template", re.IGNORECASE)
_TEXT = re.compile(r".+\.(?:md|markdown|txt)", re.IGNORECASE)


def read_template(client: RepoClient, sha: str) -> str | None:
    """The template at a commit; None if there is none. Of a folder with several, nobody but people can choose."""

    def ask(it: Repository) -> str | None:
        top = _listed(it, "", sha)
        folders = {each.path for each in top if each.type == "dir"}
        found = [
            each for folder in _FOLDERS if folder in folders or not folder
            for each in (_listed(it, folder, sha) if folder else top)
        ]  # fmt: skip
        files = [each for each in found if each.type == "file" and _FILE.fullmatch(each.name)]
        for place in (each for each in found if each.type == "dir" and _FOLDER.fullmatch(each.name) and not files):
            texts = [
                each for each in _listed(it, place.path, sha) if each.type == "file" and _TEXT.fullmatch(each.name)
            ]
            files = texts if len(texts) == 1 else []
        return _text(it, files[0], sha) if files else None

    try:
        return client.read(ask, what="template of pull requests")
    except NotFound:
        return None


def _listed(it: Repository, path: str, sha: str) -> list[ContentFile]:
    found = it.get_contents(path, ref=sha)
    return found if isinstance(found, list) else [found]


def _text(it: Repository, entry: ContentFile, sha: str) -> str | None:
    if entry.size > MAX_BYTES:
        return None
    found = it.get_contents(entry.path, ref=sha)
    if isinstance(found, list) or found.encoding != "base64":
        return None
    return base64.b64decode(found.content).decode("utf-8", "replace")
