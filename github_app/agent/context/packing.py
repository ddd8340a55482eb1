"""What is found, in words that fit: the likeliest files with their definitions first, then names alone."""

from __future__ import annotations

from collections.abc import Sequence

from github_app.core.context import Command, RankedFile

MAP_TOKENS = 1_500
"""What the map of a repository may cost in each prompt."""

_BYTES_A_TOKEN = 4


def count_tokens(text: str) -> int:
    """About as many tokens as a text has; the model's own count differs by a fifth or so."""
    return -(-len(text.encode("utf-8", "replace")) // _BYTES_A_TOKEN)


def pack_files(files: Sequence[RankedFile], *, tokens: int = MAP_TOKENS) -> str:
    """The ranked files as lines, likeliest first, in no more than so many tokens.

    Names come before outlines: a name says most for its cost. No line ends within.
    """
    heads = [f"{file.path} ({'; '.join(file.reasons)})" for file in files]
    kept, left = [], tokens
    for head in heads:
        left -= count_tokens(f"{head}\n")
        if left < 0:
            break
        kept.append([head])
    for lines, file in zip(kept, files, strict=False):
        for each in file.outline:
            line = f"  {each.line}: {each.text}"
            left -= count_tokens(f"{line}\n")
            if left < 0:
                return "\n".join(line for lines in kept for line in lines)
            lines.append(line)
    return "\n".join(line for lines in kept for line in lines)


def pack_commands(commands: Sequence[Command]) -> str:
    """What builds and tests, a line each with the file that says so."""
    lines = [f"  {' '.join(each.command.split())}  ({each.source})" for each in commands]
    return "\n".join(["Builds and tests:", *lines]) if lines else ""
