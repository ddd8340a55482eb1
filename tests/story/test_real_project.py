"""The loop on a real project: simplejson, with a true bug of its history put back, its own test-suite as the verifier.

The bug is SJ-PT-23-01, mended in simplejson 3.19.1: `int(…, 16)` takes spaces and signs, so that `"\\u EDD"` was read
as a character. The sources come from the installed, hash-pinned distribution.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from importlib.metadata import distribution

from github_app.localhub.runner import find_act
from tests.story.ci import StoryRunner
from tests.story.play import bash, calls, edit, submit
from tests.story.world import World

MakeWorld = Callable[[Mapping[str, str | bytes] | None], World]

DECODER = "simplejson/decoder.py"
MENDED_HEAD = "def scan_four_digit_hex(s, end, _m=re.compile(r'^[0-9a-fA-F]{4}$').match):"
MENDED_CHECK = "    if not _m(esc):\n"
BROKEN_HEAD = "def scan_four_digit_hex(s, end):"
BROKEN_CHECK = "    if len(esc) != 4 or esc[1:2] in 'xX' or esc[0] == '-':\n"
WORSE_CHECK = "    if len(esc) != 5:\n"
WORKFLOW = """\
name: CI
on: [pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: python3 -m unittest discover
"""
ISSUE = """\
`simplejson.loads('"\\\\u EDD"')` gives `'\\u0edd'`. It should raise `JSONDecodeError`: an escape has four hexadecimal
digits, and a space is none. Only the pure-Python decoder is affected.
"""


def _project() -> dict[str, str | bytes]:
    """The project's files, with the bug put back."""
    found = distribution("simplejson").files or []
    paths = [path for path in found if path.parts[0] == "simplejson" and path.suffix == ".py"]
    files: dict[str, str | bytes] = {path.as_posix(): path.read_binary() for path in paths}
    source = next(path for path in paths if path.as_posix() == DECODER).read_text()
    assert source.count(MENDED_HEAD) == 1
    assert source.count(MENDED_CHECK) == 1
    files[DECODER] = source.replace(MENDED_HEAD, BROKEN_HEAD).replace(MENDED_CHECK, BROKEN_CHECK)
    return {**files, "README.md": "# simplejson\n", ".github/workflows/ci.yml": WORKFLOW}


def test_a_true_bug_of_a_real_project_is_mended_and_its_own_tests_say_so(make_world: MakeWorld) -> None:
    world = make_world(_project())
    runner = world.stack.runner
    assert isinstance(runner, StoryRunner)
    if find_act() is not None:
        del runner.of[world.repo.full_name]  # its workflow really runs
    world.when(
        replies=[
            calls(
                bash("""python3 -c 'import simplejson; print(simplejson.loads("\\"\\\\u EDD\\""))'"""), {"verify": {}}
            ),
            calls({"search": {"pattern": "scan_four_digit_hex"}}, edit(DECODER, BROKEN_CHECK, WORSE_CHECK)),
            calls(submit("Try it with something worse")),
            calls(
                edit(DECODER, BROKEN_HEAD, MENDED_HEAD),
                edit(DECODER, WORSE_CHECK, MENDED_CHECK),
                {"verify": {}},
            ),
            calls(submit("Take only hexadecimal digits in Unicode escapes")),
        ]
    )
    issue = world.ann.open_issue(world.repo, "Spaces are taken for hexadecimal digits", ISSUE, ["honk"])
    pull = world.wait_pull()
    assert pull.draft
    world.wait_ready()

    results = world.prompts()[-1]
    assert "test_scanstring.py" in results  # the verifier named the test that failed
    assert "not submitted: verification did not pass" in results
    assert "; new with your change: " in results
    assert " failed before as well: `python3 -m unittest discover`" in results
    assert "passed: `python3 -m unittest discover`" in results
    assert world.text(pull.head_sha, DECODER) == world.text("main", DECODER).replace(BROKEN_HEAD, MENDED_HEAD).replace(
        BROKEN_CHECK, MENDED_CHECK
    )
    assert "`python3 -m unittest discover`: passed" in (pull.issue.body or "")
    (proof,) = [run for run in world.repo.check_runs(pull.head_sha) if run.name == "honk"]
    assert "| `python3 -m unittest discover` | not looked up | passed" in proof.output["summary"]
    assert {run.conclusion for run in world.repo.check_runs(pull.head_sha)} == {"success"}
    assert "Ready for your review" in world.tracking(issue).body
    replay = [*world.stack.program, "replay", "--verify", f"{world.repo.id}-{issue.number}-1"]
    again = subprocess.run(replay, env=world.stack.environment(), capture_output=True, text=True, check=False)
    assert again.stdout.startswith("agrees   python3 -m unittest discover: passed"), again.stderr
    assert again.returncode == 0
