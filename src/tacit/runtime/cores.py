"""How many threads one party computes with: its own choice, which changes no result and which nobody compares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from tacit.errors import MisuseError
from tacit.runtime.defaults import ONE

__all__ = ["ONE", "check_threads", "computing_with"]

_MOST = 1024


def check_threads(threads: int) -> int:
    """``threads``, a whole number from 1 to 1024. Raises MisuseError for anything else."""
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= _MOST:
        raise MisuseError(f"threads must be a whole number from 1 to {_MOST}, got {threads!r}.")
    return threads


@contextmanager
def computing_with(threads: int) -> Iterator[None]:
    """PyTorch and the ring's kernels use so many threads meanwhile, here and in Python threads started meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(check_threads(threads))
    try:
        yield
    finally:
        torch.set_num_threads(before)
