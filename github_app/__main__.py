"""The command line: `honk demo`, `eval`, `setup`, `serve`, `worker`, `runner`, `doctor`, `context`, `config`, and those
of `commandline`. Imports what a command needs when it runs, so that `honk --help` answers at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from github_app import __version__
from github_app.commandline.completion import add_completion
from github_app.commandline.records import add_records
from github_app.commandline.sessions import add_sessions
from github_app.core.errors import HonkError, Misconfigured

EXIT_CODES = {
    0: "it is done, or all is well",
    1: "it did not work, or what was looked for is not so (`doctor`, `eval`, `audit verify`, `replay --verify`)",
    2: "wrong usage or settings",
    3: "`run --follow`: a person is asked something; `serve` and `worker`: others took this worker's work over",
    130: "interrupted",
}
"""What each means, wherever it comes from. `docs/api.md` is held to it."""


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
        epilog="Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + ".",
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
    demo.add_argument(
        "--chat", action="store_true", help="the story of a message in Slack instead, on this machine, too"
    )
    demo.set_defaults(run=_demo)

    _add_eval(commands.add_parser("eval", help="run a suite of tasks through the whole product, and score it"))

    where = "Settings come from the environment: see docs/configure.md."
    _add_setup(commands.add_parser("setup", help="register the GitHub App, by a form in your browser"))
    serve = commands.add_parser("serve", help="run the door (webhooks in) and a worker (everything else)", epilog=where)
    serve.add_argument("--no-worker", action="store_true", help="only the door; workers are other processes")
    serve.set_defaults(run=_serve)

    worker = commands.add_parser("worker", help="run a worker without a door", epilog=where)
    worker.set_defaults(run=_worker)

    runner = commands.add_parser("runner", help="run the sandboxes of a Honk that is another user", epilog=where)
    runner.set_defaults(run=_runner)

    doctor = commands.add_parser("doctor", help="check settings and sandbox: what, why, how to mend", epilog=where)
    doctor.add_argument("--online", action="store_true", help="ask GitHub and the model, too")
    doctor.set_defaults(run=_doctor)

    add_sessions(commands, where)
    _add_context(commands)
    _add_config(commands.add_parser("config", help="explain a repository's policy"))
    add_records(commands, where)
    add_completion(commands, parser)
    return parser


def _add_setup(setup: argparse.ArgumentParser) -> None:
    setup.description = (
        "Registers Honk as a GitHub App with the permissions that it needs, and writes honk.env and "
        "honk.private-key.pem. For GitHub Enterprise Server set HONK_GITHUB_URL."
    )
    setup.add_argument("--url", default="", metavar="URL", help="where people and GitHub will reach this server")
    setup.add_argument("--webhook-url", default="", metavar="URL", help="where deliveries go instead, as to a tunnel")
    setup.add_argument("--organization", default="", metavar="NAME", help="whose App it will be (your own account's)")
    setup.add_argument("--name", default="", metavar="NAME", help="what it is called, at most 34 characters")
    setup.add_argument("--folder", type=Path, default=Path(), metavar="PATH", help="where the files go (here)")
    setup.add_argument("--port", type=int, default=0, metavar="N", help="of this machine, for the form (any free one)")
    setup.set_defaults(run=_setup)


def _add_context(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    context = commands.add_parser("context", help="show what the agent is told of a repository for an issue")
    context.add_argument("--repo", type=Path, required=True, metavar="PATH", help="a git repository on this machine")
    context.add_argument("--rev", default="HEAD", metavar="SHA", help="a commit of it (HEAD)")
    context.add_argument(
        "--issue",
        type=Path,
        required=True,
        metavar="FILE.md",
        help="the issue: its first line is the title; - is stdin",
    )
    context.add_argument("--json", action="store_true", help="for programs")
    context.set_defaults(run=_context)


def _add_config(config: argparse.ArgumentParser) -> None:
    commands = config.add_subparsers(title="commands", required=True, metavar="COMMAND")
    explain = commands.add_parser("explain", help="print each value in force, and where it comes from")
    simulate = commands.add_parser("simulate", help="print the same, and what would be decided about paths and people")
    for command in (explain, simulate):
        usual = Path(".github/honk.yml")
        command.add_argument("file", type=Path, nargs="?", default=usual, metavar="FILE", help=f"({usual})")
        command.add_argument("--json", action="store_true", help="for programs")
    simulate.add_argument("--paths", nargs="+", default=[], metavar="PATH", help="what a change touches")
    simulate.add_argument("--as", default="", dest="person", metavar="LOGIN:ROLE", help="a person, such as ann:write")
    explain.set_defaults(run=_explain)
    simulate.set_defaults(run=_simulate)


def _add_eval(evaluation: argparse.ArgumentParser) -> None:
    evaluation.description = (
        "Each task gets a local GitHub, the real Honk and a sandbox; hidden tests decide. Without ANTHROPIC_API_KEY, "
        "scripts play the model. Exit code: 0 all tasks are resolved, 1 not all, 2 the suite is wrong."
    )
    evaluation.add_argument("suite", metavar="SUITE", help="a folder with a folder for each task; or `basics`")
    evaluation.add_argument("--task", default="", metavar="NAME", help="only this task")
    evaluation.add_argument("--check", action="store_true", help="only try whether the tasks are what they claim")
    evaluation.add_argument("--model", default="", metavar="NAME", help="the real model (HONK_MODEL)")
    evaluation.add_argument("--json", type=Path, metavar="FILE", help="write the report for programs")
    evaluation.add_argument("--page", type=Path, metavar="FILE.html", help="write the report for a browser")
    evaluation.add_argument("--at-once", type=int, default=1, metavar="N", help="how many tasks at once (1)")
    evaluation.set_defaults(run=_eval)


def _demo(options: argparse.Namespace) -> int:
    if (options.repo is None) != (options.issue is None):
        raise Misconfigured("--repo and --issue go together")
    if options.chat:
        from github_app.demo.chatting import run_chat_demo

        return run_chat_demo(keep=options.keep)
    from github_app.demo.story import run_demo

    return run_demo(repo=options.repo, issue=options.issue, keep=options.keep)


def _eval(options: argparse.Namespace) -> int:
    if not 1 <= options.at_once <= 32:
        raise Misconfigured("--at-once must be a whole number from 1 to 32")
    if options.check and (options.model or options.json or options.page):
        raise Misconfigured("--check runs no model and writes no report")
    from github_app.evaluation.command import Choice, check, run

    choice = Choice(
        suite=options.suite,
        task=options.task,
        model=options.model,
        json=options.json,
        page=options.page,
        at_once=options.at_once,
    )
    return check(choice) if options.check else run(choice)


def _setup(options: argparse.Namespace) -> int:
    from github_app.registering import Choice, set_up

    return set_up(
        Choice(
            url=options.url,
            webhook_url=options.webhook_url,
            organization=options.organization,
            name=options.name,
            folder=options.folder,
            port=options.port,
        )
    )


def _serve(options: argparse.Namespace) -> int:
    from github_app.process import serve

    return serve(with_worker=not options.no_worker)


def _worker(_options: argparse.Namespace) -> int:
    from github_app.process import work

    return work()


def _runner(_options: argparse.Namespace) -> int:
    from github_app.process import run_sandboxes

    return run_sandboxes()


def _doctor(options: argparse.Namespace) -> int:
    from github_app.doctor import examine

    return examine(is_online=options.online)


def _context(options: argparse.Namespace) -> int:
    from github_app.surveying import tell

    return tell(options.repo, rev=options.rev, issue=options.issue, as_json=options.json)


def _explain(options: argparse.Namespace) -> int:
    from github_app.explaining import explain_file

    return explain_file(options.file, is_json=options.json)


def _simulate(options: argparse.Namespace) -> int:
    from github_app.explaining import simulate_file

    return simulate_file(options.file, paths=options.paths, person=options.person, is_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
