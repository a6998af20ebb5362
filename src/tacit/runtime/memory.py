"""How a party's process treats memory that it no longer needs."""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h of glibc
_LARGEST_BLOCK = 32 << 20  # as much as glibc takes
_KEPT = (1 << 31) - 1
_STEP = 64 << 20


def keep_freed_memory() -> None:
    """Let this process keep freed memory for the next tensors instead of giving it back to the system.

    Fresh pages cost more than most of what is done with them: without this, a comparison of 10^6 numbers takes twice as
    long. Has no effect where the C library is not glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in ((_M_MMAP_THRESHOLD, _LARGEST_BLOCK), (_M_TRIM_THRESHOLD, _KEPT), (_M_TOP_PAD, _STEP)):
            mallopt(parameter, value)
