"""Write docs/accuracy.md and its plots, from sweeps of all numeric functions: `python scripts/accuracy_page.py`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import torch
from matplotlib import pyplot
from torch import Tensor

import tacit
from tacit.ring.fixed_point import decode
from tacit.runtime.session import current
from tacit.testing.accuracy import Finding, Sweep, measure, secret
from tacit.testing.sweeps import elementwise, rows

DOCS = Path(__file__).resolve().parents[1] / "docs"
PLOTTED = (
    *("sigmoid", "tanh", "erf", "gelu", "silu", "softplus"),
    *("exp", "log", "reciprocal", "sqrt", "rsqrt", "sin"),
)
UNIT = 2.0**-16
HEAD = """# Accuracy

Every numeric function, swept over its whole range with 16 fraction bits (a unit is 2^-16, 1.5e-5) and compared with
float64. `scripts/accuracy_page.py` writes this page; `tests/functions/test_accuracy.py` runs the same sweeps and
fails where one exceeds the error that its docstring declares.

*Allowed* is what the docstring promises: a part of the result, or an absolute error, whichever is more. *Worst* is the
largest error found, as a fraction of what is allowed; more than 1 would be a broken promise. Rounds and bytes are for
two parties, an element, without what a call costs once: from one party to the other, and from the dealer to a party.

![Errors by argument](accuracy.png)

Each dot is one argument. The line is what is allowed; a unit is dotted. The axis of arguments is linear within 1 and
logarithmic beyond.
"""
TAIL = """
## What sets the limits

* A result that leaves the range saturates where the table says so (exp), and elsewhere has no meaning: run with
  `protocol="plaintext"` on data of your own to notice.
* Functions that end in 0, 1 or x far out (sigmoid, tanh, erf, GELU, SiLU, softplus) are exact there.
* 0 and less count as half a unit in log and rsqrt, as does 0 in powers that are not whole: the largest result,
  instead of an infinity. sqrt of what is negative is 0. Every quotient over a secret 0 is 0: `x / 0`, `0 ** -2`.
* `x / y` is made of y's mantissa and x moved by y's exponent: it does not lose digits as `x * (1 / y)` does.
* softmax keeps exponentials and their sum with 30 fraction bits, so a row of 50,000 entries sums to 1. Layer
  normalization never truncates the variance, so that 1e-6 and 1e6 are as good as 1.
"""


def job(sweeps: Sequence[Sweep]) -> list[Tensor]:
    """Absolute errors of each sweep, at the first party."""
    protocol = current().protocol
    errors = []
    for sweep in sweeps:
        ring = protocol.reveal(sweep.function(protocol, *(secret(protocol, a) for a in sweep.arguments)), None)
        errors.append((decode(ring, 16, torch.float64) - sweep.truth(*sweep.arguments)).abs())
    return errors


def plot(sweeps: Sequence[Sweep], errors: Sequence[Tensor]) -> None:
    """One panel a function: error by argument."""
    mpl.rcParams["font.size"] = 8
    figure, axes = pyplot.subplots(4, 3, figsize=(11, 11), constrained_layout=True)
    for axis, sweep, error in zip(axes.flat, sweeps, errors, strict=True):
        x, order = sweep.arguments[0].sort()
        truth = sweep.truth(x)
        allowed = (truth.abs() * sweep.relative).clamp(min=sweep.units * UNIT)
        axis.scatter(x, error[order].clamp(min=UNIT / 64), s=2, color="#1f6f8b", linewidths=0)
        axis.plot(x, allowed, color="#c0392b", linewidth=1)
        axis.axhline(UNIT, color="gray", linewidth=0.8, linestyle=":")
        axis.set_xscale("symlog", linthresh=1)
        axis.set_yscale("log")
        if float(x.min()) >= 0 or sweep.name in {"log", "sqrt", "rsqrt"}:
            axis.set_xlim(0, float(x.max()) * 2)
        low, high = axis.get_xlim()
        axis.set_xticks([t for t in (-1e12, -1e6, -100, -1, 0, 1, 100, 1e6, 1e12) if low <= t <= high])
        axis.minorticks_off()
        axis.set_title(sweep.name)
    figure.savefig(DOCS / "accuracy.png", dpi=100, metadata={"Software": ""})


def table(sweeps: Sequence[Sweep], two: Sequence[Finding], three: Sequence[Finding]) -> str:
    """A row a sweep."""
    lines = [
        "| function | arguments | allowed | worst, 2 parties | worst, 3 parties | absolute | rounds | bytes | dealer |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for sweep, first, second in zip(sweeps, two, three, strict=True):
        costs = f"{first.rounds} | {first.sent:.0f} | {first.dealt:.0f}"
        lines.append(
            f"| {sweep.name} | {_range(sweep)} | {_allowed(sweep)} | {first.worst:.2f} | {second.worst:.2f} | "
            f"{max(first.absolute, second.absolute):.1e} | {costs} |"
        )
    return "\n".join(lines)


def _range(sweep: Sweep) -> str:
    x = sweep.arguments[0]
    shape = "" if x.dim() == 1 else f", rows of {x.shape[-1]}"
    return f"{_number(float(x.min()))} to {_number(float(x.max()))}{shape}"


def _number(x: float) -> str:
    power = math.log2(abs(x)) if x else 0.5
    return f"{'-' if x < 0 else ''}2^{power:.0f}" if power == int(power) and abs(power) > 4 else f"{x:.3g}"


def _allowed(sweep: Sweep) -> str:
    parts = [f"{sweep.relative:.0e}".replace("e-0", "e-")] if sweep.relative else []
    return " or ".join([*parts, f"{sweep.units * UNIT:.1e}".replace("e-0", "e-")])


def leaders(sweeps: Sequence[Sweep], two: Sequence[Finding]) -> str:
    """The functions that cost most, and those with the worst absolute error among results of moderate size."""
    costly = sorted(two, key=lambda f: -(f.sent + f.dealt))[:3]
    single = [f for f, sweep in zip(two, sweeps, strict=True) if not sweep.relative and "far" not in f.name]
    wrong = sorted(single, key=lambda f: -f.absolute)[:3]
    first = ", ".join(f"{f.name} ({f.sent:.0f} + {f.dealt:.0f} bytes, {f.rounds} rounds)" for f in costly)
    second = ", ".join(f"{f.name} ({f.absolute:.1e})" for f in wrong)
    return f"Most costly an element: {first}. Largest absolute error of those with a bounded result: {second}."


def main() -> None:
    """Measure, plot and write."""
    torch.set_num_threads(1)
    singles, many = elementwise(), rows()
    found = {n: measure([*singles, *many], tacit.Settings(), n) for n in (2, 3)}
    chosen = [sweep for name in PLOTTED for sweep in singles if sweep.name == name]
    plot(chosen, tacit.run(job, ["p0", "p1"], args=(chosen,))["p0"])
    split = len(singles)
    sections = (
        HEAD,
        "## One number or two\n\n" + table(singles, found[2][:split], found[3][:split]),
        "\n## Rows\n\n" + table(many, found[2][split:], found[3][split:]),
        "\n" + leaders(singles, found[2][:split]),
        TAIL.rstrip(),
    )
    (DOCS / "accuracy.md").write_text("\n".join(sections) + "\n")


if __name__ == "__main__":
    main()
