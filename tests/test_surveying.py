"""`honk context`, and the same in a process of its own, on real repositories."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from github_app import surveying
from github_app.__main__ import main
from github_app.core.errors import Misconfigured, Transient
from github_app.core.model import Repo
from github_app.surveying import Surveyor
from github_app.workshop import open_commit
from tests.adapters.origins import Origin, link, submodule, text

ISSUE = "The total of the cart is wrong\n\nSee `Cart`."
FILES = {
    "shop/cart.py": text("class Cart:\n    def total(self): ...\n"),
    "shop/mail.py": text("def send(): ...\n"),
    "shop/link.py": link("/etc/passwd"),
    "sub": submodule("1" * 40),
    "AGENTS.md": text("Be brief.\n"),
}
REPO = Repo(id=1, full_name="octo/shop", default_branch="main", installation_id=1)


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin.create(tmp_path / "origin.git")


def a_file(folder: Path) -> str:
    path = folder / "issue.md"
    path.write_text(ISSUE)
    return str(path)


@pytest.mark.usefixtures("_limits_stay")
def test_programs_get_ranked_files_with_score_reason_and_source(
    origin: Origin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sha = origin.commit(FILES)

    assert main(["context", "--repo", str(origin.path), "--rev", sha, "--issue", a_file(tmp_path), "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert said["rev"] == sha
    (cart, *others) = said["files"]
    assert (cart["path"], cart["source"], cart["kind"]) == ("shop/cart.py", f"{sha}:shop/cart.py", "code")
    assert cart["score"] > max((other["score"] for other in others), default=0)
    assert cart["reasons"][0] == "defines Cart"
    assert cart["outline"][0] == {"line": 1, "text": "class Cart:"}
    assert said["instructions"][0]["source"] == f"{sha}:AGENTS.md"
    assert said["tokens"]["all"] == sum(said["tokens"][each] for each in ("files", "instructions", "commands"))
    assert not {"shop/link.py", "sub"} & {file["path"] for file in said["files"]}


@pytest.mark.usefixtures("_limits_stay")
def test_people_get_text(origin: Origin, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    origin.commit(FILES)

    assert main(["context", "--repo", str(origin.path), "--rev", "main", "--issue", a_file(tmp_path)]) == 0

    said = capsys.readouterr().out
    assert "shop/cart.py  (defines Cart; words: " in said
    assert "  1: class Cart:" in said


@pytest.mark.parametrize(
    ("repo", "rev", "why"),
    [("nothing", "main", "is no git repository"), ("origin.git", "--all", "has no commit '--all'")],
)
def test_what_is_not_there_is_said(origin: Origin, tmp_path: Path, repo: str, rev: str, why: str) -> None:
    origin.commit(FILES)
    with pytest.raises(Misconfigured, match=why):
        open_commit(tmp_path / repo, rev)
    assert [path.name for path in tmp_path.iterdir()] == ["origin.git"]


@pytest.mark.parametrize("small_bytes", [1_000_000, 0], ids=["in this process", "in its own"])
async def test_the_agent_gets_the_same_from_a_small_and_from_a_large_repository(
    origin: Origin, monkeypatch: pytest.MonkeyPatch, small_bytes: int
) -> None:
    monkeypatch.setattr(surveying, "_SMALL_BYTES", small_bytes)
    sha = origin.commit(FILES)

    found = await Surveyor(mirror=lambda _id: origin.path).find(REPO, sha, ISSUE)

    assert found.files[0].path == "shop/cart.py"
    assert found.files[0].outline[0].text == "class Cart:"
    assert [each.text for each in found.instructions] == ["Be brief.\n"]


async def test_what_was_found_is_kept_for_the_next_turns_and_only_so_much_of_it(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveying, "_MAX_KEPT", 1)
    sha = origin.commit(FILES)
    asked: list[int] = []

    def mirror(repo_id: int) -> Path:
        asked.append(repo_id)
        return origin.path

    surveyor = Surveyor(mirror=mirror)
    once, again = await surveyor.find(REPO, sha, ISSUE), await surveyor.find(REPO, sha, ISSUE)
    assert once == again
    assert len(asked) == 1
    await surveyor.find(REPO, sha, "Mail")
    await surveyor.find(REPO, sha, ISSUE)
    assert len(asked) == 3


async def test_a_process_that_takes_too_long_is_ended(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveying, "_SMALL_BYTES", 0)
    monkeypatch.setattr(surveying, "_TIMEOUT_S", 0.0)
    sha = origin.commit(FILES)
    with pytest.raises(Transient, match="took longer"):
        await Surveyor(mirror=lambda _id: origin.path).find(REPO, sha, ISSUE)


def test_a_name_that_is_no_text_is_left_out_and_a_lost_object_is_said(origin: Origin) -> None:
    sha = origin.commit({**FILES, "b\udcff.py": text("cart total\n")})
    _, files = open_commit(origin.path, sha)
    blobs = files.list()
    assert [blob.path for blob in blobs] == ["AGENTS.md", "shop/cart.py", "shop/mail.py"]
    lost = [type(blobs[0])(path="gone.py", id="2" * 40, size=1)]
    with pytest.raises(Transient, match=r"'gone\.py' is not there"):
        list(files.read(lost))


def test_many_files_are_read_in_order(origin: Origin) -> None:
    sha = origin.commit({f"{n:04}.py": text(f"{n}\n" * 50) for n in range(1_200)})
    _, files = open_commit(origin.path, sha)
    blobs = files.list()
    assert [content.split(b"\n")[0] for content in files.read(blobs)] == [b"%d" % n for n in range(1_200)]


@pytest.fixture
def _limits_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.setrlimit", lambda *_: None)  # they would bind the tests' own process
