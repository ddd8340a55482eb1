"""Merging: asked of GitHub for one commit, by its auto-merge, its merge queue or at once, and taken back.

GitHub takes no auto-merge of what could be merged at once: then that is done. All of it is judged by GitHub's rules for
the branch, of which the App must have no exemption.
https://docs.github.com/graphql/reference/mutations#enablepullrequestautomerge
https://docs.github.com/rest/pulls/pulls#merge-a-pull-request
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from github.Repository import Repository

from github_app.adapters.hub.clients import Clients, RepoClient
from github_app.adapters.hub.errors import Unprocessable
from github_app.adapters.hub.people import Permissions
from github_app.adapters.hub.shapes import actor_of_node, to_actor
from github_app.core.errors import Gone, Refused
from github_app.core.messages.shipping import AFTER_PUSH
from github_app.core.model import Actor, Permission, Repo
from github_app.core.shipments import Approvals, Method, Missing

_GATE = """
query($owner: String!, $name: String!, $number: Int!, $method: PullRequestMergeMethod!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      id state headRefOid mergeStateStatus reviewDecision isMergeQueueEnabled isInMergeQueue
      viewerMergeBodyText(mergeType: $method)
      autoMergeRequest { enabledBy { __typename login ... on User { databaseId } ... on Bot { databaseId } } }
    }
  }
}
"""
_ENABLE = """
mutation($id: ID!, $sha: GitObjectID!, $method: PullRequestMergeMethod!, $body: String!) {
  enablePullRequestAutoMerge(
    input: {pullRequestId: $id, expectedHeadOid: $sha, mergeMethod: $method, commitBody: $body}
  ) { pullRequest { id } }
}
"""
_ENQUEUE = """
mutation($id: ID!, $sha: GitObjectID!) {
  enqueuePullRequest(input: {pullRequestId: $id, expectedHeadOid: $sha}) { clientMutationId }
}
"""
_DISABLE = """
mutation($id: ID!) { disablePullRequestAutoMerge(input: {pullRequestId: $id}) { pullRequest { id } } }
"""
_DEQUEUE = "mutation($id: ID!) { dequeuePullRequest(input: {id: $id}) { clientMutationId } }"

_AT_ONCE = (
    "is in clean status",
    "is in unstable status",
    "is in has_hooks status",
    "protected branch rules not configured",
    "auto merge is not allowed",
)
"""GitHub's reasons against an auto-merge where a merge at once is what is left to try."""


def read_approvals(clients: Clients, repo: Repo, number: int, sha: str) -> Approvals:
    """The last word of each person with write access in reviews; an approval of another commit is none."""

    def ask(it: Repository) -> list[tuple[Actor, str, str]]:
        reviews = it.get_pull(number).get_reviews()
        return [(to_actor(each.user), each.state, each.commit_id or "") for each in reviews]

    last: dict[int, tuple[Actor, str, str]] = {}
    for actor, state, of in clients.repo(repo, "approvals").read(ask, what=f"reviews of #{number}"):
        if state in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED"):
            last[actor.id] = (actor, state, of)
    permissions = Permissions(clients, repo)
    heard = [each for each in last.values() if not each[0].is_bot and permissions.of(each[0]) >= Permission.WRITE]
    return Approvals(
        approved_by=tuple(actor for actor, state, of in heard if state == "APPROVED" and of == sha),
        refused_by=tuple(actor for actor, state, _ in heard if state == "CHANGES_REQUESTED"),
    )


def is_merging(clients: Clients, repo: Repo, number: int) -> bool:
    """Whether GitHub has merged a pull request, or will do so by itself."""
    gate = _Gate.of(clients.repo(repo, "gate"), number)
    return gate.state == "MERGED" or (gate.state == "OPEN" and gate.is_underway)


