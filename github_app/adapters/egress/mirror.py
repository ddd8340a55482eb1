"""A mirror of package registries for sandboxes: it reads, and answers only what installing asks for.

    /-/pip/simple/NAME/         pip's index page, its links led back here     (PEP 503, 691, 658)
    /-/pip/files/NAME/FILE      a file that this page names
    /NAME, /@SCOPE/NAME         npm's document of a package, its tarballs led back here
    /NAME/-/FILE.tgz            a tarball that this document names

Of a request only the method and these names are looked at. Where a file comes from is said by the index, never by the
one who asks.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import io
import json
import logging
import re
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from typing import Any, BinaryIO
from urllib.parse import quote, unquote, urljoin, urlsplit

from github_app.adapters.egress.rules import Denied
from github_app.adapters.egress.upstream import Absent, Page, Unavailable, Upstream

log = logging.getLogger(__name__)

_PIP = "/-/pip/simple/"
_PIP_NAME = r"([A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?)"
_FILE = r"([A-Za-z0-9][A-Za-z0-9._+!~-]{0,250})"
_NPM_NAME = r"((?:@[a-z0-9~_][a-z0-9._~-]{0,100}%s)?[A-Za-z0-9~_][A-Za-z0-9._~-]{0,100})"
_PIP_PAGE = re.compile(rf"/-/pip/simple/{_PIP_NAME}/?")
_PIP_FILE = re.compile(rf"/-/pip/files/{_PIP_NAME}/{_FILE}")
_NPM_PAGE = re.compile("/" + _NPM_NAME % "(?:/|%2[fF])")
_NPM_FILE = re.compile("/" + _NPM_NAME % "/" + rf"/-/{_FILE}")
_PIP_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
_NPM_ACCEPT = "application/vnd.npm.install-v1+json, application/json;q=0.8"
_METADATA = ".metadata"
_NAMES, _MISSES = 3_000, 100
_THREADS = 8


@dataclass(kw_only=True)
class Visit:
    """What one command asked for: names are the one thing that gets out, so there is an end to them."""

    names: set[str] = field(default_factory=set)
    misses: int = 0


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer to be sent. `reason` says what went wrong, if something did."""

    status: int
    kind: str
    body: BinaryIO
    size: int
    reason: str = ""

    @classmethod
    def of(cls, status: int, kind: str, content: bytes, *, reason: str = "") -> Reply:
        """An answer of a few bytes."""
        return cls(status=status, kind=kind, body=io.BytesIO(content), size=len(content), reason=reason)


@dataclass(frozen=True, kw_only=True)
class _File:
    url: str
    hashes: tuple[str, ...]
    told: tuple[tuple[str, str], ...] = ()
    metadata: str | None = None


