"""No token of ours is in anything that is sent to GitHub, whoever wrote the words and in whatever disguise."""

from __future__ import annotations

import base64
import subprocess

import pytest

from github_app.adapters.vault import Vault
from github_app.core.errors import HonkError
from github_app.core.text.redaction import REMOVED
from github_app.localhub.deeds.reviews import Inline
from tests.adapters.hub_stage import PIN, Stage, changed


def token_of(stage: Stage) -> str:
    stage.hub.head_of(stage.repo, "main")
    return next(iter(stage.github.world.tokens))


def test_words_of_every_kind_are_posted_without_our_tokens(stage: Stage):
    pull = stage.pull()
    token = token_of(stage)
    told = f"{token}, {token[7:]}, {base64.b64encode(token.encode()).decode()}"
    number = pull.issue.number
    stage.maintainer.review(pull, "COMMENT", inline=[Inline(path="fix.py", line=1, body="why?")])
    reply_to = pull.threads[0].comments[0].id

    stage.hub.say(stage.repo, number, "a", told)
    stage.hub.reply_thread(stage.repo, number, reply_to=reply_to, key="k", body=told)
    stage.hub.edit_pull(stage.repo, number, body=told)
    stage.maintainer.push(stage.place, "honk/2-x", {"x": "1"}, "x")
    opened = stage.hub.open_pull(stage.repo, branch="honk/2-x", base="main", title=f"Leak {token}", body=told)
    sha = stage.hub.publish(
        stage.repo, changed(stage.base, {"a": b"1"}), parent_sha=stage.base, branch="honk/3-y",
        message=f"Leak {token}\n\n{told}", key="k", audit=PIN,
    )  # fmt: skip

    message = subprocess.run(
        ["git", "--git-dir", str(stage.place.git_dir), "show", "-s", "--format=%B", sha],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    posted = [pull.issue.comments[0].body, pull.threads[0].comments[-1].body, pull.issue.body or "", opened.title]
    for words in (*posted, opened.body, message):
        assert REMOVED in words
        assert token[7:] not in words


def test_what_was_not_made_fit_is_caught_at_the_last_door(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Vault, "fit", lambda _, text, **__: text)
    issue = stage.issue()
    token = token_of(stage)
    stage.hub.say(stage.repo, issue.number, "a", f"see {token}")
    assert issue.comments[0].body.startswith(f"see {REMOVED}")


def test_graphql_passes_the_same_door(stage: Stage):
    token = token_of(stage)
    query = "query($t: ID!) { node(id: $t) { id } }"
    with pytest.raises(HonkError):
        stage.hub._clients.repo(stage.repo, "threads").query(query, {"t": token}, what="x")
    sent = stage.asked("POST /graphql") or stage.asked("graphql")
    assert sent
    assert token not in str(sent)
    assert REMOVED in str(sent)


def test_contents_of_files_are_not_changed_on_their_way(stage: Stage):
    content = f"token = '{token_of(stage)}'\n"
    stage.publish(content)
    assert stage.hub.file(stage.repo, "fix.py", stage.tip("honk/1-fix") or "") == content.encode()


def test_saying_what_had_a_secret_again_sends_nothing(stage: Stage):
    issue = stage.issue()
    token = token_of(stage)
    for _ in range(2):
        stage.hub.say(stage.repo, issue.number, "a", f"see {token} https://evil.com")
    assert len(stage.asked("PATCH")) == 0
