"""What CI left at GitHub is listed, looked into without being fetched, and read; and an archive that is an attack stays
shut."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from github_app.adapters.hub import archives
from github_app.core.builds import MAX_ENTRIES, Artifact, Item, Preview, pick
from github_app.core.errors import Gone, Refused
from github_app.localhub import archives as storage
from github_app.localhub import shapes_ci
from github_app.localhub.deeds.builds import pack
from tests.adapters.hub_stage import APP_PERMISSIONS, Stage

CI = ".github/workflows/ci.yml"
APP = b"the app " * 50_000


@pytest.fixture
def sha(stage: Stage) -> str:
    """Give a commit that CI has run on."""
    stage.maintainer.push(stage.place, "main", {CI: "on: push\njobs: {test: {}}\n"}, "Add CI")
    stage.github.settle()
    return stage.base


def listed(stage: Stage, sha: str) -> list[str]:
    return [each.name for each in stage.hub.builds.artifacts(stage.repo, sha)]


def item_of(stage: Stage, sha: str) -> Item:
    (artifact,) = stage.hub.builds.artifacts(stage.repo, sha)
    (item,), _ = pick([(artifact, stage.hub.builds.look_into(stage.repo, artifact))], ("*/*",))
    return item


def test_a_file_is_found_in_its_archive_and_read_from_there(stage: Stage, sha: str):
    left = stage.github.add_artifact(stage.place, sha, "app", {"out/a.apk": APP, "out/notes.txt": b"n"})
    (artifact,) = stage.hub.builds.artifacts(stage.repo, sha)
    assert (artifact.id, artifact.digest, artifact.size_bytes) == (left.id, left.digest, len(left.content))
    assert artifact.expires_at == left.expires_at
    entries = stage.hub.builds.look_into(stage.repo, artifact)
    assert entries is not None
    assert [(each.path, each.size_bytes) for each in entries] == [("out/a.apk", len(APP)), ("out/notes.txt", 1)]
    (item,), _ = pick([(artifact, entries)], None)
    assert b"".join(stage.hub.builds.read(stage.repo, item)) == APP
    whole = replace(item, path="")
    assert b"".join(stage.hub.builds.read(stage.repo, whole)) == left.content


def test_of_one_name_the_newest_counts_and_other_commits_are_others(stage: Stage, sha: str):
    for content in (b"old", b"new"):
        stage.github.add_artifact(stage.place, sha, "app", {"a.apk": content})
    stage.github.add_artifact(stage.place, sha, "logs", {"l.txt": b"l"})
    assert sorted(listed(stage, sha)) == ["app", "logs"]
    stage.maintainer.push(stage.place, "main", {"a.txt": "a"}, "More")
    stage.github.settle()
    assert listed(stage, stage.base) == []
    newest = next(each for each in stage.hub.builds.artifacts(stage.repo, sha) if each.name == "app")
    (item,), _ = pick([(newest, stage.hub.builds.look_into(stage.repo, newest))], None)
    assert b"".join(stage.hub.builds.read(stage.repo, item)) == b"new"


def test_what_ran_for_a_fork_counts_for_nothing(stage: Stage, sha: str, monkeypatch: pytest.MonkeyPatch):
    stage.github.add_artifact(stage.place, sha, "app", {"a.apk": APP})
    assert listed(stage, sha) == ["app"]
    assert stage.hub.builds.artifacts(replace(stage.repo, id=stage.repo.id), sha)
    usual = shapes_ci.workflow_run

    def of_a_fork(*given):
        run = usual(*given)
        return {**run, "head_repository": {**run["head_repository"], "id": 1}}

    monkeypatch.setattr(shapes_ci, "workflow_run", of_a_fork)
    assert stage.make_hub().builds.artifacts(stage.repo, sha) == ()


def test_what_has_expired_is_listed_as_that_and_cannot_be_read(stage: Stage, sha: str):
    left = stage.github.add_artifact(stage.place, sha, "app", {"a.apk": APP})
    item = item_of(stage, sha)
    left.expires_at -= timedelta(days=91)
    assert [each.is_expired for each in stage.make_hub().builds.artifacts(stage.repo, sha)] == [True]
    with pytest.raises(Gone):
        next(stage.hub.builds.read(stage.repo, item))


def test_deployments_and_statuses_say_where_a_commit_can_be_looked_at(stage: Stage, sha: str):
    stage.github.deploy(stage.place, sha, "staging", "https://staging.example.com")
    stage.github.deploy(stage.place, sha, "broken", "https://broken.example.com", state="failure")
    stage.github.set_status(stage.place, sha, "success", "ci/external")
    netlify = stage.github.set_status(stage.place, sha, "success", "netlify/shop/deploy-preview")
    netlify.target_url = "https://deploy-preview-1--shop.netlify.app"
    assert stage.hub.builds.previews(stage.repo, sha) == (
        Preview(name="staging", url="https://staging.example.com"),
        Preview(name="netlify/shop/deploy-preview", url="https://deploy-preview-1--shop.netlify.app"),
    )


def test_an_installation_that_has_not_granted_deployments_yet_goes_without(open_stage: Callable[..., Stage]):
    granted = {name: level for name, level in APP_PERMISSIONS.items() if name != "deployments"}
    stage = open_stage(permissions=granted)
    stage.maintainer.push(stage.place, "main", {CI: "on: push\njobs: {test: {}}\n"}, "Add CI")
    stage.github.deploy(stage.place, stage.base, "staging", "https://staging.example.com")
    assert stage.hub.builds.previews(stage.repo, stage.base) == ()


# Archives that are attacks


def zipped(*members: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in members:
            archive.writestr(info, content)
    return packed.getvalue()


def link(name: str, to: str) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info, to.encode()


def climbing(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x")
    info.filename = name
    return info


ATTACKS = {
    "a link": zipped(link("a.apk", "/etc/passwd")),
    "climbs out": zipped((climbing("../../a.apk"), b"x")),
    "from the top": zipped((climbing("/a.apk"), b"x")),
    "bursts": zipped(("a.apk", b"\0" * 20_000_000)),
    "broken": zipped(("a.apk", b"x")).replace(b"PK\x01\x02", b"PK\x01\x03"),
    "none": b"this is no archive, and never was",
    "empty": b"",
    "a liar": b"PK\x05\x06" + b"\xff" * 18,
    "cut off": zipped(("a.apk", b"x"))[:-10],
}


def test_nothing_is_brought_of_an_archive_that_is_an_attack(stage: Stage, sha: str):
    for name, content in (*ATTACKS.items(), ("good", zipped(("a.apk", b"x")))):
        stage.github.add_artifact(stage.place, sha, name, content)
    builds = stage.hub.builds
    found = [(each, builds.look_into(stage.repo, each)) for each in builds.artifacts(stage.repo, sha)]
    assert len(found) == len(ATTACKS) + 1
    assert [item.artifact for item in pick(found, None)[0]] == ["good"]


def test_a_name_that_is_there_twice_means_neither(stage: Stage, sha: str):
    with pytest.warns(UserWarning, match="Duplicate"):
        content = zipped(("a.apk", b"good"), ("a.apk", b"evil"), ("b.apk", b"b"))
    stage.github.add_artifact(stage.place, sha, "app", content)
    assert item_of(stage, sha).path == "b.apk"


def many(count: int) -> bytes:
    """An archive that says it has so many files, none longer than its name."""
    head = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
    entry = b"".join(
        struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0)
        + b"%06d" % (each // 2)
        for each in range(count)
    )
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count & 0xFFFF, count & 0xFFFF, len(entry), len(head), 0)
    return head + entry + end


def test_an_archive_of_too_many_files_is_not_looked_into(stage: Stage, sha: str):
    for count in (MAX_ENTRIES, MAX_ENTRIES + 1, 100_000):
        stage.github.add_artifact(stage.place, sha, f"{count}", many(count))
    found = {
        each.name: stage.hub.builds.look_into(stage.repo, each) for each in stage.hub.builds.artifacts(stage.repo, sha)
    }
    assert found == {"10000": (), "10001": None, "100000": None}, "each name is there more than once"


def test_no_more_is_read_of_a_list_than_it_is_worth(stage: Stage, sha: str, monkeypatch: pytest.MonkeyPatch):
    stage.github.add_artifact(stage.place, sha, "app", many(3_000))
    (artifact,) = stage.hub.builds.artifacts(stage.repo, sha)
    assert stage.hub.builds.look_into(stage.repo, artifact) is not None
    monkeypatch.setattr(archives, "LISTING_BYTES", 100_000)
    assert stage.hub.builds.look_into(stage.repo, artifact) is None


def test_a_file_that_is_not_what_it_was_is_not_passed_on(stage: Stage, sha: str):
    good = zipped((stored("a.apk"), b"the same"))
    left = stage.github.add_artifact(stage.place, sha, "app", good)
    item = item_of(stage, sha)
    assert item.size_bytes == 8
    longer, gone, a_link = pack({"a.apk": b"longer"}), pack({"b.apk": b"the same"}), zipped(link("a.apk", "12345678"))
    for left.content in (longer, gone, a_link, good.replace(b"the same", b"the lame"), b"no archive any more"):
        with pytest.raises(Refused):
            b"".join(stage.hub.builds.read(stage.repo, item))
    left.content = good
    assert b"".join(stage.hub.builds.read(stage.repo, item)) == b"the same"


def stored(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_STORED
    return info


def test_an_archive_ends_where_we_stop_passing_it_on(stage: Stage, sha: str, monkeypatch: pytest.MonkeyPatch):
    stage.github.add_artifact(stage.place, sha, "site", {"index.html": bytes(range(256)) * 4_000})
    (artifact,) = stage.hub.builds.artifacts(stage.repo, sha)
    whole = Item(artifact_id=artifact.id, run_id=1, artifact="site", kind="site", size_bytes=artifact.size_bytes)
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 1_000)
    with pytest.raises(Refused):
        b"".join(stage.hub.builds.read(stage.repo, whole))


def test_storage_that_gives_nothing_in_parts_is_not_looked_into(stage: Stage, sha: str, monkeypatch):
    stage.github.add_artifact(stage.place, sha, "app", {"a.apk": APP})
    artifact: Artifact = stage.hub.builds.artifacts(stage.repo, sha)[0]
    monkeypatch.setattr(storage, "_RANGE", storage.LENT)
    assert stage.hub.builds.look_into(stage.repo, artifact) is None
