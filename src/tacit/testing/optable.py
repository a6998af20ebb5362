"""PyTorch's own table of operators, with its own samples, on secrets beside plain tensors.

``python -m tacit.testing.optable --json FILE`` runs it; it needs the package ``expecttest``. What is random, sparse or
has no numbers in it is left out (``left_out``).
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import re
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

import tacit
from tacit.errors import MisuseError, TacitError
from tacit.testing.parity import NAMES, held_by_nobody

ABSOLUTE, RELATIVE = 2e-3, 2e-3
"""What a result may be off, besides a part of the largest of its tensor."""

RIGHT, PARTLY, REFUSED, UNCLEAR, WRONG, NONE = "right", "partly", "refused", "unclear", "wrong", "none"
_SECONDS = 300.0
_MOST_ELEMENTS = 20_000

_RANDOM = re.compile(
    r"^(bernoulli|cauchy|exponential|geometric|log_normal|multinomial|normal|rand|randint|randn|random|uniform|poisson|"
    r"empty|new_empty|nn\.functional\.(.*dropout.*|rrelu|fractional_max_pool\dd|gumbel_softmax|multi_head_attention_forward))|.*_like$|"
    r"svd_lowrank|pca_lowrank"
)
_NO_NUMBERS = re.compile(
    r"sparse|to_sparse|jiterator|^torch\.ops\.|complex|polar|^view_as_|istft|stft|mm_reduce|hash_tensor"
)


def left_out(name: str) -> bool:
    """Whether an operator is not part of the comparison: random, sparse, complex, or a kernel of some device."""
    return bool(_RANDOM.search(name) or _NO_NUMBERS.search(name))


@dataclass
class Verdict:
    """How an operator did: its state, of how many samples how many were right, and the first words of what was not."""

    name: str
    state: str = NONE
    gradient: str = NONE
    right: int = 0
    samples: int = 0
    words: str = ""
    gradient_words: str = ""
    rounds: int = 0
    bits: float = 0
    seconds: float = 0
    counts: dict[str, int] = field(default_factory=dict)


def operators() -> list[Any]:
    """The operators that are compared, as PyTorch's table has them."""
    from torch.testing._internal.common_methods_invocations import op_db

    return [op for op in op_db if not left_out(op.name)]


def full_name(op: Any) -> str:
    """Its name, and that of the variant."""
    return f"{op.name}.{op.variant_test_name}" if op.variant_test_name else str(op.name)


def dtype_of(op: Any) -> torch.dtype:
    """The type to compare it in: numbers if it takes them."""
    supported = op.supported_dtypes("cpu")
    for dtype in (torch.float64, torch.float32, torch.int64, torch.bool):
        if dtype in supported:
            return dtype
    return next(iter(supported))  # type: ignore[no-any-return]


