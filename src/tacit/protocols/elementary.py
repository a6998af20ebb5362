"""The ground of the numeric functions: exp, waves and powers of a secret, each from one opening."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from tacit.correlations.elementary import WAVE_SCALE
from tacit.protocols import cleartext
from tacit.protocols.share import Share, Storage
from tacit.protocols.sharing import Sharing
from tacit.ring.elementary import EXP_SCALE, ExpRange, Wave

_SPAN = ExpRange()


class Elementary(Sharing):
    """What ``tacit.functions`` builds exp, sigmoid, erf and the rest from."""

    def exponential(self, x: Share, shifts: Sequence[int] = (0,), span: ExpRange = _SPAN) -> list[Share]:
        """``e**x / 2**shift`` for each shift, from one opening; pending at scale 60 with unit 30; x may be pending.

        For x - o in the span, where o is ``shift * ln 2`` rounded up: ``ExpRange`` states range and error. Any other x
        gives a number without meaning: select it away.
        """
        if x.storage.known_by is not None:
            values: Sequence[Tensor | None] = [None] * len(shifts)
            if x.clear is not None:
                values = cleartext.exponential(x.clear, x.scale, shifts, span)
            outs = [self._known(value, x.storage.known_by, x.shape, Storage(EXP_SCALE, 30)) for value in values]
        else:
            with self.metered("exponential"):
                parts = self._exponential(x, shifts, span)
            outs = [Share(part, Storage(EXP_SCALE, 30)) for part in parts]
        return [self._passed_on(out, x) for out in outs]

    def waves(self, x: Share, period_bits: int, series: Sequence[Wave]) -> list[Share]:
        """Each of ``series`` at the angle of x, whose whole turn is ``2**period_bits`` units of x, from one opening.

        Pending at scale 50. x may be pending and may have any size. Error 2**-25 times the number of terms and the sum
        of the coefficients.
        """
        scale, unit, knower = 2 * WAVE_SCALE, self.settings.frac_bits, x.storage.known_by
        if knower is not None:
            values: Sequence[Tensor | None] = [None] * len(series)
            if x.clear is not None:
                values = cleartext.waves(x.clear, period_bits, series)
            outs = [self._known(value, knower, x.shape, Storage(scale, unit)) for value in values]
        else:
            with self.metered("waves"):
                parts = self._waves(x, period_bits, series)
            outs = [Share(part, Storage(scale, unit)) for part in parts]
        return [self._passed_on(out, x) for out in outs]

    def powers(self, x: Share, degree: int) -> list[Share]:
        """``x**2`` to ``x**degree`` from one opening of x, pending at 2 to ``degree`` times the scale of x.

        The last must fit: ``|x|**degree < 2**(62 - degree * scale)``.
        """
        self.settle(x)
        storages = [Storage(k * x.scale, x.storage.unit) for k in range(2, degree + 1)]
        if x.storage.known_by is not None:
            values: Sequence[Tensor | None] = [None] * (degree - 1)
            if x.clear is not None:
                values = cleartext.powers(x.clear, degree)
            knower = x.storage.known_by
            outs = [self._known(value, knower, x.shape, s) for value, s in zip(values, storages, strict=True)]
        else:
            with self.metered("powers"):
                parts = self._powers(x, degree)
            outs = [Share(part, s) for part, s in zip(parts, storages, strict=True)]
        return [self._registered(out) for out in outs]
