"""What surrounds a node of ``tacit run --config`` and ``tacit dealer``: log, status, metrics, and an orderly stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tacit.cli.options import LogFormat, LogLevel
from tacit.operation import signals

if TYPE_CHECKING:
    from tacit.operation.logs import LogSettings
    from tacit.operation.observer import Observer
    from tacit.runtime.cluster import Cluster

LOOPBACK = "127.0.0.1"


def log_settings(format: LogFormat, level: LogLevel) -> LogSettings:
    """The log that the options ask for."""
    from tacit.operation.logs import LogSettings

    return LogSettings(format.literal, level.value)


@contextmanager
def operated(
    cluster: Cluster, node: str, log: LogSettings, metrics: str = "", job: str | None = None
) -> Iterator[Observer]:
    """Meanwhile ``node`` can be seen from outside; yields what it has to tell. Raises MisuseError for wrong options."""
    from tacit.operation.logs import written
    from tacit.operation.watching import watched

    with ExitStack() as stack:
        stack.enter_context(written(log, node, cluster.session))
        observer = cluster.observer(node, job)
        stack.enter_context(watched(observer))
        if metrics:
            from tacit.cli.clusterfile import address
            from tacit.operation.http import served

            at = metrics.removeprefix(":")
            host, port = (LOOPBACK, 0) if at == "0" else address("--metrics", at if ":" in at else f"{LOOPBACK}:{at}")
            stack.enter_context(served(observer, (host, port)))
        stack.enter_context(signals.when_late(observer.abort))
        yield observer