@dataclass
class _Case:
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def cases(op: Any, gradient: bool, most: int) -> list[_Case]:
    """Samples of an operator, at most so many, evenly chosen; none with what fixed point cannot hold."""
    torch.manual_seed(1)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sample in op.sample_inputs("cpu", dtype_of(op), requires_grad=gradient):
            case = _Case((sample.input, *sample.args), sample.kwargs)
            tensors = [x for x in tree_leaves((case.args, case.kwargs)) if isinstance(x, Tensor)]
            fits = all(
                x.layout == torch.strided
                and x.numel() <= _MOST_ELEMENTS
                and not x.is_complex()
                and bool(x.detach().double().isfinite().all())
                for x in tensors
            )
            if fits and not case.kwargs.get("dropout_p"):
                found.append(case)
    step = max(1, -(-len(found) // most))
    return found[::step]


def examine(op: Any, parties: int = 2, most: int = 40, mixed: bool = False) -> Verdict:
    """Run an operator's samples on secrets. mixed: only its first argument is secret."""
    verdict = Verdict(full_name(op))
    begin = time.perf_counter()
    gradient = bool(op.supports_autograd) and dtype_of(op).is_floating_point
    chosen = cases(op, gradient, most)
    wanted = [_plain(op, case, gradient) for case in chosen]

    def job() -> tuple[list[Any], int, float]:
        torch.set_num_threads(1)
        with warnings.catch_warnings(), tacit.profile() as profile:
            warnings.simplefilter("ignore")
            outcomes = [_secret(op, case, gradient, mixed) for case in chosen]
        return outcomes, profile.rounds, profile.bytes_sent

    settings = tacit.Settings(randomness="insecure_local")
    outcomes, verdict.rounds, sent = tacit.run(job, list(NAMES[:parties]), settings=settings)[NAMES[0]]
    verdict.bits = 8 * sent
    tally, gradients = Counter[str](), Counter[str]()
    for case, ours, theirs in zip(chosen, outcomes, wanted, strict=True):
        if isinstance(theirs[0], Exception) or (not ours and not theirs):
            continue
        state, words = _compared(ours[0], theirs[0])
        tally[state] += 1
        if state != RIGHT and not verdict.words:
            verdict.words = f"{_shape(case)}: {words}"
        if theirs[1] is None or state in (REFUSED, UNCLEAR):
            continue
        state, words = _compared(ours[1], theirs[1])
        gradients[state] += 1
        if state != RIGHT and not verdict.gradient_words:
            verdict.gradient_words = f"{_shape(case)}: {words}"
    verdict.right, verdict.samples = tally[RIGHT], tally.total()
    verdict.counts = dict(tally)
    verdict.state, verdict.gradient = _state(tally), _state(gradients)
    if verdict.gradient == NONE and gradient and verdict.state in (REFUSED, UNCLEAR):
        verdict.gradient = verdict.state
    verdict.seconds = round(time.perf_counter() - begin, 2)
    return verdict


def _state(tally: Counter[str]) -> str:
    for state in (WRONG, UNCLEAR):
        if tally[state]:
            return state
    if not tally.total():
        return NONE
    return RIGHT if tally[RIGHT] == tally.total() else PARTLY if tally[RIGHT] else REFUSED


def _plain(op: Any, case: _Case, gradient: bool) -> tuple[Any, Any]:
    args, kwargs = tree_map(_fresh, (case.args, case.kwargs))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _evaluated(op, args, kwargs, gradient, lambda x: x)


def _secret(op: Any, case: _Case, gradient: bool, mixed: bool) -> tuple[Any, Any]:
    leaves = [x for x in tree_leaves((case.args, case.kwargs)) if isinstance(x, Tensor)]
    numbers = any(x.dtype.is_floating_point for x in leaves)
    seen = 0

    def held(x: Any) -> Any:
        nonlocal seen
        if not isinstance(x, Tensor):
            return x
        seen += 1
        public = x.dtype.is_floating_point != numbers or (mixed and seen > 1)
        out = _fresh(x) if public else held_by_nobody(x.detach(), seen)
        return out.requires_grad_() if x.requires_grad and not public else out

    try:
        args, kwargs = tree_map(held, (case.args, case.kwargs))
    except Exception as error:
        return error, None
    return _evaluated(op, args, kwargs, gradient, tacit.reveal)


def _evaluated(op: Any, args: Any, kwargs: Any, gradient: bool, opened: Any) -> tuple[Any, Any]:
    """Results as plain tensors, and gradients by argument; or errors in their place."""
    inputs = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor) and x.requires_grad]
    try:
        outs = [x for x in tree_leaves(op(*args, **kwargs)) if isinstance(x, Tensor)]
        results = [opened(x.detach()) if isinstance(x, tacit.Secret) else x.detach() for x in outs]
    except Exception as error:
        return error, None
    if not gradient or not inputs:
        return results, None
    total = [(x * _weights(x)).sum() for x in outs if x.requires_grad and x.dtype.is_floating_point]
    if not total:
        return results, None
    try:
        grads = torch.autograd.grad(sum(total[1:], total[0]), inputs, allow_unused=True)
        return results, [None if g is None else opened(g) if isinstance(g, tacit.Secret) else g for g in grads]
    except Exception as error:
        return results, error


def _weights(x: Tensor) -> Tensor:
    return ((torch.arange(x.numel()) * 7 % 16 - 7) / 4).to(x.dtype).view(x.shape)


def _fresh(x: Any) -> Any:
    return x.detach().clone().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x


