"""A mirror fetches what is asked for, once, and tells nobody the token."""

from __future__ import annotations

import base64
import itertools
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from github_app.adapters.repository.git import Git, error_of
from github_app.adapters.repository.mirrors import HISTORY_COMMITS, Mirrors
from github_app.adapters.repository.pushes import Signature, make_commit, push
from github_app.core.errors import AccessDenied, Gone, HonkError, LimitReached, NotVisibleYet, Transient
from github_app.core.model import ChangeSet, FileChange
from github_app.core.ports import GitAuth
from tests.adapters.origins import LOCAL_GIT, Origin, text
from tests.edge.cases import shows

TOKEN = "ghs_a_very_secret_token"
SHA = "0123456789" * 4


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin.create(tmp_path / "origin.git")


@pytest.fixture
def mirrors(tmp_path: Path) -> Mirrors:
    return Mirrors(root=tmp_path / "mirrors", git=LOCAL_GIT)


def never() -> GitAuth:
    raise AssertionError("asked for a way to fetch what is there already")


def test_commit_is_fetched_once_and_then_needs_no_network(mirrors: Mirrors, origin: Origin) -> None:
    sha = origin.commit({"a": text("1")})
    mirrors.ensure(1, sha, lambda: origin.auth)
    assert mirrors.ensure(1, sha, never) == mirrors.path(1)


def test_new_commit_is_fetched_into_the_same_mirror(mirrors: Mirrors, origin: Origin) -> None:
    mirrors.ensure(1, origin.commit({"a": text("1")}), lambda: origin.auth)
    mirrors.ensure(1, origin.commit({"a": text("2")}), lambda: origin.auth)


def test_commit_that_no_branch_has_any_more_is_fetched_by_its_name(mirrors: Mirrors, origin: Origin) -> None:
    origin.commit({"a": text("1")})
    sha = origin.commit({"a": text("2")}, branch="gone")
    origin.delete_branch("gone")
    origin.git("config", "uploadpack.allowAnySHA1InWant", "true")
    mirrors.ensure(1, sha, lambda: origin.auth)


def test_branch_that_becomes_a_folder_of_branches_does_not_stop_fetching(mirrors: Mirrors, origin: Origin) -> None:
    mirrors.ensure(1, origin.commit({"a": text("1")}, branch="x"), lambda: origin.auth)
    origin.delete_branch("x")
    mirrors.ensure(1, origin.commit({"a": text("2")}, branch="x/y"), lambda: origin.auth)


@shows("W69", "W70")
def test_a_long_history_is_not_fetched_and_what_is_made_of_it_fits_it(mirrors: Mirrors, origin: Origin) -> None:
    for number in range(HISTORY_COMMITS + 20):
        last = origin.commit({"a": text(str(number))})
    path = mirrors.ensure(1, last, lambda: origin.auth)
    assert LOCAL_GIT.run(path, ["rev-list", "--count", last]).split() == [str(HISTORY_COMMITS).encode()]
    newer = origin.commit({"a": text("newer")})
    mirrors.ensure(1, newer, lambda: origin.auth)
    assert LOCAL_GIT.run(path, ["merge-base", last, newer]).decode().strip() == last
    changes = ChangeSet(base_sha=newer, changes=(FileChange(path="b", mode="100644", content=b"b"),))
    author = Signature(name="a", email="a@example.org", at=datetime(2026, 1, 1, tzinfo=UTC))
    sha = make_commit(LOCAL_GIT, path, changes, parent_sha=newer, message="Add b", author=author)
    push(LOCAL_GIT, path, sha, branch="honk/1", auth=origin.auth)
    assert origin.git("rev-list", "--count", "honk/1") == str(HISTORY_COMMITS + 22)
    origin.git("fsck", "--strict")


@shows("W70")
def test_a_repository_that_takes_too_long_is_told_and_not_tried_again(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin/git"
    slow.parent.mkdir()
    slow.write_text('#!/bin/sh\ncase "$*" in *" fetch "*) sleep 60;; *) PATH=${PATH#*:} exec git "$@";; esac\n')
    slow.chmod(0o755)
    monkeypatch.setattr("github_app.adapters.repository.mirrors.FETCH_TIMEOUT_S", 0.5)
    git = Git(env={"PATH": f"{slow.parent}:{os.defpath}"}, allow_file=True)
    sha = origin.commit({"a": text("1")})
    with pytest.raises(LimitReached, match="fetching the last 50 commits of the repository took longer than"):
        Mirrors(root=tmp_path / "m", git=git).ensure(1, sha, lambda: origin.auth)


def test_commit_that_the_remote_does_not_show_yet_may_be_asked_for_again(mirrors: Mirrors, origin: Origin) -> None:
    origin.commit({"a": text("1")})
    with pytest.raises(NotVisibleYet):
        mirrors.ensure(1, SHA, lambda: origin.auth)


def test_empty_repository_is_told_from_a_late_one(mirrors: Mirrors, origin: Origin) -> None:
    with pytest.raises(Gone, match="empty"):
        mirrors.ensure(1, SHA, lambda: origin.auth)


def test_missing_repository_is_gone(mirrors: Mirrors, tmp_path: Path) -> None:
    with pytest.raises(Gone):
        mirrors.ensure(1, SHA, lambda: GitAuth(url=str(tmp_path / "nowhere.git")))


def test_many_at_once_fetch_once(mirrors: Mirrors, origin: Origin) -> None:
    sha = origin.commit({"a": text("1")})
    asked: list[int] = []

    def auth() -> GitAuth:
        asked.append(1)
        return origin.auth

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: mirrors.ensure(1, sha, auth), range(8)))
    assert asked == [1]


