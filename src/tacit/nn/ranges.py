"""How large the values of a plain network become, operation by operation, against what fixed point holds there.

The network runs in plain, on sample inputs. What stands for a secret is followed with the fraction bits that it would
carry: a product has those of both factors until it is truncated, and sums act on it before that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tacit.caller import caller_line
from tacit.errors import EncodingError
from tacit.protocols.sharing import HEADROOM
from tacit.ring.coding import RANGE_BITS
from tacit.settings import Settings
from tacit.tensor.caught import CAUGHT
from tacit.tensor.intermediates import sums_of_squares
from tacit.tensor.operands import factor
from tacit.tensor.probe import Log
from tacit.tensor.registry import short_name

_MINUS_INFINITY = torch.finfo(torch.bfloat16).min / 2
"""Values at or below this stand for minus infinity in a mask."""

_PRODUCTS: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("mul", "div", "mm", "bmm", "mv", "dot", "vdot", "convolution"), (0, 1)),
    **dict.fromkeys(("addmm", "baddbmm", "addmv", "addcmul"), (1, 2)),
    **dict.fromkeys(("convolution_backward", "sigmoid_backward", "tanh_backward", "_softmax_backward_data"), (0, 1)),
    **dict.fromkeys(("silu_backward", "gelu_backward", "native_layer_norm_backward", "mse_loss_backward"), (0, 1)),
}
"""Operations that end with a product, and which arguments are its factors."""

_SUMS = {
    *("add", "sub", "rsub", "neg", "sum", "cumsum", "cat", "stack", "clone", "index", "gather", "index_select"),
    *("flip", "roll", "repeat", "constant_pad_nd", "slice_backward", "select_backward", "copy", "index_add", "scatter"),
    *("index_put", "scatter_add", "embedding", "embedding_dense_backward", "tril", "triu", "_unsafe_view", "trace"),
}
"""Operations that are done on what is pending, at its scale; views besides."""

_COMPARING = {
    *("relu", "gt", "ge", "lt", "le", "maximum", "minimum", "max", "min", "amax", "amin", "argmax", "argmin", "abs"),
    *("clamp", "clamp_min", "clamp_max", "leaky_relu", "hardtanh", "sign", "max_pool2d_with_indices", "_softmax"),
}

_AS_IT_IS = {functional.rms_norm, torch.rms_norm, Tensor.__contains__, Tensor.to, Tensor.cpu, Tensor.cuda}
"""What is caught whole for secrets only."""


class Overflow(NamedTuple):
    """An operation of which something does not fit. what: the result, or what is inside; value: how large it became."""

    op: str
    module: str
    line: str
    what: str
    value: float
    limit: float

    def __str__(self) -> str:
        bits = round(math.log2(self.limit))
        return f"{self.what} reaches {self.value:.3g}, the limit is 2**{bits} ({self.limit:.3g})"


class Ranges:
    """The largest value of each operation that exceeds its limit, and how often it does."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self._frac_bits, self._compare_bits, self._log = settings.frac_bits, settings.compare_bits, log
        self._room: Any = SimpleNamespace(settings=settings, max_scale=2 * settings.frac_bits + HEADROOM)
        self._scales: dict[int, int] = {}
        self._found: dict[tuple[str, str, str, str], tuple[Overflow, int]] = {}

    @property
    def overflows(self) -> dict[Overflow, int]:
        """What was found, with how often."""
        return dict(self._found.values())

    def begin(self, values: Any) -> None:
        """These tensors stand for secrets."""
        for value in _tensors(values):
            if value.dtype.is_floating_point or value.dtype == torch.int64:
                self._scales[_memory(value)] = self._unit(value)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While entered, operations are looked at."""
        with _Watching(self), _Catching():
            yield

    def note(self, op: OpOverload, sizes: Sizes, out: Any) -> None:
        """One operation, after it. sizes: what was measured before, for it may write to its arguments."""
        secret, scale = sizes.secret, sizes.scale
        for value in _tensors(out):
            if not secret:
                self._scales.pop(_memory(value), None)
                continue
            self._scales[_memory(value)] = scale if value.dtype.is_floating_point else 0
            if value.dtype.is_floating_point:
                self._compare(op, "the product" if sizes.product else "the result", _largest(value), scale)
        for what, size, at in sizes.inside if secret else ():
            self._compare(op, what, size, at)

    def measured(self, op: OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Sizes:
        """What an operation has inside, and the fraction bits of its result."""
        name = short_name(op).rstrip("_")
        tensors = [value for value in _tensors((args, dict(kwargs))) if _memory(value) in self._scales]
        if not tensors:
            return Sizes(False, 0, False, ())
        scales = [self._scales[_memory(value)] for value in tensors]
        inside = list(self._inside(name, args))
        if name in _PRODUCTS or (name == "pow" and _is_whole(args[1])) or name == "mean":
            return Sizes(True, self._product_scale(name, args), True, tuple(inside))
        is_view = any(r.alias_info is not None for r in op._schema.returns)
        return Sizes(True, max(scales) if name in _SUMS or is_view else self._frac_bits, False, tuple(inside))

    def _product_scale(self, name: str, args: Sequence[Any]) -> int:
        if name == "pow":
            return 2 * self._frac_bits
        if name == "mean":
            count = max(1, args[0].numel() // max(1, self._kept(args)))
            return self._with_factor(args[0], 1 / count)
        first, second = (args[i] for i in _PRODUCTS[name])
        secret = [isinstance(x, Tensor) and _memory(x) in self._scales for x in (first, second)]
        if all(secret):
            return self._frac_bits if name == "div" else self._unit(first) + self._unit(second)
        one, other = (first, second) if secret[0] else (second, first)
        if not isinstance(one, Tensor):
            return self._frac_bits
        if name == "div":
            return self._with_factor(one, 1 / other) if secret[0] and _nonzero(other) else self._frac_bits
        return self._with_factor(one, other)

    def _with_factor(self, x: Tensor, value: Any) -> int:
        """The fraction bits of ``x`` times a public number, which has as few as hold it."""
        number = value.item() if isinstance(value, Tensor) and value.dim() == 0 else value
        try:
            scale = factor(self._room, number).scale
        except EncodingError:
            return self._frac_bits
        own = self._scales.get(_memory(x), self._frac_bits)
        return (own if own + scale <= self._room.max_scale else self._unit(x)) + scale

    @staticmethod
    def _kept(args: Sequence[Any]) -> int:
        """How many elements a mean has."""
        if len(args) < 2 or args[1] is None or not args[1]:
            return 1
        x = args[0]
        dims = {d % x.dim() for d in args[1]} if x.dim() else set()
        return math.prod(n for d, n in enumerate(x.shape) if d not in dims)

    def _inside(self, name: str, args: Sequence[Any]) -> Iterator[tuple[str, float, int]]:
        """What becomes large within an operation: sums of squares before a truncation, and what is compared."""
        x = args[0] if args and isinstance(args[0], Tensor) else None
        if x is None or not x.dtype.is_floating_point or not x.numel():
            return
        squares = sums_of_squares(name, args, self._frac_bits)
        if squares is not None:
            yield "a sum of squares", *squares
        if name == "mean":
            yield "the sum", _largest(x.detach().double().sum(args[1] if len(args) > 1 else None)), self._frac_bits
        if name in _COMPARING and self._compare_bits < RANGE_BITS + 2:
            yield "what is compared", _largest(x), RANGE_BITS + self._frac_bits + 2 - self._compare_bits

    def _unit(self, value: Tensor) -> int:
        return self._frac_bits if value.dtype.is_floating_point else 0

    def _compare(self, op: OpOverload, what: str, size: float, scale: int) -> None:
        limit = 2.0 ** (RANGE_BITS - scale)
        if size < limit:
            return
        key = (str(op), self._log.module, caller_line(), what)
        worst, times = self._found.get(key, (None, 0))
        if worst is None or size > worst.value:
            worst = Overflow(*key, size, limit)
        self._found[key] = worst, times + 1


class Sizes(NamedTuple):
    """What was known of an operation before it ran; ``inside``: what, how large, and at how many fraction bits."""

    secret: bool
    scale: int
    product: bool
    inside: tuple[tuple[str, float, int], ...]


class _Watching(TorchDispatchMode):
    def __init__(self, ranges: Ranges) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._ranges = ranges

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        sizes = self._ranges.measured(op, args, kwargs)
        out = op(*args, **kwargs)
        self._ranges.note(op, sizes, out)
        return out


class _Catching(TorchFunctionMode):
    """Functions that are caught whole for secrets are taken apart here as they are there."""

    def __torch_function__(self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        replacement = None if function in _AS_IT_IS else CAUGHT.get(function)
        if replacement is None:
            return function(*args, **(kwargs or {}))
        with self:
            return replacement(*args, **(kwargs or {}))


def _largest(value: Tensor) -> float:
    """The largest absolute value; what stands for minus infinity and what is no number do not count."""
    size = value.detach().double()
    size = torch.where((size > _MINUS_INFINITY) & ~size.isnan(), size.abs(), 0)
    return float(size.max()) if size.numel() else 0.0


def _is_whole(exponent: Any) -> bool:
    return isinstance(exponent, int | float) and exponent == int(exponent) and abs(exponent) > 1


def _nonzero(value: Any) -> bool:
    return bool((value != 0).all()) if isinstance(value, Tensor) else value != 0


def _tensors(values: Any) -> Iterator[Tensor]:
    return (leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor) and leaf.layout == torch.strided)


def _memory(value: Tensor) -> int:
    """What names the memory of a tensor. Freed memory is named anew by whatever operation comes to lie there."""
    return int(value.untyped_storage()._cdata)
