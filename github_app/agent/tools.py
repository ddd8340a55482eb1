"""The agent's tools: what the model is told of them, how its arguments are checked, and what each one does. Each has
a reason: `bash` to find out and run, `view` and `search` because they are cheaper to read than `cat` and `grep -r`,
`edit` because it cannot change the wrong place, `recall` because old results are not sent again, `verify` to know,
`ask` and `submit` (or `plan`, `explain`, `review` in turns that change nothing) to end."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from inspect import cleandoc
from typing import Any

from pydantic import Field, ValidationError

from github_app.agent import files, shell
from github_app.agent.handover import Gate, Handover, lessons_from, replies_from
from github_app.agent.reporting import Diff, Explain, Review, answer_from, review_from, show_diff
from github_app.agent.schemas import Arguments, input_schema
from github_app.agent.toolservers import ToolServers
from github_app.core import lessons
from github_app.core.errors import ToolFailed
from github_app.core.filediffs import PullDiff
from github_app.core.ledger import Outcome
from github_app.core.model import Actor
from github_app.core.parts import MAX_PARTS
from github_app.core.ports import Workspace
from github_app.core.reports import Report
from github_app.core.session import Cause, Feedback, Submission
from github_app.core.toolservers import PREFIX

_DEFAULT_TIMEOUT_S = 120
_MAX_TIMEOUT_S = 600
_SOFT_BREAK = re.compile(r"(?<!\n)\n(?!\n)")
UNANSWERED = (
    "not submitted: no answer in `threads` for {threads}. Answer each thread. What you leave out once more is shown to "
    "people as open."
)
_PLAIN = re.compile(r"[\w./-]{1,60}")


class Bash(Arguments):
    """Run a shell command at the top of the repository, in a sandbox.

    Each call starts a new shell; files stay, `cd` and variables do not. Long output is cut in the middle. Processes
    that are left in the background end with the command.
    """

    command: str = Field(min_length=1)
    timeout_s: int = Field(default=_DEFAULT_TIMEOUT_S, ge=1, le=_MAX_TIMEOUT_S)


class View(Arguments):
    """Show a file with line numbers, whole or from one line to another; or list a folder ("." is the top)."""

    path: str = Field(min_length=1)
    start_line: int = Field(default=1, ge=1)
    end_line: int | None = Field(default=None, ge=1)


class Edit(Arguments):
    """Replace `old_text` by `new_text` in a file.

    `old_text` must stand there exactly once, with the same white space and without line numbers. An empty `old_text`
    creates a new file.
    """

    path: str = Field(min_length=1)
    old_text: str
    new_text: str


class Search(Arguments):
    """Find lines that match a regular expression in all files below `path`; hidden files too, `.git` not."""

    pattern: str = Field(min_length=1)
    path: str = Field(default=".", min_length=1)


class Recall(Arguments):
    """Show again what a tool answered earlier in this turn and what is left out since, by its number."""

    number: int = Field(ge=1)


class Verify(Arguments):
    """Run the repository's own tests and say in few lines what failed. Use it when you believe that you are done."""


class Ask(Arguments):
    """End your turn with a question to the humans, because you cannot go on without an answer.

    Say what you found out and what the choices are. What you changed so far is kept.
    """

    question: str = Field(min_length=1)


class ThreadReply(Arguments):
    """What to answer in one review thread, and what became of it.

    `fixed`: your change does what it asks for. `answered`: it wanted an answer and no change. `declined`: you did not
    do it; `reply` says why. `question`: you cannot do it without the answer to what you ask in `reply`.
    """

    thread_id: str
    outcome: Outcome
    reply: str = Field(min_length=1)


class LessonDraft(Arguments):
    """What to remember for later issues of this repository."""

    text: str
    source: str


class Submit(Arguments):
    """Hand in the work as it stands in the files and end your turn. Refused until verification passes.

    `title`: one line of at most 72 characters that names the change, in the imperative. `summary`: for the pull
    request, what was wrong, what you changed and why. `notes`: what a reviewer should know besides. `threads`: an
    answer for each review thread that you were given. `unverified_reason`: only if verification cannot pass whatever
    you do; why. `needs_approval`: only after `submit` was refused because a human must accept something in the change,
    and only if the task cannot be done without it; why. `lessons`: only where a review corrects what later changes in
    this repository could get wrong, too: at most two sentences of at most 200 characters that stand alone, each with
    the `id` of the thread or review that it is from. People decide whether they are kept. `remaining`: only where the
    task is too large for one review: what you leave for later pull requests, one line a part, in their order.
    """

    title: str
    summary: str
    notes: str = ""
    threads: list[ThreadReply] = Field(default_factory=list)
    unverified_reason: str = ""
    needs_approval: str = ""
    lessons: list[LessonDraft] = Field(default_factory=list)
    remaining: list[str] | None = Field(default=None, max_length=MAX_PARTS)


