"""Recurrent layers as a loop over the steps, in place of PyTorch's fused ones, with few rounds a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from tacit.caller import caller_line
from tacit.errors import UnsupportedOpError
from tacit.tensor.caught import caught

State = tuple[Tensor, ...]
"""What a cell hands on from step to step; the first is its output as well."""

Cell = Callable[[Tensor, Tensor, State], State]
"""From the input times its weights, the output of the step before times its own, and the state: the next state."""

_torch: Any = torch._VF


@caught(_torch.lstm)
def lstm(x: Tensor, state: Any, weights: Any, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    """A product, a sigmoid, a tanh and two more steps of rounds for each element of the sequence."""
    if isinstance(state, Tensor):
        _refuse_packed("LSTM")
    output, (h, c) = _layers(_lstm_cell, x, tuple(state), weights, *rest)
    return output, h, c


@caught(_torch.gru)
def gru(x: Tensor, state: Tensor, weights: Any, *rest: Any) -> tuple[Tensor, Tensor]:
    """The rounds of ``lstm``."""
    return _single("GRU", _gru_cell, x, state, weights, *rest)


@caught(_torch.rnn_tanh)
def rnn_tanh(x: Tensor, state: Tensor, weights: Any, *rest: Any) -> tuple[Tensor, Tensor]:
    """A product and a tanh for each element of the sequence."""
    return _single("RNN", lambda fed, back, state: ((fed + back).tanh(),), x, state, weights, *rest)


@caught(_torch.rnn_relu)
def rnn_relu(x: Tensor, state: Tensor, weights: Any, *rest: Any) -> tuple[Tensor, Tensor]:
    """A product and a ReLU for each element of the sequence."""
    return _single("RNN", lambda fed, back, state: ((fed + back).relu(),), x, state, weights, *rest)


@caught(_torch.lstm_cell)
def lstm_cell(
    x: Tensor, state: Any, fed_by: Tensor, back_by: Tensor, fed_bias: Any = None, back_bias: Any = None
) -> State:
    """One step of ``lstm``."""
    fed, back = functional.linear(x, fed_by, fed_bias), functional.linear(state[0], back_by, back_bias)
    return _lstm_cell(fed, back, tuple(state))


@caught(_torch.gru_cell)
def gru_cell(
    x: Tensor, state: Tensor, fed_by: Tensor, back_by: Tensor, fed_bias: Any = None, back_bias: Any = None
) -> Tensor:
    """One step of ``gru``."""
    fed, back = functional.linear(x, fed_by, fed_bias), functional.linear(state, back_by, back_bias)
    return _gru_cell(fed, back, (state,))[0]


def _single(name: str, cell: Cell, x: Tensor, state: Tensor, weights: Any, *rest: Any) -> tuple[Tensor, Tensor]:
    if isinstance(weights, Tensor):
        _refuse_packed(name)
    output, (h,) = _layers(cell, x, (state,), weights, *rest)
    return output, h


def _refuse_packed(name: str) -> None:
    raise UnsupportedOpError(
        f"nn.{name} at {caller_line()} got a PackedSequence, and a recurrent layer takes none with secrets yet. "
        "Give it the padded batch as it is, and take the steps that count from its output."
    )


def _layers(
    cell: Cell,
    x: Tensor,
    state: State,
    weights: Sequence[Tensor],
    has_biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, State]:
    """Every layer over the whole sequence, one after the other: its output, and the last states of all."""
    directions = 2 if bidirectional else 1
    size = len(weights) // (layers * directions)
    final = []
    x = x.transpose(0, 1) if batch_first else x
    for layer in range(layers):
        outputs = []
        for direction in range(directions):
            n = layer * directions + direction
            own = weights[n * size : (n + 1) * size]
            output, last = _steps(cell, x, tuple(s[n] for s in state), own, has_biases, direction == 1)
            outputs.append(output)
            final.append(last)
        x = torch.cat(outputs, -1) if bidirectional else outputs[0]
        if dropout and train and layer < layers - 1:
            x = functional.dropout(x, dropout, training=True)
    output = x.transpose(0, 1) if batch_first else x
    return output, tuple(torch.stack(parts) for parts in zip(*final, strict=True))


def _steps(
    cell: Cell, x: Tensor, state: State, weights: Sequence[Tensor], has_biases: bool, backwards: bool
) -> tuple[Tensor, State]:
    """One layer in one direction: what it gives at every step, and its last state."""
    fed_by, back_by = weights[:2]
    fed_bias, back_bias = weights[2:4] if has_biases else (None, None)
    shrink = weights[-1] if len(weights) % 2 else None  # the projection of an LSTM with proj_size
    fed = functional.linear(x, fed_by, fed_bias).unbind(0)  # of all steps in one product
    outputs: list[Tensor] = []
    for step in reversed(fed) if backwards else fed:
        state = cell(step, functional.linear(state[0], back_by, back_bias), state)
        if shrink is not None:
            state = (functional.linear(state[0], shrink), *state[1:])
        outputs.append(state[0])
    return torch.stack(outputs[::-1] if backwards else outputs), state


def _lstm_cell(fed: Tensor, back: Tensor, state: State) -> State:
    size = state[1].shape[-1]
    gates = fed + back
    inner, forget, proposed, outer = gates.split(size, -1)
    inner, forget, outer = torch.cat((inner, forget, outer), -1).sigmoid().split(size, -1)
    cell = forget * state[1] + inner * proposed.tanh()
    return outer * cell.tanh(), cell


def _gru_cell(fed: Tensor, back: Tensor, state: State) -> State:
    size = state[0].shape[-1]
    fed_gates, fed_proposed = fed.split((2 * size, size), -1)
    back_gates, back_proposed = back.split((2 * size, size), -1)
    reset, keep = (fed_gates + back_gates).sigmoid().split(size, -1)
    proposed = (fed_proposed + reset * back_proposed).tanh()
    return (proposed + keep * (state[0] - proposed),)
