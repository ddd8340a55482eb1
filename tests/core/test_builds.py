"""What CI made: what of it is brought to people, once for each head, and in which words."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.builds import (
    MAX_FILE_BYTES,
    MAX_ITEMS,
    Artifact,
    Build,
    Delivered,
    Entry,
    Item,
    Preview,
    is_harmless,
    pick,
    pick_previews,
    tag_of,
    wanted,
)
from github_app.core.effects import Deliver, MinimiseComments, Say
from github_app.core.links import PageLinks
from github_app.core.machine import decide
from github_app.core.messages import account, builds, chat, figures
from github_app.core.session import Round, Session
from tests.core.scene import (
    ALICE,
    AWAITING_CHECKS,
    AWAITING_REVIEW,
    BUILD,
    HEAD,
    NEW,
    NOW,
    OPEN,
    PULL,
    REPO,
    WORKING,
    Row,
    adopted,
    cases,
    check,
    checks,
    event,
    facts,
    row,
    rows_of,
    session,
)
from tests.core.test_messages import assert_harmless

GOLDEN = Path(__file__).parent / "golden" / "builds.md"
GREEN = facts(checks=checks("passed"))
AT = datetime(2026, 4, 1, tzinfo=UTC)


def artifact(name: str = "app", number: int = 1, **changes: Any) -> Artifact:
    usual = Artifact(id=number, run_id=70, name=name, size_bytes=5_000, digest="sha256:ab", expires_at=AT)
    return replace(usual, **changes)


def entries(*paths: str) -> list[Entry]:
    return [Entry(path=path, size_bytes=1_000, packed_bytes=900) for path in paths]


def names(*found: tuple[Artifact, list[Entry] | None], deliver: tuple[str, ...] | None = None) -> list[str]:
    return [f"{item.kind}: {item.artifact}/{item.path}" for item in pick(found, deliver)[0]]


ROWS = [
    rows_of(OPEN, "what CI made of the head", event(Delivered), does="Say ShowProgress", why="brought to people"),
    rows_of(OPEN, "what CI made of an older head", event(Delivered, build=replace(BUILD, head_sha=NEW)),
            does="", why="not the head any more"),
    row(session(WORKING, pull_number=None), "what CI made of no pull request", event(Delivered),
        does="", why="not the head any more"),
]  # fmt: skip


@pytest.mark.parametrize(("each", "before"), cases(ROWS))
def test_what_ci_made_is_told_of_the_head_alone(each: Row, before: Session | None):
    check(each, before)


# What is brought


def test_what_people_install_open_or_look_at_is_found_by_its_name():
    app = entries("out/app.APK", "out/app.ipa", "out/mapping.txt", "README", ".png", "a.whl", "b.pyz", "setup.exe")
    shots = entries("home.png", "home.webm", "home.svg", "home.html")
    assert names((artifact(), app), (artifact("shots", 2), shots)) == [
        "android: app/out/app.APK",
        "ios: app/out/app.ipa",
        "wheel: app/a.whl",
        "python: app/b.pyz",
        "program: app/setup.exe",
        "image: shots/home.png",
        "video: shots/home.webm",
    ]


@pytest.mark.parametrize(
    ("name", "paths"),
    [("site", ["index.html", "a.png"]), ("x", ["out/index.html", "out/a.png"]), ("github-pages", ["artifact.tar"])],
)
def test_a_site_is_one_archive_with_the_checksum_that_github_gives(name: str, paths: list[str]):
    (item,), _ = pick([(artifact(name), entries(*paths))], None)
    assert (item.kind, item.path, item.name, item.size_bytes, item.sha256) == ("site", "", f"{name}.zip", 5_000, "ab")


def test_a_page_among_other_folders_makes_no_site():
    assert names((artifact(), entries("a/index.html", "b/c.png"))) == ["image: app/b/c.png"]


def test_policy_names_artifacts_and_what_is_in_them():
    dist = entries("a.whl", "a.tar.gz", "deep/b.whl")
    assert names((artifact("dist"), dist), deliver=("dist/*.whl",)) == ["wheel: dist/a.whl", "wheel: dist/deep/b.whl"]
    assert names((artifact("dist"), dist), deliver=("d*",)) == ["files: dist/"]
    assert names((artifact("one"), entries("only.txt")), deliver=("one",)) == ["files: one/only.txt"]
    assert names((artifact("sealed"), None), deliver=("sealed", "sealed/*")) == ["files: sealed/"]
    assert names((artifact("dist"), dist), deliver=()) == []
    assert names((artifact("dist"), dist), deliver=("other",)) == []


def test_what_cannot_be_opened_is_not_found():
    assert names((artifact(), None)) == []


def test_only_what_is_there_and_named_is_looked_into():
    there, gone = artifact("app"), artifact("old", is_expired=True)
    assert wanted([there, gone], None) == [there]
    assert wanted([there, gone], ("ap*", "old")) == [there]
    assert wanted([there], ("other/app",)) == []


def test_of_too_many_files_the_first_are_brought_and_the_rest_is_counted():
    found, more = pick([(artifact(), entries(*(f"{number:02}.png" for number in range(25)), "a.apk"))], None)
    assert (len(found), more) == (MAX_ITEMS, 6)
    assert found[0].name == "a.apk"


@pytest.mark.parametrize(
    "path", ["../a.apk", "/a.apk", "a/../../b.apk", "C:/a.apk", "a\\b.apk", "a\u202egpj.apk", "a/./b.apk", ".git/a.apk"]
)
def test_a_name_that_is_none_is_left_out(path: str):
    assert names((artifact(), entries(path, "good.apk"))) == ["android: app/good.apk"]


def test_a_file_that_would_fill_a_disk_is_left_out():
    assert is_harmless(Entry(path="a.bin", size_bytes=100_000_000, packed_bytes=1_000_000))
    assert not is_harmless(Entry(path="a.bin", size_bytes=100_000_001, packed_bytes=1_000_000))
    assert is_harmless(Entry(path="a.txt", size_bytes=1_000_000, packed_bytes=1_000)), "small files may be tight"


def test_what_is_too_large_is_told_of_and_not_passed_on():
    (item,), _ = pick([(artifact(), [Entry(path="a.apk", size_bytes=MAX_FILE_BYTES + 1, packed_bytes=10**8)])], None)
    assert not item.is_passed_on


def test_previews_are_addresses_of_the_web_each_once():
    bad = ("javascript:alert(1)", "https://a.example/`x`", "https://me@b.example", "https://a.example/a b", "//c", "")
    good = [f"https://{number}.example:8443/a?b=c" for number in range(6)]
    found = [Preview(name=f"n{at}", url=url) for at, url in enumerate([*bad, *good, good[0]])]
    assert [each.url for each in pick_previews(found)] == good[:5]
    assert pick_previews([Preview(name="long", url=f"https://a.example/{'a' * 300}")]) == ()


# When


def green(before: Session) -> tuple[Session, list[Deliver]]:
    decision = decide(before, event(ev.ChecksChanged), GREEN)
    assert decision.session is not None
    return decision.session, [effect for effect in decision.effects if isinstance(effect, Deliver)]


@pytest.mark.parametrize("status", [AWAITING_CHECKS, AWAITING_REVIEW])
def test_a_head_that_is_green_is_looked_at_once(status):
    after, found = green(session(status, delivered_sha="", pull_is_draft=False))
    assert found == [Deliver(head_sha=HEAD)]
    assert green(after)[1] == []


def test_a_commit_of_its_author_is_not_looked_at_and_ours_is():
    assert green(adopted(AWAITING_CHECKS, delivered_sha=""))[1] == []
    ours = (Round(head_sha=HEAD, title="", summary=""),)
    assert green(adopted(AWAITING_CHECKS, delivered_sha="", published=ours))[1] == [Deliver(head_sha=HEAD)]


@pytest.mark.parametrize("status", OPEN)
def test_a_build_is_told_in_the_pull_request_and_takes_the_place_of_the_one_before(status):
    older = replace(BUILD, head_sha=NEW)
    decision = decide(session(status, build=older), event(Delivered), facts())
    assert decision.session is not None
    assert decision.session.build == BUILD
    said = [effect for effect in decision.effects if isinstance(effect, Say)]
    assert [(each.number, each.tag) for each in said] == [(PULL, tag_of("7-12-1", HEAD))]
    folded = [effect.tags for effect in decision.effects if isinstance(effect, MinimiseComments)]
    assert folded == [(tag_of("7-12-1", NEW),)]


def test_the_end_of_the_work_ends_its_build():
    merged = event(ev.PullRequestClosed, is_merged=True, actor=ALICE)
    decision = decide(session(AWAITING_REVIEW, build=BUILD), merged, facts())
    assert decision.session is not None
    assert decision.session.build is None
    assert MinimiseComments(session_id="7-12-1", tags=(tag_of("7-12-1", HEAD),)) in decision.effects


# In words


HOSTILE = Build(
    head_sha=HEAD,
    items=(
        Item(
            artifact_id=1,
            run_id=2,
            artifact="a`](https://evil.example)\n@ann closes #1",
            kind="files",
            size_bytes=MAX_FILE_BYTES + 1,
        ),
        Item(artifact_id=1, run_id=2, artifact="x", path="<script>|.png", kind="image", size_bytes=7),
    ),
    previews=(Preview(name="`@ann` /honk stop", url="https://evil.example/x"),),
    more=3,
)


def test_it_is_said_word_for_word():
    told = {
        "a build": builds.card(BUILD, REPO.full_name),
        "nobody can sign in": builds.card(replace(BUILD, url="", ends_at=None), REPO.full_name),
        "hostile names": builds.card(HOSTILE, REPO.full_name),
        "a link that does not say its end": builds.card(replace(BUILD, items=(), ends_at=None), REPO.full_name),
        "in the tracking comment": account.tracking(session(AWAITING_REVIEW, build=BUILD)),
        "in a chat": chat.progress(session(AWAITING_REVIEW, build=replace(BUILD, url=""))).text,
    }
    text = "".join(f"<!-- {name} -->\n\n{words}\n\n" for name, words in told.items())
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()
    assert_harmless(told["hostile names"])


def test_amounts_are_told_as_people_read_them():
    assert [figures.size(each) for each in (0, 999, 12_345, 12_345_678, 2_000_000_000)] == [
        "0 bytes", "999 bytes", "12.3 kB", "12.3 MB", "2.0 GB",
    ]  # fmt: skip


# The link


def test_a_link_is_good_for_one_build_and_one_end_and_only_where_people_can_sign_in():
    links = PageLinks(public_url="https://honk.example.com", key=b"k", signs_in=True)
    session_id, sha, end, token = links.of_build("7-12-1", HEAD, NOW).split("/")[-4:]
    assert (session_id, sha) == ("7-12-1", HEAD)
    assert links.end_of_build("7-12-1", HEAD, int(end), token) == NOW
    assert links.end_of_build("7-12-2", HEAD, int(end), token) is None
    assert links.end_of_build("7-12-1", NEW, int(end), token) is None
    assert links.end_of_build("7-12-1", HEAD, int(end) + 1, token) is None
    closed = replace(links, signs_in=False)
    assert closed.of_build("7-12-1", HEAD, NOW) == ""
    assert closed.end_of_build("7-12-1", HEAD, int(end), token) is None
