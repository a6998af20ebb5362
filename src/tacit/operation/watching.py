"""The thread beside a node that answers who asks for its status, and notices when it waits for long."""

from __future__ import annotations

import json
import logging
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from tacit.errors import MisuseError
from tacit.operation.observer import Observer
from tacit.operation.snapshot import snapshot
from tacit.operation.status import bound
from tacit.transport.sockets import Alarm

_log = logging.getLogger(__name__)
_TICK_SECONDS = 0.5
_SEND_SECONDS = 0.5
"""How long who asked may take to read the answer, which the kernel has room for anyway."""


@contextmanager
def watched(observer: Observer) -> Iterator[None]:
    """Meanwhile ``tacit status`` shows the node. If there can be no socket that is logged, and nothing else changes."""
    with ExitStack() as stack:
        server = None
        try:
            server, path = stack.enter_context(bound(observer.name))
            observer.serving("status", str(path))
        except MisuseError as error:
            _log.warning("`tacit status` will not show this node: %s", error)
        alarm = Alarm()
        stack.callback(alarm.close)
        thread = threading.Thread(target=_watch, args=(observer, server, alarm), name="tacit status", daemon=True)
        thread.start()
        stack.callback(thread.join, 2 * _SEND_SECONDS)
        stack.callback(alarm.ring)
        yield


def _watch(observer: Observer, server: socket.socket | None, alarm: Alarm) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(alarm.fileno(), selectors.EVENT_READ)
        if server is not None:
            selector.register(server, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select(_TICK_SECONDS):
                if key.fileobj is not server:
                    return
                _answer(observer, server)
            observer.notice_wait()


def _answer(observer: Observer, server: socket.socket) -> None:
    with suppress(OSError):  # who asked has gone
        link, _ = server.accept()
        with link:
            link.settimeout(_SEND_SECONDS)
            link.sendall(json.dumps(snapshot(observer)).encode())
