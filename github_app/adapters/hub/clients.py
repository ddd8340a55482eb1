"""How we speak to GitHub: one factory of PyGithub clients, and the door that every request passes.

Behind the door: a narrowed token for each call, patience where GitHub is known to need it (a new token, a renamed
repository, a 5xx answer to a harmless request, a list that changes while its pages are turned), a pause between writes,
a budget for each installation, and our own errors. Nothing here waits longer than a few seconds: whoever must wait
longer is told so by `RateLimited` and comes back as another job.

PyGithub's objects are used `lazy`: an attribute that an answer lacks is fetched by a request of its own, so callbacks
given to `read` and `write` must return values of ours, never PyGithub's objects, and touch only what is always there.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from github import Auth, Github, GithubException
from github.PaginatedList import PaginatedList
from github.Repository import Repository
from github.Requester import Requester

from github_app.adapters.hub.answers import Answers
from github_app.adapters.hub.budgets import APP, NOBODY, Budgets
from github_app.adapters.hub.errors import FAILURES, Moved, NotFound, graphql_failure, is_limit, translate
from github_app.adapters.hub.line import Line, Payer
from github_app.adapters.hub.patience import Pacer, make_retries, patiently
from github_app.adapters.hub.permissions import PERMISSIONS
from github_app.adapters.hub.tokens import Token, TokenKey, Tokens, make_app_auth
from github_app.adapters.vault import Vault
from github_app.core.errors import AccessDenied, Gone, NotVisibleYet, Transient
from github_app.core.model import Repo
from github_app.core.ports import Fence
from github_app.core.tracing import Spans

T = TypeVar("T")

API_VERSION = "2022-11-28"
USER_AGENT = "honk (GitHub App)"
CLIENTS_PER_THREAD = 8
TALKATIVE = ("github.Requester", "urllib3.connectionpool")
"""At DEBUG these log whole answers (tokens among them) and signed addresses."""

LAG_PAUSES_S = (1.0, 2.0, 4.0)
"""Pauses before a refused new token is tried again."""

TOLD_PAUSES_S = (0.5, 1.0)
"""Pauses before something that a webhook told us of, but that is not there, is looked for again."""

READINGS = 4
"""So often a list of several pages is read until two readings agree."""

NAME_LIFE_S = 300.0
"""For so long a 404 does not make us ask whether the repository has another name."""


class Clients:
    """Makes clients and runs work with them. Safe to share between threads: each thread has connections of its own.

    `verify` names the file of trusted certificates (True: the usual ones). `clock` gives seconds since 1970; `sleep`
    waits: both are for tests to replace.
    """

    def __init__(
        self,
        *,
        app_id: str,
        private_key: str,
        api_url: str,
        graphql_url: str | None,
        verify: str | bool,
        pause_s: float,
        timeout_s: int,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        vault: Vault,
        fence: Fence,
        spans: Spans,
    ) -> None:
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.INFO)
        self._app_auth = make_app_auth(app_id, private_key)
        self._api_url = api_url.rstrip("/")
        self._graphql_url = graphql_url
        self.verify = verify
        self._timeout_s = timeout_s
        self._clock = self.now = clock
        self.sleep = sleep
        self.budgets = Budgets(clock)
        self.line = Line(vault=vault, fence=fence, budgets=self.budgets, answers=Answers(), spans=spans)
        self.pacer = Pacer(pause_s=pause_s, clock=clock, sleep=sleep)
        self.names = _Names(clock)
        self._tokens = Tokens(self._mint, clock=clock, vault=vault)
        self._local = threading.local()
        self._all: weakref.WeakSet[Github] = weakref.WeakSet()

    def repo(self, repo: Repo, call: str) -> RepoClient:
        """Return the door to one repository for one kind of call, a key of `PERMISSIONS`."""
        return RepoClient(self, repo, call)

    def as_app(self, ask: Callable[[Github], T], *, what: str) -> T:
        """Run work that the app itself does, not one of its installations; again with a new signature where one is not
        accepted at once. Raises our errors."""
        pauses = list(LAG_PAUSES_S[:-1])
        while True:
            try:
                return ask(self._client("app", self._app_auth, APP))
            except FAILURES as error:
                if not pauses or not isinstance(error, GithubException) or error.status != 401:
                    raise translate(error, what=what, permissions={}) from error
                self.sleep(pauses.pop(0))

    def as_nobody(self, ask: Callable[[Github], T], *, what: str) -> T:
        """Run work without any credential. Raises our errors."""
        with self.make(None, NOBODY) as client:
            try:
                return ask(client)
            except FAILURES as error:
                raise translate(error, what=what, permissions={}) from error

    def as_installation(self, installation_id: int, call: str, ask: Callable[[Github], T], *, what: str) -> T:
        """Run work on an installation as a whole: only to look up an account."""
        return self.run(TokenKey.of(installation_id, None, PERMISSIONS[call]), ask, what=what)

    def run(self, key: TokenKey, work: Callable[[Github], T], *, what: str) -> T:
        """Run work with a token, again where a new one is not known everywhere yet or an old one was withdrawn.

        Only refusals (401, 403) make it run again, so nothing happens twice.
        """
        pauses = list(LAG_PAUSES_S)
        may_renew = True
        while True:
            token = self._tokens.get(key)
            try:
                return work(self._client(token.value, Auth.Token(token.value), key))
            except FAILURES as error:
                status = error.status if isinstance(error, GithubException) else 0
                refused = status == 401 or (
                    status == 403 and isinstance(error, GithubException) and not is_limit(error)
                )
                if refused and pauses and token.is_fresh(self._clock()):
                    self.sleep(pauses.pop(0))
                elif status == 401 and may_renew:
                    may_renew = False
                    self._tokens.drop(token)
                else:
                    raise translate(error, what=what, permissions=dict(key.permissions)) from error

    def token(self, repo: Repo, call: str) -> Token:
        """Return a token for git, which cannot tell one that is not known everywhere yet, or was withdrawn, from one
        that may not: so it is tried on a question first, which costs nothing from the second time on."""
        key = TokenKey.of(repo.installation_id, repo.id, PERMISSIONS[call])
        self.run(key, _name_of_only_repository, what="the token for git")
        return self._tokens.get(key)

    def graphql(self, github: Github, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Send one GraphQL request; its `data`. Errors that come with HTTP 200 are raised like REST's."""
        requester = github.requester
        url = self._graphql_url or requester.graphql_url
        headers, answer = requester.requestJsonAndCheck(
            "POST", url, input={"query": query, "variables": dict(variables)}
        )
        failure = graphql_failure(answer, headers)
        if failure:
            raise failure
        data: dict[str, Any] = answer["data"]
        return data

    def close(self) -> None:
        """Close all connections, of all threads."""
        for client in list(self._all):
            client.close()

    def make(self, auth: Auth.Auth | None, payer: Payer) -> Github:
        """Make one client: the only place where that happens."""
        client = Github(
            auth=auth,
            base_url=self._api_url,
            timeout=self._timeout_s,
            verify=self.verify,
            user_agent=USER_AGENT,
            per_page=100,
            retry=make_retries(),
            seconds_between_requests=0,
            seconds_between_writes=0,  # the pacer's work, because it must hold across clients
            lazy=True,
            api_version=API_VERSION,
        )
        self.line.watch(client.requester, payer)
        return client

    def _client(self, name: str, auth: Auth.Auth, payer: Payer) -> Github:
        held: OrderedDict[str, Github] | None = getattr(self._local, "clients", None)
        if held is None:
            held = self._local.clients = OrderedDict()
        if name not in held:
            held[name] = self.make(auth, payer)
            self._all.add(held[name])
            if len(held) > CLIENTS_PER_THREAD:
                held.popitem(last=False)[1].close()
        held.move_to_end(name)
        return held[name]

    def _mint(self, key: TokenKey) -> Mapping[str, Any]:
        what = f"token for installation {key.installation_id}"
        path = f"/app/installations/{key.installation_id}/access_tokens"

        def ask(github: Github) -> Mapping[str, Any]:
            _, answer = github.requester.requestJsonAndCheck("POST", path, input=key.request)
            return dict(answer)

        try:
            return patiently(lambda: self.as_app(ask, what=what), self.sleep)  # a token too many harms nobody
        except NotFound as error:
            raise Gone(f"the installation is not there any more; {error}", what="installation") from error
        except Exception as error:
            reasons = getattr(error, "reasons", ())
            if any("at least one repository" in reason for reason in reasons):
                raise Gone(f"repository {key.repo_id} is not in the installation", what="repository") from error
            if any("permissions requested" in reason for reason in reasons):
                asked = ", ".join(f"{name}: {level}" for name, level in key.permissions)
                raise AccessDenied(
                    f"the installation does not grant all of: {asked}; "
                    "an owner accepts the App's new permissions on the installation's page"
                ) from error
            raise


