"""The same plot with other settings: published by `git push`, and with PostgreSQL instead of SQLite."""

from __future__ import annotations

from github_app.localhub import git
from tests.fakes.databases import fresh_database, postgresql_server
from tests.story.conftest import FILES, running, world_in
from tests.story.plot import live_through


def test_published_by_git_push() -> None:
    with running(HONK_PUBLISH="push") as stack, world_in(stack, "by-push", FILES) as world:
        pull = live_through(world)
        assert not any("/git/trees" in str(exchange) for exchange in stack.hub.exchanges)
        authors = git.run(world.repo.git_dir, "log", "--format=%an", "-3", pull.head_sha).decode().split()
        assert set(authors) == {"honk[bot]"}
        [pin] = world.pins(pull.head_sha)
        assert pin.startswith(f"{world.sessions()[0].id}@")


def test_on_postgresql() -> None:
    with (
        postgresql_server() as server,
        fresh_database(server) as url,
        running(HONK_DATABASE_URL=url) as stack,
        world_in(stack, "postgresql", FILES, database_url=url) as world,
    ):
        live_through(world)
        assert not list((stack.root / "data").glob("*.sqlite"))
