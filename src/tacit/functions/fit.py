"""What is known about a function that waves follow on an interval."""

from __future__ import annotations

from dataclasses import dataclass

from tacit.ring.elementary import Wave


@dataclass(frozen=True)
class Fit:
    """``slope * x`` plus sines and cosines of multiples of an angle that turns once in ``2**turn``, up to ``limit``."""

    sines: tuple[float, ...]
    cosines: tuple[float, ...]
    slope: float
    turn: int
    limit: float

    def wave(self, factor: float = 1.0, constant: float = 0.0) -> Wave:
        """The sines and cosines, times a factor, plus a constant."""
        cosines = [c * factor for c in self.cosines or (0.0,)]
        cosines[0] += constant
        return Wave([s * factor for s in self.sines], cosines)
