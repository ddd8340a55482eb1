"""What CI made of a commit: what is there at GitHub, and what of it is brought to people. Names, paths and addresses in
it are the words of whoever could run the workflow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal, Protocol

from github_app.core.changes.paths import flaw_of
from github_app.core.model import Repo

MAX_ITEMS = 20
MAX_PREVIEWS = 5

MAX_FILE_BYTES = 500_000_000
"""What is larger is told of, and fetched at GitHub."""

MAX_ENTRIES = 10_000
"""An archive with more is not looked into."""

MAX_RATIO = 100
"""A file that is packed tighter is no file that people want, but one that fills their disk."""

LINK_LIFE = timedelta(days=7)

Kind = Literal["android", "ios", "wheel", "python", "program", "site", "image", "video", "files"]

_KINDS: dict[str, Kind] = {
    "apk": "android",
    "ipa": "ios",
    "whl": "wheel",
    "pyz": "python",
    **dict.fromkeys(("appimage", "deb", "dmg", "exe", "jar", "msi", "rpm"), "program"),
    **dict.fromkeys(("gif", "jpeg", "jpg", "png", "webp"), "image"),
    **dict.fromkeys(("mp4", "webm"), "video"),
}
_ORDER: tuple[Kind, ...] = ("android", "ios", "wheel", "python", "program", "site", "image", "video", "files")
_PAGES = "github-pages"
"""What `actions/upload-pages-artifact` calls a site, which it packs twice."""

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/%?&=+,:;$-]*)?")
_MAX_ADDRESS = 300
_SMALL_BYTES = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One regular file in an archive, by what the archive says of it."""

    path: str
    size_bytes: int
    packed_bytes: int


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """What a workflow run left, as GitHub lists it: one archive, whose `digest` (`sha256:…`) and size GitHub knows."""

    id: int
    run_id: int
    name: str
    size_bytes: int
    digest: str = ""
    is_expired: bool = False
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Preview:
    """An address at which a commit can be looked at, as a deployment or a status gives it, and what that is called."""

    name: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing to download: a file in an artifact's archive, or (without `path`) the archive itself. `sha256` is that
    of what is downloaded; empty where it is too large to be read for that."""

    artifact_id: int
    run_id: int
    artifact: str
    path: str = ""
    kind: Kind
    size_bytes: int
    sha256: str = ""
    expires_at: datetime | None = None

    @property
    def name(self) -> str:
        """What the download is called."""
        return self.path.rpartition("/")[2] or f"{self.artifact}.zip"

    @property
    def is_passed_on(self) -> bool:
        """Whether it is small enough for us."""
        return self.size_bytes <= MAX_FILE_BYTES


@dataclass(frozen=True, kw_only=True)
class Build:
    """What is brought to people of the commit `head_sha`. `url` is our page of it, good until `ends_at`; empty where
    nobody can sign in to it. `more` things were left out, because they are too many."""

    head_sha: str
    items: tuple[Item, ...] = ()
    previews: tuple[Preview, ...] = ()
    more: int = 0
    url: str = ""
    ends_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """An event: CI made something of a commit that people can try."""

    id: str
    session_id: str
    build: Build


class Builds(Protocol):
    """What CI left at GitHub. All calls block and raise what `core.ports.Hub` raises."""

    def artifacts(self, repo: Repo, sha: str) -> tuple[Artifact, ...]:
        """What the workflow runs of a commit left, newest first; of one name the newest alone. Nothing of forks."""

    def previews(self, repo: Repo, sha: str) -> tuple[Preview, ...]:
        """The addresses that deployments and statuses of a commit give, newest first."""

    def look_into(self, repo: Repo, artifact: Artifact) -> tuple[Entry, ...] | None:
        """The files in an artifact, without fetching it; None for what is no archive, or one that is not opened."""

    def read(self, repo: Repo, item: Item) -> Iterator[bytes]:
        """An item's bytes, never more than its size says. Raises `Refused` for what is not what it was, `Gone` for what
        has expired."""


def tag_of(session_id: str, head_sha: str) -> str:
    """The tag under which the comment on a build is found."""
    return f"build:{session_id}:{head_sha[:12]}"


def wanted(artifacts: Iterable[Artifact], deliver: Sequence[str] | None) -> list[Artifact]:
    """The artifacts that are worth looking into, by the policy's `deliver`."""
    there = [each for each in artifacts if not each.is_expired]
    if deliver is None:
        return there
    return [each for each in there if any(fnmatchcase(each.name, pattern.partition("/")[0]) for pattern in deliver)]


