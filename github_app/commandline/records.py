"""Commands about what is on record: `replay`, `lessons`, `audit`, `backup`, `restore`."""

from __future__ import annotations

import argparse
from pathlib import Path

from github_app.core.errors import Misconfigured


def add_records(commands: argparse._SubParsersAction[argparse.ArgumentParser], where: str) -> None:
    """Add them."""
    _add_backup(commands, where)
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
