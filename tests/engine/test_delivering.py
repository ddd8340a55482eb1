"""What CI made of a head is looked for, and comes back as an event."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from github_app.core.builds import Item, Preview
from github_app.core.errors import Gone, Refused, Transient
from github_app.core.links import PageLinks
from github_app.core.model import Repo
from github_app.core.policy import POLICY_PATH
from github_app.engine import delivering
from github_app.engine.delivering import Delivery
from github_app.engine.policies import Policies
from tests.engine.values import MovingClock, a_session
from tests.fakes.builds import PreparedBuilds
from tests.fakes.hub import BASE, RecordingHub

HEAD = "c" * 40
LINKS = PageLinks(public_url="https://honk.example.com", key=b"k", signs_in=True)


def delivery(builds: PreparedBuilds, policy: bytes = b"") -> Delivery:
    hub = RecordingHub(files={(POLICY_PATH, BASE): policy} if policy else {})
    return Delivery(builds=builds, policies=Policies(hub=hub), links=LINKS, clock=MovingClock())


def deliver(builds: PreparedBuilds, policy: bytes = b""):
    return delivery(builds, policy).deliver("e/3", a_session(base_sha=BASE, pull_number=5), HEAD)


def test_files_come_with_their_checksums_and_a_link():
    found = deliver(PreparedBuilds({"app": {"a.apk": b"the app", "notes.txt": b"n"}}))
    assert found is not None
    assert (found.id, found.build.head_sha) == ("e/3/delivered", HEAD)
    (item,) = found.build.items
    assert (item.name, item.sha256) == ("a.apk", hashlib.sha256(b"the app").hexdigest())
    assert found.build.url.startswith(f"https://honk.example.com/builds/{a_session().id}/{HEAD}/")
    assert found.build.ends_at is not None


def test_what_is_there_twice_is_looked_for_twice_and_found_the_same():
    builds = PreparedBuilds({"app": {"a.apk": b"the app"}})
    assert deliver(builds).id == deliver(builds).id


def test_policy_says_what_is_brought():
    builds = PreparedBuilds({"app": {"a.apk": b"the app", "notes.txt": b"n"}, "logs": {"l.txt": b"l"}})
    found = deliver(builds, b"deliver: [app/notes.txt]\n")
    assert [item.name for item in found.build.items] == ["notes.txt"]
    assert deliver(builds, b"deliver: []\n") is None


def test_nothing_comes_of_nothing():
    assert deliver(PreparedBuilds({"logs": {"l.txt": b"l"}})) is None


def test_a_preview_alone_is_something():
    shown = (Preview(name="staging", url="https://staging.example.com"),)
    assert deliver(PreparedBuilds(shown=shown)).build.previews == shown


def test_an_artifact_that_is_gone_meanwhile_is_no_failure():
    builds = PreparedBuilds({"old": Gone("expired", what="artifact"), "app": {"a.apk": b"a"}})
    assert [item.name for item in deliver(builds).build.items] == ["a.apk"]


def test_github_that_does_not_answer_is_asked_again():
    with pytest.raises(Transient):
        deliver(PreparedBuilds({"app": Transient("away")}))


@dataclass
class Lying(PreparedBuilds):
    """Files turn out to be something else than their archive says."""

    def read(self, repo: Repo, item: Item) -> Iterator[bytes]:  # noqa: ARG002 - the port's
        yield b"a"
        raise Refused("it is something else")


def test_a_file_that_is_not_what_it_says_is_left_out():
    found = deliver(Lying({"app": {"a.apk": b"a"}, "site": {"index.html": b"<p>"}}))
    assert [item.name for item in found.build.items] == ["site.zip"]


@pytest.mark.parametrize(("limit", "value"), [("MAX_READ_BYTES", 3), ("MAX_READ_S", -1.0)])
def test_what_takes_too_much_reading_has_no_checksum(monkeypatch: pytest.MonkeyPatch, limit: str, value: float):
    monkeypatch.setattr(delivering, limit, value)
    assert [item.sha256 for item in deliver(PreparedBuilds({"app": {"a.apk": b"the app"}})).build.items] == [""]
