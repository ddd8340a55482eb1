"""What Honk says in chats, beside what it says on GitHub as well."""

from __future__ import annotations

from collections.abc import Sequence

from github_app.core.chat.model import Button, Card
from github_app.core.messages import builds
from github_app.core.messages.account import next_step, status_word
from github_app.core.messages.figures import checks_line, cost_of, count
from github_app.core.session import Session, Status
from github_app.core.text.prose import code, one_line

ON_IT = "I have it. The answer comes in this channel; if none comes, invite me first: `/invite @honk`."
"""The answer to a command itself, which must come at once."""

ALREADY_PRESSED = Card(text="Somebody has pressed that already: the thread says what came of it.")
ALREADY_HANDED = Card(text="I have that message already: the thread says what came of it.")
OUTDATED = Card(text="That button was for an earlier state of the work. The message has the newest by now.")
NOT_YOURS = Card(text="That question was for somebody else. Tell me in your own words what you want done.")
ANSWERED = Card(text="That question is answered already.")
UNLINKED = Card(text="I have forgotten which GitHub account is yours.")
NOTHING_SAID = Card(text="What shall I do? Say it after my name, or name an issue by its address.")
NO_WORK = Card(text="No work of mine is spoken of here. Say that in the thread that the work has.")
ONLY_READ = Card(
    text="This thread is about a pull request that I only read. Ask a question, or say `explain …` or `review`; to "
    "have me work on it, say so on GitHub."
)
_MAX_CHOICES = 10


def link_offer(url: str) -> Card:
    """What somebody gets whose GitHub account is not known."""
    text = (
        "I do not know you yet. Show me once which GitHub account is yours; then ask again. The link is for you alone."
    )
    return Card(text=text, buttons=(Button(label="Link my GitHub account", url=url, style="primary"),))


def linked(login: str) -> Card:
    """Somebody's account is known now."""
    return Card(
        text=f"You are {code(login)} on GitHub, and what you may do here is what that account may do. Ask away."
    )


def help_card(default: str) -> Card:
    """What can be said in a chat."""
    place = f"Requests of this channel go to {code(default)}." if default else "This channel has no repository yet."
    return Card(
        text="Say what you want done, and I open an issue for it, work on it, and report in the thread:\n\n"
        "- `@honk fix the rounding in octo/till`\n"
        "- `@honk https://github.com/octo/till/issues/7`\n"
        "- `@honk plan: dark mode`: first the plan, which you approve\n"
        "- `@honk why is the total wrong in octo/till?`: an answer with the lines, and nothing is changed\n"
        "- `@honk review octo/till#7`: remarks on a pull request, anybody's\n"
        "- `/honk use octo/till`: where this channel's requests go\n"
        "- `/honk unlink`: forget my GitHub account\n\n"
        "In the thread, what you write steers me; `@honk stop`, `retry`, `undo`, `ship`, `go` and `status` are there, "
        f"too. I listen to people with write access. {place}"
    )


def not_writable(name: str) -> Card:
    """A repository was named that is not there for this person, or for us; which of these is nobody's business."""
    return Card(text=f"I know no repository {code(name)} that you can write in and I am installed on.")


def no_repository() -> Card:
    """There is nowhere to work for this person."""
    return Card(text="I know no repository that you can write in and I am installed on.")


def which_repository(choices: Sequence[str]) -> Card:
    """Several repositories could be meant."""
    if len(choices) > _MAX_CHOICES or not choices:
        return Card(text="In which repository? Say it with its name: `@honk … in owner/name`.")
    buttons = tuple(Button(label=name, action="choose", about=name) for name in choices)
    text = "In which repository? `/honk use owner/name` answers that for this channel for good."
    return Card(text=text, buttons=buttons)


def chosen(name: str) -> Card:
    """The question which repository is meant is answered."""
    return Card(text=f"In {code(name)}.")


def used(name: str) -> Card:
    """A channel has a repository."""
    return Card(text=f"Requests of this channel go to {code(name)}, unless they name another.")


def asked(login: str, words: str) -> Card:
    """Begins a thread for a command, which left no message of its own."""
    return Card(text=f"{code(login)} asks: {one_line(words)}")


def handed(words: str) -> str:
    """What the agent is told where somebody hands it a message in the thread of its work."""
    return f"Take this message up:\n\n{words}"


def failed(reason: str) -> Card:
    """A request could not be followed, and will not be."""
    return Card(text=f"I could not act on this: {reason}. Ask again when that is mended.")


def said(tag: str, body: str, repo: str) -> Card:
    """What is said on GitHub, said in the thread as well."""
    is_plan = tag.startswith("plan:")
    note = "\n\n*The plan can be edited where it stands on GitHub.*" if is_plan else ""
    return Card(text=f"{body}{note}", repo=repo)


def progress(session: Session, *, page: str = "") -> Card:
    """The message that is edited in place: who acts next, the state of everything, and what can be pressed."""
    lines = [f"**Honk · {status_word(session.status)}** · #{session.issue_number}", next_step(session, ""), ""]
    if session.pull_number is not None:
        draft = " (draft)" if session.pull_is_draft and not session.status.is_terminal else ""
        lines.append(f"- Pull request: #{session.pull_number}{draft}")
    if session.checks is not None and session.checks.head_sha == session.head_sha:
        lines.append(f"- Checks of `{session.head_sha[:7]}`: {checks_line(session.checks)}")
    lines += [f"- {label}: {what}" for label, what in builds.summary(session.build)]
    lines.append(f"- Asked by {code(session.requested_by.login)}")
    lines.append(f"- So far: {count(session.turns, 'turn')} · {cost_of(session)}")
    if page:
        lines.append(f"- [On record, step by step]({page})")
    return Card(text="\n".join(lines), buttons=_buttons(session), repo=session.repo.full_name)


def _buttons(session: Session) -> tuple[Button, ...]:
    """What can be pressed now, each about the state that the message shows."""
    if session.status.is_terminal:
        return ()
    about = about_of(session)
    stop = Button(label="Stop", action="stop", about=about, style="danger", confirm="End the work as it stands?")
    if session.stuck_on == "plan":
        return (Button(label="Approve the plan", action="go", about=about, style="primary"), stop)
    if session.status is Status.NEEDS_HUMAN:
        return (Button(label="Try again", action="retry", about=about), stop)
    if session.status is Status.AWAITING_REVIEW:
        undo = Button(label="Undo the last commit", action="undo", about=about, confirm="Take the last commit back?")
        if not session.can_ship or session.shipment is not None or session.adopted is not None:
            return (undo, stop)
        sure = f"Have GitHub merge #{session.pull_number}? It is on record who shipped it."
        ship = Button(label="Ship", action="ship", about=about, style="primary", confirm=sure)
        return (ship, undo, stop)
    return (stop,)


def about_of(session: Session) -> str:
    """What names the state that a button is about: pressed twice, or by two people, it is pressed once."""
    return f"{session.id}:{session.turns}:{session.head_sha[:12]}"
