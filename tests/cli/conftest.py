"""Commands as processes, and a cluster of three nodes on this machine."""

import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest


@pytest.fixture
def start(interruptible):
    started = []

    def call(*arguments):
        command = [sys.executable, "-W", "error", "-m", "tacit.cli", *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield call
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def ports():
    """Three ports that nobody else gets meanwhile: they are bound, and who asks for one by number may listen there."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(3)]
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind(("127.0.0.1", 0))
        yield [each.getsockname()[1] for each in sockets]


@pytest.fixture
def cluster(tmp_path, ports):
    dealer, lab, clinic = ports
    path = tmp_path / "cluster.toml"
    path.write_text(
        f'session = "test"\ndealer = "127.0.0.1:{dealer}"\n[parties]\nlab = "127.0.0.1:{lab}"\n'
        f'clinic = "127.0.0.1:{clinic}"\n[settings]\nconnect_timeout = 60\n'
    )
    return path
