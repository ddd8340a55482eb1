"""The pages that people look at, and `/_local`, which no GitHub has: faults, deliveries, violations, lent logs.

Server-rendered, without scripts; open pages renew themselves. Addresses are those that `html_url` names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from fastapi.concurrency import run_in_threadpool
from fastapi.requests import Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from . import archives, attachments, diffs, git, shapes_code, signin
from .deeds.checks import combined, resolve
from .exchange import ApiError, Receive, Scope, Send, not_found, parse_query
from .faults import Faults
from .registration import Proposal, accept
from .values import Issue, Pull, Repository
from .world import World

_SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_REGISTRATION = re.compile(r"(?:/organizations/(?P<owner>[\w-]+))?/settings/apps(?:/new)?")
_TAGS = re.compile(r"&lt;(/?(?:details|summary|sub|sup|br|kbd|b|i)) ?/?&gt;")

Page = Callable[..., Response]


@dataclass
class Pages:
    """ASGI application for everything that is neither REST, GraphQL nor git."""

    world: World
    faults: Faults
    violations: list[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of a browser, or one to `/_local`."""
        request = Request(scope, receive)
        body = await request.body()
        response = await run_in_threadpool(self._answer, request, body)
        for name, value in _SAFE.items():
            response.headers.setdefault(name, value)
        await response(scope, receive, send)

    def _answer(self, request: Request, body: bytes) -> Response:
        path = request.url.path
        try:
            if request.method == "POST" and path == "/_local/faults":
                return self._set_faults(body)
            if request.method == "POST" and (match := _REGISTRATION.fullmatch(path)):
                return self._register(match["owner"] or "", parse_query(request.url.query), parse_query(body.decode()))
            if path.startswith("/login/oauth/"):
                return self._sign_in(request, parse_query(request.url.query) | parse_query(body.decode()))
            if request.method not in ("GET", "HEAD"):
                raise ApiError(405, "Only GET here.")
            with self.world.lock:
                if signed := attachments.SIGNED.fullmatch(path):
                    return attachments.answer(self.world, signed, request)
                if lent := archives.LENT.fullmatch(path):
                    return archives.answer(self.world, lent, request)
                for pattern, page in self._table:
                    match = pattern.fullmatch(path)
                    if match:
                        return page(**{k: unquote(v) for k, v in match.groupdict().items()})
            raise not_found()
        except (ApiError, git.GitError) as problem:
            status = problem.status if isinstance(problem, ApiError) else 404
            return self._show("missing.html", status=status, title=f"{status}", message=str(problem))

    @cached_property
    def _table(self) -> list[tuple[re.Pattern[str], Page]]:
        repo = r"/(?P<owner>[^/_][^/]*)/(?P<name>[^/]+)"
        pages: list[tuple[str, Page]] = [
            (r"/", self.home),
            (r"/_local/style\.css", self.style),
            (r"/_local/avatar/(?P<who>[^/]+)\.svg", self.avatar),
            (r"/_local/logs/(?P<key>[^/]+)", self.log),
            (r"/_local/faults", self.show_faults),
            (r"/_local/violations", self.show_violations),
            (r"/_local/deliveries", self.deliveries),
            (r"/_local/deliveries/(?P<number>\d+)", self.delivery),
            (repo, self.repository),
            (repo + r"/(?:issues|pulls)", self.repository),
            (repo + r"/(?:issues|pull)/(?P<number>\d+)(?:/(?:files|commits))?", self.issue),
            (repo + r"/pull/(?P<number>\d+)\.(?:diff|patch)", self.pull_diff),
            (repo + r"/commit/(?P<sha>[0-9a-f]{4,40})", self.commit),
            (repo + r"/compare/(?P<base>.+?)\.\.\.(?P<head>.+?)(?:\.diff|\.patch)?", self.compare),
            (repo + r"/actions/runs/(?P<number>\d+)(?:/(?:job|artifacts)/\d+)?", self.run),
            (repo + r"/runs/(?P<number>\d+)", self.check),
            (repo + r"/(?:tree|blob|raw)/(?P<rest>.+)", self.file),
        ]
        return [(re.compile(pattern), page) for pattern, page in pages]

    # --- the front --------------------------------------------------------------------------------------------------

    def home(self) -> Response:
        """All repositories and the newest deliveries."""
        return self._show(
            "home.html", title="localhub", repositories=list(self.world.repositories.values()),
            apps=list(self.world.apps.values()), deliveries=self.world.deliveries[:-11:-1],
        )  # fmt: skip

    def repository(self, owner: str, name: str) -> Response:
        """Issues, pull requests, branches and newest commits of one repository."""
        repo = self._repo(owner, name)
        head = repo.branch(repo.default_branch)
        return self._show(
            "repository.html", title=repo.full_name, repo=repo,
            issues=[i for i in reversed(repo.issues.values()) if not i.pull],
            pulls=[i for i in reversed(repo.issues.values()) if i.pull],
            branches={r[11:]: s for r, s in repo.refs.items() if r.startswith("refs/heads/")},
            commits=git.log(repo.git_dir, head, limit=15) if head else [],
            files=git.tree(repo.git_dir, head) if head else [],
        )  # fmt: skip

    def issue(self, owner: str, name: str, number: str) -> Response:
        """An issue, or a pull request with its diff, checks, reviews and threads."""
        issue = self._issue(owner, name, number)
        repo = issue.repo
        shown: dict[str, Any] = {"title": f"{issue.title} · #{issue.number}", "repo": repo, "issue": issue}
        if issue.pull is None:
            return self._show("issue.html", **shown, entries=_conversation(issue))
        pull = issue.pull
        base = git.merge_base(repo.git_dir, pull.base_sha, pull.head_sha) or git.EMPTY_TREE
        threads = [(t, shapes_code.place(t.comments[0])) for t in pull.threads]
        return self._show(
            "pull.html", **shown, pull=pull, entries=_conversation(issue), threads=threads,
            files=diffs.between(repo.git_dir, base, pull.head_sha),
            commits=git.log(repo.git_dir, "--reverse", f"{base}..{pull.head_sha}"),
            checks=list({(r.suite.app.slug, r.name): r for r in repo.check_runs(pull.head_sha)}.values()),
            statuses=combined(repo, pull.head_sha)[1],
            runs=[r for r in repo.runs if r.suite.head_sha == pull.head_sha],
        )  # fmt: skip

    def pull_diff(self, owner: str, name: str, number: str) -> Response:
        """A pull request's diff as text."""
        pull = self._issue(owner, name, number).pull
        if pull is None:
            raise not_found()
        return PlainTextResponse(_diff(pull))

    def commit(self, owner: str, name: str, sha: str) -> Response:
        """A commit with its diff."""
        repo = self._repo(owner, name)
        found = resolve(repo, sha)
        if found is None:
            raise not_found()
        it = git.commit(repo.git_dir, found)
        files = diffs.between(repo.git_dir, it.parents[0] if it.parents else git.EMPTY_TREE, it.sha)
        title = it.message.partition("\n")[0]
        return self._show("commit.html", title=title, repo=repo, commit=it, files=files, checks=repo.check_runs(found))

    def compare(self, owner: str, name: str, base: str, head: str) -> Response:
        """What `head` has that `base` has not."""
        repo = self._repo(owner, name)
        start, end = resolve(repo, base), resolve(repo, head)
        if start is None or end is None:
            raise not_found()
        common = git.merge_base(repo.git_dir, start, end) or git.EMPTY_TREE
        files = diffs.between(repo.git_dir, common, end)
        return self._show("compare.html", title=f"{base}...{head}", repo=repo, files=files)

    def run(self, owner: str, name: str, number: str) -> Response:
        """A workflow run with its jobs' steps and logs."""
        repo = self._repo(owner, name)
        run = next((r for r in repo.runs if str(r.id) == number), None)
        if run is None:
            raise not_found()
        return self._show("run.html", title=f"{run.name} #{run.number}", repo=repo, run=run)

    def check(self, owner: str, name: str, number: str) -> Response:
        """A check run that an app reported."""
        repo = self._repo(owner, name)
        found = next((r for s in repo.suites for r in s.runs if str(r.id) == number), None)
        if found is None:
            raise not_found()
        return self._show("check.html", title=found.name, repo=repo, check=found)

    def file(self, owner: str, name: str, rest: str) -> Response:
        """A file as text, or the names in a folder; branch names may have slashes."""
        repo = self._repo(owner, name)
        parts = rest.split("/")
        for cut in range(len(parts), 0, -1):
            sha = resolve(repo, "/".join(parts[:cut]))
            if sha:
                what = f"{sha}:{'/'.join(parts[cut:])}"
                return PlainTextResponse(git.run(repo.git_dir, "show", what))
        raise not_found()

    # --- what no GitHub has -----------------------------------------------------------------------------------------

    def deliveries(self) -> Response:
        """All deliveries, newest first."""
        return self._show("deliveries.html", title="Deliveries", deliveries=self.world.deliveries[::-1][:300])

    def delivery(self, number: str) -> Response:
        """One delivery with its payload and the answer."""
        found = next((d for d in self.world.deliveries if str(d.id) == number), None)
        if found is None:
            raise not_found()
        payload = json.dumps(found.payload, indent=2)
        return self._show("delivery.html", title=f"{found.event} {found.guid}", delivery=found, payload=payload)

    def log(self, key: str) -> Response:
        """A job's log, as long as it is lent."""
        job, until = self.world.logs.get(key, (None, None))
        if job is None or until is None or until < self.world.clock():
            return PlainTextResponse("gone", 404)
        return PlainTextResponse(job.log or "")

    def show_faults(self) -> Response:
        """The rules in force, as JSON."""
        return JSONResponse(self.faults.shown())

    def _set_faults(self, body: bytes) -> Response:
        try:
            self.faults.replace(json.loads(body))
        except (ValueError, TypeError, AttributeError, re.error) as problem:
            return JSONResponse({"message": str(problem)}, 422)
        return JSONResponse(self.faults.shown())

    def _register(self, owner: str, query: dict[str, str], form: dict[str, str]) -> Response:
        """An app from a manifest: the page that asks for its name, then the way back to who sent the manifest."""
        if "name" in form:
            proposal = Proposal(manifest=form["manifest"], state=form["state"], owner=form["owner"])
            return RedirectResponse(accept(self.world, proposal, form["name"]), 302)
        proposal = Proposal(manifest=form.get("manifest", ""), state=query.get("state", ""), owner=owner)
        name = proposal.read().get("name", "")
        return self._show("propose.html", title="Create GitHub App", proposal=proposal, name=name)

    def _sign_in(self, request: Request, form: dict[str, str]) -> Response:
        """The steps of signing in to an app: who it is, the way back, and the token."""
        with self.world.lock:
            if request.url.path.endswith("/access_token"):
                return JSONResponse(signin.exchange(self.world, form))
            if "login" in form:
                return RedirectResponse(signin.grant(self.world, form), 302)
            people = sorted(user.login for user in self.world.users.values() if user.type == "User")
            app = signin.app_of(self.world, form.get("client_id", ""))
            return self._show("signin.html", title="Sign in", app=app, asked=form, people=people)

    def show_violations(self) -> Response:
        """Where an exchange or a webhook contradicted GitHub's documents, as JSON."""
        return JSONResponse(self.violations)

    def style(self) -> Response:
        """The stylesheet."""
        source, _, _ = self._templates.loader.get_source(self._templates, "style.css")
        return Response(source, media_type="text/css")

    def avatar(self, who: str) -> Response:
        """A coloured letter for an account."""
        letter = next((c for c in who.upper() if c.isalnum()), "?")
        hue = sum(map(ord, who)) * 47 % 360
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20">'
            f'<rect width="20" height="20" rx="10" fill="hsl({hue} 45% 45%)"/>'
            f'<text x="10" y="14" text-anchor="middle" font-size="11" font-family="sans-serif" fill="#fff">'
            f"{letter}</text></svg>"
        )
        return Response(svg, media_type="image/svg+xml")

    # --- making pages -----------------------------------------------------------------------------------------------

    def _repo(self, owner: str, name: str) -> Repository:
        found = self.world.repository(f"{owner}/{name}")
        if found is None:
            raise not_found()
        return found

    def _issue(self, owner: str, name: str, number: str) -> Issue:
        found = self._repo(owner, name).issues.get(int(number))
        if found is None:
            raise not_found()
        return found

    def _show(self, template: str, status: int = 200, **values: Any) -> Response:
        page = self._templates.get_template(template)
        return HTMLResponse(page.render(world=self.world, violations=len(self.violations), **values), status)

    @cached_property
    def _templates(self) -> Any:
        import jinja2

        loader = jinja2.PackageLoader("github_app.localhub")
        made = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
        made.filters |= {"markdown": _markdown, "ago": self._ago, "difflines": _difflines}
        return made

    def _ago(self, when: datetime) -> str:
        seconds = max(int((self.world.clock() - when).total_seconds()), 0)
        for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
            if seconds >= size:
                return f"{seconds // size} {unit} ago"
        return f"{seconds} s ago"


