"""A session that is over, once more with another prompt: `honk replay`, beside a Honk that works."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.story.play import bash, calls, submit, write
from tests.story.world import World


def test_a_first_turn_runs_again_with_another_prompt(world: World, tmp_path: Path) -> None:
    world.when("Be polite.", replies=[calls(bash("echo good day > hello.txt"), write("bye.txt", "bye\n"), submit())])
    world.ask_for()
    world.wait_pull()
    world.rest()
    session = world.session
    assert session is not None
    (tmp_path / "implement.md").write_text(
        "$repository\n$instructions\n$issue\n$comments$feedback$history\nBe polite.\n"
    )
    before, tables = len(world.stack.hub.deliveries), world.rows("SELECT count(*) FROM steps")

    command = [*world.stack.program, "replay", session.id, "--prompts", str(tmp_path), "--json"]
    again = subprocess.run(command, env=world.stack.environment(), capture_output=True, text=True, check=False)

    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert (told["turn"], told["prompts"]) == (f"{session.id}/turn-1", ["implement"])
    assert told["then"]["ended"] == told["now"]["ended"] == "submitted"
    assert told["then"]["changed"] == ["hello.txt"]
    assert told["files"] == {"same": [], "differ": ["hello.txt"], "only_then": [], "only_now": ["bye.txt"]}
    assert "-hello\n+good day" in told["difference"]
    assert "new: bye.txt" in told["difference"]
    assert told["now"]["steps"] == 1
    assert told["now"]["cost_usd"] > 0
    assert len(world.stack.hub.deliveries) == before  # nothing happened on GitHub
    assert world.rows("SELECT count(*) FROM steps") == tables
    data = Path(world.stack.environment()["HONK_DATA_DIR"])
    assert list(data.glob(f"workspaces/*{session.id}-replay*")) == []
