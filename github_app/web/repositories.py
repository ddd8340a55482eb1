"""Pages of repositories: the policy in force, what was used, and lessons, which people with write access edit here; and
of what waits and runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from github_app.core.errors import HonkError
from github_app.core.explanation import Explained
from github_app.core.holdings import Queue, Taught, Use
from github_app.core.lessons import problem_of
from github_app.core.model import Actor, Permission, Repo
from github_app.core.policy import Quota
from github_app.core.record.records import Hand
from github_app.core.text.characters import spelled_out
from github_app.web.rendering import WITH_FORMS, render
from github_app.web.visits import VISITOR, Visits, note, page_of


class Holdings(Protocol):
    """What is on record of repositories. All of it may block."""

    def uses(self, repos: Sequence[Repo]) -> Mapping[int, Use]:
        """What each uses, by its number."""

    def taught(self, repo: Repo) -> Taught:
        """Its lessons and proposals."""

    def keep(self, repo: Repo, key: str, text: str, hand: Hand) -> bool:
        """Put one into force in these words; False if there is none of that name."""

    def drop(self, repo: Repo, key: str, hand: Hand) -> None:
        """Take one out of force."""

    def queue(self) -> Queue:
        """What waits and what runs."""


@dataclass(frozen=True, kw_only=True)
class RepositoryPages:
    """The pages. `policy` gives a repository's values in force, and raises what is wrong; `quota` is what the operator
    allows each repository; `permission` is asked of GitHub at once, `may_write_somewhere` may be a minute old. `clean`
    takes secrets out of a text."""

    visits: Visits
    holdings: Holdings
    policy: Callable[[Repo], Sequence[Explained]]
    quota: Quota
    permission: Callable[[Actor, Repo], Permission]
    may_write_somewhere: Callable[[Actor, Sequence[Repo]], bool]
    clean: Callable[[str], str]
    github_url: str

    def routes(self) -> list[Route]:
        """All of them."""
        guarded, form = self.visits.guarded, self.visits.guarded_form
        change = "/repositories/{repo_id:int}/lessons/{key}"
        return [
            Route("/repositories", guarded(self._list)),
            Route("/repositories/{repo_id:int}", guarded(self._show)),
            Route(change, form(self._change), methods=["POST"]),
            Route("/queue", guarded(self._queue)),
        ]

    def _list(self, _: Request, visitor: Actor) -> Response:
        repos = self.visits.readable(visitor, self.visits.records.repositories())
        uses = self.holdings.uses(repos)
        rows = [(repo, uses[repo.id]) for repo in sorted(repos, key=lambda repo: repo.full_name.casefold())]
        return page_of("repositories.html", visitor, rows=rows)

    def _show(self, request: Request, visitor: Actor) -> Response:
        repo = self._find(request, visitor)
        if repo is None:
            return _nothing(visitor)
        problem, values = "", []
        try:
            values = list(self.policy(repo))
        except HonkError as error:
            problem = str(error)
        page = render(
            "repository.html",
            visitor=visitor,
            repo=repo,
            use=self.holdings.uses([repo])[repo.id],
            quota=self.quota,
            values=values,
            problem=problem,
            taught=self.holdings.taught(repo),
            may_write=self.permission(visitor, repo) >= Permission.WRITE,
            token=self.visits.seals.form(request.cookies.get(VISITOR, "")),
            sessions=f"/sessions?repository={quote(repo.full_name, safe='')}",
            url=self.github_url,
            shown=lambda text: self.clean(spelled_out(text)),
        )
        return HTMLResponse(page, headers=WITH_FORMS)

    def _change(self, request: Request, visitor: Actor, form: Mapping[str, str]) -> Response:
        repo = self._find(request, visitor)
        if repo is None:
            return _nothing(visitor)
        back = ("Back", f"/repositories/{repo.id}")
        permission = self.permission(visitor, repo)
        if permission < Permission.WRITE:
            text = f"Only people with write access to {repo.full_name} change its lessons."
            return note("Not changed", text, 403, visitor, link=back)
        hand, key = Hand(actor=visitor, permission=permission), request.path_params["key"]
        if form.get("act") == "drop":
            self.holdings.drop(repo, key, hand)
        elif form.get("act") == "keep":
            text = form.get("text", "")
            if problem := problem_of(text):
                return note("Not changed", f"This is no lesson: {problem}.", 400, visitor, link=back)
            if not self.holdings.keep(repo, key, text, hand):
                return note("Not changed", "There is no such lesson any more.", 404, visitor, link=back)
        else:
            return note("Not changed", "A lesson is kept or dropped.", 400, visitor, link=back)
        return RedirectResponse(f"/repositories/{repo.id}#lessons", 303, headers=WITH_FORMS)

    def _queue(self, _: Request, visitor: Actor) -> Response:
        if not self.may_write_somewhere(visitor, self.visits.records.repositories()):
            return note("Not for you", "Only people with write access to a repository see this.", 403, visitor)
        return page_of("queue.html", visitor, queue=self.holdings.queue())

    def _find(self, request: Request, visitor: Actor) -> Repo | None:
        known = [repo for repo in self.visits.records.repositories() if repo.id == request.path_params["repo_id"]]
        return next(iter(self.visits.readable(visitor, known)), None)


def _nothing(visitor: Actor) -> Response:
    return note("There is no such repository", "Or you cannot read it.", 404, visitor)