def pick(
    found: Iterable[tuple[Artifact, Sequence[Entry] | None]], deliver: Sequence[str] | None
) -> tuple[tuple[Item, ...], int]:
    """What is brought to people of artifacts and what is in them, and how much more there would have been.

    `deliver` names them: `artifact` or `artifact/path`, with `*` for anything. Without it, what people install, open or
    look at is found by its name.
    """
    items: dict[tuple[int, str], Item] = {}
    for artifact, entries in found:
        there = None if entries is None else [entry for entry in entries if is_harmless(entry)]
        of_one = _discover(artifact, there) if deliver is None else _named(artifact, there, deliver)
        items.update(((item.artifact_id, item.path), item) for item in of_one)
    ordered = sorted(items.values(), key=lambda item: (_ORDER.index(item.kind), item.artifact, item.path))
    return tuple(ordered[:MAX_ITEMS]), max(0, len(ordered) - MAX_ITEMS)


def pick_previews(found: Iterable[Preview]) -> tuple[Preview, ...]:
    """The first few that are addresses of the web and nothing else, each once."""
    by_url: dict[str, Preview] = {}
    for each in found:
        if _is_address(each.url):
            by_url.setdefault(each.url, each)
    return tuple(by_url.values())[:MAX_PREVIEWS]


def is_harmless(entry: Entry) -> bool:
    """Whether a file in an archive is what it seems: one below the archive's top, and not far larger than it looks."""
    is_bomb = entry.size_bytes > max(_SMALL_BYTES, MAX_RATIO * entry.packed_bytes)
    return not is_bomb and not flaw_of(entry.path) and ":" not in entry.path


def _discover(artifact: Artifact, entries: Sequence[Entry] | None) -> list[Item]:
    if entries is None:
        return []
    tops = {entry.path.partition("/")[0] for entry in entries}
    homes = ("index.html", *(f"{top}/index.html" for top in tops if len(tops) == 1))
    if artifact.name == _PAGES or any(entry.path in homes for entry in entries):
        return [_whole(artifact, "site")]
    return [_part(artifact, entry) for entry in entries if _kind_of(entry.path) != "files"]


def _named(artifact: Artifact, entries: Sequence[Entry] | None, deliver: Sequence[str]) -> list[Item]:
    items: list[Item] = []
    for name, _, path in (pattern.partition("/") for pattern in deliver):
        if not fnmatchcase(artifact.name, name):
            continue
        if path:
            items += [_part(artifact, entry) for entry in entries or () if fnmatchcase(entry.path, path)]
        elif entries is not None and len(entries) == 1:
            items.append(_part(artifact, entries[0]))
        else:
            items.append(_whole(artifact, "files"))
    return items


def _whole(artifact: Artifact, kind: Kind) -> Item:
    return Item(
        artifact_id=artifact.id,
        run_id=artifact.run_id,
        artifact=artifact.name,
        kind=kind,
        size_bytes=artifact.size_bytes,
        sha256=artifact.digest.removeprefix("sha256:"),
        expires_at=artifact.expires_at,
    )


def _part(artifact: Artifact, entry: Entry) -> Item:
    return Item(
        artifact_id=artifact.id,
        run_id=artifact.run_id,
        artifact=artifact.name,
        path=entry.path,
        kind=_kind_of(entry.path),
        size_bytes=entry.size_bytes,
        expires_at=artifact.expires_at,
    )


def _kind_of(path: str) -> Kind:
    name, _, ending = path.rpartition("/")[2].rpartition(".")
    return _KINDS.get(ending.lower(), "files") if name else "files"


def _is_address(url: str) -> bool:
    return len(url) <= _MAX_ADDRESS and _ADDRESS.fullmatch(url) is not None
