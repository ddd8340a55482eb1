"""Package registries of our own: an index for pip and a registry for npm that serve what a test puts there."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from github_app.adapters.egress.registries import Registries, Source


@dataclass(frozen=True, kw_only=True)
class Thing:
    """An answer."""

    content: bytes = b""
    kind: str = "text/html"
    status: int = 200
    location: str = ""
    pause_s: float = 0


@dataclass(kw_only=True)
class Registry:
    """Things by path, and the requests that came, each with its headers."""

    things: dict[str, Thing] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def registries(self, *, secret: str = "") -> Registries:
        """Both kinds, here."""
        pip = Source.parse(f"{self.url}/simple".replace("://", f"://{secret}@" if secret else "://"))
        npm = Source.parse(f"{self.url}/npm/")
        assert pip is not None
        return Registries(pip=(pip,), npm=npm)

    def paths(self) -> list[str]:
        """What was asked for."""
        return [path for _, path, _ in self.requests]

    def put_wheel(self, name: str, code: str, *, digest: str = "") -> str:
        """A wheel with one module, and its page; the wheel's name."""
        wheel = make_wheel(name, code)
        filename = f"{name}-1.0-py3-none-any.whl"
        digest = digest or hashlib.sha256(wheel).hexdigest()
        link = f'<a href="../../files/{filename}#sha256={digest}" data-requires-python="&gt;=3">{filename}</a>'
        self.things[f"/simple/{name}/"] = Thing(content=f"<html>{link}</html>".encode())
        self.things[f"/files/{filename}"] = Thing(content=wheel, kind="application/octet-stream")
        return filename

    def put_package(self, name: str, code: str, *, integrity: str = "", scripts: dict[str, str] | None = None) -> str:
        """A package for npm with one file; its tarball's name."""
        manifest = {"name": name, "version": "1.0.0", "main": "index.js", "scripts": scripts or {}}
        tarball = make_tarball({"package/package.json": json.dumps(manifest), "package/index.js": code})
        filename = f"{name.rpartition('/')[2]}-1.0.0.tgz"
        integrity = integrity or f"sha512-{base64.b64encode(hashlib.sha512(tarball).digest()).decode()}"
        dist = {"tarball": f"{self.url}/tarballs/{filename}", "integrity": integrity}
        document = {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": {**manifest, "dist": dist}}}
        kind = "application/json"
        self.things[f"/npm/{name.replace('/', '%2f')}"] = Thing(content=json.dumps(document).encode(), kind=kind)
        self.things[f"/tarballs/{filename}"] = Thing(content=tarball, kind="application/octet-stream")
        return filename


@contextmanager
def open_registry() -> Iterator[Registry]:
    """A registry at a port of this machine."""
    registry = Registry()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            registry.requests.append((self.command, self.path, dict(self.headers)))
            thing = registry.things.get(self.path.replace("%2F", "%2f"), Thing(status=404))
            self.send_response(thing.status)
            self.send_header("Content-Type", thing.kind)
            if thing.location:
                self.send_header("Location", thing.location)
            self.end_headers()
            try:
                for at in range(0, len(thing.content), 65_536):
                    time.sleep(thing.pause_s)
                    self.wfile.write(thing.content[at : at + 65_536])
            except OSError:
                pass

        do_POST = do_PUT = do_HEAD = do_DELETE = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        registry.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield registry
        finally:
            server.shutdown()
            thread.join()


def make_wheel(name: str, code: str) -> bytes:
    """A wheel with one module."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: honk\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return made.getvalue()


def make_tarball(files: dict[str, str]) -> bytes:
    """A gzipped tar of texts."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for path, text in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return made.getvalue()
