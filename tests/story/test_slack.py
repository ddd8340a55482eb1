"""Work that is asked for in Slack: linked once, begun by a message, told and steered in its thread."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
import requests

from github_app.localchat.chat import LocalChat
from github_app.localchat.post import sign
from github_app.localchat.values import Channel, Message, User
from github_app.localhub.actions import Uploaded
from github_app.localhub.people import Person
from tests.story.conftest import merges_asked
from tests.story.play import bash, calls, submit
from tests.story.world import World


@dataclass
class Talk:
    """A channel of this test's own, with people of its repository in it."""

    world: World
    chat: LocalChat
    channel: Channel

    def person(self, name: str) -> User:
        found = self.chat.workspace.person(f"{name} {self.channel.name}")
        if found not in self.channel.members:
            self.channel.members.append(found)
        return found

    def say(self, user: User, text: str, thread: Message | None = None) -> Message:
        return self.chat.workspace.say(user, self.channel, text, thread=thread)

    def press(self, user: User, message: Message, label: str) -> None:
        self.chat.workspace.press(user, self.channel, message, label)

    def whispers(self, user: User) -> list[Message]:
        return [each for each in self.channel.messages if each.only_for is user]

    def wait_whisper(self, user: User, text: str) -> Message:
        return self.world.wait(
            f"{user.name} to be told {text!r}",
            lambda: next((each for each in self.whispers(user) if text in each.shown), None),
        )

    def told(self, thread: Message, text: str = "") -> list[Message]:
        of_bot = [each for each in self.channel.thread(thread.ts) if each.user.is_bot and each.only_for is None]
        return [each for each in of_bot if text in each.shown]

    def wait_told(self, thread: Message, text: str) -> Message:
        return self.world.wait(
            f"{text!r} in the thread; there is {[each.shown for each in self.told(thread)]}",
            lambda: next(iter(self.told(thread, text)), None),
        )

    def link(self, user: User, account: Person) -> str:
        """Open the link that somebody was shown, sign in, and press the button; what the page says then."""
        before = len(self.whispers(user))
        self.say(user, "@honk hello there")
        self.world.wait("a link", lambda: len(self.whispers(user)) > before)
        address = self.whispers(user)[-1].buttons[0]["url"]
        page = self.open(address, account.user.login)
        action = re.search(r'action="(/link/[^"]+)"', page)
        assert action is not None, page
        assert account.user.login in page
        assert user.name in page
        answer = self.browser.post(f"{self.world.stack.url}{action[1].replace('&amp;', '&')}", timeout=10)
        return answer.text

    def open(self, address: str, login: str) -> str:
        self.browser = requests.Session()
        form_page = self.browser.get(address, timeout=10)
        form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form_page.text))
        hub = self.world.stack.hub.url
        # The browser's cookies are told apart by host alone, and all of this is one host.
        went = self.browser.post(
            f"{hub}/login/oauth/authorize", data={**form, "login": login}, timeout=10, allow_redirects=False
        )
        return self.browser.get(went.headers["Location"], timeout=10).text


@pytest.fixture
def talk(world: World) -> Iterator[Talk]:
    """Give a channel, and hold what the bot said there against Slack's own types."""
    chat = world.stack.chat
    assert chat is not None
    channel = chat.workspace.channel(world.repo.owner.login)
    yield Talk(world, chat, channel)
    chat.post.settle()
    chat.faults.clear()
    assert chat.workspace.violations == []


