from __future__ import annotations

import os
import signal

import hypothesis
import pytest
import torch

# No time limit for one example: the machine may be busy with other things. pytest-timeout ends what really hangs.
hypothesis.settings.register_profile("tacit", deadline=None)
hypothesis.settings.load_profile("tacit")
torch.set_num_threads(1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half of the cores, for a test starts several parties; two at least, eight at most: one group takes that long."""
    return max(2, min(8, len(os.sched_getaffinity(0)) // 2))


@pytest.fixture
def interruptible():
    """Ctrl-C ends this process, and those that it starts, even if the tests were started with SIGINT ignored.

    A shell does that with what it runs in the background, and pytest-xdist with its workers; children inherit it.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
