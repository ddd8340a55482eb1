"""The command line: `honk demo`, `eval`, `serve`, `worker`, `runner`, `doctor`, `sessions`, `pause`, `resume`,
`context`, `lessons`, `backup`, `restore`, `replay`, `audit`. Imports what a command needs when it runs, so that `honk
--help` answers at once. Exit codes: 0 done, 1 it did not work, 2 wrong usage or settings, 130 interrupted."""

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

    _add_running(commands, where)
    _add_context(commands)
    _add_config(commands.add_parser("config", help="explain a repository's policy"))
    _add_backup(commands, where)
    _add_records(commands, where)
    return parser


def _add_running(commands: argparse._SubParsersAction[argparse.ArgumentParser], where: str) -> None:
    sessions = commands.add_parser("sessions", help="list the sessions, newest first", epilog=where)
    sessions.add_argument("-n", type=int, default=20, metavar="N", help="how many (20)")
    sessions.add_argument("--repo", default="", metavar="OWNER/NAME", help="of this repository alone")
    sessions.add_argument("--open", action="store_true", help="without those that have ended")
    sessions.add_argument("--json", action="store_true", help="for programs, a line each")
    sessions.set_defaults(run=_sessions)
    show = commands.add_parser("show", help="show what is on record of a session", epilog=where)
    show.add_argument("session", metavar="SESSION", help="its id; `honk sessions` lists them")
    show.add_argument("--follow", action="store_true", help="go on with what comes, until it ends")
    show.add_argument("--json", action="store_true", help="for programs, a line each: the session, then its records")
    show.set_defaults(run=_show)
    pause = commands.add_parser(
        "pause", help="let no turn start and publish nothing, until `honk resume`", epilog=where
    )
    pause.add_argument("--repo", metavar="OWNER/NAME", help="only in this repository")
    pause.add_argument("--reason", default="", metavar="TEXT", help="why; people read it")
    pause.set_defaults(run=_pause)
    resume = commands.add_parser("resume", help="go on with all that a pause held", epilog=where)
    resume.add_argument("--repo", metavar="OWNER/NAME", help="in this repository, whoever paused it")
    resume.set_defaults(run=_resume)


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
    explain.add_argument(
        "file", type=Path, nargs="?", default=Path(".github/honk.yml"), metavar="FILE", help="(.github/honk.yml)"
    )
    explain.add_argument("--json", action="store_true", help="for programs")
    explain.set_defaults(run=_explain)


def _add_lessons(lessons: argparse.ArgumentParser) -> None:
    commands = lessons.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, meaning in (
        ("list", "print them, a line each"),
        ("export", "print them as Markdown, with their sources"),
        ("import", "put all lessons of such a file into force; others stay"),
        ("drop", "delete one"),
    ):
        command = commands.add_parser(name, help=meaning)
        command.add_argument(
            "--repo", required=True, metavar="OWNER/NAME", help="a repository in which Honk has worked"
        )
        if name == "import":
            command.add_argument("file", type=Path, metavar="FILE.md", help="the file; - is stdin")
        if name == "drop":
            command.add_argument("lesson", metavar="LESSON", help="its name, as `list` prints it: 12-1")
        command.set_defaults(run=_lessons, act=name)


def _add_backup(commands: argparse._SubParsersAction[argparse.ArgumentParser], where: str) -> None:
    backup = commands.add_parser("backup", help="copy the embedded database into a file, while Honk runs", epilog=where)
    backup.add_argument("file", type=Path, metavar="FILE", help="a new file")
    backup.set_defaults(run=_backup)
    restore = commands.add_parser(
        "restore", help="put a backup in the database's place; Honk must not run", epilog=where
    )
    restore.add_argument("file", type=Path, metavar="FILE", help="what `honk backup` wrote")
    restore.set_defaults(run=_restore)


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


def _add_records(commands: argparse._SubParsersAction[argparse.ArgumentParser], where: str) -> None:
    _add_replay(commands.add_parser("replay", help="run a recorded session, or its verification, again", epilog=where))
    _add_lessons(commands.add_parser("lessons", help="show or change what a repository has taught", epilog=where))
    _add_audit(commands.add_parser("audit", help="verify or export the record of what was done", epilog=where))