def _diff(pull: Pull) -> str:
    home = pull.issue.repo.git_dir
    base = git.merge_base(home, pull.base_sha, pull.head_sha) or git.EMPTY_TREE
    return git.text(home, "diff", "-M", base, pull.head_sha) + "\n"


def _conversation(issue: Issue) -> list[tuple[datetime, str, Any]]:
    """Comments and submitted reviews with something to say, oldest first."""
    entries: list[tuple[datetime, str, Any]] = [(c.created_at, "comment", c) for c in issue.comments]
    for review in issue.pull.reviews if issue.pull else ():
        if review.submitted_at and (review.body or review.state != "COMMENTED"):
            entries.append((review.submitted_at, "review", review))
    return sorted(entries, key=lambda entry: (entry[0], entry[2].id))


def _difflines(patch: str | None) -> list[tuple[str, str]]:
    kinds = {"+": "add", "-": "del", "@": "hunk"}
    return [(kinds.get(line[:1], ""), line) for line in (patch or "").split("\n")]


def _markdown(text: str | None) -> str:
    """Render GitHub-like Markdown to HTML that is safe to show.

    Raw HTML stays text, but for a few tags without attributes.
    """
    from markdown_it import MarkdownIt

    shown = re.sub(r"<!--.*?-->", "", text or "", flags=re.DOTALL)
    html = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"]).render(shown)
    return _TAGS.sub(r"<\1>", html)
