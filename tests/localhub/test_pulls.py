"""Git data, branches and pull requests that follow them."""

from __future__ import annotations

from typing import Any

import pytest
from github import GithubException, InputGitTreeElement
from github.GithubObject import NotSet
from github.PullRequest import PullRequest as RemotePull
from github.Repository import Repository as RemoteRepository

from github_app.localhub import git
from github_app.localhub.exchange import ApiError

from .conftest import WORKFLOW, Story


def commit(remote: RemoteRepository, files: dict[str, str | None], parent: str, mode: str = "100644") -> str:
    """Commit through the git data API, as an app does."""
    entries = [
        InputGitTreeElement(path, mode, "blob", content=text if text is not None else NotSet,
                            sha=None if text is None else NotSet)
        for path, text in files.items()
    ]  # fmt: skip
    tree = remote.create_git_tree(entries, remote.get_git_tree(parent))
    return remote.create_git_commit("Fix it", tree, [remote.get_git_commit(parent)]).sha


def open_pull(story: Story, files: dict[str, str | None] | None = None, **more: Any) -> RemotePull:
    remote = story.remote()
    sha = commit(remote, files or {"a.txt": "one\n2\nthree\n"}, remote.get_branch("main").commit.sha)
    remote.create_git_ref("refs/heads/honk/1", sha)
    return remote.create_pull(base="main", head="honk/1", title="Fix", **{"body": "Closes #1", **more})


def refusal(attempt: Any, *args: Any, **kwargs: Any) -> tuple[int, str]:
    with pytest.raises(GithubException) as refused:
        attempt(*args, **kwargs)
    data = refused.value.data
    errors = data.get("errors") or [{}]
    return refused.value.status, errors[0].get("message") or errors[0].get("field") or data["message"]


def test_a_tree_is_changed_without_touching_the_rest(story: Story):
    remote = story.remote()
    base = remote.get_branch("main").commit.sha
    sha = commit(remote, {"docs/b.txt": None, "bin/run": "#!/bin/sh\n"}, base, mode="100755")
    files = {f.filename: f.status for f in remote.get_commit(sha).files}
    assert files == {"docs/b.txt": "removed", "bin/run": "added"}
    entries = {e.path: e.mode for e in git.tree(story.repo.git_dir, sha, recursive=True) if e.type == "blob"}
    assert entries == {"a.txt": "100644", "bin/run": "100755"}


def test_a_commit_that_names_no_author_is_the_apps_and_verified(story: Story):
    remote = story.remote()
    sha = commit(remote, {"a.txt": "x\n"}, remote.get_branch("main").commit.sha)
    seen = remote.get_git_commit(sha)
    assert seen.verification is not None
    assert seen.verification.verified
    assert seen.author.name == "honk[bot]"


def test_what_is_not_there_cannot_be_removed_or_referred_to(story: Story):
    remote = story.remote()
    base = remote.get_branch("main").commit.sha
    assert refusal(commit, remote, {"nope.txt": None}, base) == (422, "GitRPC::BadObjectState")
    element = InputGitTreeElement("a.txt", "100644", "blob", sha="1" * 40)
    assert refusal(remote.create_git_tree, [element])[0] == 422


def test_a_branch_moves_only_forward_unless_forced(story: Story):
    remote = story.remote()
    base = remote.get_branch("main").commit.sha
    ref = remote.create_git_ref("refs/heads/honk/1", commit(remote, {"a.txt": "x\n"}, base))
    beside = commit(remote, {"a.txt": "y\n"}, base)
    assert refusal(ref.edit, beside) == (422, "Update is not a fast forward")
    ref.edit(beside, force=True)
    assert remote.get_branch("honk/1").commit.sha == beside
    assert refusal(remote.create_git_ref, "refs/heads/honk/1", base) == (422, "Reference already exists")
    assert refusal(remote.create_git_ref, "refs/heads/new", "1" * 40) == (422, "Object does not exist")
    assert refusal(remote.create_git_ref, "refs/heads/honk/1/deeper", base)[0] == 422
    ref.delete()
    assert [r.ref for r in remote.get_git_matching_refs("heads/honk")] == []


def test_a_pull_request_knows_its_files_and_commits(story: Story):
    pull = open_pull(story, {"a.txt": "one\n2\nthree\n", "new.txt": "n\n"}, draft=True)
    assert (pull.draft, pull.mergeable, pull.changed_files, pull.additions, pull.deletions) == (True, True, 2, 2, 1)
    assert [f.filename for f in pull.get_files()] == ["a.txt", "new.txt"]
    assert [c.commit.message for c in pull.get_commits()] == ["Fix it"]
    assert [p.number for p in story.remote().get_pulls(head="acme:honk/1")] == [pull.number]
    assert list(story.remote().get_pulls(head="acme:other")) == []


