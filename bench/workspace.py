"""From "a turn starts" to "its sandbox is ready", against git's own ways to get a working tree, and what listing costs.

`python -m bench.workspace [FILES] [--write]` makes a synthetic repository (20,000 files by default), measures all in
one run, interleaved, and prints Markdown. Needs bubblewrap with overlays. "Ready" is: the workspace is open and the
first command (`true`) has ended in it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench.report import machine, publish, table
from github_app.adapters.repository.evictions import evict
from github_app.adapters.repository.git import Git
from github_app.adapters.repository.workspaces import LocalWorkspace, LocalWorkspaces
from github_app.adapters.sandbox.bubblewrap import Bubblewrap
from github_app.core.model import Repo
from github_app.core.ports import GitAuth

REPO = Repo(id=1, full_name="bench/repo", installation_id=1, default_branch="main")
GIT = Git(allow_file=True)
ROUNDS = 3
AT_ONCE = 10
CHANGED = 20


def make_repository(path: Path, *, files: int) -> str:
    """A bare repository of two commits; sizes are log-normal around 3 KB, as source files are. Returns its tip."""
    chance = random.Random(7)  # noqa: S311 - the same files in each run
    words = ["".join(chance.choices("etaoinshrdlucmf_", k=chance.randint(2, 11))) for _ in range(5000)]
    lines = [" ".join(chance.choices(words, k=chance.randint(2, 9))).encode() + b"\n" for _ in range(20_000)]

    def stream() -> Iterator[bytes]:
        yield b"commit refs/heads/main\ncommitter b <b@example.org> 1700000000 +0000\ndata 5\nfirst\n"
        for number in range(files):
            content = b"".join(chance.choices(lines, k=max(3, int(chance.lognormvariate(4.4, 1.0)))))
            name = f"src/part{number % 97:02d}/group{number % 401:03d}/file{number:05d}.py"
            yield b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(content), content)
        yield b"commit refs/heads/main\ncommitter b <b@example.org> 1700000600 +0000\ndata 4\nnext\n"
        yield b"M 100644 inline .gitignore\ndata 6\n*.log\n\n"

    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", path], check=True)
    with subprocess.Popen(["git", "-C", path, "fast-import", "--quiet"], stdin=subprocess.PIPE) as importing:
        assert importing.stdin is not None
        importing.stdin.writelines(stream())
    subprocess.run(["git", "-C", path, "gc", "-q"], check=True)
    return subprocess.check_output(["git", "-C", path, "rev-parse", "main"], text=True).strip()


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One repository and a place where to open it."""

    room: Path
    sha: str
    sandbox: Bubblewrap

    @property
    def origin(self) -> Path:
        return self.room / "origin.git"

    def workspaces(self, name: str, *, has_overlay: bool) -> LocalWorkspaces:
        return LocalWorkspaces(root=self.room / name, git=GIT, sandbox=replace(self.sandbox, has_overlay=has_overlay))

    async def open(self, workspaces: LocalWorkspaces, key: str) -> LocalWorkspace:
        return await workspaces.open(REPO, self.sha, key, auth=lambda: GitAuth(url=str(self.origin)))

    async def turn(self, workspaces: LocalWorkspaces, key: str) -> None:
        """What a turn does before its first tool call."""
        workspace = await self.open(workspaces, key)
        result = await workspace.exec(["true"])
        assert result.exit_code == 0, result.output
        await workspace.close(discard=False)


async def timed(work: Awaitable[object]) -> float:
    """Seconds that it took."""
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def run(*argv: object) -> None:
    """Run a command that must succeed."""
    process = await asyncio.create_subprocess_exec(*map(str, argv))
    assert await process.wait() == 0, argv


# --- the ways ----------------------------------------------------------------------------------------------------

Way = Callable[[Bench, Path], Coroutine[object, object, object]]


async def clone(bench: Bench, place: Path) -> None:
    """`git clone --depth 1`, without a network to wait for."""
    await run("git", "clone", "-q", "--depth", "1", f"file://{bench.origin}", place)


async def bare_checkout(bench: Bench, place: Path) -> None:
    """Just the files, from a mirror that is there already: what git needs to write them, with two workers."""
    parallel = ["-c", "checkout.workers=2", "-c", "checkout.thresholdForParallelism=100"]
    place.mkdir()
    tree = ["-c", "core.bare=false", f"--git-dir={bench.origin}", f"--work-tree={place}"]
    await run("env", f"GIT_INDEX_FILE={place}.index", "git", *parallel, *tree, "read-tree", "--reset", "-u", bench.sha)


async def cold(bench: Bench, place: Path) -> None:
    """Nothing is here: fetch the mirror, make the shared checkout, open, run."""
    await bench.turn(bench.workspaces(place.name, has_overlay=True), "cold")


async def new_commit(bench: Bench, place: Path) -> None:
    """The mirror is here, nobody opened this commit before."""
    workspaces = bench.workspaces("warm", has_overlay=True)
    assert evict(workspaces.checkouts.kept(), idle_s=-1, max_bytes=None)
    await bench.turn(workspaces, place.name)


