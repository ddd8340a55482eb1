"""Names of files that are not what they seem: `.git` in disguise, names that mean another place to another system."""

from __future__ import annotations

import unicodedata

# Code points that HFS+ drops from names; git's own list (`utf8.c`), for the same reason: `.g\u200cit` is `.git` there.
_INVISIBLE = dict.fromkeys((*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF))


def is_dot_git(name: str) -> bool:
    """Whether any file system takes this name for `.git`, as git decides it (`core.protectHFS`, `core.protectNTFS`)."""
    plain = name.translate(_INVISIBLE).casefold().split(":")[0].rstrip(" .")
    return plain in (".git", "git~1")


def is_workflow(path: str) -> bool:
    """Whether GitHub runs what is there, and so takes it only from who may change workflows."""
    return path.casefold().startswith(".github/workflows/")


def flaw_of(path: str) -> str:
    """What is wrong with a path that a commit should bring in, as the end of a sentence; empty if nothing is."""
    parts = path.split("/")
    # A dotless i is an i to some, and to the eye.
    if any(is_dot_git(part.replace("\u0131", "i")) for part in parts):
        return "lies in a folder that some system takes for `.git`"
    if any(part in ("", ".", "..") for part in parts):
        return "is no path below the top of the repository"
    if "\\" in path or any(part[-1] in " ." for part in parts):
        return "means another place on Windows"
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") for sign in path):
        return "has invisible characters in its name"
    return ""