def _add_replay(replay: argparse.ArgumentParser) -> None:
    replay.description = (
        "Runs a session's first turn again in a scratch place, on what it was given then, and shows how it comes out. "
        "Asks the model, which costs money. With --verify: runs the last commit's verifiers again; exit code 1 if any "
        "comes out another way."
    )
    replay.add_argument("session", metavar="SESSION", help="its id; `honk sessions` lists them")
    replay.add_argument("--verify", action="store_true", help="only verify its last commit again")
    replay.add_argument("--prompts", type=Path, metavar="PATH", help="a NAME.md, or a folder of them, instead of ours")
    replay.add_argument("--model", default="", metavar="NAME", help="another model (HONK_MODEL)")
    replay.add_argument("--json", action="store_true", help="for programs")
    replay.set_defaults(run=_replay)


def _add_audit(audit: argparse.ArgumentParser) -> None:
    commands = audit.add_subparsers(title="commands", required=True, metavar="COMMAND")
    verify = commands.add_parser("verify", help="say whether the record is whole; exit code 1 if it is not")
    verify.add_argument("session", nargs="?", default="", metavar="SESSION", help="or a commit's `Honk-Audit` (all)")
    verify.add_argument(
        "--former-key", type=Path, action="append", default=[], metavar="FILE", help="an earlier private key of the App"
    )
    verify.add_argument("--attestation", type=Path, metavar="FILE", help="check this instead (with --public-key)")
    verify.add_argument("--public-key", type=Path, metavar="FILE", help="what `honk audit public-key` printed")
    verify.set_defaults(run=_audit_verify)

    export = commands.add_parser("export", help="print a session's records as JSON lines")
    export.add_argument("session", metavar="SESSION")
    export.add_argument("--attestation", action="store_true", help="instead, what is attested of its newest commit")
    export.set_defaults(run=_audit_export)

    key = commands.add_parser("public-key", help="print the public key to check attestations with")
    key.set_defaults(run=_audit_key)


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


def _sessions(options: argparse.Namespace) -> int:
    from github_app.listing import list_sessions

    return list_sessions(limit=options.n, repo=options.repo, is_open=options.open, is_json=options.json)


def _show(options: argparse.Namespace) -> int:
    from github_app.listing import show

    return show(options.session, is_followed=options.follow, is_json=options.json)


def _pause(options: argparse.Namespace) -> int:
    from github_app.process import pause

    return pause(options.repo, reason=options.reason)


def _resume(options: argparse.Namespace) -> int:
    from github_app.process import resume

    return resume(options.repo)


def _context(options: argparse.Namespace) -> int:
    from github_app.surveying import tell

    return tell(options.repo, rev=options.rev, issue=options.issue, as_json=options.json)


def _explain(options: argparse.Namespace) -> int:
    from github_app.explaining import explain_file

    return explain_file(options.file, is_json=options.json)


def _lessons(options: argparse.Namespace) -> int:
    from github_app import teaching

    match options.act:
        case "import":
            return teaching.import_file(options.repo, options.file)
        case "export":
            return teaching.export(options.repo)
        case "drop":
            return teaching.drop(options.repo, options.lesson)
        case _:
            return teaching.list_lessons(options.repo)


def _backup(options: argparse.Namespace) -> int:
    from github_app.process import back_up

    return back_up(options.file)


def _restore(options: argparse.Namespace) -> int:
    from github_app.process import restore

    return restore(options.file)


def _replay(options: argparse.Namespace) -> int:
    if options.verify:
        if options.prompts or options.model or options.json:
            raise Misconfigured("--verify asks no model: it goes with no other option")
        from github_app.replaying import verify_session

        return verify_session(options.session)
    from github_app.evaluation.replays import replay

    return replay(options.session, prompts=options.prompts, model=options.model, is_json=options.json)


def _audit_verify(options: argparse.Namespace) -> int:
    from github_app.auditing import check_attestation, verify

    if (options.attestation is None) != (options.public_key is None):
        raise Misconfigured("--attestation and --public-key go together")
    if options.attestation is not None:
        return check_attestation(options.attestation, key=options.public_key)
    return verify(options.session, former_keys=options.former_key)


def _audit_export(options: argparse.Namespace) -> int:
    from github_app.auditing import export

    return export(options.session, is_attestation=options.attestation)


def _audit_key(_options: argparse.Namespace) -> int:
    from github_app.auditing import print_public_key

    return print_public_key()


if __name__ == "__main__":
    sys.exit(main())
