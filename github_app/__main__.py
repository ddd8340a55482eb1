"""The command line: `honk demo`, `serve`, `worker`, `doctor`, `sessions`. Imports what a command needs when it runs,
so that `honk --help` answers at once. Exit codes: 0 done, 1 it did not work, 2 wrong usage or settings, 130
interrupted."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from github_app import __version__
from github_app.core.errors import HonkError, Misconfigured


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(argv)
    try:
        code: int = options.run(options)
        return code
    except Misconfigured as error:
        print(f"honk: {error}", file=sys.stderr)
        return 2
    except HonkError as error:
        print(f"honk: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="honk",
        description="Turns GitHub issues into pull requests: label an issue, review the pull request, merge.",
    )
    parser.add_argument("--version", action="version", version=f"honk {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="watch the whole loop on this machine: no key, no account, no daemon")
    demo.add_argument(
        "--repo", type=Path, metavar="PATH", help="a local git repository of yours, instead of the sample"
    )
    demo.add_argument(
        "--issue", type=Path, metavar="FILE.md", help="the issue: its first line is the title (with --repo)"
    )
    demo.add_argument("--keep", action="store_true", help="leave everything up afterwards, to look at")
    demo.set_defaults(run=_demo)

    where = "Settings come from the environment: see docs/configure.md."
    serve = commands.add_parser("serve", help="run the door (webhooks in) and a worker (everything else)", epilog=where)
    serve.add_argument("--no-worker", action="store_true", help="only the door; workers are other processes")
    serve.set_defaults(run=_serve)

    worker = commands.add_parser("worker", help="run a worker without a door", epilog=where)
    worker.set_defaults(run=_worker)

    doctor = commands.add_parser("doctor", help="check settings and sandbox: what, why, how to mend", epilog=where)
    doctor.set_defaults(run=_doctor)

    sessions = commands.add_parser("sessions", help="list the sessions, newest first", epilog=where)
    sessions.add_argument("-n", type=int, default=20, metavar="N", help="how many (20)")
    sessions.set_defaults(run=_sessions)
    return parser


def _demo(options: argparse.Namespace) -> int:
    if (options.repo is None) != (options.issue is None):
        raise Misconfigured("--repo and --issue go together")
    from github_app.demo.story import run_demo

    return run_demo(repo=options.repo, issue=options.issue, keep=options.keep)


def _serve(options: argparse.Namespace) -> int:
    from github_app.process import serve

    return serve(with_worker=not options.no_worker)


def _worker(_options: argparse.Namespace) -> int:
    from github_app.process import work

    return work()


def _doctor(_options: argparse.Namespace) -> int:
    from github_app.doctor import examine

    return examine()


def _sessions(options: argparse.Namespace) -> int:
    from github_app.process import list_sessions

    return list_sessions(options.n)


if __name__ == "__main__":
    sys.exit(main())