class Plan(Arguments):
    """Hand in the plan and end your turn.

    `summary`: what is wrong or missing, where that comes from, how you would go about it. `items`: the steps in their
    order, each one line that says what changes where.
    """

    summary: str = Field(min_length=1)
    items: list[str] = Field(min_length=1, max_length=40)


def _by_name(*tools: type[Arguments]) -> dict[str, type[Arguments]]:
    return {tool.__name__.lower(): tool for tool in tools}


_TOOLS = _by_name(Bash, View, Edit, Search, Recall, Verify, Ask, Submit)
_TOOLS_OF = {
    Cause.PLAN: _by_name(View, Search, Recall, Ask, Plan),
    Cause.EXPLAIN: _by_name(View, Search, Diff, Recall, Ask, Explain),
    Cause.REVIEW: _by_name(View, Search, Diff, Recall, Ask, Review),
}
"""What turns of these causes have instead: nothing that runs, writes or hands in."""


def tools_of(cause: Cause) -> Mapping[str, type[Arguments]]:
    """The tools that a turn has, by name."""
    return _TOOLS_OF.get(cause, _TOOLS)


REPEATABLE = frozenset({"view", "search", "recall", "verify", "ask", "submit", "plan", "diff", "explain", "review"})
"""Tools that do no harm when they run again because nobody knows whether they ran."""


MAY_CHANGE_FILES = frozenset({"bash", "edit", "verify", "submit"})
"""Tools of our own after which the workspace is worth a snapshot."""


def may_change_files(name: str) -> bool:
    """Whether the workspace is worth a snapshot after a tool; of a server's, nobody knows."""
    return name in MAY_CHANGE_FILES or name.startswith(PREFIX)


@dataclass(frozen=True)
class Question:
    """The agent ended its turn with a question to a human."""

    text: str


@dataclass(frozen=True)
class Draft:
    """The agent ended its turn with a plan."""

    summary: str
    items: tuple[str, ...]


Ending = Handover | Question | Draft | Report
"""What ends a turn that is not cut short."""

Result = str | Ending


