"""Commands about sessions: `sessions`, `show`, `run`, `steer`, `stop`, `mcp`, `tokens`, `pause`, `resume`."""

from __future__ import annotations

import argparse

from github_app.core.errors import Misconfigured
from github_app.core.requests import LIVES_FOR, MOST_DAYS

_ASKED = "It asks a Honk elsewhere: HONK_URL says where, HONK_TOKEN is a token of its API. See docs/api.md."


def add_sessions(commands: argparse._SubParsersAction[argparse.ArgumentParser], where: str) -> None:
    """Add them."""
    _add_looking(commands, where)
    _add_asking(commands)
    _add_tokens(commands.add_parser("tokens", help="make, list and revoke tokens of the API", epilog=where))
    pause = commands.add_parser(
        "pause", help="let no turn start and publish nothing, until `honk resume`", epilog=where
    )
    pause.add_argument("--repo", metavar="OWNER/NAME", help="only in this repository")
    pause.add_argument("--reason", default="", metavar="TEXT", help="why; people read it")
    pause.set_defaults(run=_pause)
    resume = commands.add_parser("resume", help="go on with all that a pause held", epilog=where)
    resume.add_argument("--repo", metavar="OWNER/NAME", help="in this repository, whoever paused it")
    resume.set_defaults(run=_resume)


def _add_looking(commands: argparse._SubParsersAction[argparse.ArgumentParser], where: str) -> None:
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


def _add_asking(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = commands.add_parser("run", help="begin work on an issue, or on what you say", epilog=_ASKED)
    run.description = (
        "Exit code: 0 it has begun (with --follow: is ready for review, or the report is made), 1 it has not, or "
        "ended otherwise, 2 wrong usage or settings, 3 with --follow: a person is asked something."
    )
    run.add_argument("--repo", required=True, metavar="OWNER/NAME", help="a repository that you may write in")
    what = run.add_mutually_exclusive_group(required=True)
    what.add_argument("--issue", type=int, metavar="N", help="an issue of it")
    what.add_argument("--prompt", default="", metavar="TEXT", help="what to do, for a new issue; - is stdin")
    what.add_argument("--review", type=int, metavar="N", help="a pull request to remark on; nothing is changed")
    what.add_argument(
        "--ask", default="", metavar="TEXT", help="a question to answer in a new issue; nothing is changed"
    )
    run.add_argument("--title", default="", metavar="TEXT", help="the title of that one (the prompt's first line)")
    run.add_argument(
        "--text",
        default="",
        metavar="TEXT",
        help="with --issue, as after /honk: `plan`, `explain …`; with --review what to look at",
    )
    run.add_argument("--follow", action="store_true", help="print what happens, until it is people's turn")
    run.add_argument("--json", action="store_true", help="for programs, a line each")
    run.set_defaults(run=_run)
    steer = commands.add_parser("steer", help="say something to a session, as after /honk in a comment", epilog=_ASKED)
    steer.add_argument("session", metavar="SESSION", help="its id")
    steer.add_argument("text", metavar="TEXT", help="an instruction, or a command")
    steer.add_argument("--json", action="store_true", help="for programs")
    steer.set_defaults(run=_steer)
    stop = commands.add_parser("stop", help="end a session's work and leave everything as it is", epilog=_ASKED)
    stop.add_argument("session", metavar="SESSION", help="its id")
    stop.add_argument("--json", action="store_true", help="for programs")
    stop.set_defaults(run=_stop)
    mcp = commands.add_parser(
        "mcp", help="serve MCP on stdin and stdout, for agents that hand work over", epilog=_ASKED
    )
    mcp.set_defaults(run=_mcp)


def _add_tokens(tokens: argparse.ArgumentParser) -> None:
    commands = tokens.add_subparsers(title="commands", required=True, metavar="COMMAND")
    create = commands.add_parser("create", help="make one of a GitHub account, and print it once")
    create.add_argument("login", metavar="LOGIN", help="whose; it can do what this account may at GitHub, at most")
    create.add_argument("--scope", choices=["read", "write"], default="read", help="see; or start, steer and stop, too")
    create.add_argument("--name", default="", metavar="TEXT", help="what it is for")
    create.add_argument(
        "--days", type=int, default=LIVES_FOR.days, metavar="N", help=f"until it expires ({LIVES_FOR.days})"
    )
    create.set_defaults(run=_create_token)
    commands.add_parser("list", help="print what is known of each").set_defaults(run=_list_tokens)
    revoke = commands.add_parser("revoke", help="take one back, at once")
    revoke.add_argument("token", metavar="TOKEN", help="its name, as `list` prints it")
    revoke.set_defaults(run=_revoke_token)


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


def _run(options: argparse.Namespace) -> int:
    from github_app.asking import run

    return run(
        options.repo,
        issue=options.issue,
        prompt=options.prompt,
        title=options.title,
        text=options.text,
        review=options.review,
        question=options.ask,
        is_followed=options.follow,
        is_json=options.json,
    )


def _steer(options: argparse.Namespace) -> int:
    from github_app.asking import steer

    return steer(options.session, options.text, is_json=options.json)


def _stop(options: argparse.Namespace) -> int:
    from github_app.asking import stop

    return stop(options.session, is_json=options.json)


def _mcp(_options: argparse.Namespace) -> int:
    from github_app.asking import serve_tools

    return serve_tools()


def _create_token(options: argparse.Namespace) -> int:
    if not 1 <= options.days <= MOST_DAYS:
        raise Misconfigured(f"--days must be a whole number from 1 to {MOST_DAYS}")
    from github_app.tokening import create

    return create(options.login, scope=options.scope, name=options.name, days=options.days)


def _list_tokens(_options: argparse.Namespace) -> int:
    from github_app.tokening import list_tokens

    return list_tokens()


def _revoke_token(options: argparse.Namespace) -> int:
    from github_app.tokening import revoke

    return revoke(options.token)