class RepoClient:
    """One kind of call on one repository. `read` and `write` each run a function on PyGithub's object for it."""

    def __init__(self, clients: Clients, repo: Repo, call: str) -> None:
        self.repo = repo
        self._clients = clients
        self._key = TokenKey.of(repo.installation_id, repo.id, PERMISSIONS[call])

    @property
    def name(self) -> str:
        """The repository's full name as far as we know; settled only after the first request."""
        return self._clients.names.of(self.repo)

    @property
    def verify(self) -> str | bool:
        """What `requests` is told of certificates, for what it fetches elsewhere on GitHub's behalf."""
        return self._clients.verify

    def read(self, ask: Callable[[Repository], T], *, what: str, was_told: bool = False) -> T:
        """Run a function that changes nothing. With `was_told` (a webhook named it) a 404 is `NotVisibleYet`."""
        for pause_s in (*TOLD_PAUSES_S, None) if was_told else (None,):
            try:
                return self._settled(ask, what)
            except NotFound as error:
                if not was_told:
                    raise
                if pause_s is None:
                    raise NotVisibleYet(f"not there yet: {error}") from error
                self._clients.sleep(pause_s)
        raise AssertionError("the last round returns or raises")

    def write(self, act: Callable[[Repository], T], *, what: str) -> T:
        """Run a function that makes one request that changes something, at its turn. Never repeated here."""
        self._clients.pacer.wait(self.repo.installation_id)
        return self._call(act, what)

    def query(self, query: str, variables: Mapping[str, Any], *, what: str) -> dict[str, Any]:
        """Ask by GraphQL; its `data`. Variables `owner` and `name` are filled in where the query has them."""

        def ask(name: str, github: Github) -> dict[str, Any]:
            owner, _, short = name.partition("/")
            names = {"owner": owner, "name": short} if "$owner" in query else {}
            return self._clients.graphql(github, query, {**variables, **names})

        return patiently(lambda: self._named(ask, what), self._clients.sleep)

    def mutate(self, query: str, variables: Mapping[str, Any], *, what: str) -> dict[str, Any]:
        """Change something by GraphQL, at its turn; its `data`. Never repeated here."""
        self._clients.pacer.wait(self.repo.installation_id)
        return self._named(lambda _, github: self._clients.graphql(github, query, variables), what)

    def age_s(self, at: datetime) -> float:
        """How long ago something was."""
        return self._clients.now() - at.timestamp()

    def pause(self, seconds: float) -> None:
        """Wait a little."""
        self._clients.sleep(seconds)

    def _settled(self, ask: Callable[[Repository], T], what: str) -> T:
        """Read; what took several pages again until it is the same twice: others may have moved what we had not seen
        yet onto a page that we had. Unchanged pages cost nothing."""
        readings: list[T] = []
        while len(readings) < READINGS:
            with self._clients.line.noting() as has_turned_pages:
                readings.append(self._call(ask, what))
            if not has_turned_pages() or readings[-1:] == readings[-2:-1]:
                return readings[-1]
        raise Transient(f"changes faster than it can be read: {what}")

    def _call(self, work: Callable[[Repository], T], what: str) -> T:
        return self._named(lambda name, github: work(github.get_repo(name)), what)

    def _named(self, work: Callable[[str, Github], T], what: str) -> T:
        """Run work with the repository's name; once more if it turns out to have another."""
        names = self._clients.names
        name = names.of(self.repo)
        try:
            return self._clients.run(self._key, lambda github: work(name, github), what=what)
        except (Moved, NotFound) as error:
            if isinstance(error, NotFound) and names.is_certain(self.repo):
                raise
            renewed = self._clients.run(self._key, _name_of_only_repository, what="repository")
            if not renewed:
                raise Gone("the installation does not have the repository any more", what="repository") from error
            names.learn(self.repo, renewed)
            if renewed == name:
                if isinstance(error, Moved):  # not the repository, but what was asked for: an issue, to another one
                    raise Gone(str(error), what=what) from error
                raise
        return self._clients.run(self._key, lambda github: work(renewed, github), what=what)


