"""Which images a turn is shown: of whom, from where, and what they are by their bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from github_app.core.errors import Transient
from github_app.core.images import Pictures
from github_app.core.model import Comment, Permission
from github_app.engine.briefing import sources_of
from github_app.engine.imaging import look_at_images
from tests.agent.parts import a_task
from tests.engine.values import ANN, ISSUE, a_session
from tests.fakes.hub import RecordingHub

HOME = "https://github.com/user-attachments/assets"
GIF = b"GIF89a\x02\x00\x03\x00"


def told(body: str, *comments: str, quoted: tuple[str, ...] = ()):
    def said(text: str) -> Comment:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return Comment(id=1, author=ANN, permission=Permission.WRITE, body=text, created_at=at)

    issue = replace(ISSUE, body=body, url="https://github.com/acme/thing/issues/1")
    return a_task(issue=issue, comments=tuple(map(said, comments)), quoted=tuple(map(said, quoted)))


def image(name: str) -> str:
    return f"![]({HOME}/{name})"


def test_images_of_all_that_is_heard_are_looked_at_in_order():
    task = told(image("a") + image("b"), f"{image('c')} {image('a')}", quoted=(f'<img src="{HOME}/d">',))
    hub = RecordingHub(pictures={f"{HOME}/{name}": GIF + name.encode() for name in "acd"} | {f"{HOME}/b": b"<svg/>"})

    found, contents = look_at_images(a_session(), task, hub)

    assert [(each.url[-1], each.width, each.height, each.media_type, each.author) for each in found.shown] == [
        (name, 2, 3, "image/gif", "ann") for name in "acd"
    ]
    assert found.unread == (f"{HOME}/b",)
    assert contents == {each.sha256: GIF + each.url[-1].encode() for each in found.shown}
    assert found.shown[0].sha256 == sha256(GIF + b"a").hexdigest()
    sources = [each for each in sources_of(replace(task, pictures=found)) if each.kind == "image"]
    assert [(each.name, each.sha256, each.author) for each in sources] == [
        (f"{each.url[-1]} (2x3, 11 bytes)", each.sha256, "ann") for each in found.shown
    ]


def test_five_at_most_and_none_from_elsewhere():
    body = "".join(image(f"n{number}") for number in range(7)) + "![](https://example.com/x.png) <!-- ![](x) -->"
    hub = RecordingHub(pictures={f"{HOME}/n{number}": GIF for number in range(7)})

    found, _ = look_at_images(a_session(), told(body), hub)

    assert (len(found.shown), found.more, found.elsewhere) == (5, 2, 1)
    assert hub.asked == [("images", 1, tuple(f"{HOME}/n{number}" for number in range(5)))]


def test_a_hub_that_is_away_stops_nothing():
    hub = RecordingHub()
    hub.fail("images", Transient("away"))
    assert look_at_images(a_session(), told(image("a")), hub) == (Pictures(unread=(f"{HOME}/a",)), {})


def test_nothing_is_asked_for_without_images():
    hub = RecordingHub()
    assert look_at_images(a_session(), told("![](https://example.com/x.png)"), hub) == (Pictures(elsewhere=1), {})
    assert hub.asked == []
