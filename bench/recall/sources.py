"""Released sources of third-party projects, from the registries that this machine's pip and npm are set up for.

Archives are only read: nothing of them is unpacked to disk, built or run.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from github_app.core.errors import HonkError

CACHE = Path(tempfile.gettempdir()) / "honk-recall"
"""Downloaded archives; delete it when done."""

_MAX_FILE_BYTES = 2_000_000
_VERSION = re.compile(r"\d+(\.\d+)+")

Tree = dict[str, bytes]


class Absent(HonkError):
    """The registry does not have this release, or not as sources."""


class Pypi:
    """Source distributions, found and fetched by pip's own machinery. Nothing of a release is run."""

    def __init__(self) -> None:
        from pip._internal.commands import create_command  # pip has no public API for an index

        command: Any = create_command("download")
        options, _ = command.parse_args(["--no-binary", ":all:", "--no-deps", "x"])
        self._session = command._build_session(options)
        self._finder = command._build_package_finder(options, self._session)
        self._links: dict[str, dict[str, Any]] = {}

    def versions(self, name: str) -> list[str]:
        """The released versions that have sources, oldest first."""
        return list(self._found(name))

    def fetch(self, name: str, version: str) -> Path:
        """The archive of a release. Raises `Absent`."""
        link = self._found(name).get(version)
        if link is None:
            raise Absent(f"{name} {version} has no sources")
        path = CACHE / f"{name}-{version}-{Path(link.filename).name[-40:]}"
        if not path.is_file():
            answer = self._session.get(link.url_without_fragment, headers={"Accept-Encoding": "identity"})
            answer.raise_for_status()
            if link.hash_name == "sha256" and hashlib.sha256(answer.content).hexdigest() != link.hash:
                raise Absent(f"{name} {version} is not what the index says")
            _keep(path, answer.content)
        return path

    def _found(self, name: str) -> dict[str, Any]:
        if name not in self._links:
            found = sorted(self._finder.find_all_candidates(name), key=lambda each: each.version)
            self._links[name] = {
                str(each.version): each.link
                for each in found
                if not each.version.is_prerelease and not each.link.is_wheel and "://" in each.link.url
            }
        return self._links[name]


class Npm:
    """Packages as they were published, by `npm pack`, which runs no script of theirs."""

    def versions(self, name: str) -> list[str]:
        """The released versions, oldest first."""
        said = subprocess.check_output(["npm", "view", name, "versions", "--json"], text=True)
        found = [each for each in json.loads(said) if re.fullmatch(r"\d+(\.\d+)*", each)]
        return sorted(found, key=lambda each: [int(part) for part in each.split(".")])

    def fetch(self, name: str, version: str) -> Path:
        """The archive of a release. Raises `Absent`."""
        path = CACHE / f"{name.replace('/', '-')}-{version}.tgz"
        if not path.is_file():
            with tempfile.TemporaryDirectory() as folder:
                command = ["npm", "pack", "--silent", "--ignore-scripts", f"{name}@{version}"]
                if subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False).returncode:
                    raise Absent(f"{name} {version} is not there")
                _keep(path, next(Path(folder).iterdir()).read_bytes())
        return path


def read(archive: Path) -> Tree:
    """The regular files of an archive by path below its top folder; giants are left out."""
    return dict(_members(archive))


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as opened:
            for member in opened.infolist():
                if not member.is_dir() and member.file_size <= _MAX_FILE_BYTES and "/" in member.filename:
                    yield member.filename.partition("/")[2], opened.read(member)
        return
    with tarfile.open(archive) as tar:
        for each in tar:
            if (
                each.isfile()
                and each.size <= _MAX_FILE_BYTES
                and (path := each.name.removeprefix("./").partition("/")[2])
            ):
                content = tar.extractfile(each)
                if content is not None:
                    yield path, content.read()


def _keep(path: Path, content: bytes) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    making = path.with_suffix(".making")
    making.write_bytes(content)
    making.rename(path)
