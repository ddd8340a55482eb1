"""Settings: the only place that reads the environment. Parsed once, strictly, into one frozen value."""

from __future__ import annotations

import base64
import binascii
import math
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from github_app.core.access import SECRET_FILES, SECRET_NAMES, ModelAccess, named_model, read_access
from github_app.core.chat.access import NAMES as SLACK_NAMES
from github_app.core.chat.access import SlackAccess, read_slack
from github_app.core.errors import Misconfigured
from github_app.core.toolservers import origin_of
from github_app.core.tracing import HEADERS, TRACE_NAMES, TraceAccess, read_traces

DEFAULT_MODEL = "claude-sonnet-5-5"
DEFAULT_JUDGE_MODEL = "claude-haiku-5-5"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything an operator can set. Secrets do not show in its `repr`."""

    app_id: str
    private_key: str = field(repr=False)
    private_key_file: Path | None = None
    webhook_secrets: tuple[bytes, ...] = field(repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    github_url: str = "https://github.com"
    github_api_url: str = "https://api.github.com"
    github_graphql_url: str = "https://api.github.com/graphql"
    model_access: ModelAccess
    model: str = DEFAULT_MODEL
    judge_model: str = DEFAULT_JUDGE_MODEL
    engine: Literal["own", "claude"] = "own"
    data_dir: Path
    database_url: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    trigger_label: str = "honk"
    sandbox: str = "bwrap"
    publish: Literal["api", "push"] = "api"
    worker_id: str
    write_pause_s: float = 1.0
    checks_grace_s: float = 90.0
    checks_settle_s: float = 10.0
    turns: int = 4
    turns_per_repo: int = 2
    keep_days: float = 30.0
    lesson_days: float = 180.0
    cache_gb: float = 20.0
    runner_socket: Path | None = None
    tool_paths: tuple[Path, ...] = ()
    policy_file: Path | None = None
    mcp_tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    slack: SlackAccess | None = None
    traces: TraceAccess | None = None
    ca_file: Path | None = None
    git_env: Mapping[str, str] = field(default_factory=dict, repr=False)
    package_env: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """Where GitHub is: web and git, REST, GraphQL, without a slash at the end; and the certificates to trust (None:
    the usual ones)."""

    github_url: str
    api_url: str
    graphql_url: str
    ca_file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class RunnerSettings:
    """What a runner is told: nothing secret."""

    socket: Path
    data_dir: Path
    tool_paths: tuple[Path, ...] = ()
    git_env: Mapping[str, str] = field(default_factory=dict, repr=False)
    package_env: Mapping[str, str] = field(default_factory=dict, repr=False)


PACKAGE_ENVIRONMENT = re.compile(r"PATH|HOME|XDG_CONFIG_\w+|PIP_\w+|NPM_\w+", re.IGNORECASE)
"""What pip and npm are asked with where packages come from: their own variables, and none of our secrets."""

GIT_ENVIRONMENT = ("PATH", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")
"""What of the process's environment its git processes get: how to find programs and the way out."""

