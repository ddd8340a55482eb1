"""The mirror of registries: what installing needs, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from github_app.adapters.egress.mirror import Mirror, Visit
from github_app.adapters.egress.rules import Denied
from github_app.adapters.egress.upstream import Upstream
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
    assert time.monotonic() - started < 5
    assert [path for path in upstream.folder.rglob("*") if path.name.startswith("new-")] == []


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"versions": 3}', b"[" * 100_000, b"\xff"])
async def test_a_document_that_is_none(registry: Registry, mirror: Mirror, content: bytes):
    registry.things["/npm/odd"] = Thing(content=content, kind="application/json")
    status, answer = await get(mirror, "/odd")
    assert status == 502 or json.loads(answer)["versions"] == {}


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


def test_it_says_where_packages_come_from_and_no_secret(mirror: Mirror):
    assert mirror.about() == "registries: 127.0.0.1 (pip), 127.0.0.1 (npm)"


async def test_without_registries_there_are_no_packages(mirror: Mirror, upstream: Upstream):
    upstream.registries = replace(upstream.registries, pip=(), npm=None)
    assert (await get(mirror, "/tiny"))[0] == 404
    assert (await get(mirror, "/-/pip/simple/tiny/"))[0] == 404
    assert mirror.about() == "registries: none (pip), none (npm)"
