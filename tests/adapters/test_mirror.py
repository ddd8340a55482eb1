"""The mirror of registries: what installing needs, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gzip
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from github_app.adapters.egress import mirror as egress_mirror
from github_app.adapters.egress.mirror import Mirror, Visit
from github_app.adapters.egress.registries import Registries, Source
from github_app.adapters.egress.rules import Denied
from github_app.adapters.egress.upstream import Page, Unavailable, Upstream
from tests.adapters.outside import make_certificate
from tests.adapters.registry import Registry, Thing, make_wheel, open_registry

HERE = "http://127.0.0.1:3128"
SECRET = "robot:hunter2"
FOREIGN = "10.9.8.7"


@pytest.fixture
def registry() -> Iterator[Registry]:
    with open_registry() as it:
        yield it


@pytest.fixture
def upstream(registry: Registry, tmp_path: Path) -> Upstream:
    return Upstream(registries=registry.registries(secret=SECRET), folder=tmp_path / "kept")


@pytest.fixture
def mirror(upstream: Upstream) -> Mirror:
    return Mirror(find=lambda: upstream)


async def get(mirror: Mirror, target: str, *, method: str = "GET", visit: Visit | None = None) -> tuple[int, bytes]:
    async with mirror.answer(method, target, visit or Visit(), url=HERE) as reply:
        content = reply.body.read()
        assert len(content) == reply.size
        return reply.status, content


async def test_a_page_leads_back_here_and_its_file_is_the_registrys(registry: Registry, mirror: Mirror):
    filename = registry.put_wheel("tiny", "answer = 42")
    status, page = await get(mirror, "/-/pip/simple/Tiny/")
    assert status == 200
    assert f'href="/-/pip/files/tiny/{filename}#sha256=' in page.decode()
    assert 'data-requires-python="&gt;=3"' in page.decode()
    assert registry.url.encode() not in page
    assert await get(mirror, f"/-/pip/files/tiny/{filename}") == (200, make_wheel("tiny", "answer = 42"))


async def test_a_json_page_with_metadata(registry: Registry, mirror: Mirror):
    files: list[Any] = [
        {"filename": "a-1.whl", "url": f"{registry.url}/f/a-1.whl", "hashes": {}, "core-metadata": True},
        {"filename": "a-2.whl", "url": "/f/a-2.whl", "hashes": {"md5": "x", "sha256": "zz"}, "yanked": "bad <b>"},
        {"filename": "../a", "url": "/f/a", "hashes": {}},
        {"filename": 3},
        "what",
    ]
    kind = "application/vnd.pypi.simple.v1+json"
    registry.things["/simple/a/"] = Thing(content=json.dumps({"files": files}).encode(), kind=kind)
    registry.things["/f/a-1.whl.metadata"] = Thing(content=b"Name: a")
    _, page = await get(mirror, "/-/pip/simple/a/")
    assert page.decode().splitlines()[1:-1] == [
        '<a href="/-/pip/files/a/a-1.whl" data-core-metadata="true">a-1.whl</a><br>',
        '<a href="/-/pip/files/a/a-2.whl" data-yanked="bad &lt;b&gt;">a-2.whl</a><br>',
    ]
    assert await get(mirror, "/-/pip/files/a/a-1.whl.metadata") == (200, b"Name: a")
    assert (await get(mirror, "/-/pip/files/a/a-2.whl.metadata"))[0] == 404


async def test_npms_document_leads_back_here(registry: Registry, mirror: Mirror):
    filename = registry.put_package("@team/tiny", "module.exports = 42")
    for target in ("/@team/tiny", "/@team%2ftiny", "/@team%2Ftiny"):
        _, document = await get(mirror, target)
        dist = json.loads(document)["versions"]["1.0.0"]["dist"]
        assert dist["tarball"] == f"{HERE}/@team/tiny/-/{filename}"
    status, tarball = await get(mirror, f"/@team/tiny/-/{filename}")
    assert (status, tarball) == (200, registry.things[f"/tarballs/{filename}"].content)


async def test_what_was_got_once_is_kept(registry: Registry, mirror: Mirror):
    filename = registry.put_wheel("tiny", "answer = 42")
    for _ in range(3):
        await get(mirror, f"/-/pip/files/tiny/{filename}")
    assert registry.paths() == ["/simple/tiny/", f"/files/{filename}"]


async def test_the_secret_goes_to_the_registry_and_nowhere_else(registry: Registry, mirror: Mirror, upstream: Upstream):
    with open_registry() as other:
        registry.put_wheel("tiny", "")
        other.things["/f/tiny.whl"] = Thing(content=b"x")
        registry.things["/simple/tiny/"] = Thing(content=f'<a href="{other.url}/f/tiny.whl">x</a>'.encode())
        upstream.registries = replace(upstream.registries, npm=other.registries().npm)
        _, page = await get(mirror, "/-/pip/simple/tiny/")
        assert b"hunter2" not in page
        assert (await get(mirror, "/-/pip/files/tiny/tiny.whl"))[0] == 200
        assert registry.requests[0][2]["Authorization"].startswith("Basic ")
        assert "Authorization" not in other.requests[0][2]
    assert "hunter2" not in repr(upstream)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "get", ""])
async def test_the_mirror_only_reads(registry: Registry, mirror: Mirror, method: str):
    with pytest.raises(Denied, match="only read"):
        await get(mirror, "/tiny", method=method)
    assert registry.requests == []


@pytest.mark.parametrize(
    "target",
    ["/", "/-/", "/-/pip/simple/", "/-/pip/simple/a/b/", "/-/pip/simple/../x/", "/-/pip/simple/a%2e/", "/tiny?q=1",
     "/-/pip/simple/tiny/?secret", "/tiny#x", "/-/npm/v1/security/advisories/bulk", "/-/user/org.couchdb.user:x",
     "/-/package/tiny/dist-tags", "/tiny/1.0.0", "/.hidden", "/@team/", "/@/tiny", "/tiny/-/../x.tgz",
     "/tiny/-/a/b.tgz", "//evil.example/tiny", "/tiny\r\nX: y", "/" + "a" * 300, "/-/pip/simple/" + "a" * 300 + "/",
     "/-/v1/search", "/a b", "/ä"],
)  # fmt: skip
async def test_what_installing_does_not_need_is_refused(registry: Registry, mirror: Mirror, target: str):
    with pytest.raises(Denied, match="not what installing"):
        await get(mirror, target)
    assert registry.requests == []


async def test_nothing_of_the_asker_is_passed_on(registry: Registry, mirror: Mirror):
    registry.put_wheel("tiny", "")
    await get(mirror, "/-/pip/simple/tiny", method="HEAD")
    ((method, path, headers),) = registry.requests
    assert (method, path) == ("GET", "/simple/tiny/")
    assert sorted(headers) == ["Accept", "Accept-Encoding", "Authorization", "Host", "User-Agent"]


@pytest.mark.parametrize(
    ("link", "why"),
    [
        (f"https://{FOREIGN}/tiny-1.whl", b"into a network of this machine"),
        ("https://169.254.169.254/latest/tiny-1.whl", b"into a network of this machine"),
        ("https://[::1]/tiny-1.whl", b"into a network of this machine"),
        ("http://files.example/tiny-1.whl", b"not HTTPS"),
        ("file:///etc/tiny-1.whl", b"not HTTPS"),
        ("https://x:99999999/tiny-1.whl", b"host is not found"),
        ("javascript:tiny-1.whl", b"not HTTPS"),
        ("data:text/tiny-1.whl", b"not HTTPS"),
        ("http://[/tiny-1.whl", b"makes no sense"),
        ("https://\u2100.example/tiny-1.whl", b"makes no sense"),
    ],
)
async def test_an_index_leads_nowhere_inside(registry: Registry, mirror: Mirror, link: str, why: bytes):
    registry.things["/simple/tiny/"] = Thing(content=f'<a href="{link}">x</a>'.encode())
    status, said = await get(mirror, "/-/pip/files/tiny/tiny-1.whl")
    assert (status, why in said) == (502, True), said


async def test_a_redirect_leads_nowhere_inside(registry: Registry, mirror: Mirror, upstream: Upstream):
    filename = registry.put_wheel("tiny", "")
    moved = Thing(status=302, location="https://metadata.example/latest")
    upstream.addresses_of = lambda host, _: ["169.254.169.254" if host == "metadata.example" else "127.0.0.1"]
    registry.things[f"/files/{filename}"] = moved
    assert await get(mirror, f"/-/pip/files/tiny/{filename}") == (
        502, b"an index leads into a network of this machine\n",
    )  # fmt: skip
    registry.things[f"/files/{filename}"] = Thing(status=302, location=f"/files/{filename}")
    assert await get(mirror, f"/-/pip/files/tiny/{filename}") == (502, b"redirected too often\n")


@pytest.mark.parametrize("digest", ["0" * 64, b"no hash at all".hex()])
async def test_a_file_with_another_hash_is_not_given_and_not_kept(registry: Registry, mirror: Mirror, digest: str):
    filename = registry.put_wheel("tiny", "evil = 1", digest=digest)
    status, said = await get(mirror, f"/-/pip/files/tiny/{filename}")
    assert (status, b"another hash" in said) == (502, True)
    tarball = registry.put_package("tiny", "evil", integrity="sha512-AAAA")
    assert (await get(mirror, f"/tiny/-/{tarball}"))[0] == 502
    registry.put_wheel("tiny", "evil = 1")


@pytest.mark.parametrize(("name", "answered"), [("files.example", 200), ("other.example", 502)])
async def test_where_an_index_leads_must_be_who_it_says(
    name: str, answered: int, registry: Registry, mirror: Mirror, upstream: Upstream, tmp_path: Path
):
    certificate = make_certificate(tmp_path / "files.pem", "files.example")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    upstream.registries = replace(upstream.registries, ca_files=(certificate,))
    upstream.addresses_of, upstream.is_elsewhere = lambda *_: ["127.0.0.1"], lambda _: True
    with served(_say(b"HTTP/1.1 200 OK\r\n\r\n", b"a file"), tls=tls) as url:
        link = url.replace("127.0.0.1", name)
        registry.things["/simple/tiny/"] = Thing(content=f'<a href="{link}/tiny-1.whl">x</a>'.encode())
        status, content = await get(mirror, "/-/pip/files/tiny/tiny-1.whl")
    assert (status, content == b"a file") == (answered, answered == 200), content


async def test_what_is_too_large_or_too_slow_ends(registry: Registry, mirror: Mirror, upstream: Upstream):
    filename = registry.put_wheel("tiny", "")
    registry.things[f"/files/{filename}"] = Thing(content=b"x" * 3_000_000)
    registry.things["/npm/big"] = Thing(content=b" " * 3_000_000)
    registry.things["/npm/slow"] = Thing(content=b" " * 3_000_000, pause_s=0.05)
    upstream.file_bytes = upstream.page_bytes = 1_000_000
    assert await get(mirror, f"/-/pip/files/tiny/{filename}") == (502, b"larger than 1000000 bytes\n")
    assert await get(mirror, "/big") == (502, b"larger than 1000000 bytes\n")
    upstream.page_bytes, upstream.page_total_s = 10_000_000, 0.1
    started = time.monotonic()
    assert await get(mirror, "/slow") == (502, b"too slow\n")
    assert time.monotonic() - started < 20
    assert [path for path in upstream.folder.rglob("*") if path.name.startswith("new-")] == []


def _drip(begin: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    def answer(end: socket.socket) -> None:
        end.sendall(begin)
        while True:
            end.sendall(drop)
            time.sleep(0.02)

    return answer


def _say(*pieces: bytes) -> Callable[[socket.socket], None]:
    return lambda end: end.sendall(b"".join(pieces))


_BOMB = gzip.compress(bytes(20_000_000))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (_drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"), "too slow"),
        (_drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), "too slow"),
        (_drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), "too slow|broke off"),
        (_drip(b"", b"x"), "too slow"),
        (_say(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"half"), "broke off"),
        (_say(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", _BOMB), "larger than 1000000"),
        (_say(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", _BOMB[:-9]), "larger than 1000000"),
        (_say(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", b"no"), "broke off"),
        (_say(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n", b"no"), "packed in an unknown way"),
        (_say(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 200, b"\r\n"), "broke off"),
        (_say(b"220 mail.example ESMTP\r\n"), "broke off"),
    ],
)
def test_a_registry_that_answers_badly_is_hung_up_on(answer: Callable[[socket.socket], None], why: str, tmp_path: Path):
    with served(answer) as url:
        source = Source.parse(f"{url}/simple/")
        assert source is not None
        upstream = Upstream(registries=Registries(pip=(source,)), folder=tmp_path, page_bytes=1_000_000)
        upstream.page_total_s = 0.2
        started = time.monotonic()
        with pytest.raises(Unavailable, match=why):
            upstream.page(f"{source.url}tiny/", accept="text/html")
        assert time.monotonic() - started < 20
        assert list(tmp_path.rglob("*")) == []


@contextlib.contextmanager
def served(answer: Callable[[socket.socket], None], *, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server for one connection, which says what `answer` sends, and no more."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            end, _ = server.accept()
            with contextlib.suppress(OSError), tls.wrap_socket(end, server_side=True) if tls else end as ready:
                ready.recv(65_536)
                answer(ready)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http{'s' * bool(tls)}://127.0.0.1:{server.getsockname()[1]}"
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"versions": 3}', b"[" * 100_000, b"\xff"])
async def test_a_document_that_is_none(registry: Registry, mirror: Mirror, content: bytes):
    registry.things["/npm/odd"] = Thing(content=content, kind="application/json")
    status, answer = await get(mirror, "/odd")
    assert status == 502 or json.loads(answer)["versions"] == {}


async def test_indexes_are_read_one_after_the_other(
    registry: Registry, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
):
    registry.put_package("tiny", "")
    registry.put_wheel("tiny", "")
    inside, most = 0, 0

    def slowly(read: Callable[[Page], Any], page: Page) -> Any:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.02)
        inside -= 1
        return read(page)

    for name in ("_parsed", "_html_files"):
        monkeypatch.setattr(egress_mirror, name, functools.partial(slowly, getattr(egress_mirror, name)))
    await asyncio.gather(*(get(mirror, target) for target in ("/tiny", "/-/pip/simple/tiny/") for _ in range(4)))
    assert most == 1


async def test_names_that_do_not_exist_come_to_an_end(registry: Registry, mirror: Mirror):
    visit = Visit()
    for number in range(101):
        assert (await get(mirror, f"/secret-{number}", visit=visit))[0] == 404
    with pytest.raises(Denied, match="too many packages"):
        await get(mirror, "/one-more", visit=visit)
    assert len(registry.requests) == 101


async def test_what_is_kept_is_bounded(registry: Registry, mirror: Mirror, upstream: Upstream):
    upstream.max_bytes = 5_000
    for number in range(10):
        filename = registry.put_wheel(f"tiny{number}", f"x = '{'y' * 900}'")
        assert (await get(mirror, f"/-/pip/files/tiny{number}/{filename}"))[0] == 200
    assert sum(path.stat().st_size for path in upstream.folder.rglob("*") if path.is_file()) <= 5_000


async def test_what_a_killed_process_left_half_got_is_deleted(registry: Registry, mirror: Mirror, upstream: Upstream):
    registry.put_wheel("tiny", "")
    left, growing = upstream.folder / "new-left", upstream.folder / "new-growing"
    upstream.folder.mkdir()
    for file in (left, growing):
        file.touch()
    os.utime(left, (0, 0))
    await get(mirror, "/-/pip/simple/tiny/")
    assert (left.exists(), growing.exists()) == (False, True)


def test_it_says_where_packages_come_from_and_no_secret(mirror: Mirror):
    assert mirror.about() == "registries: 127.0.0.1 (pip), 127.0.0.1 (npm)"


async def test_without_registries_there_are_no_packages(mirror: Mirror, upstream: Upstream):
    upstream.registries = replace(upstream.registries, pip=(), npm=None)
    assert (await get(mirror, "/tiny"))[0] == 404
    assert (await get(mirror, "/-/pip/simple/tiny/"))[0] == 404
    assert mirror.about() == "registries: none (pip), none (npm)"