def _compared(ours: Any, theirs: Any) -> tuple[str, str]:
    if isinstance(theirs, Exception):
        return RIGHT, ""
    if isinstance(ours, Exception):
        words = " ".join(str(ours).split())[:300]
        clear = isinstance(ours, TacitError | MisuseError) or "as in PyTorch" in words
        return (REFUSED if clear else UNCLEAR), f"{type(ours).__name__}: {words}"
    if ours is None:
        ours = [None] * len(theirs)
    if len(ours) != len(theirs):
        return WRONG, f"{len(ours)} results instead of {len(theirs)}"
    for mine, other in zip(ours, theirs, strict=True):
        if other is None and mine is None:
            continue
        if other is None or mine is None:
            present = mine if other is None else other
            if not bool((present == 0).all()):
                return WRONG, "a gradient that is there only in one of the two"
            continue
        if mine.dtype != other.dtype or mine.shape != other.shape:
            return WRONG, f"{mine.dtype} {tuple(mine.shape)} instead of {other.dtype} {tuple(other.shape)}"
        words = _differ(mine, other)
        if words:
            return WRONG, words
    return RIGHT, ""


def _differ(mine: Tensor, other: Tensor) -> str:
    if not mine.dtype.is_floating_point:
        wrong = mine != other
        return f"{int(wrong.sum())} of {wrong.numel()} differ" if bool(wrong.any()) else ""
    finite = other.isfinite()
    mine, other = mine.double()[finite], other.double()[finite]
    if not mine.numel():
        return ""
    allowed = ABSOLUTE + RELATIVE * other.abs() + 1e-4 * other.abs().max()
    error = (mine - other).abs()
    worst = int((error / allowed).argmax())
    return "" if bool((error <= allowed).all()) else f"{mine[worst]:.6g} instead of {other[worst]:.6g}"


def _shape(case: _Case) -> str:
    def told(x: Any) -> str:
        if isinstance(x, Tensor):
            return f"{str(x.dtype).removeprefix('torch.')}{list(x.shape)}"
        if isinstance(x, list | tuple):
            return "[" + ", ".join(map(told, x)) + "]"
        return str(x)[:40]

    return ", ".join([*map(told, case.args), *(f"{k}={told(v)}" for k, v in case.kwargs.items())])[:200]


def _apart(name: str, options: dict[str, Any]) -> Verdict:
    """Examine one operator in a process of its own: it may take for ever."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)

    def work() -> None:
        torch.set_num_threads(1)
        op = next(op for op in operators() if full_name(op) == name)
        try:
            there.send(examine(op, **options))
        except Exception as error:
            words = " ".join(str(error).split())[:400]
            there.send(Verdict(name, UNCLEAR, words=f"the session ended: {type(error).__name__}: {words}"))

    process = context.Process(target=work, daemon=True)
    process.start()
    verdict = here.recv() if here.poll(_SECONDS) else Verdict(name, UNCLEAR, words=f"longer than {_SECONDS:g} s")
    process.kill()
    process.join()
    return verdict


def examined(pattern: str, workers: int = 2, **options: Any) -> Iterator[Verdict]:
    """All operators whose name fits the pattern, in order."""
    names = [full_name(op) for op in operators() if re.search(pattern, full_name(op))]
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda name: _apart(name, options), names)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ops", default="", help="only names that fit this regular expression")
    parser.add_argument("--json", type=Path, help="write all verdicts here")
    parser.add_argument("--parties", type=int, default=2)
    parser.add_argument("--most", type=int, default=40, help="samples of an operator")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--mixed", action="store_true", help="only the first argument is secret")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    verdicts = []
    chosen = examined(options.ops, options.workers, parties=options.parties, most=options.most, mixed=options.mixed)
    for verdict in chosen:
        verdicts.append(verdict)
        if verdict.state != RIGHT or verdict.gradient not in (RIGHT, NONE):
            words = verdict.words or verdict.gradient_words
            print(f"{verdict.name}: {verdict.state}, gradient {verdict.gradient} ({words})", flush=True)  # noqa: T201
    for what in ("state", "gradient"):
        print(what, dict(Counter(getattr(verdict, what) for verdict in verdicts)), file=sys.stderr)  # noqa: T201
    if options.json:
        options.json.write_text(json.dumps([asdict(verdict) for verdict in verdicts], indent=1))


if __name__ == "__main__":
    _main()
