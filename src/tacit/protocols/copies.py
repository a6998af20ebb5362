"""A copy is equal to its original, also where both were made before their truncation, which rounds by chance.

So a pending copy remembers what it is a copy of. The original alone is truncated, and the copy made again from that.
Who writes into the original before then leaves the copy what it had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from torch import Tensor

from tacit.protocols.primitives import Parts
from tacit.protocols.share import Geometry, Origin, Share, Storage, flat, owned, required


def link(out: Share, function: Callable[..., Tensor], sources: Sequence[Share]) -> None:
    """Note that ``out``, a whole storage, is ``function(*sources)``, if it is secret and pending."""
    if not out.storage.pending or out.storage.known_by is not None:
        return
    out.storage.origin = Origin(function, tuple(sources))
    for x in sources:
        x.storage.copies.add(out.storage)


def keep(storage: Storage, parts: Parts) -> None:
    """Give the copies of ``storage`` (``parts``: any view of it) its value as it is now: it is about to be written."""
    waiting = [(copy, copy.origin) for copy in storage.copies if copy.origin is not None]
    storage.copies.clear()
    if not waiting:
        return
    old = Share(tuple(flat(part).clone() for part in parts), Storage(storage.scale, storage.unit))
    old.storage.known_by = storage.known_by
    old.storage.clear = storage.clear
    if storage.origin is not None:
        link(old, *storage.origin)
    for copy, (function, sources) in waiting:
        copy.origin = Origin(function, tuple(_like(x, old) if x.storage is storage else x for x in sources))
        old.storage.copies.add(copy)


def _like(x: Share, other: Share) -> Share:
    """The view of ``other`` that x is of its storage."""
    geometry = x.geometry
    return other.view(lambda part: part.as_strided(*geometry))


def told_apart(pending: Iterable[Share]) -> tuple[list[Share], list[Share]]:
    """What must be truncated so that all of ``pending`` can be settled, and the copies to make from that, in order."""
    originals: dict[int, Share] = {}
    copies: dict[int, Share] = {}
    stack = [x.whole() for x in reversed(list(pending))]
    while stack:
        x = stack[-1]
        token = x.storage.token
        if x.storage.origin is None:
            originals.setdefault(token, x)
        else:
            sources = [s for s in x.storage.origin.sources if s.storage.pending]
            missing = [s for s in sources if s.storage.token not in originals and s.storage.token not in copies]
            if missing:
                stack.extend(s.whole() for s in reversed(missing))
                continue
            copies.setdefault(token, x)
        stack.pop()
    return list(originals.values()), list(copies.values())


def made_again(x: Share) -> Parts:
    """The parts of a copy whose originals are settled."""
    function, sources = required(x.storage.origin)
    x.storage.origin = None
    return tuple(owned(function(*column), *column) for column in zip(*(s.parts for s in sources), strict=True))


def laid_out(geometry: Geometry, part: Tensor) -> Tensor:
    """The memory of a whole storage in which a tensor of that geometry has these entries."""
    size, stride, offset = geometry
    memory = part.new_empty(part.numel())
    memory.as_strided(size, stride, offset).copy_(part)
    return memory
