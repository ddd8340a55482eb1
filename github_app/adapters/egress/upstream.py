"""Gets pages and files of registries, and keeps them on disk. An index is not trusted to lead anywhere: in the
machine's own networks only the registries themselves are reached."""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import os
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO
from urllib.parse import urljoin, urlsplit

import urllib3

from github_app.adapters.egress.registries import Registries, origin_of
from github_app.core.hosts import is_outside

log = logging.getLogger(__name__)

_PAGE_S = 600.0
_PAGE_BYTES, _FILE_BYTES = 64 * 2**20, 2**30
_READ_S, _PAGE_TOTAL_S, _FILE_TOTAL_S = 30.0, 60.0, 900.0
_REDIRECTS = 5
_CHUNK = 262_144


class Unavailable(Exception):
    """A registry did not give what it should, or what it gave is not what it should be."""


class Absent(Exception):
    """A registry has no such thing."""


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises `OSError`."""
    return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, kw_only=True)
class Page:
    """An index page as it came."""

    url: str
    kind: str
    content: str


@dataclass(kw_only=True)
class Upstream:
    """The registries behind the mirror. All calls block. `is_outside` and `addresses_of` are changed by tests only."""

    registries: Registries
    folder: Path
    max_bytes: int = 10 * 2**30
    file_bytes: int = _FILE_BYTES
    page_bytes: int = _PAGE_BYTES
    page_total_s: float = _PAGE_TOTAL_S
    is_outside: Callable[[str], bool] = is_outside
    addresses_of: Callable[[str, int], list[str]] = addresses_of
    _used: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def page(self, url: str, *, accept: str) -> Page:
        """A page, at most ten minutes old. Raises `Absent`, `Unavailable`."""
        kept = self._place("page", url, accept)
        if not kept.is_file() or time.time() - kept.stat().st_mtime > _PAGE_S:
            with self._new_file() as new:
                final, kind = self._fetch(url, new, accept, max_bytes=self.page_bytes, total_s=self.page_total_s)
                new.write(f"\n{final}\n{kind}".encode())
                self._keep(new, kept)
        content, final, kind = kept.read_bytes().decode("utf-8", "replace").rsplit("\n", 2)
        return Page(url=final, kind=kind, content=content)

    def file(self, url: str, hashes: Sequence[str]) -> Path:
        """A file that has these hashes (`sha256=hex`, or `sha512-base64`). Raises `Absent`, `Unavailable`."""
        kept = self._place("file", url, *hashes)
        if kept.is_file():
            os.utime(kept)
            return kept
        with self._new_file() as new:
            self._fetch(url, new, "*/*", max_bytes=self.file_bytes, total_s=_FILE_TOTAL_S)
            for each in hashes:
                _check(new, each)
            self._keep(new, kept)
        return kept

    # Getting

    def _fetch(self, url: str, into: IO[bytes], accept: str, *, max_bytes: int, total_s: float) -> tuple[str, str]:
        """Get a URL into a file; the URL that it led to, and what kind of thing it is."""
        until = time.monotonic() + total_s
        for _ in range(_REDIRECTS):
            response = self._open(url, accept)
            try:
                if response.status in (301, 302, 303, 307, 308) and "location" in response.headers:
                    url = urljoin(url, response.headers["location"])
                    continue
                if response.status in (404, 410):
                    raise Absent
                if response.status != 200:
                    raise Unavailable(f"the registry answered {response.status}")
                for chunk in response.stream(_CHUNK, decode_content=accept != "*/*"):
                    into.write(chunk)
                    if into.tell() > max_bytes:
                        raise Unavailable(f"larger than {max_bytes} bytes")
                    if time.monotonic() > until:
                        raise Unavailable("too slow")
                return url, response.headers.get("content-type", "")
            except urllib3.exceptions.HTTPError as error:
                raise Unavailable(f"the registry broke off ({type(error).__name__})") from None
            finally:
                response.close()
        raise Unavailable("redirected too often")

    def _open(self, url: str, accept: str) -> urllib3.BaseHTTPResponse:
        parts = urlsplit(url)
        try:
            scheme, host, port = origin = origin_of(parts)
            source = next((each for each in self.registries.sources if each.origin == origin), None)
            if source is None and scheme != "https":
                raise Unavailable("an index leads to something that is not HTTPS")
            found = self.addresses_of(host, port)
        except (OSError, ValueError):
            raise Unavailable("the registry's host is not found") from None
        allowed = [each for each in found if source is not None or self.is_outside(each)]
        if not allowed:
            raise Unavailable("an index leads into a network of this machine")
        fields = {
            "Host": parts.netloc.rpartition("@")[2],
            "Accept": accept,
            "Accept-Encoding": "identity" if accept == "*/*" else "gzip",
            "User-Agent": "honk",
        }
        if source is not None and source.authorization:
            fields["Authorization"] = source.authorization
        timeout = urllib3.Timeout(connect=_READ_S, read=_READ_S)
        pool: urllib3.HTTPConnectionPool
        # Connected to the address that was looked at: a second look-up could give another one.
        if scheme == "https":
            pool = urllib3.HTTPSConnectionPool(
                allowed[0], port, server_hostname=host, assert_hostname=host, ssl_context=self._trust, timeout=timeout
            )
        else:
            pool = urllib3.HTTPConnectionPool(allowed[0], port, timeout=timeout)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            return pool.urlopen(
                "GET",
                path,
                headers=fields,
                redirect=False,
                retries=False,
                preload_content=False,
                assert_same_host=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"the registry does not answer ({type(error).__name__})") from None

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        for file in self.registries.ca_files:
            context.load_verify_locations(file)
        return context

    # Keeping

    def _place(self, *about: str) -> Path:
        name = hashlib.sha256("\n".join(about).encode()).hexdigest()
        return self.folder / name[:2] / name

    def _new_file(self) -> IO[bytes]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return tempfile.NamedTemporaryFile(dir=self.folder, prefix="new-")

    def _keep(self, new: IO[bytes], kept: Path) -> None:
        """Put a new file in its place, and make room where there is too much."""
        new.flush()
        size = Path(new.name).stat().st_size
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        making = kept.with_suffix(f".{threading.get_ident()}")
        os.link(new.name, making)
        making.replace(kept)
        with self._lock:
            self._used = (self._used or sum(file.stat().st_size for file in self._files())) + size
            if self._used <= self.max_bytes:
                return
            files = sorted(self._files(), key=lambda file: file.stat().st_mtime)
            self._used = sum(file.stat().st_size for file in files)
            for file in files:
                if self._used <= self.max_bytes * 0.9 or file == kept:
                    break
                self._used -= file.stat().st_size
                file.unlink()

    def _files(self) -> list[Path]:
        return [file for file in self.folder.glob("??/*") if file.is_file()]


def _check(file: IO[bytes], expected: str) -> None:
    """Compare a file with its hash, where that is of a kind that proves something. Raises `Unavailable`."""
    kind, sign, value = expected.partition("=" if "=" in expected.partition("-")[0] else "-")
    if kind not in ("sha256", "sha384", "sha512") or not sign:
        return
    file.seek(0)
    found = hashlib.file_digest(file, kind)  # type: ignore[arg-type] # an open file is what it wants
    try:
        wanted = bytes.fromhex(value) if sign == "=" else base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        wanted = b""
    if found.digest() != wanted:
        raise Unavailable("the registry gave a file with another hash than its index says")