NAMES: dict[str, str] = {
    "HONK_APP_ID": "the GitHub App's id (or client id)",
    "HONK_PRIVATE_KEY": "the App's private key: PEM, PEM with \\n, or base64 of it",
    "HONK_PRIVATE_KEY_FILE": "a file with the private key, instead",
    "HONK_WEBHOOK_SECRET": "the webhook's secret; several, separated by spaces, are valid at once, for rotation",
    "HONK_CLIENT_ID": "the App's client id, for people to sign in to pages (no pages but those that have a link)",
    "HONK_CLIENT_SECRET": "a client secret of the App, for that",
    "HONK_GITHUB_URL": "GitHub's web and git host (https://github.com)",
    "HONK_GITHUB_API_URL": "its REST API (derived: <url>/api/v3 for GitHub Enterprise Server, api.<host> for ghe.com)",
    "HONK_GITHUB_GRAPHQL_URL": "its GraphQL API (derived from that: /api/graphql, or /graphql)",
    "HONK_MODEL_PROVIDER": "whose models: `anthropic`, `bedrock`, `vertex` or `foundry`; see below (anthropic)",
    "ANTHROPIC_API_KEY": "the key for the model",
    "ANTHROPIC_BASE_URL": "another Messages API, such as a gateway (Anthropic's)",
    "HONK_MODEL": f"the model ({DEFAULT_MODEL})",
    "HONK_JUDGE_MODEL": f"the model for a second look at each change; empty: none ({DEFAULT_JUDGE_MODEL})",
    "HONK_ENGINE": "what works through a turn: `own`, or `claude`, which is Claude Code; see below (own)",
    "HONK_DATA_DIR": "mirrors, checkouts, workspaces, the SQLite file (~/.local/share/honk; /var/lib/honk for root)",
    "HONK_DATABASE_URL": "sqlite:///PATH or postgresql://… (a SQLite file in the data directory)",
    "HONK_HOST": "the address to listen on (127.0.0.1)",
    "HONK_PORT": "the port to listen on (8000)",
    "HONK_PUBLIC_URL": "where people and GitHub reach this server; without it there are no links to session pages",
    "HONK_TRIGGER_LABEL": "the label that starts work (honk)",
    "HONK_SANDBOX": "how commands are isolated (bwrap, which is the only way so far)",
    "HONK_PUBLISH": "how commits are made: `api` (signed by GitHub) or `push` (plain git push) (api)",
    "HONK_WORKER_ID": "this worker's name: its own, and the same after a restart (the machine's host name)",
    "HONK_WRITE_PAUSE_S": "seconds between two writes to GitHub (1)",
    "HONK_CHECKS_GRACE_S": "seconds after which a commit without any check counts as unchecked (90)",
    "HONK_CHECKS_SETTLE_S": "seconds for which nothing must have changed before a commit's checks count as ended (10)",
    "HONK_TURNS": "how many agents run at once in all (4)",
    "HONK_TURNS_PER_REPO": "how many agents run at once in one repository (2)",
    "HONK_KEEP_DAYS": "days that deliveries and transcripts are kept after their end; the audit stays (30)",
    "HONK_LESSON_DAYS": "days without a use after which a lesson expires; it is shown as that for 30 more (180)",
    "HONK_CACHE_GB": "ceiling for mirrors, checkouts and workspaces on this machine, in gigabytes (20)",
    "HONK_POLICY_FILE": "the operator's floor under all repositories' policies; see below (none)",
    "HONK_MCP_ORIGINS": "where tool servers by URL may be, with their tokens: `https://mcp.example.com=TOKEN …` (none)",
    **SLACK_NAMES,
    **TRACE_NAMES,
    "HONK_URL": "for `honk run` and its like: where the Honk is that they ask (HONK_PUBLIC_URL)",
    "HONK_TOKEN": "for them: a token of its API; with it, `honk sessions` and `honk show` ask there, too",
    "HONK_RUNNER_SOCKET": "where `honk runner` listens, in a folder that nobody else may write (one process does all)",
    "HONK_TOOL_PATHS": "folders with toolchains outside /usr that sandboxes may read, separated by `:`",
}
"""Every variable with what it means and, in brackets, its default. A test holds `docs/configure.md` to it."""

