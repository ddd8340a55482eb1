"""The inbox as the API sees it: what programs ask for goes in, and they ask what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from github_app.core.events import CommandIssued
from github_app.core.tracing import NoSpans, Spans, of_delivery
from github_app.engine import codec
from github_app.engine.entries import Entries


@dataclass(frozen=True, kw_only=True)
class Requests:
    """Requests in the inbox (`web.api.Inbox`). All of it blocks, and raises `DatabaseAway`."""

    entries: Entries
    on_recorded: Callable[[], None]
    spans: Spans = field(default_factory=NoSpans)

    def ask(self, event: CommandIssued) -> None:
        """Record a request; it is on disk when this returns. The same once more changes nothing."""
        told = {"honk.delivery": event.id, "honk.door": "api", "http.request.method": "POST"}
        with self.spans.at(
            f"receive {type(event).__name__}", of_delivery(event.id), kind="server", attributes=told
        ) as span:
            if self.entries.add_found([event], delay_s=0):
                span.end()
        self.on_recorded()

    def asked(self, request: str) -> tuple[CommandIssued, str, str, str | None] | None:
        """A request, its state (`waiting`, `decided`, `failed`), why, and the session that it came to. Why one failed
        is told on its issue alone: the words may be anybody's, and pass the redactor on their way there."""
        found = self.entries.outcome(request)
        if found is None:
            return None
        states = {"new": "waiting", "queued": "waiting", "done": "decided", "ignored": "decided"}
        state = states.get(found.state, "failed")
        event: CommandIssued = codec.load_named(found.name, found.body.decode())
        return event, state, found.note if state == "decided" else "", found.session_id
