"""The API on a whole local GitHub: who sees and may what with a token, and that what is asked is recorded once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from github_app.app import build, make_vault, permissions_used, subscribed_events
from github_app.core.events import CommandIssued
from github_app.core.model import Actor, Repo
from github_app.core.reports import Inquiry
from github_app.core.requests import Scope
from github_app.engine import codec
from github_app.engine.store import Store
from github_app.localhub.hub import LocalHub
from github_app.localhub.judge import Judge
from github_app.localhub.values import Repository
from github_app.settings import read_settings
from tests.page_site import fill

V1 = "/api/v1"


@dataclass
class Desk:
    """The API, the people who have tokens of it, and the inbox behind it."""

    hub: LocalHub
    store: Store
    http: TestClient
    open: Repository
    secret: Repository
    tokens: dict[tuple[str, Scope], str] = field(default_factory=dict)

    def token(self, login: str, scope: Scope = "write") -> str:
        if (login, scope) not in self.tokens:
            account = Actor(id=self.hub.world.users[login].id, login=login)
            made = self.store.tokens.create(account, scope, name="t", lives_for=timedelta(days=1))
            self.tokens[login, scope] = made[1]
        return self.tokens[login, scope]

    def call(self, method: str, path: str, login: str = "ann", scope: Scope = "write", **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token(login, scope)}", **more.pop("headers", {})}
        return self.http.request(method, f"{V1}{path}", headers=headers, **more)

    def recorded(self) -> list[CommandIssued]:
        found = [each for each in self.store.entries.new(100) if each.name == "CommandIssued"]
        return [codec.load_named(each.name, each.body.decode()) for each in found]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    root = tmp_path_factory.mktemp("api")
    with LocalHub(root / "hub", judge=Judge()) as hub:
        made = hub.create_app("honk", permissions=permissions_used(), events=subscribed_events())
        open_repo = hub.create_repository("acme/app", {"README.md": "hello"}, private=False)
        secret_repo = hub.create_repository("acme/secret", {"README.md": "hush"})
        hub.create_repository("other/app", {"README.md": "not installed"}, private=False)
        installation = hub.install(made.app, "acme")
        hub.grant(open_repo, "ann", "write")
        hub.grant(secret_repo, "ann", "read")
        hub.grant(open_repo, "tim", "triage")
        hub.person("bob")
        env = {
            "HONK_APP_ID": str(made.app.id), "HONK_PRIVATE_KEY": made.private_key, "HONK_WEBHOOK_SECRET": "s",
            "HONK_GITHUB_URL": hub.url, "HONK_DATA_DIR": str(root / "data"), "ANTHROPIC_API_KEY": "k",
            "HONK_WRITE_PAUSE_S": "0",
        }  # fmt: skip
        honk = build(read_settings(env), make_vault(read_settings(env)), with_worker=False)
        for number, repo in ((1, open_repo), (2, secret_repo)):
            where = Repo(id=repo.id, full_name=repo.full_name, installation_id=installation.id, default_branch="main")
            fill(honk.store, number, where)
        with TestClient(honk.make_door(), base_url="http://127.0.0.1", follow_redirects=False) as browser:
            yield Desk(hub, honk.store, browser, open_repo, secret_repo)
        assert hub.violations == []


@pytest.fixture
def desk(world: Desk) -> Desk:
    """The world, with nothing asked yet."""
    for entry in world.store.entries.new(1_000):
        world.store.entries.end(entry.id, "done")
    return world


def test_a_token_sees_what_its_account_can_read_and_nothing_else(desk: Desk):
    seen = desk.call("GET", "/sessions", "ann", "read").json()
    assert {each["repository"] for each in seen["sessions"]} == {"acme/app", "acme/secret"}
    assert {each["repository"] for each in desk.call("GET", "/sessions", "bob").json()["sessions"]} == {"acme/app"}
    hidden = f"/sessions/{desk.secret.id}-2-1"
    for path in (hidden, f"{hidden}/events"):
        refused, unknown = desk.call("GET", path, "bob"), desk.call("GET", path.replace("-2-1", "-9-1"), "bob")
        assert (refused.status_code, refused.content) == (404, unknown.content)
        assert desk.call("GET", path, "ann", "read").status_code == 200
    for path in ("messages", "stop"):
        assert desk.call("POST", f"{hidden}/{path}", "bob", json={"text": "x"}).status_code == 404
    assert desk.recorded() == []


def test_what_the_agent_asks_is_not_told(desk: Desk):
    """It has passed no redactor: see the attacks X37 and X38."""
    told = "".join(
        desk.call("GET", path).text for path in ("/sessions", f"/sessions/{desk.open.id}-1-1",
                                                 f"/sessions/{desk.open.id}-1-1/events")
    )  # fmt: skip
    assert "because" in told
    assert "Which of the two?" not in told
    assert "waiting_for" not in told


@pytest.mark.parametrize(
    ("path", "body"),
    [("/sessions", {"repository": "acme/app", "prompt": "x"}), ("/sessions/{}-1-1/messages", {"text": "x"}),
     ("/sessions/{}-1-1/stop", None)],
)  # fmt: skip
def test_only_who_may_write_changes_anything_and_only_with_that_scope(desk: Desk, path: str, body: Any):
    path = path.format(desk.open.id)
    scoped = desk.call("POST", path, "ann", "read", json=body)
    assert (scoped.status_code, "scope `read`" in scoped.json()["detail"]) == (403, True)
    reader = desk.call("POST", path, "tim", json=body)
    assert (reader.status_code, reader.json()["detail"]) == (403, "`tim` cannot write in acme/app")
    assert desk.http.post(f"{V1}{path}", json=body).status_code == 401
    assert desk.recorded() == []
    accepted = desk.call("POST", path, "ann", json=body)
    assert (accepted.status_code, accepted.json()["state"]) == (202, "waiting")
    (event,) = desk.recorded()
    assert (event.actor.login, event.repo.full_name) == ("ann", "acme/app")


def test_a_report_takes_no_words_and_what_is_said_to_it_does_not_reach_the_work_on_its_issue(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    known = desk.store.session(f"{desk.open.id}-1-1")
    assert known is not None
    report = replace(known, inquiry=Inquiry(question="Why?"))
    monkeypatch.setattr("github_app.engine.browsing.Browsing.one", lambda *_: report)
    for path, body in (("messages", {"text": "louder"}), ("stop", None)):
        refused = desk.call("POST", f"/sessions/{report.id}/{path}", json=body)
        assert (refused.status_code, refused.json()["title"]) == (409, "A report is made")
    assert desk.recorded() == []


@pytest.mark.parametrize("name", ["other/app", "acme/none", "acme/..", "../app", "acme/app/x", "a b/c", ""])
def test_a_repository_that_is_not_there_or_not_ours_is_neither(desk: Desk, name: str):
    answer = desk.call("POST", "/sessions", json={"repository": name, "prompt": "x"})
    assert answer.status_code == 404
    assert answer.json()["detail"] == "there is no such repository, or your account cannot see it"


def test_the_same_key_is_one_request_and_one_issue(desk: Desk):
    before = len(desk.open.issues)
    asked: dict[str, Any] = {"repository": "acme/app", "prompt": "Fix it\n\nfor @everybody, closes #1"}
    answers = [desk.call("POST", "/sessions", json=asked, headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    (event,) = desk.recorded()
    issue = desk.open.issues[event.number]
    assert (len(desk.open.issues), issue.title, issue.user.login) == (before + 1, "Fix it", "honk[bot]")
    assert "Asked for through the API by @ann." in (issue.body or "")
    assert "@everybody" not in (issue.body or "")
    assert "closes #1" not in (issue.body or "")
    found = desk.call("GET", answers[0].headers["Location"].removeprefix(V1))
    assert found.json() == answers[0].json()
    assert found.json()["issue_url"] == f"{desk.hub.url}/acme/app/issues/{event.number}"
    assert desk.call("GET", f"/requests/{found.json()['request']}", "tim").status_code == 404
    desk.call("POST", "/sessions", json=asked, headers={"Idempotency-Key": "another"})
    assert len(desk.open.issues) == before + 2


def test_an_issue_that_was_opened_before_the_door_died_is_found_again(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    asked = {"repository": "acme/app", "prompt": "Once"}
    before = len(desk.open.issues)
    with monkeypatch.context() as patch:
        patch.setattr(
            "github_app.engine.entries.Entries.add_found", lambda *_, **__: (_ for _ in ()).throw(KeyError("died"))
        )
        with pytest.raises(KeyError):
            desk.call("POST", "/sessions", json=asked, headers={"Idempotency-Key": "twice"})
    answer = desk.call("POST", "/sessions", json=asked, headers={"Idempotency-Key": "twice"})
    assert answer.status_code == 202
    assert len(desk.open.issues) == before + 1


def test_work_on_an_issue_begins_with_words_and_a_pull_request_is_none(desk: Desk):
    issue = desk.hub.person("bob").open_issue(desk.open, "Broken")
    assert desk.call(
        "POST", "/sessions", json={"repository": "Acme/App", "issue": issue.number, "text": "plan"}
    ).is_success
    (event,) = desk.recorded()
    assert (event.number, event.source, event.command.verb) == (issue.number, "api", "plan")
    assert event.issue_text == ("Broken", issue.body or "")
    assert desk.call("POST", "/sessions", json={"repository": "acme/app", "issue": 9_999}).status_code == 404


def test_what_somebody_wants_to_know_is_asked_of_issues_pull_requests_or_nothing(desk: Desk):
    bob = desk.hub.person("bob")
    issue, fork = bob.open_issue(desk.open, "Broken"), desk.hub.import_repository("bob/app", desk.open.git_dir)
    bob.push(fork, "nicer", {"README.md": "nicer"}, "Nicer")
    pull = bob.open_pull(desk.open, "Nicer", head="bob:nicer")

    def ask(**what: Any) -> Any:
        return desk.call("POST", "/sessions", json={"repository": "acme/app", **what})

    number, good, bad = pull.issue.number, list[dict[str, Any]](), list[dict[str, Any]]()
    good += [{"review": number, "text": "the words"}, {"issue": number, "question": "Why?"}]
    good += [{"issue": number, "text": "explain why"}, {"issue": issue.number, "question": "Why?"}]
    good += [{"question": "Why is it\nbroken?"}]
    for what in good:
        assert ask(**what).status_code == 202, what
    asked = [(each.number, each.is_pull, each.command.verb, each.command.text) for each in desk.recorded()]
    opened = max(desk.open.issues)
    assert asked == [
        (number, True, "review", "the words"),
        (number, True, "explain", "Why?"),
        (number, True, "explain", "why"),
        (issue.number, False, "explain", "Why?"),
        (opened, False, "explain", "Why is it\nbroken?"),
    ]
    assert desk.open.issues[opened].title == "Why is it"
    bad += [{"review": issue.number}, {"issue": issue.number, "text": "review"}, {"issue": number}, {}]
    bad += [{"issue": number, "text": "fix it"}, {"review": 3, "question": "Why?"}]
    bad += [{"prompt": "x", "question": "Why?"}, {"question": "Why?", "text": "more"}]
    for what in bad:
        assert ask(**what).status_code == 422, what
    assert ask(review=9_999).status_code == 404


@pytest.mark.parametrize("words", ["approve all", "budget +5", "go", "undo", "lesson keep 1", "pause", "resume"])
def test_what_people_answer_for_no_token_says(desk: Desk, words: str):
    answer = desk.call("POST", f"/sessions/{desk.open.id}-1-1/messages", json={"text": words})
    assert (answer.status_code, "left to people" in answer.json()["detail"]) == (403, True)
    assert desk.recorded() == []


def test_a_token_that_expired_or_was_revoked_opens_nothing(desk: Desk):
    account = Actor(id=desk.hub.world.users["ann"].id, login="ann")
    _, stale = desk.store.tokens.create(account, "write", name="", lives_for=timedelta(seconds=-1))
    gone, secret = desk.store.tokens.create(account, "write", name="", lives_for=timedelta(days=1))
    headers = {"Authorization": f"Bearer {secret}"}
    assert desk.http.get(f"{V1}/sessions", headers=headers).status_code == 200
    assert desk.store.tokens.revoke(gone.id)
    for each in (secret, stale, "", "honk_"):
        answer = desk.http.get(f"{V1}/sessions", headers={"Authorization": f"Bearer {each}"})
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    desk.http.cookies.set("honk_visitor", secret)
    assert desk.http.get(f"{V1}/sessions").status_code == 401
    desk.http.cookies.clear()


def test_an_account_that_lost_its_right_has_a_token_for_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("github_app.engine.readers._KNOWN_FOR", timedelta(0))
    desk.hub.grant(desk.secret, "eve", "write")
    path = f"/sessions/{desk.secret.id}-2-1"
    assert desk.call("GET", path, "eve").status_code == 200
    del desk.secret.collaborators[desk.hub.world.users["eve"].id]
    assert desk.call("GET", path, "eve").status_code == 404
    assert desk.call("POST", f"{path}/stop", "eve").status_code == 404


def test_no_answer_is_kept_and_no_call_is_large_or_too_often(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    answer = desk.call("GET", "/sessions")
    assert answer.headers["Cache-Control"] == "no-store"
    large = desk.call("POST", "/sessions", content=b"x" * 200_000)
    assert (large.status_code, large.headers["Content-Type"]) == (413, "application/problem+json")
    # What schemathesis once found.
    for body in (b"5\xff", b"{"):
        misshapen = desk.call("POST", "/sessions", content=body, headers={"Content-Type": "application/json"})
        assert (misshapen.status_code, misshapen.headers["Content-Type"]) == (422, "application/problem+json")
    monkeypatch.setattr("github_app.web.bounds.Rates.wait_s", lambda *_: 7)
    hurried = desk.call("GET", "/sessions")
    assert (hurried.status_code, hurried.headers["Retry-After"]) == (429, "7")


def test_pages_of_the_list_follow_each_other(desk: Desk):
    seen, cursor = [], ""
    while True:
        page = desk.call("GET", "/sessions", params={"limit": 1, "cursor": cursor}).json()
        seen += [each["session"] for each in page["sessions"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == sorted([f"{desk.open.id}-1-1", f"{desk.secret.id}-2-1"])
    assert desk.call("GET", "/sessions", params={"cursor": "%%%"}).status_code == 422
    assert desk.call("GET", "/sessions", params={"repository": "acme/APP", "open": True}).json()["sessions"]


def test_github_that_does_not_answer_is_no_reason_to_forget_the_request(desk: Desk):
    from github_app.core.errors import Transient

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "github_app.adapters.hub.github.GitHubHub.find_repo",
            lambda *_: (_ for _ in ()).throw(Transient("GitHub 502")),
        )
        answer = desk.call("POST", "/sessions", json={"repository": "acme/app", "prompt": "x"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


def test_what_is_not_there_is_a_problem_whatever_its_name(desk: Desk):
    for name in ("x", "x%0A", "x%0Ay", "x%2Fy"):
        answer = desk.call("GET", f"/requests/{name}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json"), name


# Whatever comes, what is answered is what the API says of itself.


def test_whatever_is_asked_is_answered_as_described(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """Calls of the form that the API describes, and of others, which schemathesis makes; half of them to what is
    there."""
    # How often is another test's, and GitHub's answers are the same each time.
    monkeypatch.setattr("github_app.web.bounds.Rates.wait_s", lambda *_: 0)
    told = desk.http.get("/api/openapi.json").json()
    described = schemathesis.openapi.from_dict(told)
    described.config.update(base_url=f"{desk.http.base_url}/api")
    kinds = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    operations = [described[path][method.upper()] for path, calls in told["paths"].items() for method in calls]
    calls = st.one_of([each.as_strategy(generation_mode=kind) for each in operations for kind in kinds])
    known = [f"{desk.open.id}-1-1", f"{desk.secret.id}-2-1"]
    seen = set()

    @given(call=calls, session=st.sampled_from(["", *known]), login=st.sampled_from(["ann", "bob"]))
    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    def answered(call: Any, session: str, login: str) -> None:
        if session and "session_id" in call.path_parameters:
            call.path_parameters["session_id"] = session
        if session and isinstance(call.body, dict) and "repository" in call.body:
            call.body["repository"] = "acme/app"
        request = call.as_transport_kwargs(headers={"Authorization": f"Bearer {desk.token(login)}"})
        request.pop("cookies", None)
        if isinstance(request.get("data"), bytes):
            request["content"] = request.pop("data")
        answer = desk.http.request(**request)
        seen.add(answer.status_code)
        call.validate_response(answer, checks=PROMISES)

    answered()
    assert {200, 404, 422} <= seen, "some of a hundred reach each of these; what is recorded (202) by chance alone"


PROMISES = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