async def warm(bench: Bench, place: Path) -> None:
    """Somebody opened this commit before."""
    await bench.turn(bench.workspaces("warm", has_overlay=True), place.name)


async def fallback(bench: Bench, place: Path) -> None:
    """No overlays on this machine; the mirror is here."""
    await bench.turn(bench.workspaces("copies", has_overlay=False), place.name)


ONE: dict[str, Way] = {
    "`git clone --depth 1`": clone,
    "bare checkout of the same tree": bare_checkout,
    "Honk, cold (fetch, checkout, open, `true`)": cold,
    "Honk, new commit (checkout, open, `true`)": new_commit,
    "Honk, warm (open, `true`)": warm,
    "Honk, fallback without overlays (checkout, open, `true`)": fallback,
}
MANY: dict[str, Way] = {
    "`git clone --depth 1`": clone,
    "bare checkout of the same tree": bare_checkout,
    "Honk, warm": warm,
    "Honk, fallback": fallback,
}


async def measure_opening(bench: Bench) -> list[str]:
    """The tables of opening, one and ten at once, each after its title."""
    for name, has_overlay in (("warm", True), ("copies", False)):
        await bench.turn(bench.workspaces(name, has_overlay=has_overlay), "first")
    places = (bench.room / f"place{number}" for number in range(10**6))
    ones: dict[str, list[float]] = {name: [] for name in ONE}
    for _ in range(ROUNDS):  # interleaved, so that a drift of the disk meets every way
        for name, way in ONE.items():
            os.sync()
            place = next(places)
            ones[name].append(await timed(way(bench, place)))
            clear(bench, place)
    base = statistics.median(ones["bare checkout of the same tree"])
    one = [
        (name, f"{statistics.median(s):.3f}", f"{max(s):.3f}", f"{statistics.median(s) / base:.2f}")
        for name, s in ones.items()
    ]
    rows: list[tuple[str, ...]] = []
    for name, way in MANY.items():
        os.sync()
        group = [next(places) for _ in range(AT_ONCE)]
        seconds = await timed(asyncio.gather(*(way(bench, place) for place in group)))
        rows.append((name, f"{seconds:.2f}"))
        for place in group:
            clear(bench, place)
    return [
        "One turn:",
        table(("way", "median s", "worst s", "× bare checkout"), one),
        f"{AT_ONCE} turns at once:",
        table(("way", "s until the last is ready"), rows),
    ]


def clear(bench: Bench, place: Path) -> None:
    """Delete what a way made, so that none is charged for another's disk."""
    for path in (place, *bench.room.glob(f"*/workspaces/{place.name}")):
        shutil.rmtree(path, ignore_errors=True)
    place.with_suffix(".index").unlink(missing_ok=True)


async def measure_listing(bench: Bench, *, files: int) -> list[tuple[str, ...]]:
    """Rows of what it costs to say what changed."""
    rows: list[tuple[str, ...]] = []
    edit = f"for i in $(seq {CHANGED}); do echo x > src/new$i; done; rm src/part00/group000/file00000.py; touch a.log"
    for name, has_overlay in (("overlay", True), ("fallback", False)):
        workspace = await bench.open(bench.workspaces(f"list-{name}", has_overlay=has_overlay), "list")
        assert (await workspace.exec(["sh", "-c", edit])).exit_code == 0
        changes = await workspace.changes()
        assert len(changes.changes) == CHANGED + 1
        seconds = [await timed(workspace.changes()) for _ in range(ROUNDS)]
        status = [await timed(workspace.exec(["git", "status", "--short"])) for _ in range(ROUNDS)]
        rows.append(
            (f"{files:,}", name, f"{statistics.median(seconds) * 1000:.1f}", f"{statistics.median(status) * 1000:.1f}")
        )
        await workspace.close(discard=True)
    return rows


async def main(files: int, *, write: bool) -> None:
    """Measure, print, and with `write` put it on the page."""
    told = [f"{machine()}; {files:,} files; {ROUNDS} interleaved rounds"]
    rows: list[tuple[str, ...]] = []
    for size in sorted({max(files // 100, 100), files}):
        with tempfile.TemporaryDirectory(prefix="honk-bench-", ignore_cleanup_errors=True) as name:
            room = Path(name)
            room.chmod(0o755)
            sha = make_repository(room / "origin.git", files=size)
            bench = Bench(room=room, sha=sha, sandbox=Bubblewrap.probe(state_dir=room))
            assert bench.sandbox.has_overlay, "this wants a bubblewrap with overlays: pip install 'honk[demo]'"
            rows += await measure_listing(bench, files=size)
            if size == files:
                told += await measure_opening(bench)
    head = ("files", "workspace", "what changed, ms", "`git status` in the sandbox, ms")
    told += [f"Listing {CHANGED} new files and a deletion:", table(head, rows)]
    publish("workspace", "\n\n".join(told), write=write)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=int, nargs="?", default=20_000)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    options = parser.parse_args()
    asyncio.run(main(options.files, write=options.write))