def test_a_head_without_owner_filters_nothing(story: Story):
    open_pull(story)
    assert len(list(story.remote().get_pulls(head="nothing-like-it"))) == 1


def test_a_pull_request_that_makes_no_sense_is_refused_with_githubs_words(story: Story):
    pull = open_pull(story)
    create = story.remote().create_pull
    assert refusal(create, base="main", head="honk/1", title="Again") == (
        422, "A pull request already exists for acme:honk/1.",
    )  # fmt: skip
    assert refusal(create, base="main", head="nope", title="x") == (422, "head")
    assert refusal(create, base="nope", head="honk/1", title="x") == (422, "base")
    story.remote().create_git_ref("refs/heads/same", pull.base.sha)
    assert refusal(create, base="main", head="same", title="x") == (422, "No commits between main and same")


def test_a_pull_request_follows_its_branch(story: Story):
    pull = open_pull(story)
    before = pull.head.sha
    sha = story.alice.push(story.repo, "honk/1", {"a.txt": "mine\n"}, "Mine is better")
    pull.update()
    assert pull.head.sha == sha
    sent = [d for d in story.hub.deliveries if d.payload.get("action") == "synchronize"]
    assert [(d.payload["before"], d.payload["after"]) for d in sent] == [(before, sha)]
    assert story.repo.refs["refs/pull/1/head"] == sha


def test_a_deleted_branch_closes_its_pull_request(story: Story):
    pull = open_pull(story)
    story.alice.delete_branch(story.repo, "honk/1")
    pull.update()
    assert (pull.state, pull.merged) == ("closed", False)
    assert "pull_request.closed" in story.events()
    with pytest.raises(ApiError, match="422"):
        story.alice.reopen(story.repo.issues[1])


def test_merging_closes_the_issue_that_the_body_names(story: Story):
    issue = story.alice.open_issue(story.repo, "Bug")
    pull = open_pull(story, body=f"Closes #{issue.number}")
    held = story.repo.issues[pull.number].pull
    assert held
    story.repo.delete_branch_on_merge = True
    sha = story.alice.merge(held)
    pull.update()
    assert (pull.merged, pull.merged_by.login, pull.merge_commit_sha) == (True, "alice", sha)
    assert (issue.state, story.repo.branch("main"), story.repo.branch("honk/1")) == ("closed", sha, None)
    assert git.commit(story.repo.git_dir, sha).parents == (pull.base.sha, pull.head.sha)


def test_a_conflict_is_told_and_not_merged(story: Story):
    pull = open_pull(story)
    story.alice.push(story.repo, "main", {"a.txt": "one\nzwei\nthree\n"}, "German")
    pull.update()
    assert (pull.mergeable, pull.mergeable_state) == (False, "dirty")
    held = story.repo.issues[pull.number].pull
    assert held
    with pytest.raises(ApiError, match="405"):
        story.alice.merge(held)


def test_a_draft_becomes_ready_and_back(story: Story):
    pull = open_pull(story, draft=True)
    pull.mark_ready_for_review()
    pull.update()
    assert not pull.draft
    pull.convert_to_draft()
    assert story.events()[-2:] == ["pull_request.ready_for_review", "pull_request.converted_to_draft"]


def test_reviewers_are_asked_among_collaborators_only(story: Story):
    pull = open_pull(story)
    pull.create_review_request(["alice"])
    assert [u.login for u in pull.get_review_requests()[0]] == ["alice"]
    story.hub.person("mallory")
    assert refusal(pull.create_review_request, ["mallory"])[0] == 422


def test_an_empty_repository_says_so(story: Story):
    empty = story.hub.create_repository("acme/empty")
    story.hub.select(story.installation, [story.repo, empty])
    remote = story.client().get_repo("acme/empty")
    assert refusal(remote.get_git_ref, "heads/main") == (409, "Git Repository is empty.")
    assert refusal(remote.create_git_blob, "x", "utf-8") == (409, "Git Repository is empty.")
    assert refusal(remote.get_commits().__getitem__, 0) == (409, "Git Repository is empty.")
    assert refusal(remote.get_contents, "README.md")[0] == 404


def test_workflow_files_need_their_own_permission(story: Story):
    remote = story.remote()
    sha = commit(remote, {".github/workflows/ci.yml": WORKFLOW}, remote.get_branch("main").commit.sha)
    assert refusal(remote.create_git_ref, "refs/heads/honk/1", sha)[0] == 403
    assert story.repo.branch("honk/1") is None


def test_files_are_read_at_any_ref(story: Story):
    open_pull(story)
    remote = story.remote()
    assert story.text("a.txt", ref="honk/1") == "one\n2\nthree\n"
    assert (story.names(""), story.names("docs")) == ({"a.txt", "docs"}, {"docs/b.txt"})
    compared = remote.compare("main", "honk/1")
    assert (compared.status, compared.ahead_by, [f.filename for f in compared.files]) == ("ahead", 1, ["a.txt"])


