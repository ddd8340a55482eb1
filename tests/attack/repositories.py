"""Attacks by what a repository or an agent's tree holds: git's own programs, links, names that are no names."""

from __future__ import annotations

from pathlib import Path

from github_app.adapters.repository.git import Git
from github_app.core.errors import HonkError, ToolFailed
from github_app.core.model import ChangeSet, FileChange
from tests.adapters.desks import REPO
from tests.adapters.origins import link, text
from tests.attack.arena import Arena
from tests.attack.cases import attack

_BOOBY_TRAPS = """
git init -q . 2>/dev/null
git config core.fsmonitor "touch $M"; git config core.hooksPath .hooks; git config core.sshCommand "touch $M"
git config core.pager "touch $M"; git config diff.external "touch $M"; git config alias.status "!touch $M"
git config filter.evil.clean "touch $M"; git config filter.evil.smudge "touch $M"
git config filter.evil.process "touch $M"
git config diff.evil.textconv "touch $M"; git config merge.evil.driver "touch $M"; git config include.path ../evil
printf '[core]\\nfsmonitor = touch %s\\n' "$M" > evil
echo '* filter=evil diff=evil merge=evil' > .gitattributes
mkdir -p .hooks .git/hooks sub
for h in pre-commit pre-push post-checkout post-index-change reference-transaction; do
  for d in .hooks .git/hooks; do printf '#!/bin/sh\\ntouch %s\\n' "$M" > $d/$h; chmod +x $d/$h; done; done
(cd sub && git init -q . && git config core.fsmonitor "touch $M" && git config core.worktree /; echo x > f)
printf '[submodule "sub"]\\n path = sub\\n url = ext::sh -c touch%%20%s\\n' "$M" > .gitmodules
"""


async def _after_traps(arena: Arena, marker: Path) -> None:
    """Set every trap that git knows, then do all that Honk does with a tree."""
    await arena.shell(f"M={marker}\n{_BOOBY_TRAPS}")
    await arena.workspace.list()
    changes = await arena.workspace.changes()
    other = await arena.desk.workspaces.open(REPO, arena.workspace.sha, "1-3-1", auth=arena.desk.auth)
    await other.apply(changes)
    await other.changes()
    await other.close(discard=True)


@attack(
    "X52", "git's configuration, hooks, filters and submodules run on the host", stopped_by="no git on the agent's tree"
)
async def run_git_traps(arena: Arena) -> str:
    """Set the traps and see whether one sprang."""
    marker = arena.desk.workspaces.root / "pwned"
    arena.desk.workspaces.root.chmod(0o777)  # whoever runs it could write there
    await _after_traps(arena, marker)
    return "GOT a program on the host" if marker.exists() else ""


@attack("X53", "the agent's .git or a nested repository leaves with the change", stopped_by=".git is never imported")
async def _git_leaves(arena: Arena) -> str:
    await arena.shell(f"M=/nowhere\n{_BOOBY_TRAPS}")
    paths = [change.path for change in (await arena.workspace.changes()).changes]
    return "".join(f"GOT {path} " for path in paths if ".git" in path.casefold().split("/"))


@attack("X50", "branches and addresses that are options or commands", stopped_by="names are checked, `--`, no shell")
async def _ref_options(arena: Arena) -> str:
    marker = arena.desk.workspaces.root / "pwned"
    got = ""
    for sha in (
        f"--upload-pack=touch {marker}",
        f"-utouch {marker}",
        f"$(touch {marker})",
        "HEAD;id",
        "main",
        "a" * 41,
    ):
        try:
            await arena.desk.workspaces.open(REPO, sha, "1-4-1", auth=arena.desk.auth)
        except (HonkError, ValueError):
            continue
        got += f"GOT {sha}"
    return got + ("GOT a program on the host" if marker.exists() else "")


@attack("X51", "`ext::`, `file://` and `ssh://-o` as addresses", stopped_by="git may speak https only")
async def _transports(arena: Arena) -> str:
    marker = arena.desk.workspaces.root / "pwned"
    got = ""
    strict = Git()
    for url in (
        f"ext::sh -c touch% {marker}",
        f"file://{arena.desk.origin.path}",
        f"ssh://-oProxyCommand=touch {marker}/x",
    ):
        try:
            strict.run(arena.desk.origin.path, ["ls-remote", "--", url])
        except (HonkError, ValueError):
            continue
        got += f"GOT {url} "
    return got + ("GOT a program on the host" if marker.exists() else "")


@attack("X58", "an instruction file that is a link to a file of the host", stopped_by="links are not followed")
async def _instruction_link(arena: Arena) -> str:
    sha = arena.desk.origin.commit({"AGENTS.md": link(str(arena.key_file)), "README.md": text("x")})
    workspace = await arena.desk.open(sha)
    try:
        return f"GOT {await workspace.read('AGENTS.md')!r}"
    except ToolFailed:
        return ""
    finally:
        await workspace.close(discard=True)


@attack(
    "X60", "paths that some file system takes for `.git` or another folder", stopped_by="paths are checked when applied"
)
async def _paths(arena: Arena) -> str:
    got = ""
    for path in (".GIT/config", ".git/config", "a/.Git/hooks/x", "../x", "/etc/x", "a/../../x", "a\0b", "", "."):
        change = FileChange(path=path, mode="100644", content=b"x")
        try:
            await arena.workspace.apply(ChangeSet(base_sha=arena.workspace.sha, changes=(change,)))
        except ToolFailed:
            continue
        got += f"GOT {path!r} "
    return got


@attack("X68", "one session leaves something for another", stopped_by="an upper layer and a home for each session")
async def _poison(arena: Arena) -> str:
    await arena.shell("echo evil > README.md; echo evil > ~/.bashrc; echo evil > /tmp/x; echo evil > src/new.py; true")
    other = await arena.desk.open(arena.workspace.sha, key="1-5-1")
    seen = await other.exec(["sh", "-c", "grep -rl evil /work ~ /tmp 2>/dev/null; true"])
    await other.close(discard=True)
    return f"GOT {seen.output}" if seen.output.strip() else ""