@pytest.mark.timeout(240)  # a plan, a draft, a word in the thread and a merge: three turns and CI, one after the other
def test_from_a_message_by_an_approved_plan_to_a_draft(talk: Talk, world: World):
    world.may_merge = True
    world.ann.push(world.repo, "main", {".github/honk.yml": "ship: {two_people: false}\n"}, "Let one person ship")
    alice = talk.person("alice")
    assert "is rob on GitHub" in talk.link(alice, world.rob)
    talk.wait_whisper(alice, "You are `rob` on GitHub")
    world.ci.uploads = (Uploaded("till", {"till.whl": b"a wheel", "logo.svg": b"<svg/>"}),)
    world.when("`plan`", replies=[{"call": [{"plan": {"summary": "Greet.", "items": ["Write <!channel> hello"]}}]}])
    asked = talk.say(talk.person("zoe"), "My greeting is gone since Tuesday.")
    talk.say(alice, f"@honk plan: say *hello* & <b>bye</b> in {world.repo.full_name}", thread=asked)
    plan = talk.wait_told(asked, "I would do this")
    issue = next(iter(world.repo.issues.values()))
    assert issue.user.login == "honk[bot]"
    assert issue.title == "say *hello* & <b>bye</b>"
    assert (issue.body or "").startswith("Asked for in Slack by @rob.")
    assert "gone since Tuesday" not in f"{issue.title} {issue.body}"
    assert "gone since Tuesday" in world.prompts()[0]
    assert "☐ Write &lt;!channel&gt; hello" in plan.shown
    card = world.wait("a button", lambda: next((each for each in talk.told(asked) if each.buttons), None))
    world.wait("the plan's button", lambda: card.buttons[0]["text"]["text"] == "Approve the plan")
    talk.press(alice, card, "Approve the plan")
    talk.press(alice, card, "Approve the plan")  # at once, by a finger that slipped
    pull = world.wait_ready()
    world.wait("the pull request in the thread", lambda: f"|#{pull.issue.number}>" in card.shown)
    assert world.turns() == 2  # the plan and the work: pressed twice, begun once
    assert [each for each in talk.whispers(alice) if "pressed that already" in each.shown or "earlier" in each.shown]
    built = talk.wait_told(asked, f"what CI made of `{pull.head_sha[:7]}`")
    assert "`till.whl`: 7 bytes" in built.shown
    assert "logo.svg" not in built.shown
    address = re.search(r"<(\S+/builds/[^|]+)\|Try it>", built.shown)
    assert address is not None
    stranger = world.stack.hub.person("mallory").user.login
    assert "There is no such build" in talk.open(address[1], stranger)
    assert "till.whl" in talk.open(address[1], "rob")
    assert talk.browser.get(f"{address[1]}/0", timeout=10).content == b"a wheel"
    talk.say(alice, "@honk shout it, please", thread=asked)
    world.wait("the words to be followed", lambda: world.turns() == 3)
    world.wait_ready()
    talk.wait_told(asked, f"what CI made of `{pull.head_sha[:7]}`")
    assert talk.browser.get(f"{address[1]}/0", timeout=10).status_code == 410, "there is a newer one"
    world.wait("the button to ship", lambda: card.buttons[0]["text"]["text"] == "Ship")
    talk.press(alice, card, "Ship")
    talk.press(alice, card, "Ship")
    talk.wait_told(asked, "is merged, as `rob` shipped it")
    assert pull.merged_at is not None
    assert len(merges_asked(world)) == 2  # GitHub takes no auto-merge of what can be merged at once
    world.wait("no buttons", lambda: card.buttons == [])


def test_a_question_and_a_review_are_answered_in_their_threads_and_nothing_is_changed(talk: Talk, world: World):
    alice = talk.person("alice")
    talk.link(alice, world.rob)
    talk.wait_whisper(alice, "You are `rob` on GitHub")
    world.when("Why is it an app?", replies=[
        calls({"explain": {"answer": "It says so [1].", "citations": [{"path": "README.md", "line": 1}]}}),
    ])  # fmt: skip
    asked = talk.say(alice, f"@honk Why is it an app? in {world.repo.full_name}")
    talk.wait_told(asked, "nothing was changed")
    finding = {"path": "README.md", "line": 2, "severity": "low", "text": "This says nothing."}
    world.when("wants this pull request reviewed", replies=[
        calls({"review": {"summary": "It is short.", "findings": [finding]}}),
    ])  # fmt: skip
    world.rob.push(world.repo, "words", {"README.md": "# App\nIt is an app.\n"}, "Say more")
    pull = world.rob.open_pull(world.repo, "Say more", head="words")
    thread = talk.say(alice, f"@honk review {world.repo.full_name}#{pull.issue.number}")
    told = talk.wait_told(thread, "It is short.")
    assert "This says nothing." in told.shown
    talk.say(alice, "@honk fix it then", thread=thread)
    talk.wait_whisper(alice, "only read")
    world.rest()
    assert {session.kind for session in world.sessions()} == {"answer", "review"}
    assert world.branches() == []


def test_strangers_get_a_link_and_others_no_say(talk: Talk, world: World):
    mallory, eve = talk.person("mallory"), talk.person("eve")
    asked = talk.say(mallory, f"@honk fix it all in {world.repo.full_name}")
    talk.wait_whisper(mallory, "I do not know you yet")
    talk.link(eve, world.eve)
    talk.say(eve, f"@honk {world.repo.full_name}: fix it all")
    talk.wait_whisper(eve, "that you can write in")
    talk.say(mallory, "and this without a mention", thread=asked)
    world.rest()
    assert world.repo.issues == {}
    assert len(talk.whispers(mallory)) == 1
    # A link is good for who was shown it, once.
    again = talk.whispers(mallory)[0].buttons[0]["url"]
    page = talk.open(again, "rob")
    action = re.search(r'action="(/link/[^"]+)"', page)
    assert action is not None
    address = f"{world.stack.url}{action[1].replace('&amp;', '&')}"
    assert talk.browser.post(address.partition("?")[0], timeout=10).status_code == 400
    assert talk.browser.post(address, timeout=10).status_code == 200
    assert talk.browser.post(address, timeout=10).status_code == 400