def test_a_renamed_repository_is_found_by_its_number(story: Story):
    story.hub.rename_repository(story.repo, "goose")
    assert story.client().get_repo(story.repo.id).full_name == "acme/goose"


def test_a_renamed_branch_takes_its_pull_requests_along(story: Story):
    pull = open_pull(story)
    story.hub.rename_branch(story.repo, "main", "trunk")
    assert (story.repo.default_branch, story.repo.branch("main")) == ("trunk", None)
    pull.update()
    assert (story.remote().default_branch, pull.base.ref, pull.state) == ("trunk", "trunk", "open")
    with pytest.raises(ApiError, match="not found"):
        story.hub.rename_branch(story.repo, "main", "trunk")


def test_a_transferred_repository_keeps_its_number_and_leaves_the_old_installation(story: Story):
    remote = story.remote()
    number = story.repo.id
    story.hub.transfer_repository(story.repo, "globex")
    assert (story.repo.full_name, story.repo.id) == ("globex/app", number)
    assert refusal(remote.get_issues().get_page, 0) == (404, "Not Found")
    story.alice.push(story.repo, "more", {"a.txt": "1\n"}, "More")
    assert story.repo.branch("more")


def test_an_archived_repository_is_only_read(story: Story):
    issue = story.alice.open_issue(story.repo, "It breaks")
    story.repo.archived = True
    remote = story.remote().get_issue(issue.number)
    assert remote.title == "It breaks"
    assert refusal(remote.create_comment, "Hello") == (403, "Repository was archived so is read-only.")


def test_a_pull_request_from_a_fork_outlives_the_fork(story: Story):
    fork = story.hub.import_repository("bob/app", story.repo.git_dir)
    bob = story.hub.grant(story.repo, "bob", "read")
    sha = bob.push(fork, "mine", {"a.txt": "bob\n"}, "Mine")
    opened = bob.open_pull(story.repo, "Mine", head="bob:mine")
    newer = bob.push(fork, "mine", {"a.txt": "bobby\n"}, "Better")
    pull = story.remote().get_pull(opened.issue.number)
    assert (pull.head.label, pull.head.repo.full_name, pull.head.sha) == ("bob:mine", "bob/app", newer)
    assert git.is_ancestor(story.repo.git_dir, sha, story.repo.refs["refs/pull/1/head"])
    story.hub.add_check(story.repo, newer, "test", "success")
    (check,) = story.remote().get_commit(newer).get_check_runs()
    assert check.pull_requests == []
    story.hub.delete_repository(fork)
    pull.update()
    assert pull.head.repo is None
    story.hub.settle()
    # GitHub's document forgets that a head's repository can be gone.
    assert [v for v in story.hub.violations if ".head" not in v] == []
    story.hub.violations.clear()


REVERT = """
mutation($id: ID!) { revertPullRequest(input: {pullRequestId: $id, draft: true, title: "Back", body: "Why"}) {
  pullRequest { number merged } revertPullRequest { number isDraft title body headRefName baseRefName } } }
"""


def test_a_merged_pull_request_is_reverted_by_another_one_where_git_can(story: Story):
    requester = story.client().requester
    pull = open_pull(story, {"a.txt": "one\n2\nthree\n"})
    assert "not merged" in errors_of(requester, REVERT, id=pull.node_id)
    held = story.repo.issues[pull.number].pull
    assert held
    merged = story.alice.merge(held, "squash")
    story.alice.push(story.repo, "main", {"docs/b.txt": "later\n"}, "Later")
    _, answer = requester.graphql_query(REVERT, {"id": pull.node_id})
    made = answer["data"]["revertPullRequest"]["revertPullRequest"]
    assert answer["data"]["revertPullRequest"]["pullRequest"] == {"number": pull.number, "merged": True}
    assert (made["isDraft"], made["title"], made["body"]) == (True, "Back", "Why")
    assert (made["headRefName"], made["baseRefName"]) == (f"revert-{pull.number}-honk/1", "main")
    assert story.text("a.txt", made["headRefName"]) == "one\ntwo\nthree\n"
    assert story.text("docs/b.txt", made["headRefName"]) == "later\n"
    assert story.repo.branch("main") != merged
    assert "pull_request.opened" in story.events()
    story.alice.push(story.repo, "main", {"a.txt": "one\nzwei\nthree\n"}, "German")
    assert "couldn't be reverted automatically" in errors_of(requester, REVERT, id=pull.node_id)


def errors_of(requester: Any, query: str, **variables: str) -> str:
    with pytest.raises(GithubException) as refused:
        requester.graphql_query(query, variables)
    return str(refused.value.data)
