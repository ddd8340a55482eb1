"""`honk lessons`: shows what a repository has taught, hands it out as a file, and reads what was changed there."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from github_app.app import open_store
from github_app.core.errors import Misconfigured, Refused
from github_app.core.lessonfile import dump, load, merge
from github_app.core.text.characters import spelled_out
from github_app.process import repo_id_of
from github_app.settings import read_settings


def list_lessons(full_name: str) -> int:
    """Print a repository's lessons, a line each."""
    store = open_store(read_settings())
    for lesson in store.lessons.of(repo_id_of(store, full_name)):
        state = "expired" if store.lessons.is_expired(lesson) else f"{lesson.uses} uses"
        print(f"{lesson.key:<8} {state:<9} {spelled_out(lesson.text)} (kept by {lesson.kept_by})")
    return 0


def export(full_name: str) -> int:
    """Print a repository's lessons as Markdown."""
    settings = read_settings()
    store = open_store(settings)
    lessons = store.lessons.of(repo_id_of(store, full_name))
    expired = [each.key for each in lessons if store.lessons.is_expired(each)]
    print(dump(lessons, full_name=full_name, github_url=settings.github_url, expired=expired), end="")
    return 0


def import_file(full_name: str, path: Path) -> int:
    """Put all lessons of a file (`-` is standard input) into force; what is in force and not in it stays."""
    settings = read_settings()
    store = open_store(settings)
    repo_id = repo_id_of(store, full_name)
    entries = load(_read(path), github_url=settings.github_url)
    in_force = [each for each in store.lessons.of(repo_id) if not store.lessons.is_expired(each)]
    written = merge(entries, in_force, repo_id=repo_id, now=datetime.now(UTC))
    store.lessons.write(written)
    print(f"{len(written)} written, {len(entries) - len(written)} as they were.")
    return 0


def drop(full_name: str, key: str) -> int:
    """Delete one lesson."""
    store = open_store(read_settings())
    if not store.lessons.drop(repo_id_of(store, full_name), key, by_operator=True):
        raise Refused(f"{full_name} has no lesson {key}; `honk lessons list` shows them")
    print(f"Dropped: {key}.")
    return 0


def _read(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {error}") from error
