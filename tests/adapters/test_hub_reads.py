"""What Honk learns from GitHub: issues, comments and who wrote them, pull requests, branches, files, who we are."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import github.Auth
import pytest

from github_app.adapters.hub.permissions import PERMISSIONS
from github_app.core.errors import AccessDenied, Gone, NotVisibleYet
from github_app.core.model import Actor, Permission
from github_app.localhub.deeds import issues
from tests.adapters.hub_stage import APP_PERMISSIONS, Stage
from tests.edge.cases import shows


def test_we_are_the_apps_bot_and_ask_only_once(stage: Stage):
    assert stage.hub.identity() == Actor(id=stage.app.bot.id, login="honk[bot]", is_bot=True)
    asked = len(stage.github.exchanges)
    stage.hub.identity()
    assert len(stage.github.exchanges) == asked


def test_an_app_that_nobody_has_installed_still_knows_itself(stage: Stage):
    stage.github.uninstall(stage.installation)
    assert stage.hub.identity().login == "honk[bot]"


def test_every_token_names_one_repository_and_what_the_call_needs(stage: Stage):
    issue = stage.issue()
    stage.hub.issue(stage.repo, issue.number)
    stage.hub.head_of(stage.repo, "main")
    issue_token, code_token = stage.github.world.tokens.values()
    assert issue_token.repository_ids == frozenset({stage.place.id})
    assert issue_token.permissions == {**PERMISSIONS["issue"], "metadata": "read"}
    assert code_token.permissions == {"contents": "read", "metadata": "read"}


def test_a_token_is_used_again_until_five_minutes_before_its_end(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(github.Auth, "time", SimpleNamespace(time=stage.times.seconds))
    stage.github.world.clock = lambda: datetime.fromtimestamp(stage.times.seconds(), UTC)
    for minutes, tokens in ((0, 1), (54, 1), (56, 2), (61, 2), (56 + 56, 3)):
        stage.times.ahead_s = minutes * 60
        assert stage.hub.head_of(stage.repo, "main")
        assert len(stage.github.world.tokens) == tokens, minutes


def test_an_issue_as_it_stands(stage: Stage):
    issue = stage.maintainer.open_issue(stage.place, "Ünïcode 🦢", None, labels=["honk", "a/b"])
    stage.maintainer.close(issue)
    seen = stage.hub.issue(stage.repo, issue.number)
    assert (seen.title, seen.body, seen.is_open, set(seen.labels)) == ("Ünïcode 🦢", "", False, {"honk", "a/b"})
    assert seen.author == Actor(id=stage.maintainer.user.id, login="mia")
    assert seen.url == f"{stage.github.url}/acme/shop/issues/{issue.number}"


def test_an_issue_that_a_webhook_named_too_early_is_looked_for_again(stage: Stage):
    issue = stage.issue()
    stage.github.faults.add(f"GET .*/issues/{issue.number}$", "before", status=404, count=2)
    assert stage.hub.issue(stage.repo, issue.number).number == issue.number
    assert stage.times.slept == [0.5, 1.0]


def test_an_issue_that_never_shows_is_left_for_another_job(stage: Stage):
    with pytest.raises(NotVisibleYet):
        stage.hub.issue(stage.repo, 404)
    assert sum(stage.times.slept) < 3


def test_250_comments_are_all_read_without_ours_and_each_author_is_asked_about_once(stage: Stage):
    issue = stage.issue()
    stranger = stage.github.person("otto")
    for n in range(250):
        (stage.maintainer if n % 2 else stranger).comment(issue, f"comment {n}")
    stage.hub.say(stage.repo, issue.number, "progress", "working")
    asked_before = len(stage.asked("/permission"))
    comments = stage.hub.comments(stage.repo, issue.number)
    assert [comment.body for comment in comments] == [f"comment {n}" for n in range(250)]
    assert {comment.author.login: comment.permission for comment in comments} == {
        "mia": Permission.MAINTAIN,
        "otto": Permission.NONE,
    }
    assert len(stage.asked("/permission")) - asked_before == 2


def test_a_comment_is_worth_what_its_last_editor_may(stage: Stage):
    issue = stage.issue()
    comments = [stage.maintainer.comment(issue, f"comment {n}") for n in range(4)]
    writer = stage.github.grant(stage.place, "wendy", "write")
    stranger = stage.github.person("otto")
    for comment, editor in zip(comments[1:], (stage.maintainer, writer, stranger), strict=True):
        with stage.github.world.lock:
            issues.edit_comment(stage.github.world, comment, editor.user, "edited")
    read = stage.hub.comments(stage.repo, issue.number)
    assert [comment.permission for comment in read] == [
        Permission.MAINTAIN, Permission.MAINTAIN, Permission.WRITE, Permission.NONE,
    ]  # fmt: skip
    assert {comment.author.login for comment in read} == {"mia"}


@pytest.mark.parametrize("role", ["read", "triage", "write", "maintain", "admin"])
def test_permission_is_the_role_in_the_repository(stage: Stage, role):
    person = stage.github.grant(stage.place, "pat", role)
    actor = Actor(id=person.user.id, login="pat")
    assert stage.hub.permission(stage.repo, actor) is Permission[role.upper()]


@shows("W84")
def test_strangers_ghosts_and_bots_may_do_nothing(stage: Stage):
    mia = stage.maintainer.user
    for actor in (
        Actor(id=1, login="nobody-has-this-name"),
        Actor(id=0, login="ghost"),
        Actor(id=mia.id, login="mia", is_bot=True),
        Actor(id=mia.id, login="../../../../user"),
    ):
        assert stage.hub.permission(stage.repo, actor) is Permission.NONE


def test_a_name_that_now_belongs_to_somebody_else_gives_nothing(stage: Stage):
    assert stage.hub.permission(stage.repo, Actor(id=4711, login="mia")) is Permission.NONE


def test_a_pull_request_as_it_stands_and_after_its_merge(stage: Stage):
    pull = stage.pull()
    seen = stage.hub.pull(stage.repo, pull.issue.number)
    assert (seen.head_branch, seen.head_sha, seen.base_branch) == ("honk/1-fix", stage.tip("honk/1-fix"), "main")
    assert (seen.is_open, seen.is_draft, seen.is_merged, seen.head_repo_id) == (True, True, False, stage.place.id)
    stage.maintainer.set_draft(pull, False)
    stage.maintainer.merge(pull)
    found = stage.hub.find_pull(stage.repo, "honk/1-fix")
    assert found
    assert (found.is_open, found.is_merged, found.merged_by) == (False, True, "mia")


@shows("W78")
def test_a_pull_request_is_found_by_its_very_branch(stage: Stage):
    stage.pull("honk/1-fix-more")
    assert stage.hub.find_pull(stage.repo, "honk/1-fix") is None
    first = stage.pull("honk/1-fix")
    stage.maintainer.close(first.issue)
    second = stage.maintainer.open_pull(stage.place, "Again", head="honk/1-fix")
    found = stage.hub.find_pull(stage.repo, "honk/1-fix")
    assert found
    assert found.number == second.issue.number


def test_the_tip_of_a_branch(stage: Stage):
    assert stage.hub.head_of(stage.repo, "main") == stage.base
    assert stage.hub.head_of(stage.repo, "nothing/here") is None


def test_a_protected_branch_says_so(stage: Stage):
    stage.pull("feature/one")
    assert not stage.hub.is_protected(stage.repo, "feature/one")
    stage.place.protected.add("feature/one")
    assert stage.hub.is_protected(stage.repo, "feature/one")


def test_what_a_pull_request_changes_is_told_file_by_file(stage: Stage):
    pull = stage.pull("theirs")
    stage.maintainer.push(stage.place, "theirs", {"b.bin": b"\0\1", "a.txt": "one\ntwo\n"}, "More")
    found = {each.path: each for each in stage.hub.patches(stage.repo, pull.issue.number)}
    assert (found["a.txt"].status, found["a.txt"].additions, found["b.bin"].diff) == ("added", 2, "")
    assert found["a.txt"].diff.endswith("+one\n+two")


def test_an_empty_repository_has_no_branches_at_all(stage: Stage):
    empty = stage.repo_of(stage.github.create_repository("acme/empty"))
    with pytest.raises(Gone) as caught:
        stage.hub.head_of(empty, "main")
    assert caught.value.what == "repository content"


def test_a_file_at_a_commit(stage: Stage):
    blob = bytes(range(256))
    sha = stage.maintainer.push(stage.place, "main", {"docs/a b.bin": blob}, "Add")
    old = stage.hub.file(stage.repo, "docs/a b.bin", sha)
    assert old == blob
    assert stage.hub.file(stage.repo, ".github/honk.yml", sha) is None
    assert stage.hub.file(stage.repo, "docs", sha) is None


def test_git_gets_an_address_and_a_token_for_it(stage: Stage):
    read, write = stage.hub.git_auth(stage.repo), stage.hub.git_auth(stage.repo, write=True)
    assert read.url == f"{stage.github.url}/acme/shop.git"
    assert read.token
    assert write.token
    tokens = stage.github.world.tokens
    assert tokens[read.token].permissions["contents"] == "read"
    assert tokens[write.token].permissions["contents"] == "write"
    assert read.token not in repr(read)


@shows("W81")
def test_a_renamed_repository_is_found_by_its_number(stage: Stage):
    repo, issue = stage.repo, stage.issue()
    stage.hub.issue(repo, issue.number)
    stage.github.rename_repository(stage.place, "store")
    assert stage.hub.issue(repo, issue.number).number == issue.number
    assert stage.hub.say(repo, issue.number, "progress", "still here") > 0
    assert len(stage.asked("GET /installation/repositories")) <= 2  # the new name is remembered
    assert stage.hub.git_auth(repo).url.endswith("/acme/store.git")


@shows("W81")
def test_a_repository_that_left_the_installation_is_gone(stage: Stage):
    repo = stage.repo
    assert stage.hub.head_of(repo, "main")
    other = stage.github.create_repository("acme/other")
    stage.github.select(stage.installation, [other])
    with pytest.raises(Gone) as caught:
        stage.hub.head_of(repo, "main")
    assert caught.value.what == "repository"
    with pytest.raises(Gone) as caught:
        stage.make_hub().head_of(repo, "main")  # without a token from before
    assert caught.value.what == "repository"


@shows("W80")
def test_an_installation_that_was_removed_is_gone(stage: Stage):
    repo = stage.repo
    stage.hub.head_of(repo, "main")
    stage.github.uninstall(stage.installation)
    with pytest.raises(Gone) as caught:
        stage.hub.head_of(repo, "main")
    assert caught.value.what == "installation"


@shows("W80")
def test_a_suspended_installation_denies_access(stage: Stage):
    stage.github.suspend(stage.installation)
    with pytest.raises(AccessDenied, match="suspended"):
        stage.hub.head_of(stage.repo, "main")


@shows("W80")
def test_a_missing_permission_is_named(open_stage):
    stage = open_stage(permissions={**APP_PERMISSIONS, "contents": "read"})
    with pytest.raises(AccessDenied, match="contents: write"):
        stage.publish()


@shows("W75")
@pytest.mark.parametrize("skew_s", [-90, 90])
def test_a_clock_that_is_wrong_by_a_minute_and_a_half_does_no_harm(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, skew_s: int
):
    stage.times.ahead_s = skew_s
    monkeypatch.setattr(github.Auth, "time", SimpleNamespace(time=stage.times.seconds))
    assert stage.hub.head_of(stage.repo, "main")


def test_what_a_text_refers_to_as_it_stands(stage: Stage):
    issue = stage.maintainer.open_issue(stage.place, "Swans", "🦢")
    stage.maintainer.close(issue)
    seen = stage.hub.linked(stage.repo, issue.number)
    assert (seen.kind, seen.state, seen.title, seen.body) == ("issue", "closed", "Swans", "🦢")
    assert seen.author == Actor(id=stage.maintainer.user.id, login="mia")
    asked = stage.hub.traffic().unchanged
    assert stage.hub.linked(stage.repo, issue.number) == seen
    assert stage.hub.traffic().unchanged > asked  # by a conditional request, which costs nothing


def test_a_pull_request_that_a_text_refers_to(stage: Stage):
    pull = stage.pull(draft=False)
    number = pull.issue.number
    assert (stage.hub.linked(stage.repo, number).kind, stage.hub.linked(stage.repo, number).state) == (
        "pull request",
        "open",
    )
    stage.maintainer.merge(pull)
    assert stage.hub.linked(stage.repo, number).state == "merged"


def test_what_a_text_refers_to_in_vain_is_asked_for_once(stage: Stage):
    with pytest.raises(Gone):
        stage.hub.linked(stage.repo, 4_711)
    assert stage.times.slept == []
