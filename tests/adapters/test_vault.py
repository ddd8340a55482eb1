"""What leaves this process: requests to GitHub, commit messages, log lines; none holds what the vault knows."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any

import pytest

from github_app.adapters.vault import Vault
from github_app.core.text.redaction import REMOVED
from github_app.process import JsonLines

HOOK = "a-webhook-secret-of-32-letters!!"
TOKEN = "ghs_" + "Ab3dE5gH7jK9mN1pQ3sT5vW7yZ9bD1fG3hJ5"


def test_a_token_is_known_while_it_lives():
    now = [0.0]
    vault = Vault([HOOK], clock=lambda: now[0])
    vault.remember(TOKEN, until=3_000)
    assert vault.clean(f"{TOKEN[7:]} and {HOOK}", shapes=False) == f"{REMOVED} and {REMOVED}"

    now[0] = 3_010.0
    vault.remember("another-token-of-some-letters", until=7_000)
    assert vault.clean(f"{TOKEN[7:]} and {HOOK}", shapes=False) == f"{TOKEN[7:]} and {REMOVED}"
    assert vault.removed == 3


def test_of_keys_and_addresses_the_secret_part_is_known():
    pem = "-----BEGIN PRIVATE KEY-----\nMIIEabcdefghijklmnop\nqrstuvwxyz0123456789\n-----END PRIVATE KEY-----\n"
    vault = Vault([pem, "postgresql://honk:p%40ss-word-42@db/honk", "sqlite:////data/honk.sqlite", ""])
    assert vault.clean("see MIIEabcdefghij klmnopqrst and p@ss-word-42 in honk at db", shapes=False) == (
        f"see {REMOVED} and {REMOVED} in honk at db"
    )
    assert vault.clean("-----BEGIN PUBLIC KEY-----") == "-----BEGIN PUBLIC KEY-----"


def test_words_are_made_fit_and_what_was_in_them_is_logged_without_it(caplog: pytest.LogCaptureFixture):
    vault = Vault([HOOK], homes=("https://github.com",))
    hidden = base64.b64encode(HOOK.encode()).decode().rstrip("=")[:-1]
    assert vault.fit(f"see {hidden} https://evil.com", of="a comment on #1") == f"see {REMOVED} `https://evil.com`"
    assert [(record.message, vars(record)["of"]) for record in caplog.records] == [
        ("secrets removed", "a comment on #1")
    ]
    assert HOOK not in caplog.text
    assert vault.fit("fine", of="x") == "fine"
    assert len(caplog.records) == 1


def test_the_note_in_a_secrets_place_is_no_part_of_a_link():
    vault = Vault([HOOK], homes=("https://github.com",))
    for disguise in (f"!{HOOK}(//evil.com/i.png)", f"{HOOK}(//evil.com)"):
        assert vault.fit(disguise, of="x").startswith(f"{REMOVED} (//evil.com")
    assert vault.fit(f"{HOOK}: //evil.com", of="x") == f"\\{REMOVED}: //evil.com"


def test_requests_keep_what_others_wrote():
    vault = Vault([HOOK])
    request = {"body": f"{HOOK} and {TOKEN}", "labels": [HOOK, "bug"], "draft": True, "n": 1}
    assert vault.clean_request(request) == {
        "body": f"{REMOVED} and {TOKEN}", "labels": [REMOVED, "bug"], "draft": True, "n": 1,
    }  # fmt: skip


def test_log_lines_hold_no_secret_and_no_control_sequence():
    vault = Vault([HOOK])
    lines = JsonLines(vault.clean_log)

    def line(message: str, **more: Any) -> dict[str, Any]:
        record = logging.makeLogRecord({"msg": message, "levelname": "INFO", **more})
        shown = lines.format(record)
        assert "\n" not in shown
        assert "\x1b" not in shown
        found: dict[str, Any] = json.loads(shown)
        return found

    told = line(f"it was {TOKEN}", why=ValueError(HOOK), parts=[HOOK, {"x": HOOK}], turn="7-12-1/turn-1")
    assert told["event"] == f"it was {REMOVED}"
    assert (told["why"], told["parts"], told["turn"]) == (REMOVED, [REMOVED, {"x": REMOVED}], "7-12-1/turn-1")
    assert line("\x1b]0;title\x07 \x1b[2K\rnew")["event"] == "\x1b]0;title\x07 \x1b[2K\rnew"
