"""Small matrices: elimination, Cholesky, triangular systems, Householder's QR; autograd follows the steps.

Each takes as many steps, one after the other, as the matrix has rows: right for tens of rows, slow for hundreds.
Results are as good as the fixed point allows: an error of a few units times the condition number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from tacit.caller import caller_line
from tacit.errors import UnsupportedOpError
from tacit.tensor.caught import caught


def _eliminated(a: Tensor, b: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """``a^-1 b`` by Gauss and Jordan with the largest pivot of each column; the pivots and the signs of their swaps."""
    size = a.shape[-1]
    rows = torch.cat((a, b), -1)
    pivots, signs = [], []
    for k in range(size):
        below = rows.narrow(-2, k, size - k)
        marks = functional.one_hot(below[..., k].detach().abs().argmax(-1), size - k).to(rows.dtype)
        chosen = marks.unsqueeze(-2) @ below
        below = below + marks.unsqueeze(-1) * (below.narrow(-2, 0, 1) - chosen)
        pivots.append(chosen[..., 0, k])
        signs.append(2 * marks[..., 0] - 1)
        scaled = chosen / chosen.narrow(-1, k, 1)
        others = torch.cat((rows.narrow(-2, 0, k), below.narrow(-2, 1, size - k - 1)), -2)
        others = others - others.narrow(-1, k, 1) * scaled
        rows = torch.cat((others.narrow(-2, 0, k), scaled, others.narrow(-2, k, size - k - 1)), -2)
    return rows.narrow(-1, size, b.shape[-1]), pivots, signs


class _Inverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        unit = torch.eye(a.shape[-1], dtype=a.dtype)
        found = _eliminated(a, unit.expand(a.shape))[0]
        refined: Tensor = found + found @ (unit - a @ found)  # Newton and Schulz
        ctx.save_for_backward(refined)
        return refined

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        across: Tensor = ctx.saved_tensors[0].mT
        return -(across @ grads[0] @ across)


@caught(torch.linalg.inv, torch.inverse, Tensor.inverse)
def inv(A: Tensor) -> Tensor:
    """The inverse, by elimination and one step of refinement. [..., n, n]; of a singular matrix large numbers."""
    _check_square(A)
    if not A.shape[-1]:
        return A.clone()
    found: Tensor = _Inverse.apply(A)  # type: ignore[no-untyped-call]
    return found


@caught(torch.linalg.inv_ex)
def inv_ex(A: Tensor, *, check_errors: bool = False) -> Any:
    """As ``inv``; the second result, whether it failed, says 0: nobody may know."""
    return torch.return_types.linalg_inv_ex((inv(A), torch.zeros(A.shape[:-2], dtype=torch.int32)))  # type: ignore[attr-defined]


@caught(torch.linalg.solve)
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """``A^-1 B``, or ``B A^-1``: an inverse, a product and a step of refinement."""
    _check_square(A)
    if not left:
        return solve(A.mT, B.mT).mT
    vector = B.dim() == 1 or (A.dim() - 1 == B.dim() and A.shape[:-1] == B.shape)
    right = B.unsqueeze(-1) if vector else B
    inverse = inv(A)
    found = inverse @ right
    found = found + inverse @ (right - A @ found)
    return found.squeeze(-1) if vector else found


@caught(torch.linalg.solve_ex)
def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> Any:
    """As ``solve``; whether it failed says 0."""
    found = solve(A, B, left=left)
    return torch.return_types.linalg_solve_ex((found, torch.zeros(A.shape[:-2], dtype=torch.int32)))  # type: ignore[attr-defined]


@caught(torch.linalg.tensorinv)
def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse of a tensor as a map of its last dimensions to its first ``ind``."""
    first, last = A.shape[:ind], A.shape[ind:]
    return inv(A.reshape(first.numel(), -1)).reshape(*last, *first)


