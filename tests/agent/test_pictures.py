"""Images that the model is shown: named and counted, in every request, and never in the transcript."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest

from github_app.agent import prompt
from github_app.agent.budget import allowed_output_tokens
from github_app.agent.loop import run_turn
from github_app.agent.pictures import GONE, picture_blocks
from github_app.agent.task import Submitted
from github_app.core.images import Picture, Pictures
from github_app.core.policy import Limits
from github_app.core.ports import Step
from tests.agent.conftest import Desk
from tests.agent.golden import check_golden
from tests.agent.parts import ScriptedModel, WordScanner, a_task, call, reply, submit

BYTES = {name: f"bytes of {name}".encode() * 1_000 for name in ("one", "two")}
KEYS = {name: sha256(content).hexdigest() for name, content in BYTES.items()}


def a_picture(name: str, width: int = 640, height: int = 480) -> Picture:
    return Picture(
        url=f"https://github.com/user-attachments/assets/{name}",
        author="ana",
        media_type="image/png",
        width=width,
        height=height,
        size_bytes=len(BYTES[name]),
        sha256=KEYS[name],
    )


PICTURES = Pictures(
    shown=(a_picture("one"), a_picture("two", 1, 1)),
    unread=("https://github.com/user-attachments/assets/three",),
    more=1,
    elsewhere=2,
)
TASK = a_task(pictures=PICTURES)


def test_the_first_words_name_what_follows():
    check_golden("turn_implement_images.txt", prompt.turn_prompt(TASK, top="a.py", verifiers=(), boundary="5ca1ab1e"))


async def run(desk: Desk, *script: Any, pictures: dict[str, bytes]) -> Any:
    desk.model.script = list(script)
    return await run_turn(
        TASK,
        model=desk.model,
        workspace=desk.workspace,
        journal=desk.journal,
        limits=desk.limits,
        policy=desk.policy,
        scanner=WordScanner(),
        model_name="scripted",
        clock=desk.clock,
        pictures=pictures,
    )


def shown(desk: Desk, request: int) -> list[dict[str, Any]]:
    return [block for block in desk.model.requests[request].messages[0]["content"] if block["type"] == "image"]


async def test_each_request_shows_them_after_the_words_and_the_journal_has_no_bytes(desk: Desk):
    contents = {KEYS[name]: content for name, content in BYTES.items()}
    ended = await run(desk, reply(call("bash", command="true")), submit(), pictures=contents)
    assert isinstance(ended, Submitted)
    for request in (0, 1):
        first, second = shown(desk, request)
        for block, name in ((first, "one"), (second, "two")):
            data = b64encode(BYTES[name]).decode()
            assert block["source"] == {"type": "base64", "media_type": "image/png", "data": data}
        assert desk.model.requests[request].messages[0]["content"][0]["type"] == "text"
    assert "cache_control" in second
    journal = json.dumps([step.content for step in desk.journal.steps])
    assert KEYS["one"] in journal
    assert b64encode(BYTES["one"]).decode()[:100] not in journal
    assert len(json.dumps(desk.journal.steps[0].content)) < 6_000


async def test_one_that_is_gone_is_said_to_be(desk: Desk):
    await run(desk, submit(), pictures={KEYS["one"]: BYTES["one"]})
    *_, first, second = desk.model.requests[0].messages[0]["content"]
    assert first["type"] == "image"
    assert second["text"] == GONE
    assert "cache_control" in second


def test_they_count_before_the_first_call():
    def allowed(*blocks: dict[str, Any]) -> int:
        steps = [Step(number=0, role="user", content=({"type": "text", "text": "go"}, *blocks))]
        model = ScriptedModel([])
        limits = Limits(tokens=20_000)
        return allowed_output_tokens(steps, limits=limits, model=model, model_name="m", fixed_bytes=0, time_left_s=9.0)

    (small,) = picture_blocks(Pictures(shown=(a_picture("one", 1, 1),)))
    (large,) = picture_blocks(Pictures(shown=(a_picture("one", 1_000, 1_500),)))
    assert allowed(small) - allowed(large) == pytest.approx(2_000, abs=20)
    assert allowed() - allowed(small) < 300
