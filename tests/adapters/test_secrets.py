"""What looks like a secret is seen and not told; what is ours is known by its value."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from github_app.adapters.secrets import PatternScanner
from github_app.adapters.vault import Vault

LETTERS = "Zx81kQpL0aMv73NsYt5RcWb92DfGhJe64UiOZx81kQpL0aMv73NsYt5RcWb92DfGhJe64UiOZx81kQpL0aMv73NsYt"
SCANNER = PatternScanner(vault=Vault(["a-webhook-secret-of-ours-1234"]))
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "\n".join([LETTERS[:64]] * 12) + "\n-----END RSA PRIVATE KEY-----\n"
GITHUB = f"ghp_{LETTERS[:36]}"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"x = 1\ntoken = '{GITHUB}'\n", [(2, 2)]),
        (f"token = '{GITHUB}'  # gitleaks:allow  # noqa\n", [(1, 1)]),
        (f"data = '{base64.b64encode(GITHUB.encode()).decode()}'\n", [(1, 1)]),
        (f"k = 'sk-ant-api03-{(LETTERS * 2)[:93]}AA'\n", [(1, 1)]),
        (f"\n\n{PEM}", [(3, 16)]),
    ],
    ids=["a token", "a token with a comment that allows", "a token in base64", "a model's key", "a private key"],
)
def test_what_looks_like_a_secret_is_seen_and_not_told(text: str, lines: list[tuple[int, int]]):
    seen = SCANNER.scan(text.encode())
    assert [(each.line, each.last_line) for each in seen] == lines
    assert all("what looks like a secret (" in each.what and not each.is_ours for each in seen)
    assert all(LETTERS[4:20] not in each.what for each in seen)


@pytest.mark.parametrize(
    "text",
    [
        "sha = 'da39a3ee5e6b4b0d3255bfef95601890afd80709'\n",
        "id = '550e8400-e29b-41d4-a716-446655440000'\n",
        "password = input('Password: ')\n",
        "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\n",
        "def test_token():\n    assert token('x') == 'ghp_xxx'\n",
        "",
    ],
)
def test_usual_code_holds_none(text: str):
    assert SCANNER.scan(text.encode()) == ()


@pytest.mark.parametrize("pack", [str, lambda v: v[::-1], lambda v: v.encode().hex(), lambda v: "\n".join(v)])
def test_what_is_ours_is_known_by_its_value_in_any_disguise(pack):
    [seen] = SCANNER.scan(f"one\nx = '{pack('a-webhook-secret-of-ours-1234')}'\n".encode())
    assert seen.is_ours
    assert seen.line == 2
    assert "webhook" not in seen.what


def test_what_is_no_text_is_looked_into_as_well():
    assert SCANNER.scan(b"\x00\xff\xfe" + GITHUB.encode() + b"\x00")
    assert SCANNER.scan(b"\x00\xffa-webhook-secret-of-ours-1234\x00")[0].is_ours


def test_threads_share_one():
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(len(SCANNER.scan(f"t = '{GITHUB}'".encode())))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 8


def test_a_user_without_a_cache_has_a_scanner_all_the_same(tmp_path: Path):
    script = "from github_app.adapters.secrets import PatternScanner; print(PatternScanner().scan(b'k'))"
    env = {"HOME": str(tmp_path / "nowhere"), "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "()\n"