@caught(torch.linalg.tensorsolve)
def tensorsolve(A: Tensor, B: Tensor, dims: Sequence[int] | None = None) -> Tensor:
    """The x with ``tensordot(A, x) = B``."""
    if dims is not None:
        rest = [d for d in range(A.dim()) if d not in {one % A.dim() for one in dims}]
        A = A.permute(*rest, *(one % A.dim() for one in dims))
    return solve(A.reshape(B.numel(), -1), B.reshape(-1)).view(A.shape[B.dim() :])


@caught(torch.linalg.det, torch.det, Tensor.det)
def det(A: Tensor) -> Tensor:
    """The product of the pivots, which must stay below 2**30."""
    _check_square(A)
    _, pivots, signs = _eliminated(A, A.narrow(-1, 0, 0))
    out = torch.ones(A.shape[:-2], dtype=A.dtype)
    for one in (*pivots, *signs):
        out = out * one
    return out


@caught(torch.linalg.slogdet, torch.slogdet, Tensor.slogdet)
def slogdet(A: Tensor) -> Any:
    """The sign of the determinant and the logarithm of its size: the sum of those of the pivots."""
    _check_square(A)
    _, pivots, signs = _eliminated(A, A.narrow(-1, 0, 0))
    sign = torch.ones(A.shape[:-2], dtype=A.dtype)
    for one in signs:
        sign = sign * one.detach()
    for one in pivots:
        sign = sign * torch.where(one.detach() < 0, -1.0, 1.0)
    size = torch.stack([one.abs() for one in pivots]).log().sum(0) if pivots else torch.zeros_like(sign)
    return torch.return_types.linalg_slogdet((sign, size))  # type: ignore[attr-defined]


@caught(torch.logdet, Tensor.logdet)
def logdet(A: Tensor) -> Tensor:
    """The logarithm of a determinant that is positive."""
    size: Tensor = slogdet(A)[1]
    return size


@caught(torch.linalg.cholesky, torch.cholesky, Tensor.cholesky)
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """The lower factor of a symmetric positive definite matrix, column after column: a root each. [..., n, n]."""
    _check_square(input)
    input = (input + input.mT) / 2  # so that both halves have the gradient, as in PyTorch
    size = input.shape[-1]
    columns: list[Tensor] = []
    for k in range(size):
        rest = input[..., k:, k]
        for one in columns:
            rest = rest - one[..., k:] * one[..., k : k + 1]
        column = rest * rest[..., :1].rsqrt()
        columns.append(functional.pad(column, (k, 0)))
    lower = torch.stack(columns, -1) if columns else input.clone()
    return lower.mT if upper else lower


@caught(torch.linalg.cholesky_ex)
def cholesky_ex(input: Tensor, *, upper: bool = False, check_errors: bool = False) -> Any:
    """As ``cholesky``; whether it failed says 0."""
    found = cholesky(input, upper)
    return torch.return_types.linalg_cholesky_ex((found, torch.zeros(input.shape[:-2], dtype=torch.int32)))  # type: ignore[attr-defined]


@caught(torch.linalg.solve_triangular)
def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """The solution of a triangular system, row after row: a product each, and one division for all."""
    if not left:
        return solve_triangular(A.mT, B.mT, upper=not upper, unitriangular=unitriangular).mT
    size = A.shape[-1]
    lead = torch.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    if not unitriangular:
        diagonal = A.diagonal(0, -2, -1).unsqueeze(-1)
        A, B = A / diagonal, B / diagonal
    found: dict[int, Tensor] = {}
    for k in range(size - 1, -1, -1) if upper else range(size):
        row = B[..., k, :]
        if found:
            known = torch.stack([found[j] for j in sorted(found)], -2)
            weights = A[..., k, sorted(found)].unsqueeze(-2)
            row = row - (weights @ known).squeeze(-2)
        found[k] = row
    if not found:
        return B.clone()
    return torch.stack([found[k].expand(*lead, B.shape[-1]) for k in range(size)], -2)


