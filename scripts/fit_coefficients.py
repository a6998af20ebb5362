"""Fit the waves of tacit.functions and write src/tacit/functions/coefficients.py: `python scripts/fit_coefficients.py`.

Each function is fitted on one interval by sines and cosines whose period is longer than the interval, and is free
between the interval and the end of the period (a Fourier extension): few terms follow even a function that does not
repeat. What is made small is the largest error, rounding included: a protocol adds about 2**-25 times the sum of the
coefficients, so large coefficients that cancel are as bad as a bad fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Array = np.ndarray
TARGET = Path(__file__).resolve().parents[1] / "src/tacit/functions/coefficients.py"
ROUNDING = 2.0**-25
PENALTIES = 10.0 ** np.arange(-14.0, -6.0, 1.0)
erf = np.vectorize(math.erf)
KAPPA, CUBIC = math.sqrt(2 / math.pi), 0.044715


def density(x: Array) -> Array:
    """The normal density."""
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def normal(x: Array) -> Array:
    """The normal distribution less a half: odd."""
    return erf(x / math.sqrt(2)) / 2


def gelu_tanh(x: Array) -> Array:
    """The tanh form of GELU, less x / 2: even."""
    return x * np.tanh(KAPPA * (x + CUBIC * x**3)) / 2


def gelu_tanh_slope(x: Array) -> Array:
    """Its derivative: odd."""
    t = np.tanh(KAPPA * (x + CUBIC * x**3))
    return t / 2 + x * (1 - t * t) * KAPPA * (1 + 3 * CUBIC * x * x) / 2


def silu_slope(x: Array) -> Array:
    """The derivative of x times sigmoid, less a half: odd."""
    t = np.tanh(x / 2)
    return t / 2 + x * (1 - t * t) / 4


def arccos_kernel(x: Array) -> Array:
    """What is left of the arc cosine without its root: smooth up to 1, where it is the root of 2."""
    near = np.minimum(x, 1 - 1e-12)
    return np.arccos(near) / np.sqrt(1 - near)


def sinc_slope(x: Array) -> Array:
    """The derivative of sin(pi x) / (pi x): odd."""
    away = np.where(np.abs(x) < 1e-3, 1.0, x)
    return np.where(np.abs(x) < 1e-3, -(math.pi**2) * x / 3, (np.cos(math.pi * away) - np.sinc(away)) / away)


@dataclass(frozen=True)
class Task:
    """What to fit where: sines, cosines or both up to ``terms`` times an angle that turns once in ``2**turn``.

    slopes: candidates for the factor of x that is added to the waves. base: a constant to add. relative: whether the
    error counts relative to the function.
    """

    doc: str
    function: Callable[[Array], Array]
    low: float
    high: float
    turn: int
    terms: int
    sines: bool = True
    cosines: bool = True
    slopes: tuple[float, ...] = (0.0,)
    slope_added: float = 0.0
    base: float = 0.0
    relative: bool = False


def odd(doc: str, function: Callable[[Array], Array], limit: float, turn: int, terms: int, **more: float) -> Task:
    """A function that tends to a constant on both sides."""
    end = float(function(np.array(limit)))
    slopes = tuple(round(end * 2.0 ** (9 - turn) * (1 + i / 8)) / 256 for i in (0, 7, 8))
    return Task(doc, function, 0, limit, turn, terms, cosines=False, slopes=slopes, **more)


def even(doc: str, function: Callable[[Array], Array], limit: float, turn: int, terms: int) -> Task:
    """A function that tends to half of the absolute value of x."""
    return Task(doc, function, 0, limit, turn, terms, sines=False, slope_added=0.5)


def bracket(doc: str, function: Callable[[Array], Array], bits: int, terms: int, relative: bool = True) -> Task:
    """A function on [2**-bits, 1]."""
    return Task(doc, function, 2.0**-bits, 1, 1, terms, relative=relative)


TASKS = {
    "SIGMOID": odd("sigmoid", lambda x: np.tanh(x / 2) / 2, 11.5, 5, 16, base=0.5),
    "TANH": odd("1 + tanh", np.tanh, 6.0, 4, 16, base=1.0),
    "ERF": odd("1 + erf", erf, 3.1, 3, 8, base=1.0),
    "NORMAL": odd("the normal distribution", normal, 4.2, 4, 8, base=0.5),
    "GELU": even("GELU", lambda x: x * normal(x), 4.8, 4, 9),
    "GELU_SLOPE": odd("derivative of GELU", lambda x: normal(x) + x * density(x), 4.8, 4, 10, base=0.5),
    "GELU_TANH": even("GELU's tanh form", gelu_tanh, 4.8, 4, 9),
    "GELU_TANH_SLOPE": odd("derivative of GELU's tanh form", gelu_tanh_slope, 4.8, 4, 10, base=0.5),
    "SILU": even("SiLU", lambda x: x * np.tanh(x / 2) / 2, 13.5, 5, 20),
    "SILU_SLOPE": odd("derivative of SiLU", silu_slope, 13.5, 5, 20, base=0.5),
    "SOFTPLUS": even("softplus", lambda x: np.log(2 * np.cosh(x / 2)), 11.5, 5, 14),
    "RECIPROCAL": bracket("1 / x", lambda x: 1 / x, 4, 24),
    "RSQRT": bracket("1 / sqrt(x)", lambda x: x**-0.5, 4, 20),
    "SQRT": bracket("sqrt(x)", np.sqrt, 4, 12),
    "LOG": bracket("log(x)", np.log, 4, 20, relative=False),
    "ARCTAN": odd("arctan", np.arctan, 1.0, 2, 8),
    "ARCCOS_KERNEL": Task("arccos(x) / sqrt(1 - x)", arccos_kernel, 0, 1, 1, 8),
    "SINC": Task("sin(pi x) / (pi x)", np.sinc, 0, 1, 2, 8, sines=False),
    "SINC_SLOPE": Task("derivative of sin(pi x) / (pi x)", sinc_slope, 0, 1, 2, 8, cosines=False),
}


def fit(task: Task) -> tuple[float, Array, float]:
    """The slope, the coefficients (sines, then cosines) and the largest error, rounding included."""
    middle, half = (task.low + task.high) / 2, (task.high - task.low) / 2
    x = middle + half * np.cos(np.linspace(0, math.pi, 600))
    y = task.function(x)
    weight = 1 / np.abs(y) if task.relative else np.ones_like(x)
    angle = 2 * math.pi * x / 2.0**task.turn
    columns = [np.sin(k * angle) for k in range(1, task.terms + 1) if task.sines]
    columns += [np.cos(k * angle) for k in range(task.terms + 1) if task.cosines]
    matrix = np.stack(columns, 1)
    best = 0.0, np.zeros(0), math.inf
    for slope in task.slopes:
        for penalty in PENALTIES:
            for coefficients in minimax(matrix, y - slope * x, weight, penalty):
                error = float((np.abs(matrix @ coefficients - y + slope * x) * weight).max())
                error += (float(np.abs(coefficients).sum()) + task.terms) * ROUNDING
                if error < best[2]:
                    best = slope, coefficients, error
    return best


def minimax(matrix: Array, y: Array, weight: Array, penalty: float) -> list[Array]:
    """Least squares with a penalty on large coefficients, reweighted towards the least largest error (Lawson 1961)."""
    importance, found = np.ones_like(y), []
    damping = math.sqrt(penalty) * np.eye(matrix.shape[1])
    for _ in range(12):
        scale = np.sqrt(importance) * weight
        system = np.vstack([matrix * scale[:, None], damping])
        coefficients = np.linalg.lstsq(system, np.concatenate([y * scale, np.zeros(len(damping))]), rcond=None)[0]
        found.append(coefficients)
        error = np.abs(matrix @ coefficients - y) * weight
        importance = importance * (error / error.max() + 1e-3)
        importance /= importance.max()
    return found


def written(name: str, task: Task) -> str:
    """The definition of one fit in the generated file."""
    slope, coefficients, error = fit(task)
    sines, cosines = (list(coefficients[: task.terms]), []) if task.sines else ([], list(coefficients))
    if task.sines and task.cosines:
        cosines = list(coefficients[task.terms :])
    if task.base:
        cosines = [task.base]
    limit = "" if task.low else f" for |x| < {task.high}"
    where = limit or f" on [{task.low}, 1)"
    lines = [f"{name} = Fit("]
    lines += [*listed("sines", sines), *listed("cosines", cosines)]
    lines += [f"    slope={slope + task.slope_added!r},", f"    turn={task.turn},", f"    limit={task.high!r},", ")"]
    lines.append(f'"""{task.doc}{where}; {"relative " if task.relative else ""}error {error:.1e}."""\n')
    return "\n".join(lines)


def listed(name: str, numbers: list[float]) -> list[str]:
    """A keyword argument that holds numbers."""
    if not numbers:
        return [f"    {name}=(),"]
    return [f"    {name}=(", *(f"        {float(number):.10f}," for number in numbers), "    ),"]


def module() -> str:
    """The whole generated file."""
    head = '"""Waves that follow functions on an interval. Written by scripts/fit_coefficients.py: change that."""\n\n'
    head += "from tacit.functions.fit import Fit\n\n"
    return head + "\n".join(written(name, task) for name, task in TASKS.items())


if __name__ == "__main__":
    TARGET.write_text(module())
