"""What `deploy/` promises, as far as it can be seen without systemd or a container engine: broker and runner are two
users who share nothing but a socket, and the runner is told nothing secret."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from github_app.settings import read_runner_settings, read_settings
from tests.test_settings import PEM

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SYSTEMD = DEPLOY / "systemd"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "docker/compose.yml").read_text())
BROKER, RUNNER = COMPOSE["services"]["broker"], COMPOSE["services"]["runner"]


def example() -> dict[str, str]:
    """The settings that an operator begins with, the key put in place."""
    lines = (DEPLOY / "honk.env.example").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {**settings, "HONK_PRIVATE_KEY": PEM, "HONK_PRIVATE_KEY_FILE": ""}


def unit(name: str) -> dict[str, list[str]]:
    """What a unit sets, each with all its values."""
    found: dict[str, list[str]] = {}
    for line in (SYSTEMD / f"{name}.service").read_text().splitlines():
        if match := re.fullmatch(r"([A-Za-z]+)=(.*)", line):
            found.setdefault(match[1], []).append(match[2])
    return found


def environment(unit: Mapping[str, list[str]]) -> dict[str, str]:
    """The environment that a unit gives by itself."""
    return dict(each.split("=", 1) for each in unit.get("Environment", []))


def test_the_broker_of_each_kind_has_all_it_needs() -> None:
    alone = read_settings(example())
    contained = read_settings(example() | BROKER["environment"] | {"HONK_PRIVATE_KEY_FILE": ""})

    for settings in (alone, contained):
        assert settings.runner_socket == Path("/run/honk-runner/socket")
        assert settings.data_dir == Path("/var/lib/honk")
    assert contained.host == "0.0.0.0"  # noqa: S104 - within its container


def test_the_runner_of_each_kind_is_told_where_it_is_and_nothing_else() -> None:
    for told in (environment(unit("honk-runner")), RUNNER["environment"]):
        settings = read_runner_settings(told)
        assert settings.socket == Path("/run/honk-runner/socket")
        assert settings.data_dir == Path("/var/lib/honk-runner")
        assert len(told) == 2


def test_no_secret_reaches_the_runners_container() -> None:
    assert not {"env_file", "secrets", "ports", "configs"} & RUNNER.keys()
    assert {mount.split(":")[0] for mount in RUNNER["volumes"]} == {"runner-data", "socket"}
    assert {mount.split(":")[0] for mount in BROKER["volumes"]} == {"data", "socket"}
    assert RUNNER["network_mode"] == "none"


def test_containers_are_two_ordinary_users_that_the_image_has() -> None:
    dockerfile = (DEPLOY / "docker/Dockerfile").read_text()
    users = dict(re.findall(r"useradd --uid (\d+) --no-create-home (\S+)", dockerfile))
    assert users == {"10001": "honk", "10002": "honk-runner"}
    assert (BROKER["user"], RUNNER["user"]) == ("10001:10001", "10002:10002")
    assert "-o honk-runner -g honk -m 2750 /run/honk-runner" in dockerfile
    assert [line for line in dockerfile.splitlines() if line.startswith("USER ")] == ["USER honk"]
    assert "--require-hashes" in dockerfile


def test_containers_have_no_more_than_they_need() -> None:
    for service in (BROKER, RUNNER):
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert not {"privileged", "cap_add", "pid", "ipc", "userns_mode", "devices"} & service.keys()
    assert BROKER["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in BROKER["ports"])


def test_keys_do_not_get_into_the_image() -> None:
    ignored = (DEPLOY.parent / ".dockerignore").read_text().split()
    assert {".git", "deploy/honk.env", "deploy/*.pem"} <= set(ignored)
    copied = re.findall(r"^COPY (\S+)", (DEPLOY / "docker/Dockerfile").read_text(), re.MULTILINE)
    assert copied == ["requirements.lock", "github_app"]


def test_units_are_two_users_who_share_no_group() -> None:
    assert (unit("honk")["User"], unit("honk-runner")["User"]) == (["honk"], ["honk-runner"])
    users = (SYSTEMD / "sysusers.conf").read_text()
    assert re.findall(r"^(\w) (\S+)", users, re.MULTILINE) == [("u", "honk"), ("u", "honk-runner")]
    folders = re.findall(r"^d (\S+) (\S+) (\S+) (\S+)", (SYSTEMD / "tmpfiles.conf").read_text(), re.MULTILINE)
    assert folders == [("/run/honk-runner", "2750", "honk-runner", "honk"), ("/etc/honk", "0750", "root", "honk")]


def test_the_runners_unit_holds_no_secret_and_cannot_reach_the_brokers() -> None:
    runner = unit("honk-runner")
    assert (
        not {"EnvironmentFile", "LoadCredential", "SetCredential", "PassEnvironment", "SupplementaryGroups"}
        & runner.keys()
    )
    assert runner["InaccessiblePaths"] == ["-/etc/honk -/var/lib/honk"]
    assert runner["PrivateNetwork"] == ["yes"]
    for each in (runner, unit("honk")):
        assert each["NoNewPrivileges"] == ["yes"]
        assert each["CapabilityBoundingSet"] == [""]
        assert each["ProtectSystem"] == ["strict"]
        assert each["StateDirectoryMode"] == ["0700"]


def test_nothing_in_the_runners_unit_forbids_sandboxes_and_the_brokers_does() -> None:
    breaks = {"RestrictNamespaces", "ProtectKernelTunables", "ProtectKernelLogs", "ProtectProc", "ProcSubset"}
    assert not breaks & unit("honk-runner").keys()
    assert unit("honk")["RestrictNamespaces"] == ["yes"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for name in ("honk", "honk-runner"):
        text = (SYSTEMD / f"{name}.service").read_text()
        text = re.sub(r"^ExecStart=.*", "ExecStart=/bin/true", text, flags=re.MULTILINE)
        (tmp_path / f"{name}.service").write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.glob("*.service")))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "honk" in line]
    assert (done.returncode, complaints) == (0, [])
