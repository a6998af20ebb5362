"""Samples of what is made of other operations: inverse functions, remainders, scans, order, positions, padding."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from tacit.testing.samples._base import Sample, bits, numbers, real, sample, whole

aten = torch.ops.aten

Function = Callable[..., Any]

_NEAR = numbers(-1, -0.875, -0.5, -0.25, 0, 0.125, 0.5, 0.75, 1)
_LARGE = numbers(-(2.0**30), -5000, -40, -1.5, -1, 0, 1, 1.5, 40, 5000, 2.0**30)

_ONE: dict[str, tuple[Function, float]] = {
    "tan": (lambda x: torch.tan(x / 4), 40),
    "atan": (torch.atan, 20),
    "acos": (lambda x: torch.acos(x / 5), 30),
    "asin": (lambda x: torch.asin(x / 5), 30),
    "sinh": (torch.sinh, 300),
    "cosh": (torch.cosh, 300),
    "asinh": (torch.asinh, 20),
    "acosh": (lambda x: torch.acosh(x * x + 1.5), 200),
    "atanh": (lambda x: torch.atanh(x / 5), 60),
    "sinc": (torch.sinc, 30),
    "deg2rad": (torch.deg2rad, 6),
    "rad2deg": (torch.rad2deg, 120),
    "mish": (F.mish, 40),
    "softshrink": (F.softshrink, 4),
    "hardshrink": (F.hardshrink, 4),
    "threshold": (lambda x: F.threshold(x, 0.5, -2.0), 4),
    "xlog1py": (lambda x: torch.special.xlog1py(x, x * x), 120),
    "xlogy number": (lambda x: torch.xlogy(2.0, x * x + 1), 60),
    "xlogy by a number": (lambda x: torch.xlogy(x, 3.0), 10),
    "xlog1py number": (lambda x: torch.special.xlog1py(2.0, x * x), 60),
    "xlog1py by a number": (lambda x: torch.special.xlog1py(x, 3.0), 10),
    "entr": (lambda x: torch.special.entr(x * x + 0.25), 200),
    "nan_to_num": (torch.nan_to_num, 2),
    "nansum": (torch.nansum, 4),
    "logcumsumexp": (lambda x: torch.logcumsumexp(x, 1), 40),
    "prod of all": (lambda x: torch.prod(x[:2, :2]), 600),
    "prod along": (lambda x: torch.prod(x[:, :3], 1), 300),
    "cumprod": (lambda x: torch.cumprod(x[:, :3], 1), 400),
    "cumprod at once": (lambda x: aten.cumprod.default(x.detach()[:, :3], 1), 400),
    "renorm": (lambda x: torch.renorm(x, 2, 0, 3.0), 60),
    "remainder by a number": (lambda x: torch.remainder(x, 1.5), 6),
    "fmod by a number": (lambda x: torch.fmod(x, -1.5), 6),
    "diag_embed": (lambda x: torch.diag_embed(x, 1), 2),
    "rot90": (lambda x: torch.rot90(x, 1), 2),
    "reflection pad": (lambda x: F.pad(x[None], (2, 1), mode="reflect"), 4),
    "reflection pad in 2": (lambda x: F.pad(x[None], (2, 1, 1, 2), mode="reflect"), 4),
    "replication pad": (lambda x: F.pad(x[None], (2, 1), mode="replicate"), 4),
    "replication pad in 2": (lambda x: F.pad(x[None], (2, 1, 1, 3), mode="replicate"), 4),
    "circular pad": (lambda x: F.pad(x[None], (2, 1), mode="circular"), 4),
    "unfold and fold": (lambda x: F.fold(F.unfold(x[None, None], 2), (3, 5), 2), 8),
    "sort": (lambda x: torch.sort(x, 1)[0], 4),
    "sort downwards": (lambda x: torch.sort(x, 0, descending=True)[0], 4),
    "median": (torch.median, 4),
    "median along": (lambda x: torch.median(x, 1)[0], 4),
    "nanmedian": (torch.nanmedian, 4),
    "nanmedian along": (lambda x: torch.nanmedian(x, 1)[0], 4),
    "kthvalue": (lambda x: torch.kthvalue(x, 2, 1)[0], 4),
    "topk": (lambda x: torch.topk(x, 2, 1)[0], 4),
    "cummax": (lambda x: torch.cummax(x, 1)[0], 4),
    "cummin": (lambda x: torch.cummin(x, 1)[0], 4),
    "norm": (lambda x: aten.norm.ScalarOpt_dim(x, 2, [1]), 60),
    "norm in a type": (lambda x: aten.norm.ScalarOpt_dim_dtype(x, 2, [1], False, dtype=x.dtype), 60),
    "norm of all": (lambda x: aten.norm.Scalar(x), 60),
    "aminmax": (lambda x: tuple(torch.aminmax(x, dim=1)), 4),
    "block_diag": (lambda x: torch.block_diag(x, x), 2),
    "select_scatter": (lambda x: torch.select_scatter(x, x[0] * 2, 0, 1), 4),
    "slice_scatter": (lambda x: torch.slice_scatter(x, x[:2] * 2, 0, 1, 3), 4),
    "diagonal_scatter": (lambda x: torch.diagonal_scatter(x, x[:, 0] * 2), 4),
    "as_strided_scatter": (lambda x: torch.as_strided_scatter(x.clone(), x[0] * 2, (5,), (3,)), 4),
    "take": (lambda x: torch.take(x, torch.tensor([0, 3, 3, 7])), 8),
    "put": (lambda x: torch.put(x, torch.tensor([0, 7]), x[0, :2] * 2), 4),
    "fill": (lambda x: torch.fill(x, 2.0) + x, 4),
    "fill with a tensor": (lambda x: torch.fill(x, x[0, 0].detach()) + x, 4),
    "unsafe_split": (lambda x: list(torch.unsafe_split(x, 2, 1)), 2),
    "unsafe_split_with_sizes": (lambda x: list(torch.unsafe_split_with_sizes(x, [2, 3], 1)), 2),
    "unsafe_chunk": (lambda x: list(torch.unsafe_chunk(x, 2, 1)), 2),
    "scatter_reduce sum": (lambda x: x.scatter_reduce(1, torch.tensor([[0, 1, 1]] * 3), x[:, :3] * 2, "sum"), 8),
    "scatter_reduce amax": (
        lambda x: x.detach().scatter_reduce(1, torch.tensor([[0, 1, 1]] * 3), x.detach()[:, :3] * 2, "amax"),
        8,
    ),
    "glu": (lambda x: F.glu(x[:, :4]), 40),
    "squeeze_": (lambda x: (x[:1] * 2).squeeze_(), 4),
    "squeeze_ along": (lambda x: (x[:1] * 2).squeeze_(0), 4),
    "squeeze_ along some": (lambda x: (x[:1, :1] * 2).squeeze_((0, 1)), 4),
    "unsqueeze_": (lambda x: (x * 2).unsqueeze_(1), 4),
    "transpose_": (lambda x: (x * 2).transpose_(0, 1), 4),
    "t_": (lambda x: (x * 2).t_().relu(), 4),
    "as_strided_": (lambda x: (x.detach() * 2).as_strided_((2, 2), (5, 1)), 4),
    "linear of one row": (lambda x: F.linear(x[0], x), 200),
    "adaptive_avg_pool2d, channels last": (
        lambda x: F.adaptive_avg_pool2d(x.expand(2, 3, 3, 5).contiguous(memory_format=torch.channels_last), 1),
        20,
    ),
    "quantile": (lambda x: torch.quantile(x, 0.3, dim=1), 20),
    "index_copy": (lambda x: torch.index_copy(x, 0, torch.tensor([2, 0]), x[:2] * 2), 4),
    "index_reduce": (
        lambda x: _index_reduced(x.detach()),
        8,
    ),
}

_COPIES: dict[str, Function] = {
    "alias_copy": lambda x: torch.alias_copy(x),
    "as_strided_copy": lambda x: torch.as_strided_copy(x, (2, 2), (2, 1)),
    "diagonal_copy": lambda x: torch.diagonal_copy(x),
    "expand_copy": lambda x: torch.expand_copy(x, (2, 3, 5)),
    "narrow_copy": lambda x: torch.narrow_copy(x, 1, 1, 2),
    "permute_copy": lambda x: torch.permute_copy(x, (1, 0)),
    "select_copy": lambda x: torch.select_copy(x, 0, 1),
    "slice_copy": lambda x: torch.slice_copy(x, 1, 1, 4),
    "split_copy": lambda x: list(aten.split_copy.Tensor(x, 2)),
    "split_with_sizes_copy": lambda x: list(aten.split_with_sizes_copy(x, [1, 2])),
    "squeeze_copy": lambda x: torch.squeeze_copy(x[:1]),
    "squeeze_copy along": lambda x: torch.squeeze_copy(x[:1], 0),
    "squeeze_copy along some": lambda x: torch.squeeze_copy(x[:1], (0, 1)),
    "t_copy": lambda x: torch.t_copy(x),
    "transpose_copy": lambda x: torch.transpose_copy(x, 0, 1),
    "unbind_copy": lambda x: list(aten.unbind_copy.int(x)),
    "unfold_copy": lambda x: torch.unfold_copy(x, 1, 2, 1),
    "unsqueeze_copy": lambda x: torch.unsqueeze_copy(x, 1),
    "view_copy": lambda x: torch.view_copy(x, (5, 3)),
    "chunk_cat": lambda x: torch._chunk_cat([x.detach(), x.detach()], 0, 2),
}

_TWO: dict[str, tuple[Function, float]] = {
    "atan2": (torch.atan2, 60),
    "hypot": (lambda x, y: torch.hypot(x, y + 5), 40),
    "remainder": (lambda x, y: torch.remainder(x, y + 6), 30),
    "fmod": (lambda x, y: torch.fmod(x, y + 6), 30),
    "floor_divide": (lambda x, y: torch.floor_divide(x.detach(), y.detach() + 6), 2),
    "div downwards": (lambda x, y: torch.div(x, y + 6, rounding_mode="floor"), 2),
    "div towards zero": (lambda x, y: torch.div(x, y + 6, rounding_mode="trunc"), 2),
    "copysign": (torch.copysign, 4),
    "fmax": (torch.fmax, 4),
    "fmin": (torch.fmin, 4),
    "heaviside": (lambda x, y: torch.heaviside(x.detach(), y.detach()), 4),
    "xlogy": (lambda x, y: torch.xlogy(x, y * y + 1), 60),
    "logaddexp": (torch.logaddexp, 40),
    "logaddexp2": (torch.logaddexp2, 60),
    "huber_loss": (F.huber_loss, 8),
    "smooth_l1_loss": (F.smooth_l1_loss, 8),
    "soft_margin_loss": (lambda x, y: F.soft_margin_loss(x, y.detach().sign()), 20),
    "clamp between two tensors": (lambda x, y: torch.clamp(x, y - 1, y + 1), 4),
    "ldexp": (lambda x, y: torch.ldexp(x, torch.tensor(2)) + y, 8),
    "dist": (torch.dist, 60),
    "cdist": (torch.cdist, 60),
    "cross": (lambda x, y: torch.linalg.cross(x[:, :3], y[:, :3]), 20),
    "addr": (lambda x, y: torch.addr(x, y[:, 0], x[0]), 20),
    "put many": (lambda x, y: torch.put(x, torch.tensor([1, 1, 4]), y[0, :3], accumulate=True), 4),
    "gaussian_nll_loss": (lambda x, y: F.gaussian_nll_loss(x, y, torch.full((3, 5), 0.75)), 40),
}


def made_of_others() -> list[Sample]:
    """One sample of each, and what has a range of its own far out and at its ends."""
    x, y = real(3, 5), real(3, 5)
    target = torch.tensor([0, 2, 4])
    image, volume = real(1, 2, 4, 5), real(1, 1, 3, 4, 4)
    return [
        *(sample(name, function, x, units=units) for name, (function, units) in _ONE.items()),
        *(sample(name, function, x) for name, function in _COPIES.items()),
        *(sample(name, function, x, y, units=units, relative=8) for name, (function, units) in _TWO.items()),
        *(
            sample(f"{name} at the ends", function, _NEAR, gradient=False, units=60)
            for name, function in {"acos": torch.acos, "asin": torch.asin, "sinc": torch.sinc}.items()
        ),
        *(
            sample(f"{name} far out", function, _LARGE, gradient=False, units=60)
            for name, function in {"atan": torch.atan, "asinh": torch.asinh}.items()
        ),
        sample("atan2 of zeros", torch.atan2, numbers(0, 0, 1, -1), numbers(0, -1, 0, 0), gradient=False, units=20),
        *_resampling(image, volume),
        *_secret_positions(x),
        *_counting(x),
        sample("prelu", lambda x, w: F.prelu(x, w), x, real(5), units=60),
        sample("multi_margin_loss", lambda x: F.multi_margin_loss(x, target), x, units=8),
        sample("multilabel_margin_loss", lambda x: F.multilabel_margin_loss(x[0], torch.tensor([3, 0, -1, 1, 2])), x),
        sample("addbmm", lambda a, b: torch.addbmm(a[0], a, b), real(2, 3, 3), real(2, 3, 3), units=40),
        sample("trilinear", F.bilinear, real(4, 3), real(4, 2), real(2, 3, 2), units=200, public=()),
        sample("pdist", F.pdist, real(4, 3), units=60),
        sample("masked_scatter by a public mask", _masked, x, y),
        sample("dropout's way back", _dropout, x, gradient=False),
        sample("_unsafe_masked_index", _unsafe, x),
        sample("_unsafe_masked_index_put_accumulate", _unsafe_put, x, gradient=False),
    ]


def _resampling(image: Tensor, volume: Tensor) -> list[Sample]:
    row = real(1, 2, 5)
    modes: list[tuple[str, Tensor, dict[str, Any]]] = [
        ("nearest", row, {"size": 7}),
        ("nearest", image, {"scale_factor": 2}),
        ("nearest", volume, {"size": (2, 5, 3)}),
        ("nearest-exact", row, {"size": 7}),
        ("nearest-exact", image, {"size": (3, 7)}),
        ("nearest-exact", volume, {"size": (2, 5, 3)}),
        ("linear", row, {"size": 7}),
        ("bilinear", image, {"size": (6, 3), "align_corners": True}),
        ("bilinear", image, {"size": (2, 3), "antialias": True}),
        ("bicubic", image, {"size": (6, 7)}),
        ("bicubic", image, {"size": (2, 3), "antialias": True}),
        ("trilinear", volume, {"size": (2, 6, 5)}),
    ]
    samples = [
        sample(
            f"interpolate {mode} {len(x.shape) - 2} {index}",
            lambda x, mode=mode, options=options: F.interpolate(x, mode=mode, **options),
            x,
            units=30,
        )
        for index, (mode, x, options) in enumerate(modes)
    ]
    grid = torch.tensor([[[[0.25, -0.5], [0.75, 0.5]], [[-0.25, 0.0], [0.5, -0.75]]]], dtype=torch.float64)
    return [
        *samples,
        sample("grid_sample", lambda x: F.grid_sample(x, grid.to(x.dtype), align_corners=False), image, units=20),
        sample("replication pad in 3", lambda x: F.pad(x, (1, 1, 1, 0, 0, 1), mode="replicate"), volume),
        sample("reflection pad in 3", lambda x: F.pad(x, (1, 1, 1, 0, 0, 1), mode="reflect"), volume),
        sample(
            "avg_pool3d", lambda x: F.avg_pool3d(x, (2, 2, 3), 2, (0, 1, 1), count_include_pad=False), volume, units=20
        ),
        sample(
            "avg_pool3d divided", lambda x: F.avg_pool3d(x, 2, ceil_mode=True, divisor_override=3), volume, units=20
        ),
        sample("adaptive_avg_pool3d", lambda x: F.adaptive_avg_pool3d(x, (2, 3, 1)), volume, units=20),
        sample("max_pool3d", lambda x: F.max_pool3d(x, 2, 2, 1), volume),
        sample("adaptive_max_pool1d", lambda x: F.adaptive_max_pool1d(x, 2), row),
        sample("adaptive_max_pool2d", lambda x: F.adaptive_max_pool2d(x, (2, 3)), image),
        sample("adaptive_max_pool3d", lambda x: F.adaptive_max_pool3d(x, (2, 1, 3)), volume),
        sample("max_unpool2d", lambda x: F.max_unpool2d(x[..., :2, :2], _PLACES, [2, 2]), image),
        sample(
            "max_unpool3d",
            lambda x: F.max_unpool3d(x[:, :, :1, :1, :1], _PLACES[:, :1, None, :1, :1], [2, 2, 2]),
            volume,
        ),
        sample("im2col", lambda x: F.unfold(x, 2, padding=1), image),
    ]


_PLACES = torch.tensor([[[[0, 3], [8, 10]], [[1, 2], [9, 15]]]])


def _secret_positions(x: Tensor) -> list[Sample]:
    rows, wide = whole(4, low=0, high=3), whole(3, 2, low=0, high=5)
    ones = torch.tensor([0, 4, 2])
    return [
        sample("index at secret rows", lambda x, i: x[i], x, rows, public=(0,), units=4),
        sample("index at secret columns", lambda x, i: x[:, i], x, rows, public=(0,), units=4),
        sample("index at secret labels", lambda x, i: x[torch.arange(3), i], x, ones, public=(0,), units=4),
        sample("index at two secrets", lambda x, i, j: x[i, j], x, rows, rows.flip(0), public=(0,), units=4),
        sample("index_select at secrets", lambda x, i: torch.index_select(x, 1, i), x, rows, public=(0,), units=4),
        sample("gather at secrets", lambda x, i: torch.gather(x, 1, i), x, wide, public=(0,), units=4),
        sample("gather of bits at secrets", lambda x, i: torch.gather(x, 1, i), bits(3, 5), wide, public=()),
        sample("take_along_dim at secrets", lambda x, i: torch.take_along_dim(x, i, 1), x, wide, public=(0,), units=4),
        sample("at the place of the largest", lambda x: x[torch.arange(3), x.argmax(1)], x, units=4),
        sample("write at a secret row", _write, x, torch.tensor([1]), public=(), units=4),
        sample("index_put at secrets", _put, x, torch.tensor([2, 0]), public=(), units=4),
        sample("index_put of more at secrets", _put_more, x, torch.tensor([2, 2]), public=(), units=4),
        sample("scatter at secrets", _scatter, x, torch.tensor([[0, 3], [4, 1], [2, 0]]), public=(), units=4),
        sample("scatter a number at secrets", _scatter_number, x, wide, public=(), units=4),
        sample("scatter_add at secrets", _scatter_add, x, wide, public=(), units=8),
        sample("index_add at secrets", _index_add, x, torch.tensor([1, 1]), public=(), units=8),
        sample("one_hot of secrets", lambda i: F.one_hot(i, 5), wide, public=(), gradient=False),
    ]


def _index_reduced(x: Tensor) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it is in beta
        return x.index_reduce(1, torch.tensor([0, 1, 1]), x[:, :3], "amin")


def _write(x: Tensor, i: Tensor) -> Tensor:
    out = x.clone()
    out[i] = x[:1] * 2
    return out


def _put(x: Tensor, i: Tensor) -> Tensor:
    return torch.index_put(x, (i,), x[:2] * 2)


def _put_more(x: Tensor, i: Tensor) -> Tensor:
    return torch.index_put(x, (i,), x[:2] * 2, accumulate=True)


def _scatter(x: Tensor, i: Tensor) -> Tensor:
    return torch.scatter(x, 1, i, x[:, :2] * 2)


def _scatter_number(x: Tensor, i: Tensor) -> Tensor:
    return torch.scatter(x, 1, i, 1.5)


def _scatter_add(x: Tensor, i: Tensor) -> Tensor:
    return torch.scatter_add(x, 1, i, x[:, :2] * 2)


def _index_add(x: Tensor, i: Tensor) -> Tensor:
    return torch.index_add(x, 0, i, x[:2] * 2)


def matrices_of_few_rows() -> list[Sample]:
    """Linear algebra, on matrices that are far from singular. LAPACK lays its results out by columns."""
    a, b = real(2, 3, 3, low=-1, high=1) + 3 * torch.eye(3), real(2, 3, 2)
    samples: dict[str, tuple[Function, float]] = {
        "inv": (torch.linalg.inv, 30),
        "inv_ex": (lambda a: torch.linalg.inv_ex(a)[0], 30),
        "det": (torch.det, 200),
        "slogdet": (lambda a: torch.linalg.slogdet(a)[1], 60),
        "logdet": (torch.logdet, 60),
        "cholesky": (lambda a: torch.linalg.cholesky(a @ a.mT), 200),
        "cholesky_ex": (lambda a: torch.linalg.cholesky_ex(a @ a.mT)[0], 200),
        "cholesky_inverse": (lambda a: torch.cholesky_inverse(a.tril()), 60),
        "matrix_power": (lambda a: torch.linalg.matrix_power(a, 3), 400),
        "matrix_power of the inverse": (lambda a: torch.linalg.matrix_power(a, -2), 60),
        "tensorinv": (lambda a: torch.linalg.tensorinv(a[0].reshape(3, 3, 1), 1), 30),
        "qr": (lambda a: list(torch.linalg.qr(a[..., :2])), 200),
        "qr complete": (lambda a: list(torch.linalg.qr(a.detach()[..., :2], "complete")), 100),
    }
    systems: dict[str, tuple[Function, float]] = {
        "solve": (torch.linalg.solve, 60),
        "solve from the right": (lambda a, b: torch.linalg.solve(a, b.mT, left=False), 60),
        "solve_ex": (lambda a, b: torch.linalg.solve_ex(a, b)[0], 60),
        "solve_triangular": (lambda a, b: torch.linalg.solve_triangular(a.triu(), b, upper=True), 60),
        "cholesky_solve": (lambda a, b: torch.cholesky_solve(b, a.tril()), 60),
        "lstsq": (lambda a, b: torch.linalg.lstsq(a[..., :2], b)[0], 200),
        "lstsq of few": (lambda a, b: torch.linalg.lstsq(a[:, :2], b[:, :2])[0], 200),
    }
    return [
        *(
            sample(name, function, *inputs, units=units, relative=10, strides=False)
            for inputs, functions in (((a,), samples), ((a, b), systems))
            for name, (function, units) in functions.items()
        ),
    ]


def _counting(x: Tensor) -> list[Sample]:
    edges = torch.tensor([-2.0, 0.0, 1.5], dtype=torch.float64)
    return [
        sample("searchsorted", lambda x: torch.searchsorted(edges.to(x.dtype), x), x, gradient=False),
        sample("searchsorted of a number", lambda x: torch.searchsorted(x[0].sort()[0], 0.5), x, gradient=False),
        sample("bucketize", lambda x: torch.bucketize(x, edges.to(x.dtype), right=True), x, gradient=False),
        sample("bucketize a number", lambda x: torch.bucketize(0.5, x[0].sort()[0]), x, gradient=False),
        sample("histc", lambda x: torch.histc(x, 4, -4, 4), x, gradient=False),
        sample("isin", lambda x, y: torch.isin(x, y), whole(3, 4), whole(5), gradient=False),
        sample("isin of a number", lambda x: torch.isin(x, 2), whole(3, 4), gradient=False),
        sample("count_nonzero", torch.count_nonzero, whole(3, 4), gradient=False),
        sample("count_nonzero along", lambda x: torch.count_nonzero(x, (0, 1)), whole(3, 4), gradient=False),
        sample("all along some", lambda x: torch.all(x, (0, 1)), bits(3, 4), gradient=False),
        sample("any along some", lambda x: torch.any(x, (0, 1), keepdim=True), bits(3, 4), gradient=False),
        sample("logic on numbers", torch.logical_and, whole(3, 4), whole(3, 4), gradient=False),
        sample("sort with places", lambda x: torch.sort(x, dim=0, stable=True), whole(7, 2), gradient=False),
        sample("sort down with places", _sorted_down, whole(7, 2), gradient=False),
        sample("sort of bits", lambda x: torch.sort(x, 1)[0], bits(2, 5), gradient=False),
        sample("topk of many", lambda x: torch.topk(x, 3, 0), real(23, 2), gradient=False),
        sample("topk from below", lambda x: torch.topk(x, 2, 0, largest=False), real(19, 2), gradient=False),
        sample("cummax with places", lambda x: torch.cummax(x, 1), real(2, 7), gradient=False),
        sample("signbit", torch.signbit, x, gradient=False),
        *(sample(f.__name__, f, x, gradient=False) for f in (torch.isinf, torch.isposinf, torch.isneginf)),
        sample("remainder of a number", lambda x: torch.remainder(7.0, x * x + 1), x, gradient=False, units=60),
        sample("copysign by a number", lambda x: torch.copysign(x, -1.0), x),
        sample("floor_divide by a number", lambda x: torch.floor_divide(x, 0.75), x, gradient=False),
        sample("floor_divide as it arrives", lambda x: aten.floor_divide.Scalar(x, 0.75), x, gradient=False),
        sample("div by a number, rounded", lambda x: torch.div(x, 0.75, rounding_mode="trunc"), x, gradient=False),
        sample("remainder of integers", lambda x: x % 3, whole(3, 4), gradient=False),
        sample("floor_divide of integers", lambda x: x // 3, whole(3, 4), gradient=False),
    ]


def _sorted_down(x: Tensor) -> Any:
    return torch.sort(x, dim=0, descending=True, stable=True)


def _masked(x: Tensor, y: Tensor) -> Tensor:
    return x.masked_scatter(torch.arange(15).view(3, 5) % 3 == 0, y)


def _dropout(x: Tensor) -> Tensor:
    return aten.native_dropout_backward.default(x.detach(), torch.arange(15).view(3, 5) % 2 == 0, 2.0)  # type: ignore[no-any-return]


def _unsafe(x: Tensor) -> Any:
    mask = torch.tensor([True, False, True])
    return aten._unsafe_masked_index.default(x[:, 0], mask, [torch.tensor([0, 9, 2])], 0.5)


def _unsafe_put(x: Tensor) -> Any:
    mask = torch.tensor([True, False, True])
    put = aten._unsafe_masked_index_put_accumulate.default
    return put(x.detach()[:, 0], mask, [torch.tensor([0, 9, 2])], x.detach()[:, 1])
