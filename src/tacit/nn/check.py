"""``tacit.check``: which operations of a network have no rule or overflow, before anything runs, without a session."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._pytree import tree_leaves, tree_map_only

from tacit.nn.ranges import Overflow, Ranges
from tacit.profile.table import PrintableTable
from tacit.settings import Settings
from tacit.tensor.probe import Log, Met, Probe


@dataclass(frozen=True)
class Report:
    """What a network asks for. operations: each with how often; stopped: why the walk ended early, or an empty text.

    overflows: what would not fit fixed point for these inputs, with how often; unmeasured: why that is not known, or an
    empty text. True if every operation has a rule, the walk came to its end and nothing overflows. A rule may still
    refuse some of an operation's options, which a walk without values does not see.
    """

    name: str
    operations: Mapping[Met, int]
    stopped: str
    overflows: Mapping[Overflow, int] = field(default_factory=dict)
    unmeasured: str = ""

    @property
    def missing(self) -> dict[Met, int]:
        """What has no rule, or would disclose a secret."""
        return {met: times for met, times in self.operations.items() if met.verdict != "rule"}

    def __bool__(self) -> bool:
        return not self.missing and not self.stopped and not self.overflows

    def table(self) -> PrintableTable:
        """What is missing, the most frequent first, and what overflows; ``print`` and ``rich`` both show it."""
        calls = sum(self.operations.values())
        title = f"{self.name}: {calls} operations on secrets, {sum(self.missing.values())} missing"
        if self.overflows:
            title += f", {sum(self.overflows.values())} beyond the range"
        table = PrintableTable(title=title)
        for heading in ("operation", "verdict", "times", "module", "line"):
            table.add_column(heading, justify="right" if heading == "times" else "left")
        for met, times in sorted(self.missing.items(), key=lambda item: -item[1]):
            table.add_row(met.op, met.verdict, str(times), met.module or "(backward)", met.line)
        for found, times in self.overflows.items():
            table.add_row(found.op, f"overflow: {found}", str(times), found.module or "(backward)", found.line)
        if self.stopped:
            table.caption = f"The walk stopped early: {self.stopped}"
        elif not self.missing:
            table.caption = "Every operation has a rule."
        if self.overflows:
            table.caption = (
                f"{table.caption or ''} What overflows needs smaller inputs or weights, or fewer frac_bits.".strip()
            )
        if self.unmeasured:
            table.caption = f"{table.caption or ''} How large values become was not measured: {self.unmeasured}".strip()
        return table

    def __str__(self) -> str:
        return str(self.table())


def check(
    module: nn.Module,
    inputs: Any,
    *,
    public: Collection[int | str] = (),
    backward: bool | None = None,
    settings: Settings | None = None,
) -> Report:
    """Which operations of ``module`` have no rule, and which overflow.

    Walks through the module with tensors that have shapes and no values, and runs it once more in plain on the inputs,
    to compare how large results, products before their truncation and sums of squares become with what fixed point
    holds. So give inputs like those to come: what they do not reach is not seen.

    inputs: a tensor, a tuple of arguments or a dict of arguments by name. All tensors stand for secrets, but those
    whose position or name is in ``public``. backward: whether to walk through the gradients too, of the sum of all
    results; by default if the module is in training mode. settings: whose ``frac_bits`` and ``compare_bits`` count, by
    default ``Settings()``. Takes no session and changes nothing in the module.
    """
    log = Log()
    gradients = module.training if backward is None else backward
    arguments = dict(inputs) if isinstance(inputs, Mapping) else dict(enumerate(_as_tuple(inputs)))
    probed = {key: value if key in public else _probed(value, log) for key, value in arguments.items()}
    tensors: dict[str, Tensor] = {
        name: _stand_in(tensor, log) for name, tensor in (*module.named_parameters(), *module.named_buffers())
    }
    args = tuple(value for key, value in probed.items() if isinstance(key, int))
    kwargs = {key: value for key, value in probed.items() if isinstance(key, str)}
    stopped = ""
    try:
        with _modules_noted(module, log), torch.set_grad_enabled(gradients):
            result = functional_call(module, tensors, args, kwargs)
            log.module = ""
            if torch.is_grad_enabled():
                _walk_back(result, [tensor for tensor in tensors.values() if tensor.requires_grad])
    except Exception as error:  # whatever a program does with a tensor that has no value
        stopped = _in_a_line(error)
    overflows, unmeasured = _measured(module, arguments, public, gradients, settings or Settings())
    return Report(type(module).__name__, dict(log.met), stopped, overflows, unmeasured)


def _measured(
    module: nn.Module,
    arguments: Mapping[Any, Any],
    public: Collection[int | str],
    gradients: bool,
    settings: Settings,
) -> tuple[dict[Overflow, int], str]:
    """What overflows when the module runs in plain, and why that is not known."""
    log = Log()
    ranges = Ranges(settings, log)
    tensors = {
        name: tensor.detach().clone().requires_grad_(tensor.requires_grad and gradients)
        for name, tensor in (*module.named_parameters(), *module.named_buffers())
    }
    copies = {key: tree_map_only(Tensor, _copied, value) for key, value in arguments.items()}
    ranges.begin([tensor for tensor in tensors.values() if tensor.dtype.is_floating_point])
    ranges.begin([value for key, value in copies.items() if key not in public])
    args = tuple(value for key, value in copies.items() if isinstance(key, int))
    kwargs = {key: value for key, value in copies.items() if isinstance(key, str)}
    try:
        with (
            torch.random.fork_rng(devices=[]),
            torch.set_grad_enabled(gradients),
            _modules_noted(module, log),
            ranges.watching(),
        ):
            result = functional_call(module, tensors, args, kwargs)
            log.module = ""
            if gradients:
                _walk_back(result, [tensor for tensor in tensors.values() if tensor.requires_grad])
    except Exception as error:  # whatever a program does with these values; the walk without them has its own answer
        return ranges.overflows, _in_a_line(error)
    return ranges.overflows, ""


def _copied(value: Tensor) -> Tensor:
    return value.detach().clone()


def _in_a_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def _stand_in(tensor: Tensor, log: Log) -> Tensor:
    """What ``tacit.secret(net)`` makes secret as a probe, and a copy of the rest, so that counters stay as they are."""
    if not tensor.dtype.is_floating_point:
        return tensor.clone()
    return Probe(tensor.detach().to("meta"), log, tensor.requires_grad)


def _as_tuple(inputs: Any) -> Sequence[Any]:
    return inputs if isinstance(inputs, tuple | list) else (inputs,)


def _probed(value: Any, log: Log) -> Any:
    return tree_map_only(Tensor, lambda tensor: Probe(tensor.detach().to("meta"), log), value)


def _walk_back(result: Any, wanted: list[Tensor]) -> None:
    values = result.values() if isinstance(result, Mapping) else (result,)
    outs = [out for value in values for out in tree_leaves(value) if isinstance(out, Tensor) and out.requires_grad]
    if outs and wanted:
        torch.autograd.grad([out.sum() for out in outs], wanted, allow_unused=True)


@contextmanager
def _modules_noted(module: nn.Module, log: Log) -> Iterator[None]:
    """While entered, ``log.module`` is the path of the module whose ``forward`` runs."""
    names = {id(inner): name for name, inner in module.named_modules()}
    outer: list[str] = []

    def begin(inner: nn.Module, args: Any) -> None:
        outer.append(log.module)
        log.module = names.get(id(inner)) or type(inner).__name__

    def end(inner: nn.Module, args: Any, result: Any) -> None:
        log.module = outer.pop() if outer else ""

    hooks = [register_module_forward_pre_hook(begin), register_module_forward_hook(end, always_call=True)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