def test_what_a_killed_fetch_left_locked_stops_nobody(mirrors: Mirrors, origin: Origin) -> None:
    path = mirrors.ensure(1, origin.commit({"a": text("1")}), lambda: origin.auth)
    for name in ("packed-refs.lock", "refs/heads/main.lock", "shallow.lock"):
        (path / name).touch()
    mirrors.ensure(1, origin.commit({"a": text("2")}), lambda: origin.auth)


def test_half_made_mirror_is_made_again(mirrors: Mirrors, origin: Origin) -> None:
    (mirrors.root / "1.making/objects").mkdir(parents=True)
    mirrors.ensure(1, origin.commit({"a": text("1")}), lambda: origin.auth)


@pytest.mark.parametrize(
    "url",
    ["--upload-pack=touch /x", "-x", "ext::sh -c touch% /x", "ssh://host/x", "https://user:pw@host/x", "https://a b"],
)
def test_strange_urls_never_reach_git(mirrors: Mirrors, url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        mirrors.ensure(1, SHA, lambda: GitAuth(url=url))


def test_local_paths_are_remotes_only_where_a_person_said_so(tmp_path: Path, origin: Origin) -> None:
    sha = origin.commit({"a": text("1")})
    for url in (str(origin.path), f"file://{origin.path}"):
        auth = GitAuth(url=url)
        with pytest.raises(ValueError, match="URL"):
            Mirrors(root=tmp_path / "m", git=Git()).ensure(1, sha, itertools.repeat(auth).__next__)


@pytest.mark.parametrize("sha", ["main", "--all", "abc", "g" * 40, "", "A" * 40])
def test_only_full_shas_are_asked_for(mirrors: Mirrors, sha: str) -> None:
    with pytest.raises(ValueError, match="SHA"):
        mirrors.ensure(1, sha, never)


def test_tidying_keeps_what_is_there(mirrors: Mirrors, origin: Origin) -> None:
    sha = origin.commit({"a": text("1")})
    mirrors.ensure(1, sha, lambda: origin.auth)
    mirrors.tidy(1)
    mirrors.ensure(1, sha, never)
    mirrors.delete(1)
    assert not mirrors.path(1).exists()


Remote = Callable[[int], tuple[str, list[str]]]


@pytest.fixture
def remote() -> Iterator[Remote]:
    """Start a web server that answers one status to everything; its URL and the Authorization headers it got."""
    servers: list[ThreadingHTTPServer] = []

    def start(status: int) -> tuple[str, list[str]]:
        seen: list[str] = []

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append(self.headers.get("Authorization", ""))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/o/r.git", seen

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "error"), [(401, AccessDenied), (403, AccessDenied), (404, Gone), (500, Transient), (503, Transient)]
)
def test_answers_of_the_remote_are_sorted_by_who_must_act(
    mirrors: Mirrors, remote: Remote, status: int, error: type[HonkError]
) -> None:
    url, seen = remote(status)
    with pytest.raises(error) as raised:
        mirrors.ensure(1, SHA, lambda: GitAuth(url=url, token=TOKEN))
    sent = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    assert seen[0] == f"Basic {sent}"
    assert TOKEN not in str(raised.value)
    assert sent not in str(raised.value)


def test_token_is_nowhere_but_in_the_environment_of_one_process(
    mirrors: Mirrors, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = remote(500)
    started: list[tuple[list[str], dict[str, str]]] = []
    popen = subprocess.Popen

    def watch(argv: list[str], **options: object) -> object:
        started.append((argv, dict(options["env"])))  # type: ignore[call-overload]
        return popen(argv, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", watch)
    with pytest.raises(Transient):
        mirrors.ensure(1, SHA, lambda: GitAuth(url=url, token=TOKEN))
    secret = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    assert not any(secret in word or TOKEN in word for argv, _ in started for word in argv)
    assert [argv for argv, env in started if secret in str(env)] == [argv for argv, _ in started if "fetch" in argv]
    kept = [path for path in mirrors.root.rglob("*") if path.is_file()]
    assert kept
    assert not any(secret.encode() in path.read_bytes() or TOKEN.encode() in path.read_bytes() for path in kept)


def test_token_in_what_git_says_is_taken_out(tmp_path: Path) -> None:
    auth = GitAuth(url=str(tmp_path / TOKEN), token=TOKEN)
    with pytest.raises(HonkError) as raised:
        LOCAL_GIT.run(tmp_path, ["ls-remote", "--", auth.url], auth=auth)
    assert TOKEN not in str(raised.value)


def test_what_git_does_not_explain_may_pass() -> None:
    assert isinstance(error_of("fetch", "fatal: early EOF", 128), Transient)


def test_git_that_hangs_is_killed_with_all_its_children(tmp_path: Path) -> None:
    LOCAL_GIT.run(tmp_path / "r.git", ["init", "-q", "--bare"])
    config = ["alias.hang=!sleep 60 & sleep 60"]
    with pytest.raises(Transient, match="longer than"):
        LOCAL_GIT.run(tmp_path / "r.git", ["hang"], config=config, timeout_s=0.2)