def test_two_people_press_and_words_go_on_by_command_and_by_question(talk: Talk, world: World):
    alice, bob = talk.person("alice"), talk.person("bob")
    talk.link(alice, world.rob)
    talk.link(bob, world.ann)
    answer = talk.chat.workspace.command(alice, talk.channel, f"use {world.repo.full_name}")
    assert "I have it" in answer
    talk.wait_whisper(alice, f"go to `{world.repo.full_name}`")
    world.when(replies=[world.hold_model(bash("echo hi >> hello.txt"), submit())])
    talk.chat.workspace.command(alice, talk.channel, "say hello, and mean it")
    asked = world.wait("a thread", lambda: next((m for m in talk.channel.messages if "asks:" in m.shown), None))
    card = world.wait("a button", lambda: next((each for each in talk.told(asked) if each.buttons), None))
    world.wait_thinking()
    talk.press(alice, card, "Stop")
    talk.press(bob, card, "Stop")
    talk.wait_told(asked, "`rob` asked me to stop")
    world.let_model_go()
    world.rest()
    issue = next(iter(world.repo.issues.values()))
    assert len([each for each in world.answers(issue) if "asked me to stop" in each]) == 1
    assert len(talk.whispers(bob)) >= 2  # that he is linked, and that it was pressed


def test_a_message_is_handed_over_by_its_menu_once(talk: Talk, world: World):
    alice, zoe = talk.person("alice"), talk.person("zoe")
    talk.link(alice, world.rob)
    complaint = talk.say(zoe, f"stop: nobody says hello any more in {world.repo.full_name}")
    talk.chat.workspace.hand_over(zoe, talk.channel, complaint)
    talk.wait_whisper(zoe, "I do not know you yet")
    talk.chat.workspace.hand_over(alice, talk.channel, complaint)
    world.wait_pull()
    talk.chat.workspace.hand_over(alice, talk.channel, complaint)
    talk.wait_whisper(alice, "I have that message already")
    world.wait_ready()
    issue = next(iter(world.repo.issues.values()))
    assert issue.title.startswith("stop: nobody says hello")
    assert talk.told(complaint, "Honk ·")
    assert world.turns() == 1


def test_while_slack_is_away_the_work_goes_on_and_is_told_once(talk: Talk, world: World):
    alice = talk.person("alice")
    talk.link(alice, world.rob)
    talk.chat.faults.add("chat.postMessage", "after", count=1)
    talk.chat.faults.add("chat.update", "before", status=503, count=2)
    talk.chat.faults.add("chat.update", "secondary", seconds=1, count=1)
    asked = talk.say(alice, f"@honk say hello in {world.repo.full_name}")
    pull = world.wait_ready()
    card = talk.wait_told(asked, f"#{pull.issue.number}>")
    world.rest()
    assert "Ready for your review" in card.shown
    assert len([each for each in talk.told(asked) if "Honk ·" in each.shown]) == 1


def test_what_slack_did_not_sign_or_signed_for_others_is_refused(talk: Talk, world: World):
    alice = talk.person("alice")
    talk.link(alice, world.rob)
    said = Message("1700000000.000100", alice, f"<@U0BOT> say hello in {world.repo.full_name}")
    workspace = talk.chat.workspace

    def send(team: str = workspace.team, *, age_s: int = 0, secret: str = workspace.app.signing_secret) -> int:
        event = {**workspace.shape(said), "type": "app_mention", "channel": talk.channel.id, "event_ts": said.ts}
        body = json.dumps({**workspace.envelope(event), "team_id": team}).encode()
        at = int(time.time()) - age_s
        headers = {
            "Content-Type": "application/json",
            "X-Slack-Request-Timestamp": str(at),
            "X-Slack-Signature": sign(secret, body, at),
        }
        return requests.post(f"{world.stack.url}/webhooks/slack", data=body, headers=headers, timeout=10).status_code

    assert send(secret="other") == 401
    assert send(age_s=301) == 401
    assert send("T0OTHER") == 403
    world.rest()
    assert world.repo.issues == {}
    assert [send(), send(), send()] == [200, 200, 200]  # kept by somebody, and sent again within the minutes
    world.wait_pull()
    world.rest()
    assert len([issue for issue in world.repo.issues.values() if issue.pull is None]) == 1


def test_page_of_localchat_shows_threads(talk: Talk):
    alice = talk.person("alice")
    talk.say(alice, "<b>hi</b> there")
    query = urlencode({"as": alice.name})
    with urllib.request.urlopen(f"{talk.chat.url}/?{query}", timeout=10) as answer:  # noqa: S310
        page = answer.read().decode()
    assert "&lt;b&gt;hi&lt;/b&gt; there" in page
