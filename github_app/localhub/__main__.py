"""`python -m github_app.localhub`: a local GitHub to look at and to point a program at, until Ctrl-C.

Without options it has one small repository and nobody's app; with `--app` it registers one and writes its private key.
"""

from __future__ import annotations

import argparse
import signal
import tempfile
import threading
from pathlib import Path

from .hub import LocalHub
from .judge import Judge
from .runner import ActRunner, find_act

PERMISSIONS = dict.fromkeys(("actions", "checks", "contents", "issues", "pull_requests", "statuses"), "write")
EVENTS = (
    "check_run", "check_suite", "issue_comment", "issues", "pull_request", "pull_request_review",
    "pull_request_review_comment", "pull_request_review_thread", "push", "status", "workflow_run",
)  # fmt: skip


def main() -> None:
    """Start, say where everything is, wait for a signal."""
    options = _options()
    root = options.root or Path(tempfile.mkdtemp(prefix="localhub-"))
    act = find_act()
    hub = LocalHub(root, runner=ActRunner(act) if act else None, judge=Judge()).start(options.port)
    print(f"localhub: a GitHub on this machine: {hub.url}\n  REST      {hub.api_url}\n  GraphQL   {hub.graphql_url}")
    print("  people    sign in with the token user:NAME, e.g. Authorization: Bearer user:alice")
    full_name, _, source = options.repo.partition("=")
    files = {"README.md": "# Hello\n"}
    repo = hub.import_repository(full_name, Path(source)) if source else hub.create_repository(full_name, files)
    hub.grant(repo, "alice", "write")
    print(f"  clone     git clone http://user:user:alice@{hub.url.partition('//')[2]}/{repo.full_name}.git")
    if options.app:
        made = hub.create_app(
            options.app, permissions=PERMISSIONS, events=EVENTS,
            webhook_url=options.webhook, webhook_secret=options.secret,
        )  # fmt: skip
        installation = hub.install(made.app, repo.owner.login)
        key = root / f"{options.app}.pem"
        key.touch(mode=0o600)
        key.write_text(made.private_key)
        print(f"  app       {made.app.slug} id {made.app.id}, installation {installation.id}, key {key}")
    done = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: done.set())
    done.wait()
    hub.stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m github_app.localhub", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--root", type=Path, help="where its git repositories live; default: a new folder")
    parser.add_argument("--repo", default="acme/hello", metavar="OWNER/NAME[=PATH]", help="with a folder's content")
    parser.add_argument("--app", metavar="SLUG", help="register an app and write its key into ROOT")
    parser.add_argument("--webhook", default="", metavar="URL", help="where the app's webhooks go")
    parser.add_argument("--secret", default="", help="what they are signed with")
    return parser.parse_args()


if __name__ == "__main__":
    main()
