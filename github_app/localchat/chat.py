"""`LocalChat`: a workspace behind a port of this machine, with the Web API at `/api/` and a page at `/`."""

from __future__ import annotations

import secrets
from typing import Self

from starlette.applications import Starlette
from starlette.routing import Route

from github_app.localchat.api import WebApi
from github_app.localchat.pages import page_routes
from github_app.localchat.post import Post
from github_app.localchat.values import SlackApp, User
from github_app.localchat.workspace import Workspace
from github_app.localhub.faults import Faults
from github_app.localhub.server import Served, serve


class LocalChat:
    """A Slack with one workspace and one app, whose requests go to `request_url`."""

    def __init__(self, request_url: str, *, bot: str = "honk") -> None:
        app = SlackApp(
            id="A0LOCAL",
            bot=User("U0BOT", bot, is_bot=True),
            token=f"xoxb-local-{secrets.token_hex(12)}",
            signing_secret=secrets.token_hex(16),
            request_url=request_url,
        )
        self.faults = Faults()
        self.post = Post(app, self.faults)
        self.workspace = Workspace(app, self.post)
        self.api = WebApi(self.workspace, self.faults)
        self._served: Served | None = None

    def start(self, port: int = 0) -> Self:
        """Open the port (0: any free one)."""
        routes = [Route("/api/{method}", self.api.answer, methods=["GET", "POST"]), *page_routes(self.workspace)]
        self._served = serve(Starlette(routes=routes), "127.0.0.1", port)
        self.post.start()
        return self

    def stop(self) -> None:
        """Close it."""
        self.post.stop()
        if self._served is not None:
            self._served.stop()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._served.port if self._served is not None else 0}"

    def environment(self) -> dict[str, str]:
        """The variables by which Honk knows it."""
        app = self.workspace.app
        return {
            "HONK_SLACK_SIGNING_SECRET": app.signing_secret,
            "HONK_SLACK_BOT_TOKEN": app.token,
            "HONK_SLACK_TEAMS": self.workspace.team,
            "HONK_SLACK_API_URL": f"{self.url}/api/",
        }
