"""`honk doctor`: checks this machine and the settings, each with what was seen and, where it is wrong, what to do.
Unless it is told to (`--online`), it asks nothing of the network and imports nothing slow, so it answers at once."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator

from github_app.core.errors import HonkError, Misconfigured
from github_app.core.inspection import Finding, inspect
from github_app.core.registration import WEBHOOK_PATH
from github_app.settings import Settings, read_settings
from github_app.thinking import describe_engine, describe_model
from github_app.workshop import check_sandbox, make_data_dir

_VERSION = re.compile(r"(?P<major>\d+)\.(?P<minor>\d+)")
_MIN_GIT = (2, 38)
"""The first whose `merge-tree` merges without a working tree: https://git-scm.com/docs/git-merge-tree"""


def examine(*, is_online: bool) -> int:
    """Print all findings, each when it is there; 0 if all is well, 1 if not. `is_online` asks GitHub and the model,
    too."""
    findings = []
    for finding in _findings(is_online=is_online):
        findings.append(finding)
        print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name}: {finding.detail}", flush=True)
    wrong = [finding for finding in findings if not finding.ok]
    print()
    print("All is well." if not wrong else f"{len(wrong)} to mend. Settings are explained in docs/configure.md.")
    return 1 if wrong else 0


def _findings(*, is_online: bool) -> Iterator[Finding]:
    yield _git()
    try:
        settings = read_settings()
    except Misconfigured as error:
        yield Finding(name="settings", ok=False, detail=str(error))
        return
    yield Finding(name="settings", ok=True, detail=f"app {settings.app_id}, GitHub at {settings.github_url}")
    yield _try("private key", lambda: _check_key(settings))
    yield _try("data directory", lambda: _check_data_dir(settings))
    yield _try("model", lambda: describe_model(settings))
    yield _try("engine", lambda: describe_engine(settings))
    yield _webhook(settings)
    yield from _sandbox(settings)
    if is_online:
        yield from _online(settings)


def _online(settings: Settings) -> Iterator[Finding]:
    from github_app.app import build_hub, make_vault, permissions_used, subscribed_events
    from github_app.core.ports import Unfenced
    from github_app.thinking import ask_model

    url = f"{settings.public_url}{WEBHOOK_PATH}" if settings.public_url else ""
    try:
        state = build_hub(settings, make_vault(settings), Unfenced()).app_state()
    except HonkError as error:
        yield Finding(name="GitHub", ok=False, detail=str(error))
    else:
        yield Finding(name="GitHub", ok=True, detail=f"knows the App as {state.slug}")
        yield from inspect(state, permissions=permissions_used(), events=subscribed_events(), webhook_url=url)
    yield _try("model's answer", lambda: asyncio.run(ask_model(settings)))


def _try(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name=name, ok=True, detail=check())
    except HonkError as error:
        return Finding(name=name, ok=False, detail=str(error))


def _git() -> Finding:
    path = shutil.which("git")
    if path is None:
        return Finding(name="git", ok=False, detail="not found on PATH; install git 2.38 or newer")
    version = subprocess.run([path, "version"], capture_output=True, text=True, timeout=10, check=False).stdout.strip()
    found = _VERSION.search(version)
    if found is not None and (int(found["major"]), int(found["minor"])) < _MIN_GIT:
        return Finding(name="git", ok=False, detail=f"{version}; taking back and merging need git 2.38 or newer")
    return Finding(name="git", ok=True, detail=version)


def _check_key(settings: Settings) -> str:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(settings.private_key.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise Misconfigured(f"not readable ({error}); download it again from the App's page") from error
    if not isinstance(key, RSAPrivateKey):
        raise Misconfigured("not an RSA key; GitHub Apps have RSA keys")
    return f"RSA, {key.key_size} bits"


def _check_data_dir(settings: Settings) -> str:
    make_data_dir(settings)
    if not os.access(settings.data_dir, os.W_OK | os.X_OK):
        raise Misconfigured(f"HONK_DATA_DIR {settings.data_dir} is not writable for uid {os.geteuid()}")
    free_gib = shutil.disk_usage(settings.data_dir).free / 2**30
    return f"{settings.data_dir}, {free_gib:.0f} GiB free"


def _webhook(settings: Settings) -> Finding:
    door = f"http://{settings.host}:{settings.port}{WEBHOOK_PATH}"
    sent_to = f"{settings.public_url}{WEBHOOK_PATH} is the App's webhook URL, and leads to " * bool(settings.public_url)
    return Finding(name="webhook", ok=True, detail=f"{sent_to}{door}")


def _sandbox(settings: Settings) -> Iterator[Finding]:
    try:
        about, checks = asyncio.run(check_sandbox(settings))
    except HonkError as error:
        yield Finding(name="sandbox", ok=False, detail=str(error))
        return
    yield Finding(name="sandbox", ok=True, detail=about)
    broken = [check for check in checks if not check.ok]
    for check in broken:
        yield Finding(name=f"sandbox wall: {check.name}", ok=False, detail=f"seen: {check.detail}")
    if not broken:
        yield Finding(name="sandbox walls", ok=True, detail=f"{len(checks)} tried from inside, all stand")
