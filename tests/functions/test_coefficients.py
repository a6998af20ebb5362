"""The generated coefficients are what the script in the repository computes, and follow their functions."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tacit.functions import coefficients
from tacit.functions.fit import Fit

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/fit_coefficients.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fit_coefficients", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fit_coefficients"] = module  # where its dataclasses look for their module
    spec.loader.exec_module(module)
    return module


script = load()


def value(fit: Fit, x: np.ndarray) -> np.ndarray:
    angle = 2 * np.pi * x / 2**fit.turn
    total = fit.slope * x + sum(b * np.sin(k * angle) for k, b in enumerate(fit.sines, start=1))
    return np.asarray(total + sum(c * np.cos(k * angle) for k, c in enumerate(fit.cosines)))


def lowest(task) -> float:
    """Odd and even functions are fitted on one side of 0 and hold on both."""
    return task.low if task.low or (task.sines and task.cosines) else -task.high


@pytest.mark.parametrize("name", script.TASKS)
def test_a_fit_follows_its_function(name: str) -> None:
    task, fit = script.TASKS[name], getattr(coefficients, name)
    x = np.linspace(lowest(task), task.high, 5001)
    truth = task.function(x) + task.slope_added * x + task.base
    weight = 1 / np.abs(truth) if task.relative else 1.0
    assert np.max(np.abs(value(fit, x) - truth) * weight) < 3e-5


@pytest.mark.slow  # computes every fit again, or nobody could tell where the numbers come from
@pytest.mark.parametrize("name", script.TASKS)
def test_the_script_writes_what_is_in_the_repository(name: str) -> None:
    """To within what another processor's rounding may change."""
    namespace: dict[str, object] = {"Fit": Fit}
    exec(script.written(name, script.TASKS[name]), namespace)  # noqa: S102
    again, fit = namespace[name], getattr(coefficients, name)
    assert isinstance(again, Fit)
    assert (again.turn, again.limit, len(again.sines)) == (fit.turn, fit.limit, len(fit.sines))
    x = np.linspace(lowest(script.TASKS[name]), fit.limit, 1001)
    close = np.abs(value(again, x) - value(fit, x)) < 2e-5 * np.maximum(1, np.abs(value(fit, x)))
    assert close.all()