@dataclass(kw_only=True)
class Mirror:
    """Answers for registries. `find` makes what is behind it, which takes a second and is done on first use."""

    find: Callable[[], Upstream]
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_THREADS, "mirror"))
    # Large indexes are read one after the other: threads that compute at once starve the loop that all sessions share.
    _reading: threading.Lock = field(default_factory=threading.Lock)

    @staticmethod
    def environment(url: str) -> dict[str, str]:
        """What makes pip and npm ask the mirror at this address."""
        return {
            "PIP_INDEX_URL": f"{url}{_PIP}",
            "PIP_DEFAULT_TIMEOUT": "900",  # a large file comes in one piece, after we have it
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "npm_config_registry": f"{url}/",
            "npm_config_replace_registry_host": "always",
            # Where packages came from here is nobody else's business: a lock file would name this mirror.
            "npm_config_omit_lockfile_registry_resolved": "true",
            "npm_config_fetch_timeout": "900000",
            "npm_config_audit": "false",
            "npm_config_fund": "false",
            "npm_config_update_notifier": "false",
        }

    def about(self) -> str:
        """Which hosts pip and npm have packages from, in a line. Blocks for a second."""
        registries = self._upstream.registries
        pip = ", ".join(source.origin[1] for source in registries.pip)
        npm = registries.npm.origin[1] if registries.npm is not None else ""
        return f"registries: {pip or 'none'} (pip), {npm or 'none'} (npm)"

    @contextlib.asynccontextmanager
    async def answer(self, method: str, target: str, visit: Visit, *, url: str) -> AsyncIterator[Reply]:
        """The answer to a request. Raises `Denied` for all but reading what installing needs."""
        # In threads of its own: a slow registry must not stop those of Honk.
        loop = asyncio.get_running_loop()
        reply = await loop.run_in_executor(self._threads, self._answer, method, target, visit, url)
        with contextlib.closing(reply.body):
            yield reply

    @cached_property
    def _upstream(self) -> Upstream:
        return self.find()

    def _answer(self, method: str, target: str, visit: Visit, url: str) -> Reply:
        if method not in ("GET", "HEAD"):
            raise Denied("the registries are only read")
        for shape, act in (
            (_PIP_PAGE, self._pip_page),
            (_PIP_FILE, self._pip_file),
            (_NPM_FILE, self._npm_file),
            (_NPM_PAGE, self._npm_page),
        ):
            if match := shape.fullmatch(target):
                visit.names.add(match[1].lower())
                if len(visit.names) > _NAMES or visit.misses > _MISSES:
                    raise Denied("too many packages asked for by one command")
                try:
                    return act(url, *match.groups())
                except Absent:
                    visit.misses += 1
                    return Reply.of(404, "text/plain", b"no such package\n")
                except (Unavailable, ValueError, RecursionError) as error:
                    why = str(error) if isinstance(error, Unavailable) else "the registry's index makes no sense"
                    log.warning("no package", extra={"package": target[:200], "why": why})
                    return Reply.of(502, "text/plain", f"{why}\n".encode(), reason=why)
        raise Denied("not what installing a package needs")

    # pip

    def _pip_page(self, _: str, name: str) -> Reply:
        rows = []
        for filename, file in sorted(self._pip_files(name).items()):
            fragment = next((f"#{each}" for each in file.hashes), "")
            link = f"/-/pip/files/{_pip_name(name)}/{quote(filename)}{fragment}"
            told = "".join(f' {key}="{html.escape(value)}"' for key, value in file.told)
            rows.append(f'<a href="{html.escape(link)}"{told}>{html.escape(filename)}</a><br>')
        page = "\n".join(["<!DOCTYPE html><html><body>", *rows, "</body></html>"])
        return Reply.of(200, "text/html; charset=utf-8", page.encode())

    def _pip_file(self, _: str, name: str, filename: str) -> Reply:
        files = self._pip_files(name)
        whole = filename.removesuffix(_METADATA)
        if filename not in files and whole in files and files[whole].metadata is not None:
            return self._file(f"{files[whole].url}{_METADATA}", (files[whole].metadata or "",))
        if filename not in files:
            raise Absent
        return self._file(files[filename].url, files[filename].hashes)

    def _pip_files(self, name: str) -> dict[str, _File]:
        """All files of a package in all indexes; where two have the same, the first index wins."""
        found: dict[str, _File] = {}
        is_known = False
        for source in self._upstream.registries.pip:
            with contextlib.suppress(Absent):
                page = self._upstream.page(f"{source.url}{_pip_name(name)}/", accept=_PIP_ACCEPT)
                is_known = True
                with self._reading:
                    found = (_json_files(page) if "json" in page.kind else _html_files(page)) | found
        if not is_known:
            raise Absent
        return {filename: file for filename, file in found.items() if re.fullmatch(_FILE, filename)}

    # npm

    def _npm_page(self, url: str, name: str) -> Reply:
        document = self._npm_document(name)
        with self._reading:
            for filename, version in _npm_versions(document).items():
                version["dist"]["tarball"] = f"{url}/{_npm_name(name)}/-/{filename}"
            return Reply.of(200, "application/json", json.dumps(document).encode())

    def _npm_file(self, _: str, name: str, filename: str) -> Reply:
        versions = _npm_versions(self._npm_document(name))
        if filename not in versions:
            raise Absent
        dist = versions[filename]["dist"]
        return self._file(dist["tarball"], tuple(str(dist.get("integrity", "")).split()))

    def _npm_document(self, name: str) -> dict[str, Any]:
        source = self._upstream.registries.npm
        if source is None:
            raise Absent
        page = self._upstream.page(f"{source.url}{_npm_name(name).replace('/', '%2f')}", accept=_NPM_ACCEPT)
        with self._reading:
            document = _parsed(page)
            # Without the versions that we cannot serve: their links would lead elsewhere.
            kept = {id(each) for each in _npm_versions(document, base=page.url).values()}
            listed = document.get("versions")
            versions = listed.items() if isinstance(listed, dict) else ()
            document["versions"] = {number: each for number, each in versions if id(each) in kept}
            return document

    def _file(self, url: str, hashes: tuple[str, ...]) -> Reply:
        path = self._upstream.file(url, hashes)
        body = path.open("rb")
        return Reply(status=200, kind="application/octet-stream", body=body, size=path.stat().st_size)


