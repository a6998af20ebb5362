"""Metrics for Prometheus over HTTP: /metrics, /healthz and /readyz. Loaded only where metrics were asked for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tacit.errors import MisuseError
from tacit.operation.metrics import METRICS, samples
from tacit.operation.observer import Observer, shown
from tacit.operation.snapshot import is_ready, snapshot

try:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.registry import Collector
except ImportError:
    raise MisuseError("--metrics needs the package prometheus-client: pip install 'tacit[metrics]'.") from None

_REQUEST_SECONDS = 5.0
_AT_ONCE = 16
"""Requests that are served at the same time; more are turned away, so that a stranger cannot take all threads."""


class SessionCollector(Collector):
    """Makes the metrics of one node when it is asked for them."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def collect(self) -> Iterator[Any]:
        """See ``Collector``."""
        families: dict[str, Any] = {}
        for name, labels, value in samples(snapshot(self._observer)):
            metric = METRICS[name]
            family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            made = families.setdefault(name, family(name, metric.meaning, labels=metric.labels))
            made.add_metric(labels, value)
        yield from families.values()


@contextmanager
def served(observer: Observer, address: tuple[str, int]) -> Iterator[None]:
    """Meanwhile the metrics of ``observer`` are at ``address``. Raises MisuseError where it cannot listen."""
    try:
        server = _Server(observer, address)
    except OSError as error:
        raise MisuseError(f"cannot offer metrics at {shown(address)}: {error.strerror or error}.") from None
    thread = threading.Thread(target=server.serve_forever, args=(0.25,), name="tacit metrics", daemon=True)
    thread.start()
    observer.serving("metrics", shown(server.server_address))
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, observer: Observer, address: tuple[str, int]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.observer = observer
        self.registry = CollectorRegistry()
        self.registry.register(SessionCollector(observer))
        self.free = threading.Semaphore(_AT_ONCE)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """As the class above, without asking a name server for this host's name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Turn it away when there are too many."""
        if self.free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve it, and make room for the next."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _REQUEST_SECONDS
    server_version = "tacit"
    sys_version = ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            encoder, kind = choose_encoder(self.headers.get("Accept", ""))
            self.answer(200, encoder(self.server.registry), kind)
        elif path == "/healthz":
            self.answer(200, b"alive\n")
        elif path == "/readyz":
            ready = is_ready(self.server.observer)
            self.answer(200 if ready else 503, b"ready\n" if ready else b"not ready\n")
        else:
            self.answer(404, b"/metrics, /healthz or /readyz\n")

    def answer(self, status: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""
