"""Optimizers meet secrets: meanwhile, PyTorch's functional forms hand secret parameters to ``nn/optimizers.py``."""

from __future__ import annotations

import importlib
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from tacit.caller import caller_line
from tacit.errors import UnsupportedOpError
from tacit.nn.optimizers import STEPS, Row
from tacit.tensor.secret import Secret

_REFUSED = {
    "LBFGS": "chooses its steps by the values of the loss, which would disclose it at every step",
    "SparseAdam": "takes sparse gradients, and those of secrets are dense",
}


@contextmanager
def secret_steps() -> Iterator[None]:
    """Meanwhile, optimizers of ``torch.optim`` take secret parameters at full accuracy.

    For the whole process: from the first party that enters until the last one leaves. Plain parameters, of a mixed
    network too, go PyTorch's own way.
    """
    with _lock:
        _inside.append(None)
        if len(_inside) == 1:
            _begin()
    try:
        yield
    finally:
        with _lock:
            _inside.pop()
            if not _inside:
                _undo.close()


_lock = threading.RLock()
_inside: list[None] = []
_undo = ExitStack()


def _begin() -> None:
    for name, step in STEPS.items():
        module = importlib.import_module(f"torch.optim.{name}")
        original = getattr(module, name)
        setattr(module, name, _caught(original, step))
        _undo.callback(setattr, module, name, original)
    _undo.callback(register_optimizer_step_pre_hook(_refuse).remove)


def _caught(original: Callable[..., None], step: Callable[[Row], None]) -> Callable[..., None]:
    signature = inspect.signature(original)

    @wraps(original)
    def stepped(*args: Any, **kwargs: Any) -> None:
        bound = signature.bind(*args, **kwargs)
        params = bound.arguments["params"]
        secret = [isinstance(param, Secret) for param in params]
        if not any(secret):
            return original(*args, **kwargs)
        bound.apply_defaults()
        options = dict(bound.arguments)
        for name in ("differentiable", "capturable"):
            if options.get(name):
                raise UnsupportedOpError(f"An optimizer with {name}=True (at {caller_line()}) takes no secrets.")
        lists = [name for name, value in options.items() if isinstance(value, list) and len(value) == len(params)]
        if not all(secret):
            for name in lists:
                bound.arguments[name] = [v for v, one in zip(options[name], secret, strict=True) if not one]
            original(*bound.args, **bound.kwargs)
        numbers = {name: value.item() if _number(value) else value for name, value in options.items()}
        for index, one in enumerate(secret):
            if one:
                step(numbers | {name: options[name][index] for name in lists})
        return None

    return stepped


def _number(value: Any) -> bool:
    """Whether an option, such as the learning rate, is a plain tensor."""
    return isinstance(value, torch.Tensor) and not isinstance(value, Secret)


def _refuse(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
    name = type(optimizer).__name__
    reason = _REFUSED.get(name)
    if reason is None or not any(isinstance(p, Secret) for group in optimizer.param_groups for p in group["params"]):
        return
    raise UnsupportedOpError(
        f"torch.optim.{name} at {caller_line()} {reason}. Use torch.optim.Adam, or SGD with momentum."
    )
