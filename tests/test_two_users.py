"""`honk runner` beside secrets refuses to start, `honk doctor` looks whether two users are really apart, and a broker
whose secrets the runner could read does not start."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from github_app.__main__ import main
from github_app.core.errors import Misconfigured
from github_app.settings import read_runner_settings, read_settings
from tests.fakes.users import BROKER, RUNNER, RunnerProcess, environment, own, python_as, runner_process, why_not
from tests.test_settings import LEAST

needs_users = pytest.mark.skipif(bool(why_not()), reason=why_not() or "can be run")

RUNNERS = {"HONK_RUNNER_SOCKET": "/run/honk-runner/socket", "HONK_DATA_DIR": "/var/lib/honk-runner"}


@pytest.mark.parametrize(
    "name",
    [
        "HONK_PRIVATE_KEY", "HONK_PRIVATE_KEY_FILE", "HONK_WEBHOOK_SECRET", "HONK_DATABASE_URL", "HONK_APP_ID",
        "ANTHROPIC_API_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "GOOGLE_APPLICATION_CREDENTIALS",
    ],
)  # fmt: skip
def test_a_runner_refuses_secrets_in_its_environment(name: str) -> None:
    with pytest.raises(Misconfigured, match=f"{name} does not belong to a runner"):
        read_runner_settings(RUNNERS | {name: "x"})


def test_a_runner_needs_to_know_where_it_is() -> None:
    assert read_runner_settings(RUNNERS).socket == Path("/run/honk-runner/socket")
    for name in RUNNERS:
        with pytest.raises(Misconfigured, match=name):
            read_runner_settings({key: value for key, value in RUNNERS.items() if key != name})


def test_toolchains_are_the_runners_where_there_is_one() -> None:
    with pytest.raises(Misconfigured, match="HONK_TOOL_PATHS belongs to the runner"):
        read_settings(LEAST | {"HONK_RUNNER_SOCKET": "/run/x", "HONK_TOOL_PATHS": "/usr"})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try to be a runner as root")
def test_root_is_no_runner(
    open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in os.environ:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HONK_RUNNER_SOCKET", str(open_tmp_path / "socket"))
    monkeypatch.setenv("HONK_DATA_DIR", str(open_tmp_path))

    assert main(["runner"]) == 2
    assert "neither root nor the broker's" in capsys.readouterr().err


@pytest.fixture
def runner(open_tmp_path: Path) -> Iterator[RunnerProcess]:
    """Give a real runner, of another user than BROKER."""
    with runner_process(open_tmp_path) as it:
        yield it


@pytest.fixture
def settings(open_tmp_path: Path, runner: RunnerProcess) -> dict[str, str]:
    """Give a broker's environment, its key in a file that only the broker can read."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    home = own(open_tmp_path / "broker", BROKER)
    file = home / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    file.chmod(0o600)
    os.chown(file, BROKER, BROKER)
    return environment(
        HONK_APP_ID="1",
        HONK_PRIVATE_KEY_FILE=str(file),
        HONK_WEBHOOK_SECRET="s",
        ANTHROPIC_API_KEY="k",
        HONK_DATA_DIR=str(own(open_tmp_path / "data", BROKER)),
        HONK_RUNNER_SOCKET=str(runner.socket),
    )


def honk(command: str, settings: dict[str, str], *, uid: int = BROKER) -> tuple[int, str]:
    """The exit code and the words of a command of the broker's user."""
    words = [*python_as(uid), "-m", "github_app", command]
    done = subprocess.run(words, env=settings, capture_output=True, text=True, cwd="/", timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@needs_users
def test_doctor_sees_that_two_users_are_apart(settings: dict[str, str]) -> None:
    code, said = honk("doctor", settings)

    assert (code, "FAIL" in said) == (0, False), said
    assert f"a runner, uid {RUNNER}; we are uid {BROKER}" in said
    assert "all stand" in said
    assert "that uid is Honk's own" not in said


@needs_users
def test_doctor_names_each_secret_that_the_runner_reads(settings: dict[str, str], open_tmp_path: Path) -> None:
    (open_tmp_path / "broker").chmod(0o755)
    (open_tmp_path / "broker/key.pem").chmod(0o644)

    code, said = honk("doctor", settings)

    assert code == 1
    assert f"secrets are closed to the runner: seen: uid {RUNNER} reads {open_tmp_path}/broker/key.pem" in said
    assert honk("worker", settings) == (
        2,
        f"honk: the runner could read {open_tmp_path}/broker/key.pem: close it to uid {RUNNER}\n",
    )


@needs_users
def test_doctor_says_how_to_get_a_runner_that_is_away(settings: dict[str, str], runner: RunnerProcess) -> None:
    runner.stop()
    code, said = honk("doctor", settings)
    assert code == 1
    assert "is `honk runner` up?" in said


@needs_users
def test_the_runners_own_user_is_no_broker(settings: dict[str, str], open_tmp_path: Path) -> None:
    mine = settings | {
        "HONK_DATA_DIR": str(own(open_tmp_path / "mine", RUNNER)),
        "HONK_PRIVATE_KEY": LEAST["HONK_PRIVATE_KEY"],
    }
    del mine["HONK_PRIVATE_KEY_FILE"]
    assert "it must be another, unprivileged one" in honk("doctor", mine, uid=RUNNER)[1]


@needs_users
def test_without_a_runner_doctor_says_whose_user_sandboxes_are(settings: dict[str, str], open_tmp_path: Path) -> None:
    alone = {name: value for name, value in settings.items() if name != "HONK_RUNNER_SOCKET"}

    code, said = honk("doctor", alone)

    assert code == 0, said
    assert f"as uid {BROKER};" in said
    assert "that uid is Honk's own" in said
    assert (open_tmp_path / "data").stat().st_mode & 0o777 == 0o700


@needs_users
def test_a_runner_stops_in_order_and_leaves_its_folder_closed(runner: RunnerProcess) -> None:
    assert runner.data_dir.stat().st_mode & 0o777 == 0o700
    assert runner.socket.stat().st_gid == BROKER
    assert runner.stop() == 0
    assert '"level": "error"' not in runner.log
