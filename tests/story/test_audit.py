"""The record of a whole story: label → red → fixed → approved → merged; then one asks who, what and on whose word."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from github_app.__main__ import main
from tests.story.world import BOT, World

Honk = Callable[..., tuple[int, str]]
Line = dict[str, Any]


@pytest.fixture
def honk(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Honk:
    """Give the command line as the operator has it; its exit code and what it printed."""
    for name, value in world.stack.environment().items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> tuple[int, str]:
        code = main(list(words))
        return code, capsys.readouterr().out

    return run


def of_kind(lines: list[Line], kind: str) -> list[Line]:
    return [line["document"] for line in lines if line["kind"] == kind]


def rechecked(lines: list[Line]) -> bool:
    """The chain of an export, checked by the rule that docs/audit.md gives, with nothing of ours."""
    before = "0" * 64
    for line in lines:
        told = {name: value for name, value in line.items() if name != "hash"}
        text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        before = hashlib.sha256((before + text).encode()).hexdigest()
        if before != line["hash"]:
            return False
    return True


def test_the_record_tells_the_whole_story(world: World, honk: Honk, tmp_path: Path) -> None:
    world.ci.will_say("failure", "success")
    world.eve.open_issue(world.repo, "Something else", "/honk now")
    issue = world.ask_for("Say hello", "In a file, please.")
    pull = world.wait_ready()
    world.rob.review(pull, "APPROVE", "Thanks!")
    world.rest()
    world.ann.merge(pull)
    world.wait_end(issue)
    world.rest()
    session = world.sessions()[0].id

    assert honk("audit", "verify", session) == (0, "The record is whole.\n")
    code, text = honk("audit", "export", session)
    lines = [json.loads(line) for line in text.splitlines()]
    assert code == 0
    assert rechecked(lines)

    first = lines[0]["document"]
    assert (first["kind"], first["permission"]) == ("IssueLabeled", "admin")
    assert first["actor"] == {"id": world.ann.user.id, "login": "ann", "is_bot": False}
    prompt, second = of_kind(lines, "prompt")
    assert prompt["sources"][0] == {
        "kind": "issue",
        "name": f"#{issue.number}",
        "sha256": hashlib.sha256(b"Say hello\n\nIn a file, please.").hexdigest(),
        "author": {"login": "ann", "id": world.ann.user.id},
        "permission": "admin",
    }
    assert any(source["kind"] == "checks" for source in second["sources"])
    asked = of_kind(lines, "model")
    assert len(asked) == len(world.requests())
    assert all(each["request"] and each["cost_micro_usd"] > 0 for each in asked)
    assert sum(each["cost_micro_usd"] for each in asked) == world.sessions()[0].usage.cost_micro_usd
    [hello, mended] = [each for each in of_kind(lines, "command") if "hello.txt" in each["argv"][-1]]
    assert (hello["argv"][-1], hello["exit_code"], hello["killed_by"]) == ("echo hello >> hello.txt", 0, "")
    assert mended["argv"][-1] == "echo mended >> hello.txt"
    pushes = of_kind(lines, "push")
    assert [each["pull"] for each in pushes] == [pull.issue.number] * 2
    assert pushes[-1]["sha"] == pull.head_sha
    decisions = of_kind(lines, "decision")
    [approval] = [each for each in decisions if each["kind"] == "ReviewSubmitted"]
    assert (approval["actor"]["login"], approval["permission"], approval["about"]["state"]) == (
        "rob",
        "write",
        "approved",
    )
    merge = next(each for each in decisions if each["after"] == "merged")
    assert merge["actor"]["login"] == "ann"

    for push in pushes:
        [named] = world.pins(push["sha"])
        assert named.startswith(f"{session}@")
        assert honk("audit", "verify", named) == (0, "The record is whole.\n")
    forged = f"{named.rpartition(':')[0]}:{'0' * 16}"
    assert honk("audit", "verify", forged)[0] == 1

    check_the_attestation(honk, tmp_path, session, pull.head_sha)


def check_the_attestation(honk: Honk, folder: Path, session: str, head_sha: str) -> None:
    signed, key = folder / "attestation.json", folder / "public.pem"
    signed.write_text(honk("audit", "export", session, "--attestation")[1])
    key.write_text(honk("audit", "public-key")[1])
    code, text = honk("audit", "verify", "--attestation", str(signed), "--public-key", str(key))
    statement = json.loads(text)
    assert code == 0
    assert statement["subject"][0]["digest"] == {"gitCommit": head_sha}
    told = statement["predicate"]
    assert told["asked_by"][0]["actor"]["login"] == "ann"
    assert told["merged_by"]["actor"]["login"] == "ann"
    assert [each["actor"]["login"] for each in told["reviews"]] == ["rob"]
    assert BOT not in json.dumps(told["asked_by"])
    envelope = json.loads(signed.read_text())
    signed.write_text(json.dumps({**envelope, "payload": envelope["payload"].swapcase()}))
    assert honk("audit", "verify", "--attestation", str(signed), "--public-key", str(key))[0] != 0


def test_a_refusal_is_on_the_repositorys_record(world: World, honk: Honk) -> None:
    issue = world.eve.open_issue(world.repo, "Something else", "Please.")
    world.eve.comment(issue, "/honk now")
    world.rest()
    code, text = honk("audit", "export", f"repo-{world.repo.id}")
    [line] = [json.loads(line) for line in text.splitlines()]
    assert code == 0
    assert line["document"]["actor"]["login"] == "eve"
    assert line["document"]["permission"] == "read"


def test_of_what_never_was_there_is_no_record(honk: Honk) -> None:
    assert honk("audit", "export", "1-2-3")[0] == 1
    assert honk("audit", "verify", "1-2-3") == (1, "1-2-3: there is no record\n1 problem.\n")


def test_without_a_commit_nothing_is_attested(world: World, honk: Honk) -> None:
    issue = world.eve.open_issue(world.repo, "Something else", "Please.")
    world.eve.comment(issue, "/honk now")
    world.rest()
    assert honk("audit", "export", f"repo-{world.repo.id}", "--attestation")[0] == 1


def test_an_attestation_needs_a_key_to_check_it_with(honk: Honk, tmp_path: Path) -> None:
    assert honk("audit", "verify", "--attestation", str(tmp_path / "a"))[0] == 2
    assert honk("audit", "verify", "--attestation", str(tmp_path / "a"), "--public-key", str(tmp_path / "b"))[0] == 2