@dataclass
class Toolbox:
    """The tools of one turn. `threads` maps those that may be answered to the comment that answers go under;
    `find_result` gives an earlier result by its number, `suggested_by` are those whose suggestions were applied;
    `left_open` are threads that the agent was told it has not answered. `sources` are what
    lessons may be drawn from, `servers` have tools of their own; `diff` is the pull request that a report is about."""

    workspace: Workspace
    gate: Gate
    time_left_s: Callable[[], float]
    find_result: Callable[[int], str | None]
    servers: ToolServers
    threads: dict[str, int | None] = field(default_factory=dict)
    suggested_by: tuple[Actor, ...] = ()
    left_open: set[str] = field(default_factory=set)
    cause: Cause = Cause.IMPLEMENT
    sources: set[str] = field(default_factory=set)
    diff: PullDiff | None = None

    def hear(self, feedback: Sequence[Feedback]) -> None:
        """Take in what may be answered, and what lessons may be drawn from."""
        self.threads.update({each.thread_id: each.reply_to for each in feedback if each.thread_id})
        self.sources.update(each.thread_id or each.id for each in feedback if each.kind in ("review", "thread"))

    def overhear(self, remarks: Sequence[Feedback]) -> None:
        """Take in what may be answered and need not be."""
        threads = {each.thread_id: each.reply_to for each in remarks if each.thread_id}
        self.threads.update(threads)
        self.left_open.update(threads)

    async def use(self, name: str, arguments: object) -> Result:
        """Run one tool call: text for the model, or what ends the turn. Raises `ToolFailed`."""
        if name.startswith(PREFIX):
            return await self.servers.call(name, arguments)
        return await self._use_own(_checked(tools_of(self.cause), name, arguments))

    async def _use_own(self, arguments: Arguments) -> Result:  # noqa: C901 - a table, one row a tool
        match arguments:
            case Bash() as bash:
                timeout_s = max(1.0, min(bash.timeout_s, self.time_left_s()))
                return await shell.run_command(self.gate.outlet, bash.command, timeout_s=timeout_s)
            case View() as view:
                return await files.view(self.workspace, view.path, start_line=view.start_line, end_line=view.end_line)
            case Edit() as edit:
                return await files.edit(self.workspace, edit.path, old_text=edit.old_text, new_text=edit.new_text)
            case Search() as search:
                return await shell.search(self.workspace, search.pattern, path=search.path)
            case Recall() as recall:
                result = self.find_result(recall.number)
                if result is None:
                    raise ToolFailed(f"there is no result {recall.number} in this turn")
                return result
            case Verify():
                return (await self.gate.verify()).text
            case Ask() as ask:
                return Question(ask.question.strip())
            case Plan() as plan:
                return Draft(plan.summary.strip(), tuple(item.strip() for item in plan.items if item.strip()))
            case Diff() as diff:
                return show_diff(self.diff, diff.path)
            case Explain() as explain:
                return await answer_from(explain, self.workspace, self.gate.scanner)
            case Review() as review:
                return await review_from(review, self.diff, self.gate.scanner)
            case Submit() as submit:
                return await self._submit(submit)
            case unknown:
                raise AssertionError(f"tool without an arm: {unknown!r}")

    async def _submit(self, submit: Submit) -> Handover:
        answers = {thread.thread_id: (thread.outcome, thread.reply) for thread in submit.threads}
        replies = replies_from(answers, self.threads)
        self._require_answers(answers.keys())
        draft = Submission(
            title=submit.title.strip(),
            summary=submit.summary.strip(),
            notes=submit.notes.strip(),
            unverified_reason=submit.unverified_reason.strip(),
            needs_approval=submit.needs_approval.strip(),
            replies=replies,
            suggested_by=self.suggested_by,
            lessons=lessons_from(
                [lessons.Draft(text=each.text, source=each.source) for each in submit.lessons], self.sources
            ),
            remaining=None if submit.remaining is None else tuple(submit.remaining),
        )
        return await self.gate.submit(draft)

    def _require_answers(self, answered: Set[str]) -> None:
        """Tell once what was forgotten; left out again, it is shown to people as open."""
        missing = {thread for thread, comment in self.threads.items() if comment is not None} - answered
        if not missing <= self.left_open:
            self.left_open |= missing
            raise ToolFailed(UNANSWERED.format(threads=", ".join(sorted(missing))))


@cache
def tool_definitions(cause: Cause = Cause.IMPLEMENT) -> list[dict[str, Any]]:
    """The tools as a request names them."""
    return [
        {
            "name": name,
            "description": _SOFT_BREAK.sub(" ", cleandoc(tool.__doc__ or "")),
            "input_schema": input_schema(tool),
        }
        for name, tool in tools_of(cause).items()
    ]


def progress(calls: Sequence[Mapping[str, Any]]) -> str:
    """What the last of these calls does, in a few words that hold nothing of the model's but a plain name."""
    if not calls:
        return "thinking"
    given = calls[-1]["input"]
    arguments = given if isinstance(given, Mapping) else {}
    name = calls[-1]["name"]
    subject = str(arguments.get("command" if name == "bash" else "path") or "").split()
    word = f" `{subject[0]}`" if subject and _PLAIN.fullmatch(subject[0]) else ""
    match name:
        case "bash":
            return f"running{word or ' a command'}"
        case "view" | "search" | "recall" | "diff":
            return f"reading{word or ' the code'}"
        case "edit":
            return f"editing{word or ' a file'}"
        case "verify" | "submit":
            return "verifying"
        case str() if name.startswith(PREFIX):
            return "using a tool of a server"
        case _:
            return "thinking"


def _checked(tools: Mapping[str, type[Arguments]], name: str, arguments: object) -> Arguments:
    if name not in tools:
        raise ToolFailed(f"there is no tool of this name; there are: {', '.join(tools)}")
    try:
        return tools[name].model_validate(arguments)
    except ValidationError as error:
        found = [f"{'.'.join(map(str, each['loc'])) or 'input'}: {each['msg']}" for each in error.errors()[:5]]
        raise ToolFailed(f"wrong arguments for `{name}`: {'; '.join(found)[:1_000]}") from None
