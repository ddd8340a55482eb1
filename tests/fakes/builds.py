"""What CI left, without a GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from github_app.core.builds import Artifact, Entry, Item, Preview
from github_app.core.model import Repo


# ruff: noqa: ARG002 - the arguments are the port's
@dataclass
class PreparedBuilds:
    """Artifacts with what is in them, by name; an exception in the place of contents is raised."""

    left: dict[str, dict[str, bytes] | Exception] = field(default_factory=dict)
    shown: tuple[Preview, ...] = ()
    looked: list[str] = field(default_factory=list)

    def artifacts(self, repo: Repo, sha: str) -> tuple[Artifact, ...]:
        self.looked.append(sha)
        return tuple(
            Artifact(id=number, run_id=1, name=name, size_bytes=100, digest="sha256:zip")
            for number, name in enumerate(self.left)
        )

    def previews(self, repo: Repo, sha: str) -> tuple[Preview, ...]:
        return self.shown

    def look_into(self, repo: Repo, artifact: Artifact) -> tuple[Entry, ...] | None:
        found = self.left[artifact.name]
        if isinstance(found, Exception):
            raise found
        return tuple(
            Entry(path=path, size_bytes=len(content), packed_bytes=len(content)) for path, content in found.items()
        )

    def read(self, repo: Repo, item: Item) -> Iterator[bytes]:
        found = self.left[item.artifact]
        assert not isinstance(found, Exception)
        content = found[item.path]
        for at in range(0, len(content), 4):
            yield content[at : at + 4]
