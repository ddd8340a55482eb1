"""The story of one message, from Slack to a merge: people are played here, everything else is real, and a stage counts
only when its trace is seen in the (local) Slack's thread or on (local) GitHub."""

from __future__ import annotations

import hashlib
import html
import re
import urllib.request
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from urllib.parse import urlencode

from github_app.demo.stack import NotReached, Stack
from github_app.demo.story import FAST_S, Story, find_runner, stay
from github_app.demo.telling import Telling
from github_app.localchat.chat import LocalChat
from github_app.localchat.values import Channel, Message, User
from github_app.localhub.showcase import Sample, load_sample


def run_chat_demo(*, keep: bool = False) -> int:
    """Play it, with the scripted model; 0 if every stage was really reached."""
    telling, sample = Telling(), load_sample()
    telling.title("honk demo --chat: one message, from Slack to a merge")
    with Stack(script=sample.script, runner=find_runner(telling), with_chat=True, keep=keep) as stack:
        story = Story(stack=stack, telling=telling, patience_s=FAST_S, is_real=False)
        try:
            _play(story, sample)
        except NotReached as error:
            telling.failure(str(error))
            return 1
        finally:
            if keep:
                stay(stack, telling)
    return 0


def _play(story: Story, sample: Sample) -> None:
    hub, chat, telling = story.stack.hub, story.stack.chat, story.telling
    if chat is None:
        raise NotReached("there is no Slack in this stack")
    repo = hub.create_repository(f"acme/{sample.name}", dict(sample.files))
    hub.grant(repo, "ann", "admin")
    rob = hub.grant(repo, "rob", "write")
    talk = _Talk(story=story, chat=chat, channel=chat.workspace.channel("tea"), alice=chat.workspace.person("alice"))
    talk.channel.members.append(talk.alice)
    story.open_house(repo)
    telling.note(f"Slack on this machine: {chat.url}")
    talk.link("rob")
    words = f"plan {repo.full_name}: {sample.issue_title}\n\n{sample.issue_body}"
    asked = chat.workspace.say(talk.alice, talk.channel, f"@honk {words}")
    telling.person(f"alice writes in #tea: “@honk plan {repo.full_name}: {sample.issue_title}”")
    with telling.stage("a plan in the thread") as stage:
        plan = talk.wait_told(asked, "I would do this")
        stage.text = "an issue is opened, and a plan comes to the thread"
        stage.details = [line for line in plan.shown.split("\n") if line.startswith("•")]
    card = story.wait("the button", lambda: talk.card(asked, "Approve the plan"))
    chat.workspace.press(talk.alice, talk.channel, card, "Approve the plan")
    telling.person("alice presses “Approve the plan”")
    with telling.stage("the agent works") as stage:
        pull = story.wait("a pull request", lambda: next(iter(repo.pulls()), None))
        talk.wait_told(asked, f"|#{pull.issue.number}>")
        stage.text = f"draft pull request #{pull.issue.number} “{pull.issue.title}”, told in the thread"
    story.to_green(pull, expect_red=True)
    talk.try_build(asked, pull.head_sha)
    rob.merge(pull)
    telling.person(f"rob merges #{pull.issue.number}")
    issue = next(each for each in repo.issues.values() if each.pull is None)
    with telling.stage("the end in the thread") as stage:
        story.wait("the thread to hear of it", lambda: "Merged" in card.shown)
        stage.text = "the thread has heard: merged"
    telling.title("The thread")
    for message in talk.channel.thread(asked.ts):
        telling.note(f"{message.user.name}: {' '.join(message.shown.split())[:140]}")
    story.sum_up(issue, pull)
    if chat.workspace.violations:
        raise NotReached("Slack would not have taken this:\n" + "\n".join(chat.workspace.violations[:10]))


def _browser() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))


@dataclass(frozen=True, kw_only=True)
class _Talk:
    """The channel of the story, and who speaks there."""

    story: Story
    chat: LocalChat
    channel: Channel
    alice: User
    browser: urllib.request.OpenerDirector = field(default_factory=_browser)

    def told(self, thread: Message, text: str) -> list[Message]:
        """What the bot says in a thread, with this in it."""
        return [each for each in self.channel.thread(thread.ts) if each.user.is_bot and text in each.shown]

    def wait_told(self, thread: Message, text: str) -> Message:
        """Wait for it."""
        return self.story.wait(f"{text!r} in the thread", lambda: next(iter(self.told(thread, text)), None))

    def card(self, thread: Message, label: str) -> Message | None:
        """The message that has this button."""
        labels = {each.ts: [button["text"]["text"] for button in each.buttons] for each in self.told(thread, "")}
        return next((each for each in self.told(thread, "") if label in labels[each.ts]), None)

    def try_build(self, thread: Message, sha: str) -> None:
        """Open the link to the build that the thread is told of, sign in, and download the first file."""
        with self.story.telling.stage("the build in the thread") as stage:
            told = self.wait_told(thread, f"what CI made of `{sha[:7]}`")
            address = re.search(r"<([^|>]+/builds/[^|>]+)\|Try it>", told.shown)
            if address is None:
                raise NotReached(f"the thread has no link to the build: {told.shown}")
            page = self._signed_in(html.unescape(address[1]), "rob")
            file = re.search(r'href="(/builds/[^"]+)" download>([^<]+)<', page)
            if file is None:
                raise NotReached("the build's page has nothing to download")
            content = self.browser.open(f"{self.story.stack.url}{file[1]}", timeout=10).read()
            sum_ = hashlib.sha256(content).hexdigest()
            if sum_ not in told.shown:
                raise NotReached("the download is not what the thread was told of")
            stage.text = f"alice opens the link, signs in, and downloads {file[2]}: {len(content):,} bytes, as told"

    def _signed_in(self, address: str, login: str) -> str:
        """Open a page, signing in at GitHub on the way."""
        page: str = self.browser.open(address, timeout=10).read().decode()
        form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
        if "client_id" not in form:
            return page
        signed_in = urlencode({**{name: html.unescape(value) for name, value in form.items()}, "login": login})
        where = f"{self.story.stack.hub.url}/login/oauth/authorize"
        found: str = self.browser.open(where, data=signed_in.encode(), timeout=10).read().decode()
        return found

    def link(self, login: str) -> None:
        """Say something, open the link that comes, sign in at GitHub, confirm."""
        self.chat.workspace.say(self.alice, self.channel, "@honk hello")
        with self.story.telling.stage("a link for alice alone") as stage:
            whisper = self.story.wait("a link", lambda: next((m for m in self.channel.messages if m.only_for), None))
            page = self._signed_in(str(whisper.buttons[0]["url"]), login)
            action = re.search(r'action="(/link/[^"]+)"', page)
            if action is None:
                raise NotReached("the page that links accounts did not come")
            address = f"{self.story.stack.url}{html.unescape(action[1])}"
            self.browser.open(urllib.request.Request(address, method="POST"), timeout=10)  # noqa: S310 — our own URL
            stage.text = f"alice signs in at GitHub and confirms: alice in Slack is {login} on GitHub"
