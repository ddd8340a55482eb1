"""What a power loss or a kill leaves of a mirror: each kind really done to the files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.adapters.origins import LOCAL_GIT


def _pack(mirror: Path, ending: str = "pack") -> Path:
    [path] = (mirror / "objects/pack").glob(f"*.{ending}")
    path.chmod(0o600)
    return path


def _ref(mirror: Path) -> Path:
    return next(path for path in (mirror / "refs").rglob("*") if path.is_file())


def _tear(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def _blank(path: Path) -> None:
    """Its size is kept, what is in its middle is not."""
    content = path.read_bytes()
    third = len(content) // 3
    path.write_bytes(content[:third] + bytes(third) + content[2 * third :])


def _tear_packed_refs(mirror: Path) -> None:
    LOCAL_GIT.run(mirror, ["pack-refs", "--all"])
    _tear(mirror / "packed-refs", 0.6)


def _lock(mirror: Path) -> None:
    names = (
        "shallow.lock",
        "packed-refs.lock",
        "config.lock",
        "index.lock",
        "gc.pid",
        "objects/info/commit-graph.lock",
    )
    for name in (*names, f"{_ref(mirror).relative_to(mirror)}.lock"):
        (mirror / name).parent.mkdir(exist_ok=True)
        (mirror / name).touch()


def _leave_half_made(mirror: Path) -> None:
    making = mirror.with_suffix(".making")
    making.mkdir()
    (making / "HEAD").touch()
    shutil.rmtree(mirror)


def _empty(mirror: Path) -> None:
    shutil.rmtree(mirror)
    mirror.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "an empty pack": lambda mirror: _pack(mirror).write_bytes(b""),
    "a torn pack": lambda mirror: _tear(_pack(mirror), 0.7),
    "a pack with a hole": lambda mirror: _blank(_pack(mirror)),
    "an empty index of a pack": lambda mirror: _pack(mirror, "idx").write_bytes(b""),
    "a torn index of a pack": lambda mirror: _tear(_pack(mirror, "idx"), 0.7),
    "a pack without its index": lambda mirror: _pack(mirror, "idx").unlink(),
    "an index without its pack": lambda mirror: _pack(mirror).unlink(),
    "an empty HEAD": lambda mirror: (mirror / "HEAD").write_bytes(b""),
    "an empty config": lambda mirror: (mirror / "config").write_bytes(b""),
    "a torn config": lambda mirror: (mirror / "config").write_bytes(b"[core\nbare"),
    "an empty ref": lambda mirror: _ref(mirror).write_bytes(b""),
    "a torn list of where history ends": lambda mirror: (mirror / "shallow").write_bytes(b"0123"),
    "a torn list of refs": _tear_packed_refs,
    "no objects": lambda mirror: shutil.rmtree(mirror / "objects"),
    "locks of a killed git": _lock,
    "a half-made mirror": _leave_half_made,
    "an empty folder": _empty,
}
"""By what they leave. Each is done to a mirror with one pack."""
