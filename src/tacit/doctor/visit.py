"""What one node and one peer do together once they are connected: tell, measure, beat, part."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from tacit.doctor.line import Line, LineLost
from tacit.doctor.measuring import answer, measure
from tacit.doctor.messages import Kind, Report, Result, pack, pack_report, pack_result, unpack_report, unpack_result
from tacit.errors import FrameError

HOLD_SECONDS = 2.0
"""For how long beats are exchanged at least, once the link is measured."""

BEAT_SECONDS = 0.25

STEP_SECONDS = 10.0
"""How long one thing, such as a measurement, may take."""

_BYE_SECONDS = 1.0
_MAX_REQUESTS = 1 << 12


@dataclass
class Visit:
    """With one peer. result: as the caller measured. gap: the longest time without a word while beats went."""

    peer: str
    calling: bool
    came: bool = False
    order: str = ""
    same_session: bool = True
    report: Report | None = None
    result: Result | None = None
    gap: float = 0.0
    done: bool = False
    lost: str = ""


class Talk:
    """One connection's conversation.

    floor: held while something is measured, so that a host measures one link at a time. over: whether nobody else is
    waited for. deadline: when it must end, whatever happened.
    """

    def __init__(
        self, visit: Visit, line: Line, mine: Report, floor: threading.Lock, over: Callable[[], bool], deadline: float
    ) -> None:
        self._visit, self._line, self._mine = visit, line, mine
        self._floor, self._over, self._deadline = floor, over, deadline
        self._has_floor = False
        self._measured = 0.0
        self._turn = 0.0
        self._requests = 0

    def hold(self) -> None:
        """Talk until both have nothing left to say. A visit that it cannot complete says why it was lost."""
        visit = self._visit
        visit.came, visit.lost = True, ""
        try:
            self._line.send(pack_report(self._mine), self._soon())
            _, payload = self._line.expect((Kind.REPORT,), self._soon())
            visit.report = unpack_report(payload, visit.peer)
            self._converse()
            visit.done = True
        except LineLost as error:
            visit.lost = str(error)
        except FrameError as error:
            visit.lost = str(error).rstrip(".")
        finally:
            self._leave_floor()
            self._line.close()

    def _converse(self) -> None:
        beat = heard = monotonic()
        while (now := monotonic()) < self._deadline:
            if now >= beat:
                beat = now + BEAT_SECONDS
                self._line.send(pack(Kind.BEAT), self._soon())
            if self._visit.calling and self._visit.result is None and now >= self._turn:
                self._measure()
                heard = monotonic()
            if self._measured and now >= self._measured + HOLD_SECONDS and self._over():
                self._part()
                return
            message = self._line.receive(min(beat, self._deadline))
            now = monotonic()
            if self._measured:
                self._visit.gap = max(self._visit.gap, now - heard)
            if message is None:
                continue
            heard = now
            if message[0] is Kind.BYE:
                if self._visit.result is None:
                    raise LineLost("it left before that")
                with suppress(LineLost):  # it may be gone already
                    self._line.send(pack(Kind.BYE), self._soon())
                return
            self._handle(*message)
            heard = monotonic()
        raise LineLost("it was not done in time")

    def _measure(self) -> None:
        """If both ends are free. Raises LineLost."""
        self._turn = monotonic() + random.uniform(0.05, 0.2)  # noqa: S311 - two hosts must not try in step
        if not self._floor.acquire(blocking=False):
            return
        self._has_floor = True
        try:
            self._line.send(pack(Kind.TURN), self._soon())
            if self._line.expect((Kind.YES, Kind.BUSY), self._soon())[0] is Kind.YES:
                self._visit.result = measure(self._line, self._soon())
                self._line.send(pack_result(self._visit.result), self._soon())
                self._measured = monotonic()
        finally:
            self._leave_floor()

    def _handle(self, kind: Kind, payload: bytes) -> None:
        self._requests += kind in (Kind.PING, Kind.ASK, Kind.TURN)
        if self._requests > _MAX_REQUESTS:
            raise LineLost("it asks for more and more")
        match kind:
            case Kind.TURN:
                self._has_floor = self._has_floor or self._floor.acquire(blocking=False)
                self._line.send(pack(Kind.YES if self._has_floor else Kind.BUSY), self._soon())
            case Kind.PING | Kind.ASK:
                answer(self._line, kind, payload, self._soon())
            case Kind.RESULT if not self._visit.calling:
                self._visit.result = unpack_result(payload)
                self._measured = monotonic()
                self._leave_floor()
            case Kind.BEAT | Kind.FILL:
                pass
            case _:
                raise LineLost(f"it sent {kind.name} out of turn")

    def _part(self) -> None:
        until = monotonic() + _BYE_SECONDS
        with suppress(LineLost):  # all is done
            self._line.send(pack(Kind.BYE), until)
            while (message := self._line.receive(until)) is not None and message[0] is not Kind.BYE:
                if monotonic() >= until:
                    return

    def _leave_floor(self) -> None:
        if self._has_floor:
            self._has_floor = False
            self._floor.release()

    def _soon(self) -> float:
        return min(monotonic() + STEP_SECONDS, self._deadline)
