"""Where attacks happen: real workspaces in the real sandbox, with a canary wherever a real secret would be."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from github_app.adapters.repository.workspaces import LocalWorkspace
from github_app.core.errors import ToolFailed
from github_app.core.ports import ExecLimits
from tests.adapters.desks import Desk
from tests.adapters.origins import text
from tests.attack.disguises import find_leaks

LIMITS = ExecLimits(timeout_s=30)

_PREAMBLE = """
import ctypes, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def checked(code):
    if code == -1:
        raise OSError(ctypes.get_errno(), "refused")
    return code
def tried(what, do):
    try:
        print("GOT", what, do())
    except OSError:
        pass
"""


@dataclass(kw_only=True)
class Arena:
    """A desk whose machine holds secrets. All that attacks print or leave behind is kept in `spoils`."""

    desk: Desk
    workspace: LocalWorkspace
    canary: str
    port: int
    key_file: Path
    database: Path
    neighbour: Path
    spoils: list[str] = field(default_factory=list)

    async def shell(self, script: str, *, limits: ExecLimits = LIMITS) -> str:
        """Run a script in the sandbox, telling it in $1… where secrets are; what it says that it GOT."""
        return await self._run(["sh", "-c", script + "\necho TRIED"], limits)

    async def python(self, script: str, *, limits: ExecLimits = LIMITS) -> str:
        """The same in Python."""
        return await self._run(["python3", "-c", _PREAMBLE + script + "\nprint('TRIED')"], limits)

    async def _run(self, argv: list[str], limits: ExecLimits) -> str:
        places = [str(each) for each in (self.key_file, self.database, self.neighbour, self.desk.workspaces.root)]
        result = await self.workspace.exec([*argv, *places, str(self.port)], limits=limits)
        self.spoils.append(result.output)
        assert "TRIED" in result.output or result.killed_by, f"the attack itself broke: {result.output}"
        return "\n".join(line for line in result.output.splitlines() if "GOT" in line)

    async def leaks(self) -> str:
        """Where the canary shows in anything that the attack printed or that would leave the sandbox."""
        try:
            changes = (await self.workspace.changes()).changes
        except ToolFailed:
            changes = ()
        left = [f"{change.path}\n{(change.content or b'').decode('latin-1')}" for change in changes]
        return self.find("\n".join([*self.spoils, *left]))

    def find(self, words: str) -> str:
        """The form in which a text holds the canary; empty if it does not."""
        return find_leaks({"the canary": self.canary}, words)


@contextmanager
def open_arena(path: Path, desk: Desk) -> Iterator[Arena]:
    """An arena below a path that a sandbox can reach; its canary is also served on a port of the host."""
    canary = f"ghs_{secrets.token_hex(16)}"
    key_file, database = path / "data/honk.pem", path / "data/honk.sqlite"
    neighbour = path / "data/mirrors/99.git/config"
    neighbour.parent.mkdir(parents=True, mode=0o700)
    for file in (key_file, database, neighbour):
        file.write_text(f"[secret]\n{canary}\n")
        file.chmod(0o600)
    with _served(canary) as port:
        yield Arena(
            desk=desk,
            workspace=None,  # type: ignore[arg-type] # opened by `enter`, which awaits
            canary=canary,
            port=port,
            key_file=key_file,
            database=database,
            neighbour=neighbour,
        )


async def enter(arena: Arena) -> Arena:
    """The arena with its workspace open, and another session's beside it that holds the canary."""
    sha = arena.desk.origin.commit({"README.md": text("# App\n"), "src/app.py": text("print('app')\n")})
    other = await arena.desk.open(sha, key="1-2-1")
    await other.write("secret.txt", arena.canary.encode())
    await other.close(discard=False)
    arena.workspace = await arena.desk.open(sha, key="1-1-1")
    return arena


@contextmanager
def _served(canary: str) -> Iterator[int]:
    """A server on the host that gives the canary to whoever asks: stands for Honk's door, metadata, the database."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(canary.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