_RUNNER_NAMES = ("HONK_RUNNER_SOCKET", "HONK_DATA_DIR", "HONK_TOOL_PATHS")
_SECRETS = (*SECRET_NAMES, *SECRET_FILES, *HEADERS, "ANTHROPIC_AUTH_TOKEN", "GITHUB_TOKEN", "GH_TOKEN", "PGPASSWORD")


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the environment (the process's own by default). Raises `Misconfigured` naming the variable."""
    env = dict(os.environ if environment is None else environment)
    for name in env:
        if name.startswith("HONK_") and name not in NAMES:
            raise Misconfigured(f"{name} is not a setting; known are {', '.join(sorted(NAMES))}")
    hosts = read_hosts(env)
    data_dir = Path(env.get("HONK_DATA_DIR") or _usual_data_dir(env)).expanduser().absolute()
    access = read_access(env)
    return Settings(
        app_id=_required(env, "HONK_APP_ID"),
        private_key=_private_key(env),
        private_key_file=_file(env, "HONK_PRIVATE_KEY_FILE"),
        webhook_secrets=_secrets(env),
        client_id=env.get("HONK_CLIENT_ID", "").strip(),
        client_secret=_client_secret(env),
        github_url=hosts.github_url,
        github_api_url=hosts.api_url,
        github_graphql_url=hosts.graphql_url,
        model_access=access,
        model=named_model(env, "HONK_MODEL", access.provider, usual=DEFAULT_MODEL),
        judge_model=named_model(env, "HONK_JUDGE_MODEL", access.provider, usual=DEFAULT_JUDGE_MODEL, may_be_empty=True),
        engine="claude" if _one_of(env, "HONK_ENGINE", "own", "claude") == "claude" else "own",
        data_dir=data_dir,
        database_url=_database_url(env, f"sqlite:///{data_dir / 'honk.sqlite'}"),
        host=env.get("HONK_HOST") or "127.0.0.1",
        port=_whole(env, "HONK_PORT", 8000, ceiling=65_535),
        public_url=_url(env, "HONK_PUBLIC_URL", "") if env.get("HONK_PUBLIC_URL") else "",
        trigger_label=env.get("HONK_TRIGGER_LABEL") or "honk",
        sandbox=_one_of(env, "HONK_SANDBOX", "bwrap"),
        publish="push" if _one_of(env, "HONK_PUBLISH", "api", "push") == "push" else "api",
        worker_id=env.get("HONK_WORKER_ID") or platform.node() or "solo",
        write_pause_s=_number(env, "HONK_WRITE_PAUSE_S", 1.0),
        checks_grace_s=_number(env, "HONK_CHECKS_GRACE_S", 90.0),
        checks_settle_s=_number(env, "HONK_CHECKS_SETTLE_S", 10.0),
        turns=_whole(env, "HONK_TURNS", 4, ceiling=1_000),
        turns_per_repo=_whole(env, "HONK_TURNS_PER_REPO", 2, ceiling=1_000),
        keep_days=_days(env, "HONK_KEEP_DAYS", 30.0),
        lesson_days=_days(env, "HONK_LESSON_DAYS", 180.0),
        cache_gb=_number(env, "HONK_CACHE_GB", 20.0),
        package_env=_package_env(env),
        ca_file=hosts.ca_file,
        git_env=_git_env(env, hosts.ca_file),
        runner_socket=_runner_socket(env),
        tool_paths=_tool_paths(env),
        policy_file=read_policy_file(env),
        mcp_tokens=_mcp_tokens(env),
        slack=read_slack(env),
        traces=read_traces(env),
    )


def read_hosts(environment: Mapping[str, str] | None = None) -> Hosts:
    """Read where GitHub is (from the process's own environment by default). Raises `Misconfigured`."""
    env = os.environ if environment is None else environment
    github_url = _url(env, "HONK_GITHUB_URL", "https://github.com")
    api_url = _url(env, "HONK_GITHUB_API_URL", _usual_api_url(github_url))
    graphql_url = _url(env, "HONK_GITHUB_GRAPHQL_URL", api_url.removesuffix("/v3") + "/graphql")
    ca_file = _file(env, "SSL_CERT_FILE")
    if ca_file is not None and not ca_file.is_file():
        raise Misconfigured(f"SSL_CERT_FILE: {ca_file} is not a file")
    return Hosts(github_url=github_url, api_url=api_url, graphql_url=graphql_url, ca_file=ca_file)


def read_remote(environment: Mapping[str, str] | None = None) -> tuple[str, str] | None:
    """Read where the API is that commands ask, and the token for it; None without a token. Raises `Misconfigured`."""
    env = os.environ if environment is None else environment
    token, name = env.get("HONK_TOKEN", "").strip(), "HONK_URL" if env.get("HONK_URL") else "HONK_PUBLIC_URL"
    if token and not env.get(name):
        raise Misconfigured("HONK_URL is not set: it says where the Honk is that HONK_TOKEN is for")
    return (_url(env, name, ""), token) if token else None


def read_policy_file(environment: Mapping[str, str] | None = None) -> Path | None:
    """Read where the operator's floor is (from the process's own environment by default)."""
    return _file(os.environ if environment is None else environment, "HONK_POLICY_FILE")


def read_runner_settings(environment: Mapping[str, str] | None = None) -> RunnerSettings:
    """Read a runner's environment (the process's own by default). Raises `Misconfigured` if it holds a secret."""
    env = dict(os.environ if environment is None else environment)
    for name in env:
        if env[name] and (name in _SECRETS or (name.startswith("HONK_") and name not in _RUNNER_NAMES)):
            raise Misconfigured(f"{name} does not belong to a runner, which stands next to hostile code: unset it here")
    return RunnerSettings(
        socket=Path(_required(env, "HONK_RUNNER_SOCKET")).absolute(),
        data_dir=Path(_required(env, "HONK_DATA_DIR")).absolute(),
        tool_paths=_tool_paths(env),
        git_env={name: env[name] for name in ("PATH",) if env.get(name)},
        package_env=_package_env(env),
    )


def child_environment(*names: str) -> dict[str, str]:
    """What programs that Honk starts for a person (the demo's parts) inherit: the basics, and `names` if they are
    set."""
    basics = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE", "XDG_DATA_HOME")
    return {name: value for name in (*basics, *names) if (value := os.environ.get(name))}


def has_model_key(environment: Mapping[str, str] | None = None) -> bool:
    """Whether a key for the real model is set, for `honk demo`."""
    return bool((os.environ if environment is None else environment).get("ANTHROPIC_API_KEY"))


def _usual_data_dir(env: Mapping[str, str]) -> str:
    """Root's own home is closed to the unprivileged user that sandboxes run as, so root keeps data elsewhere."""
    if os.geteuid() == 0:
        return "/var/lib/honk"
    return str(Path(env.get("XDG_DATA_HOME") or "~/.local/share") / "honk")


def _usual_api_url(github_url: str) -> str:
    """https://docs.github.com/enterprise-cloud@latest/admin/data-residency/network-details-for-ghecom has ghe.com's."""
    host = urlsplit(github_url).hostname or ""
    if host == "github.com" or host.endswith(".ghe.com"):
        return f"https://api.{host}"
    return f"{github_url}/api/v3"


def _git_env(env: Mapping[str, str], ca_file: Path | None) -> dict[str, str]:
    found = {name: env[name] for name in GIT_ENVIRONMENT if env.get(name)}
    return found if ca_file is None else {**found, "GIT_SSL_CAINFO": str(ca_file)}


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "").strip()
    if not value:
        raise Misconfigured(f"{name} is not set: {NAMES[name]}")
    return value