def _name_of_only_repository(github: Github) -> str:
    """Ask what the one repository of a narrowed token is called: the documented way from an id to a name."""
    _, answer = github.requester.requestJsonAndCheck("GET", "/installation/repositories")
    found = answer["repositories"]
    return str(found[0]["full_name"]) if found else ""


class _Names:
    """Names of repositories that were found to be renamed since somebody wrote them down."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._renewed: dict[tuple[int, str], str] = {}
        self._asked_at: dict[int, float] = {}

    def of(self, repo: Repo) -> str:
        return self._renewed.get((repo.id, repo.full_name), repo.full_name)

    def is_certain(self, repo: Repo) -> bool:
        return self._clock() - self._asked_at.get(repo.id, float("-inf")) < NAME_LIFE_S

    def learn(self, repo: Repo, name: str) -> None:
        self._asked_at[repo.id] = self._clock()
        self._renewed[repo.id, repo.full_name] = name


def pages(requester: Requester, url: str, *, item: str = "", **parameters: Any) -> Iterator[dict[str, Any]]:
    """List what PyGithub has no class for, all pages, as JSON; `item` is the key of the list where it has one."""

    def keep(_requester: Requester, _headers: object, element: dict[str, Any]) -> dict[str, Any]:
        return element

    as_class: Any = keep
    yield from PaginatedList(as_class, requester, url, parameters, list_item=item)
