"""Archives that stand elsewhere, opened without being fetched: only what is asked for is read, by ranges. Whoever made
one is an attacker sometimes: what says it is large, many, a link or of another kind than it is stays shut."""

from __future__ import annotations

import stat
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from struct import error as StructError
from typing import IO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, LargeZipFile, ZipFile, ZipInfo

import requests

from github_app.core.builds import MAX_ENTRIES, MAX_FILE_BYTES, Entry, is_harmless
from github_app.core.errors import Gone, Refused, Transient

CONNECT_READ_S = (5, 15)
LISTING_BYTES = 4_000_000
LISTING_S = 30.0
READING_S = 900.0
CHUNK_BYTES = 65_536

# What `zipfile` raises for bytes that are no archive, or one that it does not read.
_BROKEN = (BadZipFile, LargeZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, StructError, zlib.error)


@dataclass
class Remote:
    """A file at a signed address, as `zipfile` wants one. At most so many bytes of it are read, and until then; beyond
    that, `Refused`. Our token is for the API's host only and is not sent there."""

    url: str
    verify: str | bool
    most_bytes: int
    until: float
    size_bytes: int = field(init=False)
    _at: int = 0
    _stream: requests.Response | None = None
    _stream_at: int = 0

    def __post_init__(self) -> None:
        first = self._get("bytes=0-0")
        first.close()
        self.size_bytes = int(first.headers.get("Content-Range", "").rpartition("/")[2] or 0)

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go elsewhere."""
        self._at = max(0, offset + (0, self._at, self.size_bytes)[whence])
        return self._at

    def read(self, size: int = -1) -> bytes:
        """So many bytes, or what is left."""
        left = max(0, self.size_bytes - self._at)
        size = left if size < 0 else min(size, left)
        if size > self.most_bytes:
            raise Refused("the archive takes more reading than it is worth")
        found = b""
        while len(found) < size:
            if time.monotonic() > self.until:
                raise Refused("the archive takes too long to be read")
            chunk = self._next(size - len(found))
            if not chunk:
                raise Transient("the archive breaks off")
            found += chunk
            self._at += len(chunk)
        self.most_bytes -= size
        return found

    def close(self) -> None:
        """Let go of the connection."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _next(self, size: int) -> bytes:
        if self._stream is None or self._stream_at != self._at:
            self.close()
            self._stream, self._stream_at = self._get(f"bytes={self._at}-"), self._at
        try:
            chunk: bytes = self._stream.raw.read(size, decode_content=False)
        except Exception as error:  # urllib3's own, of which there are many
            raise Transient(f"the archive cannot be read: {type(error).__name__}") from error
        self._stream_at += len(chunk)
        return chunk

    def _get(self, wanted: str) -> requests.Response:
        asked = {"Range": wanted, "Accept-Encoding": "identity"}
        response = _get(self.url, self.verify, asked)
        if response.status_code != requests.codes.partial_content:
            response.close()
            raise Refused("the archive is empty, or is not given in parts")
        return response


def list_entries(url: str, verify: str | bool) -> tuple[Entry, ...] | None:
    """The regular files in the archive at an address that can be had one by one; None if it is not opened."""
    try:
        with _opened(url, verify, LISTING_BYTES, LISTING_S) as archive:
            return tuple(_entry(each) for each in _regular(archive))
    except Refused:
        return None


def read_entry(url: str, verify: str | bool, entry: tuple[str, int]) -> Iterator[bytes]:
    """The bytes of a file, by its path and size, in the archive at an address. Raises `Refused` where it is not there
    as it was, or turns out to be something else."""
    path, size_bytes = entry
    with _opened(url, verify, MAX_FILE_BYTES + LISTING_BYTES, READING_S) as archive:
        found = [each for each in _regular(archive) if each.filename == path]
        if not found or found[0].file_size != size_bytes or not is_harmless(_entry(found[0])):
            raise Refused("the file is not in the archive as it was")
        with archive.open(found[0]) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk


def read_whole(url: str, verify: str | bool) -> Iterator[bytes]:
    """The bytes of the file at an address. Raises `Refused` beyond what we pass on, and where it takes too long."""
    read, until = 0, time.monotonic() + READING_S
    with _get(url, verify, {"Accept-Encoding": "identity"}) as response:
        try:
            for chunk in response.iter_content(CHUNK_BYTES):
                read += len(chunk)
                if read > MAX_FILE_BYTES or time.monotonic() > until:
                    raise Refused("the archive is larger than it says, or takes too long")
                yield chunk
        except requests.RequestException as error:
            raise Transient(f"the archive breaks off: {type(error).__name__}") from error


@contextmanager
def _opened(url: str, verify: str | bool, most_bytes: int, most_s: float) -> Iterator[ZipFile]:
    remote = Remote(url, verify, most_bytes, time.monotonic() + most_s)
    try:
        with ZipFile(cast(IO[bytes], remote)) as archive:
            if len(archive.filelist) > MAX_ENTRIES:
                raise Refused(f"the archive has more than {MAX_ENTRIES:,} files")
            yield archive
    except _BROKEN as error:
        raise Refused(f"the archive cannot be read: {error}") from error
    finally:
        remote.close()


def _regular(archive: ZipFile) -> list[ZipInfo]:
    """Its files that are neither links nor sealed, and whose names say which is meant."""
    times = Counter(each.filename for each in archive.filelist)
    return [each for each in archive.filelist if times[each.filename] == 1 and _is_regular(each)]


def _is_regular(info: ZipInfo) -> bool:
    kind = stat.S_IFMT(info.external_attr >> 16)
    is_sealed = bool(info.flag_bits & 0x1)
    is_readable = info.compress_type in (ZIP_STORED, ZIP_DEFLATED)
    return not info.is_dir() and kind in (0, stat.S_IFREG) and is_readable and not is_sealed


def _entry(info: ZipInfo) -> Entry:
    return Entry(path=info.filename, size_bytes=info.file_size, packed_bytes=info.compress_size)


def _get(url: str, verify: str | bool, headers: dict[str, str]) -> requests.Response:
    try:
        response = requests.get(
            url,
            headers=headers,
            stream=True,
            timeout=CONNECT_READ_S,
            allow_redirects=False,
            auth=_no_auth,
            verify=verify,
        )
    except requests.RequestException as error:
        raise Transient(f"the archive cannot be had: {type(error).__name__}") from error
    if response.status_code >= 500 or response.status_code == 429:
        response.close()
        raise Transient(f"the archive cannot be had now (HTTP {response.status_code})")
    if response.status_code in (403, 404, 410):
        response.close()
        raise Gone("the archive is not there any more", what="artifact")
    return response


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep `requests` from looking for credentials in ~/.netrc."""
    return request