@caught(torch.cholesky_solve, Tensor.cholesky_solve)
def cholesky_solve(input: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """``(L L^T)^-1 input``: two triangular systems."""
    lower = L.mT if upper else L
    return solve_triangular(lower.mT, solve_triangular(lower, input, upper=False), upper=True)


@caught(torch.cholesky_inverse, Tensor.cholesky_inverse)
def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """``(L L^T)^-1``: two triangular systems."""
    return cholesky_solve(torch.eye(L.shape[-1], dtype=L.dtype).expand(L.shape), L, upper)


@caught(torch.linalg.qr, torch.qr, Tensor.qr)
def qr(A: Tensor, mode: Any = "reduced", some: bool | None = None) -> Any:
    """Householder's reflections, with LAPACK's signs: a root and a division for each column. [..., m, n]."""
    if isinstance(mode, bool) or some is not None:
        mode = "reduced" if (mode if isinstance(mode, bool) else some) else "complete"
    height, width = A.shape[-2:]
    least = min(height, width)
    basis = torch.eye(height, dtype=A.dtype).expand(*A.shape[:-2], height, height)
    rest = A
    for k in range(min(least, height - 1)):
        column = rest[..., k:, k]
        norm = torch.linalg.vector_norm(column, dim=-1, keepdim=True)
        turned = torch.where(column[..., :1].detach() < 0, norm, -norm)
        first = column[..., :1] - turned
        mirror = torch.cat((torch.ones_like(first), column[..., 1:] / first), -1)  # of first entry 1, as LAPACK has it
        weight = (first / -turned).unsqueeze(-1)
        mirror = functional.pad(mirror, (k, 0)).unsqueeze(-1)
        rest = rest - weight * mirror @ (mirror.mT @ rest)
        basis = basis - (basis @ mirror) @ (weight * mirror).mT
    upper = rest.triu()
    if mode == "complete":
        found = basis + 0 * A.sum((-2, -1), keepdim=True) if least == 0 else basis, upper
    else:
        found = basis[..., :least], upper[..., :least, :]
    return torch.return_types.linalg_qr(found if mode != "r" else (found[0].new_zeros(0), found[1]))  # type: ignore[attr-defined]


@caught(torch.linalg.lstsq)
def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """The least squares, or the shortest solution, for a matrix of full rank: a QR and a triangular system."""
    if driver in ("gelsd", "gelss"):
        raise UnsupportedOpError(
            f"lstsq at {caller_line()} with driver={driver!r} gives singular values, which are not built: leave it out."
        )
    vector = B.dim() == A.dim() - 1
    right = B.unsqueeze(-1) if vector else B
    if A.shape[-2] >= A.shape[-1]:
        q, r = qr(A)
        found = solve_triangular(r, q.mT @ right, upper=True)
    else:
        q, r = qr(A.mT)
        found = q @ solve_triangular(r.mT, right, upper=False)
    empty = torch.zeros(0, dtype=A.dtype)
    rank, rest = torch.full(A.shape[:-2], min(A.shape[-2:])), empty
    if driver == "gels":
        rank = torch.zeros(0, dtype=torch.int64)
        rest = (right - A @ found).square().sum(-2) if A.shape[-2] > A.shape[-1] else empty
    solution = found.squeeze(-1) if vector else found
    return torch.return_types.linalg_lstsq((solution, rest, rank, empty))  # type: ignore[attr-defined]


@caught(torch.linalg.matrix_power, torch.matrix_power, Tensor.matrix_power)
def matrix_power(A: Tensor, n: int) -> Tensor:
    """A whole power by squaring; of the inverse for a negative one."""
    _check_square(A)
    base, count = (A, n) if n >= 0 else (inv(A), -n)
    if count == 0:
        return torch.eye(A.shape[-1], dtype=A.dtype).expand(A.shape) + 0 * A
    out: Tensor | None = None
    for place in range(int(math.log2(count)) + 1):
        if count >> place & 1:
            out = base if out is None else out @ base
        if count >> (place + 1):
            base = base @ base
    assert out is not None  # noqa: S101 - count is positive
    return out.clone() if out is A else out


def _check_square(A: Tensor) -> None:
    if A.dim() < 2 or A.shape[-1] != A.shape[-2]:
        raise RuntimeError(f"A must be batches of square matrices, but they are {' by '.join(map(str, A.shape[-2:]))}")
