"""Where this machine gets its packages from: asked of pip and npm themselves, whose configuration is the only one."""

from __future__ import annotations

import ast
import base64
import logging
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

log = logging.getLogger(__name__)

_RANK = {"global": 0, "install": 1, ":env:": 2}  # who wins in pip
_PIP_LINE = re.compile(r"^(global|install|:env:)\.(index-url|extra-index-url|cert)=(.*)$", re.MULTILINE)
_PIP_DEFAULT = re.compile(r"\(default (https?://[^\s)]+)\)")
_NPM_KEYS = ("registry", "cafile", "userconfig", "globalconfig")
_NPM_SECRET = re.compile(r"^\s*//(\S+?)/?:(_authToken|_auth)\s*=\s*(\S+)\s*$", re.MULTILINE)
_ASK_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Source:
    """An index or registry: its address, which ends with a slash, and the header that opens it."""

    url: str
    authorization: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Source | None:
        """From an address that may hold a password; None if it is none of HTTP."""
        try:
            parts = urlsplit(url.strip())
            scheme, host, _ = origin_of(parts)
        except ValueError:  # whose words may hold the password
            return None
        if scheme not in ("http", "https") or not host:
            return None
        secret = ""
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            secret = f"Basic {base64.b64encode(pair.encode()).decode()}"
        plain = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")
        return cls(url=f"{plain.geturl().rstrip('/')}/", authorization=secret)

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port."""
        return origin_of(urlsplit(self.url))


def origin_of(parts: SplitResult) -> tuple[str, str, int]:
    """Scheme, host and port of an address. Raises `ValueError`."""
    usual = {"http": 80, "https": 443}.get(parts.scheme, 0)
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or usual


@dataclass(frozen=True, kw_only=True)
class Registries:
    """The sources of pip (the first wins) and of npm, and certificates to trust besides the system's."""

    pip: tuple[Source, ...] = ()
    npm: Source | None = None
    ca_files: tuple[Path, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """All of them."""
        return (*self.pip, *([self.npm] if self.npm is not None else []))


def find_registries(environment: Mapping[str, str]) -> Registries:
    """Ask pip and npm, run in this environment, what they would use; nothing of one that is not there. Blocks."""
    pip, pip_cert = _ask_pip(environment)
    npm, npm_cert = _ask_npm(environment)
    certs = (Path(cert) for cert in (pip_cert, npm_cert) if cert)
    return Registries(pip=pip, npm=npm, ca_files=tuple(dict.fromkeys(cert for cert in certs if cert.is_file())))


def _ask_pip(environment: Mapping[str, str]) -> tuple[tuple[Source, ...], str]:
    for command in ([sys.executable, "-m", "pip"], ["pip3"], ["pip"]):
        told = _ask([*command, "config", "list"], environment)
        if told is not None:
            break
    else:
        return (), ""
    found: dict[str, str] = {}
    for section, key, value in sorted(_PIP_LINE.findall(told), key=lambda line: _RANK[line[0]]):
        try:
            found[key] = str(ast.literal_eval(value))
        except (ValueError, SyntaxError):
            log.warning("pip has a setting that cannot be read", extra={"key": f"{section}.{key}"})
    if "index-url" not in found:
        told = _ask([*command, "install", "--help"], environment) or ""
        found["index-url"] = next(iter(_PIP_DEFAULT.findall(" ".join(told.split()))), "")
    urls = [found["index-url"], *found.get("extra-index-url", "").split()]
    sources = (Source.parse(url) for url in urls)
    return tuple(source for source in sources if source is not None), found.get("cert", "")


def _ask_npm(environment: Mapping[str, str]) -> tuple[Source | None, str]:
    told = _ask(["npm", "config", "get", *_NPM_KEYS], environment)
    if told is None:
        return None, ""
    lines = (line.partition("=") for line in told.splitlines())
    found = {key.strip(): value.strip() for key, equals, value in lines if equals}
    source = Source.parse(found.get("registry", ""))
    if source is not None and not source.authorization:
        files = [Path(found[key]) for key in ("userconfig", "globalconfig") if found.get(key)]
        source = Source(url=source.url, authorization=_npm_secret(source.url, files, environment))
    cert = found.get("cafile", "")
    return source, "" if cert in ("null", "undefined") else cert


def _npm_secret(url: str, files: Sequence[Path], environment: Mapping[str, str]) -> str:
    """The header for a registry from npm's own files: npm itself does not tell secrets."""
    address = url.partition("//")[2]
    for place, kind, value in _npm_secrets(files):
        if address.startswith(f"{place}/"):
            secret = re.sub(r"\$\{(\w+)\}", lambda name: environment.get(name[1], ""), value.strip("\"'"))
            return f"Bearer {secret}" if kind == "_authToken" else f"Basic {secret}"
    return ""


def _npm_secrets(files: Sequence[Path]) -> Iterator[tuple[str, str, str]]:
    for file in files:
        try:
            yield from _NPM_SECRET.findall(file.read_text("utf-8", errors="replace"))
        except OSError:
            continue


def _ask(command: Sequence[str], environment: Mapping[str, str]) -> str | None:
    if shutil.which(command[0], path=environment.get("PATH")) is None:
        return None
    try:
        asked = subprocess.run(
            command, env=dict(environment), cwd="/", capture_output=True, text=True, timeout=_ASK_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return asked.stdout if asked.returncode == 0 else None
