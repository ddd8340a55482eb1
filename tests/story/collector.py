"""A collector of OpenTelemetry traces, as far as a story needs one: it takes what comes by OTLP over HTTP."""

from __future__ import annotations

import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """What was told so far. It listens as long as the process lives."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        told = self.spans

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
                told.extend(
                    span for one in body.resource_spans for scope in one.scope_spans for span in scope.spans
                )  # fmt: skip
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, name="collector", daemon=True).start()

    def trace(self, trace_id: str) -> dict[str, Span]:
        """The spans of a trace by their ids; one that was told twice is here once."""
        return {span.span_id.hex(): span for span in list(self.spans) if span.trace_id.hex() == trace_id}


@cache
def the_collector() -> Collector:
    """The one of this process."""
    return Collector()
