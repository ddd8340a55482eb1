"""Other prompts in the place of ours: read strictly, used within a block only."""

from __future__ import annotations

from pathlib import Path

import pytest

from github_app.agent.prompt import system_prompt
from github_app.agent.templates import MAX_BYTES, filled, read_templates, replacing
from github_app.core.errors import Misconfigured

VALUES = {"repository": "R", "instructions": "", "issue": "I", "comments": "", "feedback": "", "history": ""}


def test_texts_of_a_folder_stand_in_within_the_block(tmp_path: Path) -> None:
    (tmp_path / "system.md").write_text("You cost $5.\n")
    (tmp_path / "implement.md").write_text("$issue for $$5\n")
    (tmp_path / "notes.txt").write_text("not a prompt")
    ours = system_prompt(), filled("implement", **VALUES)
    with replacing(read_templates(tmp_path)):
        assert (system_prompt(), filled("implement", **VALUES)) == ("You cost $5.", "I for $5")
        assert "$" not in filled("fix_checks", **VALUES)
    assert (system_prompt(), filled("implement", **VALUES)) == ours
    assert list(read_templates(tmp_path / "system.md")) == ["system"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("sistem.md", "x", r"sistem.md stands for no prompt; there are: .*system\.md"),
        ("system.txt", "x", "stands for no prompt"),
        ("implement.md", "$isue", r"a `\$` stands only before .*issue"),
        ("implement.md", "$5", "any other is written"),
        ("system.md", "x" * (MAX_BYTES + 1), "is larger than"),
        ("system.md", b"\xff", "cannot be read"),
    ],
)
def test_what_cannot_stand_in_is_said(tmp_path: Path, name: str, text: str | bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(Misconfigured, match=said):
        read_templates(path)


def test_a_folder_without_prompts_is_said(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="has no prompts"):
        read_templates(tmp_path)
    with pytest.raises(Misconfigured, match="cannot be read"):
        read_templates(tmp_path / "system.md")
