"""The whole web application on a real socket."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from github_app.core.errors import Misconfigured, Transient
from github_app.web import server
from github_app.web.server import create_app
from github_app.webhook.delivery import Delivery
from tests.webhook.deliveries import SECRET, headers_of, issue, payload

BODY = json.dumps(payload("opened", issue=issue())).encode()


class Operator:
    """What an operator can break, and a recorder that keeps what came."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.failure: Exception | None = None
        self.recorded: list[Delivery] = []

    async def record(self, delivery: Delivery) -> bool:
        """Keep it."""
        self.recorded.append(delivery)
        return True

    async def ready(self) -> list[str]:
        """Say what is wrong."""
        if self.failure is not None:
            raise self.failure
        return self.problems


class Site:
    """The running application, and what a client may ask of it."""

    def __init__(self, port: int, operator: Operator) -> None:
        self.port = port
        self.operator = operator

    def request(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, str, str]:
        """Send one request; status, content type and text of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body=body, headers=headers or {})  # type: ignore[arg-type]
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Content-Type", ""), answer.read().decode()
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, str]:
        """Get a page; status and text."""
        status, _, text = self.request("GET", path)
        return status, text


@contextmanager
def serving(operator: Operator) -> Iterator[Site]:
    app = create_app(
        recorder=operator,
        secrets=[SECRET],
        max_body_bytes=100_000,
        ready=operator.ready,
        metrics=lambda: "honk_sessions 1\n",
    )
    listener = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        # The socket listens already: a request waits in its queue until the server is up.
        yield Site(listener.getsockname()[1], operator)
    finally:
        while not running.started:
            time.sleep(0.01)
        running.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Operator()) as running:
        yield running


def test_signed_delivery_is_recorded_and_a_changed_one_is_not(site: Site):
    headers = headers_of("issues", BODY)
    status, kind, text = site.request("POST", "/webhooks/github", BODY, headers)
    assert (status, kind, json.loads(text)["status"]) == (202, "application/json", "recorded")
    assert [delivery.body for delivery in site.operator.recorded] == [BODY]
    assert site.request("POST", "/webhooks/github", BODY + b" ", headers)[0] == 401


def test_chunked_body_is_taken_and_an_endless_one_is_cut_off(site: Site):
    headers = headers_of("issues", BODY)
    assert site.request("POST", "/webhooks/github", iter([BODY[:9], BODY[9:]]), headers)[0] == 202
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as endless:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        endless.sendall(
            f"POST /webhooks/github HTTP/1.1\r\nHost: x\r\n{lines}Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        for _ in range(11):
            endless.sendall(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
        assert b" 413 " in endless.recv(1000)


def test_body_larger_than_allowed_is_refused_before_it_is_sent(site: Site):
    headers = headers_of("issues", BODY) | {"Content-Length": "100001"}
    assert site.request("POST", "/webhooks/github", None, headers)[0] == 413


def test_browser_at_the_webhook_address_is_told_what_it_is(site: Site):
    status, text = site.get("/webhooks/github")
    assert (status, "webhook URL" in text) == (405, True)


def test_process_that_lives_is_ready_unless_something_is_wrong(site: Site):
    assert site.get("/healthz") == (200, '{"status":"alive"}')
    assert site.get("/readyz") == (200, '{"status":"ready"}')
    site.operator.problems = ["the database is away"]
    status, text = site.get("/readyz")
    assert (status, json.loads(text)) == (503, {"status": "not ready", "problems": ["the database is away"]})
    assert site.get("/healthz")[0] == 200


def test_readiness_that_cannot_be_told_is_not_ready(site: Site):
    site.operator.failure = Transient("the database is locked")
    assert site.get("/readyz")[0] == 503
    site.operator.failure = TimeoutError()
    status, text = site.get("/readyz")
    assert (status, "no answer within" in text) == (503, True)


def test_metrics_are_in_prometheus_format_and_count_the_doors_answers(site: Site):
    site.request("POST", "/webhooks/github", BODY, headers_of("issues", BODY))
    for _ in range(2):
        site.request("POST", "/webhooks/github", BODY)
    status, kind, text = site.request("GET", "/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert text.splitlines() == [
        "honk_sessions 1",
        "# HELP honk_webhook_answers_total What the door answered.",
        "# TYPE honk_webhook_answers_total counter",
        'honk_webhook_answers_total{code="202",status="recorded"} 1',
        'honk_webhook_answers_total{code="401",status="rejected"} 2',
    ]


def test_nothing_else_is_served(site: Site):
    assert [site.get(path)[0] for path in ("/", "/docs", "/redoc", "/openapi.json", "/webhooks")] == [404] * 5


def test_application_without_a_secret_is_not_built():
    operator = Operator()
    with pytest.raises(Misconfigured):
        create_app(recorder=operator, secrets=[], ready=operator.ready, metrics=str)
    assert server.MAX_BODY_BYTES == 26_214_400