def _pip_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _npm_name(name: str) -> str:
    return re.sub("%2f", "/", name, flags=re.IGNORECASE)


def _parsed(page: Page) -> dict[str, Any]:
    try:
        document = json.loads(page.content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Unavailable("the registry gave no document")
    return document


def _npm_versions(document: dict[str, Any], *, base: str = "") -> dict[str, dict[str, Any]]:
    """The versions of a package by the names of their tarballs."""
    versions = document.get("versions")
    found: dict[str, dict[str, Any]] = {}
    for version in versions.values() if isinstance(versions, dict) else ():
        dist = version.get("dist") if isinstance(version, dict) else None
        if isinstance(dist, dict) and isinstance(dist.get("tarball"), str):
            dist["tarball"] = urljoin(base, dist["tarball"]) if base else dist["tarball"]
            filename = urlsplit(dist["tarball"]).path.rpartition("/")[2]
            if re.fullmatch(_FILE, filename):
                found[filename] = version
    return found


def _json_files(page: Page) -> dict[str, _File]:
    listed = _parsed(page).get("files")
    found: dict[str, _File] = {}
    for each in listed if isinstance(listed, list) else ():
        match each:
            case {"filename": str(filename), "url": str(url), "hashes": dict(hashes)}:
                told = {"data-requires-python": str(each.get("requires-python") or "")}
                yanked = each.get("yanked")
                told |= {"data-yanked": str(yanked or "")} if yanked not in (None, False) else {}
                metadata = each.get("core-metadata", each.get("dist-info-metadata"))
                found[filename] = _make_file(
                    urljoin(page.url, url),
                    hashes=tuple(f"{kind}={value}" for kind, value in hashes.items()),
                    told=told,
                    metadata=_metadata_of(metadata),
                )
            case _:
                continue  # not a file that we could serve
    return found


def _metadata_of(value: object) -> str | None:
    if isinstance(value, dict):
        return next((f"{kind}={each}" for kind, each in value.items()), "")
    return "" if value is True else None


def _html_files(page: Page) -> dict[str, _File]:
    reader = _Links()
    reader.feed(page.content)
    found: dict[str, _File] = {}
    for link in reader.links:
        parts = urlsplit(urljoin(page.url, link.get("href") or ""))
        told: dict[str, str] = {
            str(key): link[key] or "" for key in ("data-requires-python", "data-yanked") if key in link
        }
        metadata = link.get("data-core-metadata", link.get("data-dist-info-metadata"))
        found[unquote(parts.path.rpartition("/")[2])] = _make_file(
            parts._replace(fragment="").geturl(),
            hashes=(parts.fragment,) if "=" in parts.fragment else (),
            told=told,
            metadata=metadata if metadata and "=" in metadata else ("" if metadata else None),
        )
    return found


def _make_file(url: str, *, hashes: tuple[str, ...], told: dict[str, str], metadata: str | None) -> _File:
    strong = tuple(each for each in hashes if re.fullmatch(r"sha(256|384|512)=[0-9a-fA-F]{1,128}", each))
    if metadata is not None:
        told = told | {"data-core-metadata": metadata or "true"}
    return _File(
        url=url,
        hashes=strong,
        told=tuple((key, value) for key, value in told.items() if value or key == "data-yanked"),
        metadata=metadata,
    )


class _Links(HTMLParser):
    """The links of a page, each with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.append(dict(attrs))
