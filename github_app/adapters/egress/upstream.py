"""Gets pages and files of registries, and keeps them on disk. An index is not trusted to lead anywhere: in the
machine's own networks only the registries themselves are reached."""

from __future__ import annotations

import base64
import binascii
import contextlib
import gzip
import hashlib
import http.client
import os
import socket
import ssl
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, cast
from urllib.parse import quote, urljoin, urlsplit

from github_app.adapters.egress.addresses import addresses_of, is_elsewhere
from github_app.adapters.egress.registries import Registries, origin_of

_PAGE_S = 600.0
_PAGE_BYTES, _FILE_BYTES = 64 * 2**20, 2**30
_SILENT_S, _PAGE_TOTAL_S, _FILE_TOTAL_S = 30.0, 60.0, 900.0
_REDIRECTS = 5
_CHUNK = 262_144
_WRITTEN = "!#$%&'()*+,/:;=?@[]~"  # of a path, as it is; an index may have written other letters


class Unavailable(Exception):
    """A registry did not give what it should, or what it gave is not what it should be."""


class Absent(Exception):
    """A registry has no such thing."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """An index page as it came."""

    url: str
    kind: str
    content: str


@dataclass(kw_only=True)
class Upstream:
    """The registries behind the mirror. All calls block. `is_elsewhere` and `addresses_of` are for tests."""

    registries: Registries
    folder: Path
    max_bytes: int = 10 * 2**30
    file_bytes: int = _FILE_BYTES
    page_bytes: int = _PAGE_BYTES
    page_total_s: float = _PAGE_TOTAL_S
    file_total_s: float = _FILE_TOTAL_S
    is_elsewhere: Callable[[str], bool] = is_elsewhere
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
            self._fetch(url, new, "*/*", max_bytes=self.file_bytes, total_s=self.file_total_s)
            for each in hashes:
                _check(new, each)
            self._keep(new, kept)
        return kept

    # Getting

    def _fetch(self, url: str, into: IO[bytes], accept: str, *, max_bytes: int, total_s: float) -> tuple[str, str]:
        """Get a URL into a file; the URL that it led to, and what kind of thing it is."""
        until = time.monotonic() + total_s
        for _ in range(_REDIRECTS):
            with self._opened(url, accept, until) as response:
                location = response.getheader("location")
                if response.status in (301, 302, 303, 307, 308) and location is not None:
                    url = urljoin(url, location)
                    continue
                if response.status in (404, 410):
                    raise Absent
                if response.status != 200:
                    raise Unavailable(f"the registry answered {response.status}")
                body = _inflated(response)
                while chunk := body.read(_CHUNK):
                    into.write(chunk)
                    if into.tell() > max_bytes:
                        raise Unavailable(f"larger than {max_bytes} bytes")
                if response.length or time.monotonic() > until:
                    raise EOFError
                return url, response.getheader("content-type") or ""
        raise Unavailable("redirected too often")

    @contextlib.contextmanager
    def _opened(self, url: str, accept: str, until: float) -> Iterator[http.client.HTTPResponse]:
        """The answer of a registry, which is hung up on at a time, whatever it has said until then."""
        try:
            parts = urlsplit(url)
            origin = origin_of(parts)
            source = next((each for each in self.registries.sources if each.origin == origin), None)
            if source is None and parts.scheme != "https":
                raise Unavailable("an index leads to something that is not HTTPS")
            found = self.addresses_of(*origin[1:])
        except (OSError, ValueError):
            raise Unavailable("the registry's host is not found") from None
        allowed = [each for each in found if source is not None or self.is_elsewhere(each)]
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
        path = quote(parts._replace(scheme="", netloc="", fragment="").geturl() or "/", safe=_WRITTEN)
        try:
            # To the address that was looked at: a second look-up could give another one.
            with self._connected(origin, allowed[0], until) as connection:
                connection.request("GET", path, headers=fields)
                yield connection.getresponse()
        except (OSError, EOFError, ValueError, zlib.error, http.client.HTTPException) as error:
            why = "too slow" if time.monotonic() > until else f"the registry broke off ({type(error).__name__})"
            raise Unavailable(why) from None

    @contextlib.contextmanager
    def _connected(
        self, origin: tuple[str, str, int], address: str, until: float
    ) -> Iterator[http.client.HTTPConnection]:
        scheme, host, port = origin
        end = socket.create_connection((address, port), timeout=_SILENT_S)
        if scheme == "https":
            end = self._trust.wrap_socket(end, server_hostname=host, do_handshake_on_connect=False)
        connection = http.client.HTTPConnection(host, port)
        connection.sock = end
        # A drop now and then would keep each single wait short.
        clock = threading.Timer(until - time.monotonic(), _hang_up, (end,))
        clock.start()
        try:
            if isinstance(end, ssl.SSLSocket):
                end.do_handshake()
            yield connection
        finally:
            clock.cancel()
            connection.close()

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
        making = kept.with_suffix(f".{Path(new.name).name}")
        os.link(new.name, making)
        making.replace(kept)
        with self._lock:
            if self._used is None:
                self._sweep()
                self._used = sum(file.stat().st_size for file in self._files())
            else:
                self._used += size
            if self._used <= self.max_bytes:
                return
            files = sorted(self._files(), key=lambda file: file.stat().st_mtime)
            self._used = sum(file.stat().st_size for file in files)
            for file in files:
                if self._used <= self.max_bytes * 0.9 or file == kept:
                    break
                self._used -= file.stat().st_size
                file.unlink()

    def _sweep(self) -> None:
        """Delete what was being got when somebody was killed."""
        for file in self.folder.rglob("*new-*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - file.stat().st_mtime > 2 * _FILE_TOTAL_S:
                    file.unlink()

    def _files(self) -> list[Path]:
        return [file for file in self.folder.glob("??/*") if file.is_file()]


def _hang_up(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        socket.socket.shutdown(end, socket.SHUT_RDWR)  # beneath TLS, whose own state belongs to the thread that reads


def _inflated(response: http.client.HTTPResponse) -> IO[bytes]:
    """The content of an answer, which grows only as it is read."""
    match response.getheader("content-encoding", "identity"):
        case "identity":
            return response
        case "gzip":
            return cast("IO[bytes]", gzip.GzipFile(fileobj=response))
        case _:
            raise Unavailable("the registry's answer is packed in an unknown way")


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
