"""The ground of the numeric functions: powers of two, waves and powers of a secret, each from one opening."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from tacit.correlations.elementary import TABLE_SCALE, WAVE_SCALE
from tacit.protocols import clear
from tacit.protocols.books import Books
from tacit.protocols.share import Share, Storage


class Elementary(Books):
    """What ``tacit.functions`` builds exp, sigmoid, erf and the rest from."""

    def power_of_two(self, x: Share, offsets: Sequence[int] = (0,), integer_bits: int = 5) -> list[Share]:
        """``2**(x - offset)`` for each offset with ``1 - 2**integer_bits < x - offset <= 0``, from one opening.

        Pending at scale 60 with unit 30; x may be pending. Any other x gives a number without meaning: select it away.
        """
        if x.storage.known_by is not None:
            values: Sequence[Tensor | None] = [None] * len(offsets)
            if x.clear is not None:
                values = clear.power_of_two(x.clear, x.scale, offsets, integer_bits)
            outs = [self._known(value, x.storage.known_by, x.shape, _table_storage()) for value in values]
        else:
            with self.metered("power_of_two"):
                parts = self._power_of_two(x, offsets, integer_bits)
            outs = [Share(part, _table_storage()) for part in parts]
        return [self._passed_on(out, x) for out in outs]

    def waves(self, x: Share, period_bits: int, series: Sequence[Sequence[float]]) -> list[Share]:
        """For each row b of ``series`` the sum over k of ``b[k - 1] sin(2 pi k x / 2**period_bits)``.

        Pending at scale 44. ``2**period_bits`` is a period in units of the scale of x, which may be pending; x may have
        any size.
        """
        if x.storage.known_by is not None:
            values: Sequence[Tensor | None] = [None] * len(series)
            if x.clear is not None:
                values = clear.waves(x.clear, period_bits, series)
            unit, knower = self.settings.frac_bits, x.storage.known_by
            outs = [self._known(value, knower, x.shape, Storage(2 * WAVE_SCALE, unit)) for value in values]
        else:
            with self.metered("waves"):
                parts = self._waves(x, period_bits, series)
            outs = [Share(part, Storage(2 * WAVE_SCALE, self.settings.frac_bits)) for part in parts]
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
                values = clear.powers(x.clear, degree)
            knower = x.storage.known_by
            outs = [self._known(value, knower, x.shape, s) for value, s in zip(values, storages, strict=True)]
        else:
            with self.metered("powers"):
                parts = self._powers(x, degree)
            outs = [Share(part, s) for part, s in zip(parts, storages, strict=True)]
        return [self._registered(out) for out in outs]


def _table_storage() -> Storage:
    return Storage(2 * TABLE_SCALE, TABLE_SCALE)
