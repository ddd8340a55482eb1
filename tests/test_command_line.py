"""The command line as a newcomer meets it: what to do is said in one line, and nothing slow is loaded to say it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from github_app.__main__ import main
from github_app.app import open_pauses, open_store
from github_app.core.decisions import Decision
from github_app.core.events import Ticked
from github_app.core.model import Repo
from github_app.core.reports import Inquiry
from github_app.core.session import Cause, Pause, Session, Status
from github_app.listing import show
from github_app.settings import read_settings
from tests.engine.values import FACTS, a_session
from tests.test_settings import LEAST

SLOW = {"anthropic", "dbos", "fastapi", "github", "sqlalchemy", "uvicorn", "pydantic"}


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*LEAST, "HONK_PRIVATE_KEY_FILE", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def _all_set(open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    for name, value in {**LEAST, "HONK_PRIVATE_KEY": pem, "ANTHROPIC_API_KEY": "k"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HONK_DATA_DIR", str(open_tmp_path / "data"))


@pytest.mark.parametrize("command", ["--help", "doctor"])
@pytest.mark.usefixtures("_all_set")
def test_nothing_slow_is_imported_for(command: str) -> None:
    code = (
        "import sys; from github_app.__main__ import main\n"
        f"try: main([{command!r}])\nexcept SystemExit: pass\n"
        f"sys.exit(' '.join({SLOW!r} & sys.modules.keys()) or 0)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr.strip()) == (0, "")


@pytest.mark.usefixtures("_all_set")
def test_doctor_finds_all_well(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HONK_PUBLIC_URL", "https://honk.example.com/")

    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "FAIL" not in said
    assert said.endswith("All is well.\n")
    assert "https://honk.example.com/webhooks/github" in said


@pytest.mark.usefixtures("_all_set")
def test_doctor_names_what_is_wrong_beside_what_is_well(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.setenv("HONK_PRIVATE_KEY", LEAST["HONK_PRIVATE_KEY"])

    assert main(["doctor"]) == 1
    wrong = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert [line.split(":")[0] for line in wrong] == ["FAIL  private key", "FAIL  model"]
    assert "ANTHROPIC_API_KEY" in wrong[1]


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"HONK_MODEL_PROVIDER": "bedrock", "AWS_REGION": "eu-west-1", "HONK_JUDGE_MODEL": "",
             "HONK_MODEL": "eu.anthropic.claude-sonnet-4-6"},
            "ok    model: eu.anthropic.claude-sonnet-4-6 at bedrock in eu-west-1, with the credentials that the "
            "cloud's own tools would use",
        ),
        (
            {"HONK_MODEL_PROVIDER": "foundry", "ANTHROPIC_FOUNDRY_API_KEY": "fk", "ANTHROPIC_FOUNDRY_RESOURCE": "acme",
             "HONK_MODEL": "our-model", "HONK_JUDGE_MODEL": "our-model"},
            "ok    model: our-model at https://acme.services.ai.azure.com/anthropic/; our-model is not in the table of "
            "prices and counts as the dearest",
        ),
        (
            {"HONK_MODEL_PROVIDER": "vertex", "CLOUD_ML_REGION": "global"},
            "FAIL  settings: ANTHROPIC_VERTEX_PROJECT_ID is not set, and HONK_MODEL_PROVIDER=vertex needs it: see "
            "docs/configure.md",
        ),
        (
            {"HONK_MODEL_PROVIDER": "bedrock", "AWS_REGION": "eu-west-1"},
            "FAIL  settings: HONK_MODEL must be a model's name at bedrock, like `global.anthropic.claude-…`, not "
            "`claude-sonnet-5-5`",
        ),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("_all_set")
def test_doctor_says_whose_model_is_asked_and_what_is_missing_for_it(
    settings: dict[str, str], line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("github_app.doctor._sandbox", lambda _settings: ())
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    main(["doctor"])

    assert line in capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("_all_set")
def test_doctor_knows_a_git_that_is_too_old(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("github_app.doctor._sandbox", lambda _settings: ())
    (tmp_path / "git").write_text("#!/bin/sh\necho git version 2.30.2\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert main(["doctor"]) == 1
    assert "FAIL  git: git version 2.30.2; taking back and merging need git 2.38 or newer" in capsys.readouterr().out


def test_missing_settings_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve"]) == 2
    assert capsys.readouterr().err == "honk: HONK_APP_ID is not set: the GitHub App's id (or client id)\n"


@pytest.mark.parametrize(
    ("url", "code"),
    [("sqlite:////proc/nowhere/honk.sqlite", 2), ("postgresql://nobody@127.0.0.1:1/none", 1)],
)
@pytest.mark.usefixtures("_all_set")
def test_a_database_that_cannot_be_had_is_one_line(
    url: str, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HONK_DATABASE_URL", url)

    assert main(["sessions"]) == code
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "HONK_DATABASE_URL" in said


@pytest.mark.usefixtures("_all_set")
def test_no_sessions_are_a_table_without_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions"]) == 0
    assert capsys.readouterr().out.split() == [
        "Session",
        "Kind",
        "Repository",
        "Issue",
        "Pull",
        "request",
        "Status",
        "Cost",
        "Title",
    ]


def _begun(title: str = "Broken", **more: Any) -> Session:
    store = open_store(read_settings())
    session = a_session(issue_title=title, **more)
    store.commit(Ticked(id="t", session_id=session.id), None, Decision(session=session, why="w"), session.repo, FACTS)
    return session


@pytest.mark.usefixtures("_all_set")
def test_sessions_are_listed_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    session = _begun("A [red]title[/red]\x1b[2J")

    assert main(["sessions"]) == 0
    shown = capsys.readouterr().out
    assert session.id in shown
    assert "\x1b" not in shown
    assert main(["sessions", "--json", "--open", "--repo", "ACME/thing"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["session"], told["title"], told["kind"]) == (session.id, session.issue_title, "change")
    assert told["issue_url"] == "https://github.com/acme/thing/issues/1"
    assert main(["sessions", "--json", "--repo", "acme/other"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("_all_set")
def test_a_report_is_listed_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    session = _begun(id="7-1-q1", inquiry=Inquiry(question="Why?"), branch="", turn_cause=Cause.EXPLAIN)
    assert main(["sessions"]) == 0
    assert "7-1-q1   answer" in capsys.readouterr().out
    assert main(["show", session.id]) == 0
    shown = capsys.readouterr().out
    assert "kind         answer" in shown
    assert "branch" not in shown


@pytest.mark.usefixtures("_all_set")
def test_a_session_is_shown_with_what_is_on_record(capsys: pytest.CaptureFixture[str]) -> None:
    session = _begun("Broken\x1b[2J")

    assert main(["show", session.id]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{session.id}  Broken")
    assert "\x1b" not in shown
    assert "ticked: w" in shown
    assert main(["show", session.id, "--json"]) == 0
    head, *lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert head["session"] == session.id
    assert [line["kind"] for line in lines] == ["decision"]
    assert main(["show", "9-9-9"]) == 1
    assert "no session `9-9-9`" in capsys.readouterr().err


@pytest.mark.usefixtures("_all_set")
def test_a_session_is_followed_until_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    session = _begun()

    def end(_s: float) -> None:
        store = open_store(read_settings())
        now = store.session(session.id)
        assert now is not None
        over = Decision(session=replace(now, status=Status.CLOSED), why="all over")
        store.commit(Ticked(id="u", session_id=session.id), now, over, session.repo, FACTS)

    assert show(session.id, is_followed=True, is_json=False, sleep=end) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("ticked: all over")


def test_a_policy_is_explained_before_it_is_pushed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy, floor = tmp_path / "honk.yml", tmp_path / "floor.yml"
    policy.write_text("limits:\n  usd: 20\n  steps: 30\n")
    floor.write_text("limits: {usd: 5}\n")
    monkeypatch.setenv("HONK_POLICY_FILE", str(floor))

    assert main(["config", "explain", str(policy), "--json"]) == 0
    told = {each["key"]: (each["value"], each["source"]) for each in json.loads(capsys.readouterr().out)}
    assert told["limits.usd"] == ("5", "the operator's floor; the file has 20")
    assert told["limits.steps"] == ("30", "line 3")
    assert main(["config", "explain", str(policy)]) == 0
    assert "the operator's floor; the file has 20" in capsys.readouterr().out
    policy.write_text("limits:\n  usd: many\n")
    assert main(["config", "explain", str(policy)]) == 1
    assert "line 2: `limits.usd` must be a number" in capsys.readouterr().err
    assert main(["config", "explain", str(tmp_path / "none.yml")]) == 2


def test_what_would_be_decided_is_told_before_a_policy_is_pushed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "honk.yml"
    policy.write_text("protected: [db/**]\napprovers: [ann]\n")
    command = ["config", "simulate", str(policy), "--paths", "db/a.sql", "a.py", "--as", "rob:admin"]

    assert main([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(each["path"], each["who"]) for each in told["paths"]] == [("db/a.sql", "`ann`"), ("a.py", "")]
    assert (told["person"]["may_accept"], told["person"]["may_accept_protected"]) == (True, False)
    assert told["policy"][0]["key"] == "limits.usd"
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "is held back: it is protected (`db/**`)" in shown
    assert "rob (admin)" in shown
    assert main(["config", "simulate", str(policy), "--as", "rob:king"]) == 2
    assert "--as takes LOGIN:ROLE" in capsys.readouterr().err
    assert main(["config", "simulate", str(policy)]) == 0
    assert "Person" not in capsys.readouterr().out


@pytest.mark.usefixtures("_all_set")
def test_everything_is_paused_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    store = open_store(read_settings())
    repo = Repo(id=7, full_name="acme/thing", installation_id=3, default_branch="main")

    assert main(["pause", "--reason", "upgrade"]) == 0
    assert open_pauses(store).of(repo) == Pause(login="", reason="upgrade", by_operator=True, is_everywhere=True)
    assert main(["resume"]) == 0
    assert open_pauses(store).of(repo) is None
    assert main(["resume"]) == 0
    assert capsys.readouterr().out == (
        "Paused: everything. `honk resume` goes on.\nGoing on: everything.\nThere was no pause: everything.\n"
    )


@pytest.mark.usefixtures("_all_set")
def test_a_repository_is_paused_by_its_name_and_goes_on_whoever_paused_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pause", "--repo", "acme/thing"]) == 1
    assert "no repository in which Honk has worked" in capsys.readouterr().err
    store = open_store(read_settings())
    session = a_session()
    store.commit(Ticked(id="t", session_id=session.id), None, Decision(session=session, why="w"), session.repo, FACTS)

    assert main(["pause", "--repo", "Acme/Thing"]) == 0
    open_pauses(store).pause(session.repo.id, login="ann")
    found = open_pauses(store).of(session.repo)
    assert found is not None
    assert (found.by_operator, found.is_everywhere) == (True, False)
    assert main(["resume", "--repo", "acme/thing"]) == 0
    assert open_pauses(store).of(session.repo) is None


def test_the_demo_wants_repository_and_issue_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--repo", "."]) == 2
    assert "--issue" in capsys.readouterr().err


@pytest.mark.parametrize("text", [None, " \n"])
def test_the_demo_says_what_is_wrong_with_an_issue(
    text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    (tmp_path / ".git").mkdir()
    if text is not None:
        (tmp_path / "issue.md").write_text(text)

    assert main(["demo", "--repo", str(tmp_path), "--issue", str(tmp_path / "issue.md")]) == 2
    assert "--issue" in capsys.readouterr().err


@pytest.mark.usefixtures("_all_set")
def test_lessons_are_listed_exported_edited_and_dropped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = "acme/thing"

    def honk(*words: str) -> str:
        assert main(["lessons", words[0], "--repo", repo, *words[1:]]) == 0
        return capsys.readouterr().out

    store = open_store(read_settings())
    store.commit(Ticked(id="t", session_id="7-1-1"), None, Decision(session=a_session(), why="w"), None, FACTS)
    file = tmp_path / "lessons.md"
    file.write_text("## Ours\n\n- Use dB.\n- Be brief.\n")
    assert honk("import", str(file)) == "2 written, 0 as they were.\n"
    assert sorted(honk("list").splitlines()) == [
        "0-1      0 uses    Use dB. (kept by the operator)",
        "0-2      0 uses    Be brief. (kept by the operator)",
    ]
    file.write_text(honk("export").replace("Use dB.", "Use decibels."))
    assert honk("import", str(file)) == "1 written, 1 as they were.\n"
    assert "- Use decibels. (kept by the operator) <!-- lesson 0-1 -->\n" in honk("export")
    assert honk("drop", "0-1") == "Dropped: 0-1.\n"
    assert "decibels" not in honk("export")
    assert main(["lessons", "drop", "--repo", repo, "0-1"]) == 1
    assert "has no lesson 0-1" in capsys.readouterr().err
    assert main(["lessons", "import", "--repo", repo, str(tmp_path / "none.md")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_a_shell_completes_commands_and_options(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in ("zsh", "fish"):
        assert main(["completion", shell]) == 0
        assert "--follow" in capsys.readouterr().out
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out

    def completed(*words: str) -> set[str]:
        line = f"COMP_WORDS=({' '.join(words)}) COMP_CWORD={len(words) - 1}; _shtab_honk; "
        line += "printf '%s\\n' \"${COMPREPLY[@]}\""
        told = subprocess.run(["bash"], input=f"{script}\n{line}", capture_output=True, text=True, check=True)
        return set(told.stdout.split())

    assert completed("honk", "se") == {"setup", "serve", "sessions"}
    assert {"--review", "--repo"} <= completed("honk", "run", "--re")
    assert completed("honk", "tokens", "r") == {"revoke"}


def test_what_an_exit_code_means_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "130 interrupted" in " ".join(capsys.readouterr().out.split())
