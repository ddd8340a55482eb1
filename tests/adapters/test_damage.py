"""Mirrors, checkouts and workspaces are caches: what a power loss or a kill leaves of them is noticed and made anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from github_app.adapters.repository.checkouts import Checkouts
from github_app.adapters.repository.git import Git
from github_app.adapters.repository.mirrors import Mirrors
from github_app.core.errors import Transient
from tests.adapters.damage import DAMAGES
from tests.adapters.desks import Desk, sh, told
from tests.adapters.origins import LOCAL_GIT, Origin, text

FILES = {f"src/{number}.txt": text(f"{number * 7919}\n" * 50) for number in range(20)}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("is_new", [False, True], ids=["the same commit", "a new commit"])
def test_a_damaged_mirror_is_made_anew(tmp_path: Path, damage: str, is_new: bool) -> None:
    origin = Origin.create(tmp_path / "origin.git")
    mirrors = Mirrors(root=tmp_path / "mirrors", git=LOCAL_GIT)
    checkouts = Checkouts(root=tmp_path / "checkouts", git=LOCAL_GIT, owner=(os.geteuid(), os.getegid()))
    sha = origin.commit(FILES)
    DAMAGES[damage](mirrors.ensure(1, sha, lambda: origin.auth))
    if is_new:
        sha = origin.commit(FILES | {"new.txt": text("new\n")})

    def lease() -> Path:
        lease = checkouts.lease(1, sha, lambda: mirrors.ensure(1, sha, lambda: origin.auth))
        lease.release()
        return lease.tree

    try:
        tree = lease()
    except Transient:  # a turn tries again
        tree = lease()
    assert {name: (tree / name).read_bytes() for name in FILES} == {name: body for name, (_, body) in FILES.items()}
    assert (tree / "new.txt").exists() == is_new


@pytest.mark.parametrize("said", ["fatal: unable to read tree: No space left on device", "error: Permission denied"])
def test_a_disk_that_is_full_is_no_damage(tmp_path: Path, said: str) -> None:
    fake = tmp_path / "git"
    fake.write_text(f"#!/bin/sh\necho 'fatal: pack is corrupt; {said}' >&2\nexit 128\n")
    fake.chmod(0o755)
    mirror = tmp_path / "1.git"
    mirror.mkdir()
    with pytest.raises(Exception, match="corrupt"):
        Git(env={"PATH": str(tmp_path)}).run(mirror, ["fsck"])
    assert list(mirror.iterdir()) == []


@pytest.mark.parametrize("has_overlay", [True, False], ids=["overlay", "copy"])
async def test_what_was_made_before_the_machine_was_started_is_made_anew(
    open_tmp_path: Path, has_overlay: bool
) -> None:
    desk = Desk.create(open_tmp_path, has_overlay=has_overlay)
    sha = desk.origin.commit(FILES)
    workspace = await desk.open(sha, key="1-1-1")
    await sh(workspace, "echo written > written; echo kept > ~/kept")
    await workspace.close(discard=False)
    _lose_power(open_tmp_path)

    workspace = await desk.open(sha, key="1-1-1")
    assert told(await workspace.changes()) == {}
    assert await sh(workspace, "cat src/1.txt ~/kept written 2>/dev/null || true") == FILES["src/1.txt"][1].decode()
    await workspace.close(discard=False)


def _lose_power(root: Path) -> None:
    """What was not synced is empty, and the machine is started anew."""
    for folder in ("checkouts", "workspaces"):
        for path in root.rglob(f"{folder}/**/*"):
            if path.is_file():
                path.write_bytes(b"another boot" if path.name.endswith("lock") else b"")