def stop_merging(clients: Clients, repo: Repo, number: int, *, me: Actor) -> None:
    """Have GitHub merge it no more, as far as we asked for that; nothing if it has ended."""
    gate = _Gate.of(clients.repo(repo, "gate"), number)
    if gate.state != "OPEN":
        return
    client, what = clients.repo(repo, "stop_merging"), f"merge of #{number}"
    if gate.node["isInMergeQueue"]:
        client.mutate(_DEQUEUE, {"id": gate.node["id"]}, what=what)
    request = gate.node["autoMergeRequest"]
    if request is not None and actor_of_node(request["enabledBy"]).id == me.id:
        client.mutate(_DISABLE, {"id": gate.node["id"]}, what=what)


class GitHubMerger:
    """Merges by GitHub, for one who shipped: the only such call in Honk."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def ship(self, repo: Repo, number: int, *, head_sha: str, method: Method, trailer: str) -> Missing | None:
        """Have it merged: now (None), or when what is missing is there. See `core.shipments.Merger`."""
        client = self._clients.repo(repo, "ship")
        gate = _Gate.of(client, number, method)
        if gate.state == "MERGED":
            return None
        if gate.state != "OPEN":
            raise Refused(f"#{number} is not open")
        if gate.node["headRefOid"] != head_sha:
            raise Refused(AFTER_PUSH)
        if gate.is_underway:
            return gate.missing
        try:
            return _ask(client, gate, number, head_sha=head_sha, method=method, trailer=trailer)
        except Unprocessable as error:
            # A request is sent again where its answer got lost: then it is refused for having been followed.
            if _Gate.of(client, number).state == "MERGED":
                return None
            raise Refused(f"GitHub says: {'; '.join(error.said)}") from error


def _ask(
    client: RepoClient, gate: _Gate, number: int, *, head_sha: str, method: Method, trailer: str
) -> Missing | None:
    body, what = _with_trailer(gate.node["viewerMergeBodyText"], trailer), f"merge of #{number}"
    if gate.node["isMergeQueueEnabled"]:
        client.mutate(_ENQUEUE, {"id": gate.node["id"], "sha": head_sha}, what=what)
        return "queue"
    variables = {"id": gate.node["id"], "sha": head_sha, "method": method.upper(), "body": body}
    try:
        client.mutate(_ENABLE, variables, what=what)
    except Unprocessable as error:
        if not any(error.says(words) for words in _AT_ONCE):
            raise
    else:
        return gate.missing
    asked = {"sha": head_sha, "merge_method": method, "commit_message": body}
    client.write(
        lambda it: it.requester.requestJsonAndCheck("PUT", f"{it.url}/pulls/{number}/merge", input=asked), what=what
    )
    return None


def _with_trailer(body: str, trailer: str) -> str:
    """GitHub's own words for the merge (they credit co-authors in trailers), and who shipped it."""
    last = body.rstrip().rpartition("\n")[2]
    gap = "\n" if last.lower().startswith("co-authored-by: ") else "\n\n"
    return f"{body.rstrip()}{gap}{trailer}".strip()


@dataclass(frozen=True)
class _Gate:
    """A pull request before its merge, as GraphQL has it."""

    node: Mapping[str, Any]

    @classmethod
    def of(cls, client: RepoClient, number: int, method: Method = "merge") -> _Gate:
        answer = client.query(_GATE, {"number": number, "method": method.upper()}, what=f"merge of #{number}")
        node = (answer.get("repository") or {}).get("pullRequest")
        if node is None:
            raise Gone(f"#{number} is not there", what=f"pull request #{number}")
        return cls(node)

    @property
    def state(self) -> str:
        return str(self.node["state"])

    @property
    def is_underway(self) -> bool:
        """Whether GitHub merges it by itself, whoever asked for that."""
        return bool(self.node["isInMergeQueue"]) or self.node["autoMergeRequest"] is not None

    @property
    def missing(self) -> Missing:
        if self.node["isInMergeQueue"]:
            return "queue"
        if self.node["reviewDecision"] in ("REVIEW_REQUIRED", "CHANGES_REQUESTED"):
            return "review"
        return "behind" if self.node["mergeStateStatus"] == "BEHIND" else "rules"
