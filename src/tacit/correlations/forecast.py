"""What will be asked for next: programs repeat themselves, batch after batch, with other mask numbers each time.

A forecast is never sent before it was asked for; a wrong one only wastes the dealer's time.
"""

from __future__ import annotations

from tacit.correlations.requests import Request

MEMORY = 1 << 14
"""How many requests are remembered: the longest repetition that can be seen is a third of it."""


class Forecast:
    """Watches requests and, once their sequence has repeated twice, tells the next ones."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._history: list[Request] = []
        self._forms: list[Request] = []
        self._last_seen: dict[Request, list[int]] = {}
        self._period = 0

    def observe(self, request: Request) -> None:
        """A request came in."""
        if len(self._history) >= MEMORY:
            self._forget()
        form = request.renumbered((0,) * len(request.ids()))
        self._history.append(request)
        self._forms.append(form)
        seen = self._last_seen.setdefault(form, [])
        here = len(self._history) - 1
        if not (self._period and self._repeats(self._period, 1)):
            self._period = next((here - i for i in reversed(seen[-8:]) if self._repeats(here - i, here - i)), 0)
        seen.append(here)

    def next(self, count: int) -> list[Request]:
        """Up to ``count`` requests that should come next, soonest first; none if no repetition is seen."""
        period, known = self._period, len(self._history)
        if not period or known < 2 * period:
            return []
        history = self._history
        out: list[Request] = []
        for i in range(known, known + min(count, period)):
            last, before = history[i - period], history[i - 2 * period]
            ids = tuple(2 * new - old for new, old in zip(last.ids(), before.ids(), strict=True))
            if min(ids) < 1:
                return out
            out.append(last.renumbered(ids))
        return out

    def _repeats(self, period: int, length: int) -> bool:
        """Whether the last ``length`` requests have the forms of those one period earlier."""
        end = len(self._forms)
        if end < period + length:
            return False
        return self._forms[end - length :] == self._forms[end - length - period : end - period]
