"""Files of a hostile tree: what the agent plants there never makes us read, write or wait outside of it."""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from github_app.adapters.sandbox.files import delete_file, disk_usage, read_file, walk, write_file
from github_app.core.errors import PathRefused, ToolFailed


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Give a tree with one file, beside a secret."""
    (tmp_path / "secret.txt").write_text("secret")
    tree = tmp_path / "tree"
    (tree / "src").mkdir(parents=True)
    (tree / "src/a.txt").write_text("hello")
    return tree


def test_file_is_read_by_folder_and_by_descriptor(tree: Path) -> None:
    assert read_file(tree, "src/a.txt", max_bytes=5) == b"hello"
    assert read_file(tree, "./src//a.txt", max_bytes=5) == b"hello"
    fd = os.open(tree, os.O_RDONLY)
    assert read_file(fd, "src/a.txt", max_bytes=5) == b"hello"
    os.close(fd)


@pytest.mark.parametrize(
    "path", ["../secret.txt", "src/../../secret.txt", "/etc/passwd", "", ".", "a\0b", "src/..", "x" * 5000]
)
def test_path_that_leaves_the_tree_is_refused(tree: Path, path: str) -> None:
    for act in _acts(tree, path):
        with pytest.raises(PathRefused):
            act()


@pytest.mark.parametrize(
    "target", ["../secret.txt", "/etc/passwd", "src/a.txt", "/proc/self/environ", "src", "nowhere", "link"]
)
def test_link_is_refused_wherever_it_leads(tree: Path, target: str) -> None:
    (tree / "link").symlink_to(target)

    for path in ("link", "link/a.txt"):
        for act in _acts(tree, path)[:2]:
            with pytest.raises(PathRefused):
                act()
    assert (tree.parent / "secret.txt").read_text() == "secret"


def test_link_itself_can_be_deleted_but_nothing_beyond_it(tree: Path) -> None:
    (tree / "link").symlink_to("../secret.txt")
    (tree / "out").symlink_to("..")

    delete_file(tree, "link")
    with pytest.raises(PathRefused):
        delete_file(tree, "out/secret.txt")

    assert not (tree / "link").is_symlink()
    assert (tree.parent / "secret.txt").exists()


def test_what_is_not_a_regular_file_is_refused_at_once(tree: Path) -> None:
    os.mkfifo(tree / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tree / "socket"))
    for path in ("fifo", "socket", "src"):
        with pytest.raises(PathRefused, match="not a regular file"):
            read_file(tree, path, max_bytes=10)
        with pytest.raises(PathRefused, match="not a regular file"):
            write_file(tree, path, b"x")


def test_missing_and_too_large_files_are_told(tree: Path) -> None:
    with pytest.raises(ToolFailed, match="No such file"):
        read_file(tree, "src/b.txt", max_bytes=10)
    with pytest.raises(ToolFailed, match="No such file"):
        delete_file(tree, "src/b.txt")
    with pytest.raises(ToolFailed, match="has 5 bytes, more than the 4"):
        read_file(tree, "src/a.txt", max_bytes=4)


def test_writing_makes_folders_and_keeps_the_mode(tree: Path) -> None:
    write_file(tree, "new/deep/b.sh", b"one")
    write_file(tree, "new/deep/b.sh", b"two", executable=True)
    write_file(tree, "new/deep/b.sh", b"three")

    file = tree / "new/deep/b.sh"
    assert file.read_bytes() == b"three"
    assert stat.S_IMODE(file.stat().st_mode) == 0o755
    write_file(tree, "new/deep/b.sh", b"four", executable=False)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [path.name for path in file.parent.iterdir()] == ["b.sh"], "no temporary file is left"


def test_writing_takes_set_uid_bits_away(tree: Path) -> None:
    (tree / "src/a.txt").chmod(0o4755)

    write_file(tree, "src/a.txt", b"x")

    assert stat.S_IMODE((tree / "src/a.txt").stat().st_mode) == 0o755


def test_hard_link_to_a_file_elsewhere_is_replaced_not_written_through(tree: Path) -> None:
    os.link(tree.parent / "secret.txt", tree / "hard")

    write_file(tree, "hard", b"mine")

    assert (tree.parent / "secret.txt").read_text() == "secret"


def test_file_in_the_place_of_a_folder_is_told(tree: Path) -> None:
    with pytest.raises(ToolFailed):
        write_file(tree, "src/a.txt/b", b"x")


@pytest.mark.parametrize("path", [".git/config", "sub/.git/hooks/pre-commit", ".GIT/config", ".Git", "a/.gIt/b"])
def test_nothing_is_written_in_a_git_folder(tree: Path, path: str) -> None:
    with pytest.raises(PathRefused, match=r"\.git"):
        write_file(tree, path, b"x")
    with pytest.raises(PathRefused, match=r"\.git"):
        delete_file(tree, path)


def test_names_that_only_look_like_git_folders_are_fine(tree: Path) -> None:
    write_file(tree, ".gitignore", b"x")
    write_file(tree, ".github/workflows/ci.yml", b"x")

    assert read_file(tree, ".gitignore", max_bytes=1) == b"x"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_writes_belongs_to_the_sandbox(tree: Path) -> None:
    write_file(tree, "new/deep/b.txt", b"x", owner=(60737, 60737))

    made = [tree / "new", tree / "new/deep", tree / "new/deep/b.txt"]
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {(60737, 60737)}
    assert tree.stat().st_uid == 0


def test_walk_lists_files_in_order_and_follows_nothing(tree: Path) -> None:
    (tree / "b").mkdir()
    (tree / "b/z").write_bytes(b"12")
    (tree / "a.sh").write_text("x")
    (tree / "a.sh").chmod(0o755)
    (tree / "link").symlink_to("/etc")
    (tree / os.fsdecode(b"bad\xff\nname")).write_text("")

    entries = list(walk(tree, limit=100))

    assert [entry.path for entry in entries] == ["a.sh", "bad\udcff\nname", "link", "b/z", "src/a.txt"]
    kinds = {entry.path: (stat.S_IFMT(entry.mode), entry.size) for entry in entries}
    assert kinds["link"] == (stat.S_IFLNK, 4)
    assert kinds["b/z"] == (stat.S_IFREG, 2)
    assert entries[0].mode & 0o111


def test_walk_shows_folders_if_asked(tree: Path) -> None:
    (tree / "empty").mkdir()
    os.setxattr(tree / "empty", "user.overlay.opaque", b"y")

    folders = [entry for entry in walk(tree, limit=100, folders=True) if stat.S_ISDIR(entry.mode)]

    assert [(entry.path, entry.opaque) for entry in folders] == [("empty", True), ("src", False)]


def test_walk_stops_at_its_limit(tree: Path) -> None:
    for number in range(20):
        (tree / str(number)).touch()

    with pytest.raises(ToolFailed, match="more than 10 files"):
        list(walk(tree, limit=10))
    assert len(list(walk(tree, limit=22))) == 21


def test_walk_goes_deep_with_few_descriptors_and_refuses_what_no_path_can_name(tree: Path) -> None:
    fd = os.open(tree, os.O_RDONLY)
    for _ in range(60):
        os.mkdir("d" * 100, dir_fd=fd)
        inner = os.open("d" * 100, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)

    with pytest.raises(PathRefused, match="too long"):
        list(walk(tree, limit=1000))


def test_disk_usage_counts_blocks_not_sizes(tree: Path) -> None:
    (tree / "sparse").touch()
    os.truncate(tree / "sparse", 2**40)
    (tree / "real").write_bytes(b"x" * 100_000)

    assert 100_000 <= disk_usage(tree) < 1_000_000


def test_folder_swapped_for_a_link_while_we_look_never_leaks(tree: Path) -> None:
    """The race that a check before the open loses: the agent flips a folder to a link and back."""
    outside = tree.parent / "outside"
    outside.mkdir()
    (outside / "a.txt").write_text("secret")
    (tree / "evil").symlink_to(outside)
    done = threading.Event()

    def flip() -> None:
        while not done.is_set():
            (tree / "src").rename(tree / "was")
            (tree / "evil").rename(tree / "src")
            (tree / "src").rename(tree / "evil")
            (tree / "was").rename(tree / "src")

    flipper = threading.Thread(target=flip)
    flipper.start()
    seen = {_read_or_none(tree) for _ in range(5000)}
    listed = {entry.path for _ in range(500) for entry in walk(tree, limit=100)}
    done.set()
    flipper.join()

    assert seen <= {b"hello", None}
    assert listed <= {"evil", "src", "src/a.txt", "was", "was/a.txt"}


def _read_or_none(tree: Path) -> bytes | None:
    try:
        return read_file(tree, "src/a.txt", max_bytes=10)
    except ToolFailed:
        return None


def _acts(tree: Path, path: str) -> list[Callable[[], object]]:
    return [
        lambda: read_file(tree, path, max_bytes=10),
        lambda: write_file(tree, path, b"x"),
        lambda: delete_file(tree, path),
    ]