def _secrets(env: Mapping[str, str]) -> tuple[bytes, ...]:
    return tuple(part.encode() for part in _required(env, "HONK_WEBHOOK_SECRET").split())


def _client_secret(env: Mapping[str, str]) -> str:
    names = ("HONK_CLIENT_ID", "HONK_CLIENT_SECRET")
    given = [env.get(name, "").strip() for name in names]
    if any(given) and not all(given):
        raise Misconfigured(f"{' and '.join(names)} go together")
    if all(given) and not env.get("HONK_PUBLIC_URL"):
        raise Misconfigured("HONK_CLIENT_ID needs HONK_PUBLIC_URL: where GitHub sends people back to")
    return given[1]


def _private_key(env: Mapping[str, str]) -> str:
    text = env.get("HONK_PRIVATE_KEY", "").strip()
    path = _file(env, "HONK_PRIVATE_KEY_FILE")
    if bool(text) == (path is not None):
        raise Misconfigured("set one of HONK_PRIVATE_KEY and HONK_PRIVATE_KEY_FILE")
    if path is not None:
        try:
            text = path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Misconfigured(f"HONK_PRIVATE_KEY_FILE cannot be read: {error}") from error
    text = text.replace("\\n", "\n")
    if "-----BEGIN" not in text:
        try:
            text = base64.b64decode(text, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            text = ""
    if "PRIVATE KEY-----" not in text:
        raise Misconfigured("the private key is not PEM (nor base64 of it); download it again from the App's page")
    return text.strip() + "\n"


def _file(env: Mapping[str, str], name: str) -> Path | None:
    path = env.get(name, "").strip()
    return Path(path).expanduser().absolute() if path else None


def _url(env: Mapping[str, str], name: str, usual: str) -> str:
    value = (env.get(name) or usual).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Misconfigured(f"{name} must be an http(s) URL, not `{value}`")
    return value


def _mcp_tokens(env: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for number, word in enumerate(env.get("HONK_MCP_ORIGINS", "").split(), 1):
        url, _, token = word.partition("=")
        try:
            found[origin_of(url)] = token
        except ValueError as error:
            # Not shown: it may hold a token.
            raise Misconfigured(f"HONK_MCP_ORIGINS: entry {number} is {error}, or holds more than one") from error
    return found


def _days(env: Mapping[str, str], name: str, usual: float) -> float:
    days = _number(env, name, usual)
    if not days:
        raise Misconfigured(
            f"{name} must be more than 0: what was done a moment ago is still asked for; 0.5 is 12 hours"
        )
    return days


def _number(env: Mapping[str, str], name: str, usual: float) -> float:
    value = env.get(name)
    try:
        number = float(value) if value else usual
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf:
        raise Misconfigured(f"{name} must be a number from 0 up, not `{value}`")
    return number


def _whole(env: Mapping[str, str], name: str, usual: int, *, ceiling: int) -> int:
    value = env.get(name) or str(usual)
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= ceiling):
        raise Misconfigured(f"{name} must be a whole number from 1 to {ceiling}, not `{value}`")
    return int(value)


def _database_url(env: Mapping[str, str], usual: str) -> str:
    value = env.get("HONK_DATABASE_URL") or usual
    if not value.startswith(("sqlite:///", "postgresql://")):
        # Not shown: it may hold a password.
        raise Misconfigured("HONK_DATABASE_URL must be sqlite:///PATH or postgresql://…")
    return value


def _package_env(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if PACKAGE_ENVIRONMENT.fullmatch(name)}


def _tool_paths(env: Mapping[str, str]) -> tuple[Path, ...]:
    paths = tuple(Path(part).absolute() for part in env.get("HONK_TOOL_PATHS", "").split(":") if part)
    for path in paths:
        if not path.is_dir():
            raise Misconfigured(f"HONK_TOOL_PATHS names {path}, which is no folder")
    return paths


def _runner_socket(env: Mapping[str, str]) -> Path | None:
    if not env.get("HONK_RUNNER_SOCKET"):
        return None
    if env.get("HONK_TOOL_PATHS"):
        raise Misconfigured("HONK_TOOL_PATHS belongs to the runner's environment where HONK_RUNNER_SOCKET is set")
    return Path(env["HONK_RUNNER_SOCKET"]).absolute()


def _one_of(env: Mapping[str, str], name: str, *known: str) -> str:
    value = env.get(name) or known[0]
    if value not in known:
        raise Misconfigured(f"{name} must be one of {', '.join(known)}, not `{value}`")
    return value
