"""Requests on the wire: who signs them, what is repeated, where redirects lead, which thread speaks for whom."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from github_app.adapters.hub.github import GitHubHub
from github_app.adapters.hub.patience import LONGEST_PACE_S, Pacer, make_retries
from github_app.core.errors import AccessDenied, Misconfigured, RateLimited, Transient
from github_app.core.model import Repo
from tests.adapters.hub_stage import Times, the_private_key
from tests.adapters.wire import Answer, Asked, Wire, open_wire
from tests.edge.cases import shows

REPO = Repo(id=7, full_name="acme/shop", installation_id=3, default_branch="main")
TOMORROW = "2999-01-01T00:00:00Z"
API = "/api/v3"


def token_for(asked: Asked) -> Answer | None:
    """Answer requests for tokens, each with a value that says what it is for."""
    if not asked.path.endswith("/access_tokens"):
        return None
    repo_id = asked.body["repository_ids"][0]
    return Answer({"token": f"token-{repo_id}", "expires_at": TOMORROW}, 201)


@contextmanager
def a_hub(answer: Callable[[Asked], Answer | None], *, pause_s: float = 0) -> Iterator[tuple[GitHubHub, Wire, Times]]:
    """A hub before a GitHub that gives these answers (None: 404)."""

    def reply(asked: Asked) -> Answer:
        return token_for(asked) or answer(asked) or Answer({"message": "Not Found"}, 404)

    times = Times()
    with open_wire(reply) as wire:
        hub = GitHubHub(
            app_id="12", private_key=the_private_key(), api_url=wire.url + API, web_url=wire.url,
            pause_s=pause_s, clock=times.seconds, sleep=times.sleep,
        )  # fmt: skip
        yield hub, wire, times
        hub.close()


def test_requests_say_who_asks_and_which_version_of_the_api():
    with a_hub(lambda _: Answer({"object": {"sha": "a" * 40}})) as (hub, wire, _):
        hub.head_of(REPO, "main")
    minting, asking = wire.asked
    assert minting.body == {"repository_ids": [7], "permissions": {"contents": "read"}}
    assert minting.headers["authorization"].count(".") == 2
    assert asking.headers["authorization"].split()[1] == "token-7"
    for asked in wire.asked:
        assert asked.headers["x-github-api-version"] == "2022-11-28"
        assert asked.headers["user-agent"].startswith("honk")
        assert asked.path.startswith(API)


@shows("W82")
def test_graphql_goes_to_where_the_operator_says():
    def answer(asked: Asked) -> Answer:
        if "graphql" in asked.path:
            return Answer({"data": {"repository": {"pullRequest": {"reviewThreads": {
                "pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": []}}}}})  # fmt: skip
        return Answer([] if asked.path.partition("?")[0].endswith("/comments") else {})

    with a_hub(answer) as (hub, wire, _):
        assert hub.threads(REPO, 1) == ()
        other = GitHubHub(
            app_id="12", private_key=the_private_key(), api_url=wire.url + API, web_url=wire.url,
            graphql_url=f"{wire.url}/api/other/graphql",
        )  # fmt: skip
        assert other.threads(REPO, 1) == ()
        other.close()
    assert [path for path in wire.paths("POST") if "graphql" in path] == ["/api/graphql", "/api/other/graphql"]


@pytest.mark.parametrize(("app_id", "key"), [("12", "not a key"), (" ", "")])
def test_what_cannot_sign_shows_at_the_start(app_id, key):
    with pytest.raises(Misconfigured, match="the app's"):
        GitHubHub(app_id=app_id, private_key=key or the_private_key(), api_url="http://x/api/v3", web_url="http://x")


@shows("W81")
@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_makes_us_ask_for_the_name_and_keeps_the_question_whole(status):
    def answer(asked: Asked) -> Answer | None:
        if asked.path.startswith(f"{API}/installation/repositories"):
            return Answer({"total_count": 1, "repositories": [{"id": 7, "full_name": "acme/store"}]})
        if "/acme/shop" in asked.path:
            return Answer({"message": "Moved"}, status, {"location": f"{API}/repositories/7/pulls"})
        return Answer([]) if asked.path.startswith(f"{API}/repos/acme/store/pulls?") else None

    with a_hub(answer) as (hub, wire, _):
        assert hub.find_pull(REPO, "honk/1") is None
        assert hub.find_pull(REPO, "honk/1") is None
    asked = [path for path in wire.paths("GET") if "pulls" in path]
    assert [path.partition("?")[0] for path in asked] == [
        f"{API}/repos/acme/shop/pulls", f"{API}/repos/acme/store/pulls", f"{API}/repos/acme/store/pulls",
    ]  # fmt: skip
    assert all("head=acme%3Ahonk%2F1" in path and "state=all" in path for path in asked)


def test_a_write_is_redirected_as_a_write():
    def answer(asked: Asked) -> Answer | None:
        if asked.path.startswith(f"{API}/installation/repositories"):
            return Answer({"total_count": 1, "repositories": [{"id": 7, "full_name": "acme/store"}]})
        if "/acme/shop" in asked.path:
            return Answer({"message": "Temporary Redirect"}, 307, {"location": f"{API}/repositories/7/x"})
        return Answer({"id": 1, "content": "eyes"}, 201)

    with a_hub(answer) as (hub, wire, _):
        hub.react(REPO, "issue", 5, "eyes")
    assert wire.paths("POST")[-1] == f"{API}/repos/acme/store/issues/5/reactions"
    assert wire.asked[-1].body == {"content": "eyes"}


def test_no_credential_goes_where_a_log_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login operator password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    run = {
        "id": 9, "name": "test", "status": "completed", "conclusion": "failure", "html_url": "u", "details_url": "u",
        "app": {"id": 15368, "slug": "github-actions"}, "check_suite": {"id": 1},
        "output": {"title": None, "summary": None, "text": None, "annotations_count": 0},
    }  # fmt: skip
    with open_wire(lambda _: Answer("2026-01-02T03:04:05Z it broke\n")) as store:

        def answer(asked: Asked) -> Answer | None:
            at = f"/repos/acme/shop/commits/{'a' * 40}"
            answers = {
                "/app": Answer({"id": 12, "slug": "honk", "events": []}),
                "/app/installations": Answer([]),
                "/users/honk%5Bbot%5D": Answer({"id": 5, "login": "honk[bot]", "type": "Bot"}),
                f"{at}/check-runs": Answer({"total_count": 1, "check_runs": [run]}),
                f"{at}/statuses": Answer([]),
                "/repos/acme/shop/actions/runs": Answer({"total_count": 0, "workflow_runs": []}),
                "/repos/acme/shop/actions/jobs/9/logs": Answer(None, 302, {"location": f"{store.url}/log?sig=1"}),
            }
            return answers.get(asked.path.removeprefix(API).partition("?")[0])

        with a_hub(answer) as (hub, _, _):
            (failed,) = hub.checks(REPO, "a" * 40, with_logs=True).failed
    assert failed.log == "it broke"
    assert store.paths() == ["/log?sig=1"]
    assert "authorization" not in store.asked[0].headers


def test_what_is_repeated_and_what_never():
    retries = make_retries()
    assert retries.is_retry("GET", 502)
    assert not retries.is_retry("POST", 502)
    assert not retries.is_retry("PATCH", 502)
    assert not retries.is_retry("GET", 403, has_retry_after=True)
    assert not retries.respect_retry_after_header


@pytest.mark.parametrize(("status", "requests"), [(503, 3), (404, 1)])
def test_harmless_requests_are_repeated_twice_and_without_long_waits(status, requests):
    def answer(asked: Asked) -> Answer:
        if asked.path.startswith(f"{API}/installation/repositories"):
            return Answer({"repositories": [{"full_name": "acme/shop"}]})
        return Answer({"message": "no"}, status, {"Retry-After": "3000"})

    with a_hub(answer) as (hub, wire, _), pytest.raises(Exception, match="pull request"):
        hub.find_pull(REPO, "honk/1")
    assert len([path for path in wire.paths("GET") if path.startswith(f"{API}/repos/acme/shop/pulls")]) == requests


def test_a_token_is_tried_longer_only_while_it_is_young():
    with a_hub(lambda _: Answer({"message": "Bad credentials"}, 401)) as (hub, wire, times):
        with pytest.raises(AccessDenied):
            hub.head_of(REPO, "main")
        # three pauses for the first token, then another token, just as useless; then we stop
        assert times.slept[:3] == [1.0, 2.0, 4.0]
        assert sum(times.slept) < 10
        assert len(wire.paths("POST")) == 2


def test_threads_never_speak_with_each_others_token():
    barrier = threading.Barrier(8, timeout=20)

    def answer(asked: Asked) -> Answer:
        return Answer({"object": {"sha": asked.headers["authorization"].split()[1]}})

    with a_hub(answer) as (hub, wire, _):

        def ask(repo_id: int) -> list[str | None]:
            repo = Repo(id=repo_id, full_name=f"acme/r{repo_id}", installation_id=3, default_branch="main")
            barrier.wait()
            return [hub.head_of(repo, "main") for _ in range(10)]

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, [1, 2, 3, 4, 1, 2, 3, 4]))
    assert answers == [[f"token-{n}"] * 10 for n in (1, 2, 3, 4, 1, 2, 3, 4)]
    assert len(wire.paths("POST")) == 4  # two threads that want the same token share one


def test_a_server_that_hangs_up_may_work_another_time():
    with a_hub(lambda _: Answer({})) as (hub, _, _):
        pass  # and then the server is gone
    with pytest.raises(Transient):
        hub.head_of(REPO, "main")
    hub.close()


def test_too_many_writers_are_sent_away_instead_of_waiting_for_long():
    times = Times()
    frozen = times.seconds()
    pacer = Pacer(pause_s=1.0, clock=lambda: frozen, sleep=times.sleep)
    for _ in range(int(LONGEST_PACE_S) + 1):
        pacer.wait(3)
    with pytest.raises(RateLimited):
        pacer.wait(3)
    pacer.wait(4)  # another installation is not concerned
    assert max(times.slept) <= LONGEST_PACE_S
