"""Samples of sums, products, powers and means."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from tacit.testing.samples._base import Sample, bits, numbers, real, sample, whole


def sums() -> list[Sample]:
    """Sums and differences."""
    x, y, row, n = real(3, 4), real(3, 4), real(4), whole(3, 4)
    large = numbers(2.0**44, -(2.0**44), 2.0**30 + 0.25, -0.0)
    return [
        sample("add", torch.add, x, y),
        sample("add broadcast", torch.add, x, row),
        sample("add alpha", lambda x, y: torch.add(x, y, alpha=0.3), x, y),
        sample("add a number", lambda x: x + 0.7, x),
        sample("add a scalar overload", lambda x: torch.ops.aten.add.Scalar(x, 1.5), x, gradient=False),
        sample("add integers", torch.add, n, whole(4), gradient=False),
        sample("add integer and real", torch.add, n, y, gradient=False),
        sample("add bits to a number", lambda b, x: b + x, bits(3, 4), x, gradient=False),
        sample("add large", torch.add, large, numbers(2.0**44, -(2.0**44), 0.5, 1)),
        sample("add after a product", lambda x, y: x * y + 0.1 + y, x, y),
        sample("sub", torch.sub, x, y),
        sample("sub alpha", lambda x, y: torch.sub(x, y, alpha=2), x, row),
        sample("sub from a view", lambda x, y: x.t() - y, x, real(4, 3)),
        sample("sub a scalar overload", lambda x: torch.ops.aten.sub.Scalar(x, 1.5), x, gradient=False),
        sample("rsub", lambda x: 1.5 - x, x),
        sample("rsub tensors", lambda x, y: torch.rsub(x, y), x, y),
        sample("neg", lambda x: -x, x),
        sample("lerp", lambda x, y: torch.lerp(x, y, 0.3), x, y),
        sample("lerp by a tensor", torch.lerp, x, y, real(4, low=0, high=1)),
    ]


def products() -> list[Sample]:
    """Elementwise products, quotients, powers."""
    x, y, row, n = real(3, 4), real(3, 4), real(4), whole(3, 4)
    large = numbers(2.0**14, -(2.0**14), 300, 10_000)
    return [
        sample("mul", torch.mul, x, y),
        sample("mul broadcast", torch.mul, real(3, 1), row),
        sample("mul itself", lambda x: x * x, x),
        sample("mul a whole number", lambda x: x * 3, x),
        sample("mul a negative power of two", lambda x: x * -0.125, x),
        sample("mul a fraction", lambda x: x * 0.3, x),
        sample("mul a small number", lambda x: x * 1000 * 1e-3, x),
        sample("mul a tiny number", lambda x: x * 2.0**20 * 1e-7, x, units=20),
        sample("mul a large number", lambda x: x * 1234.5, x),
        sample("mul zero", lambda x: x * 0.0, x),
        sample("mul a scalar overload", lambda x: torch.ops.aten.mul.Scalar(x, 1.5), x, gradient=False),
        sample("mul integers", torch.mul, n, whole(4), gradient=False),
        sample("mul integer and real", torch.mul, n, y, gradient=False),
        sample("mul by bits", lambda b, x: b * x, bits(3, 4), x, gradient=False),
        sample("mul bits", lambda b, c: b * c, bits(3, 4), bits(3, 4), gradient=False),
        sample("mul large", torch.mul, large, numbers(2.0**15, 2.0**15, 300, 10_000)),
        sample("mul pending", lambda x, y: (x * y) * (x + y) * 0.5, x, y, units=40),
        sample("addcmul", lambda x, y, z: torch.addcmul(x, y, z, value=0.5), x, y, row),
        sample("addcdiv", lambda x, y: torch.addcdiv(x, y, torch.tensor(3.0)), x, y),
        sample("div a number", lambda x: x / 3, x),
        sample("div a power of two", lambda x: x / 8, x),
        sample("div integers", lambda n: n / 4, n, gradient=False),
        sample("div a tensor", lambda x: x / torch.tensor([1.0, 2.0, 3.0, -0.7]), x),
        sample("div a scalar overload", lambda x: torch.ops.aten.div.Scalar(x, 2.5), x, gradient=False),
        sample("div by known", lambda x: x / torch.full_like(x, 2.5), x, gradient=False),
        sample("square", torch.square, x),
        sample("pow 0", lambda x: x**0, x),
        sample("pow 1", lambda x: x**1, x),
        sample("pow 3", lambda x: x**3, x, units=40),
        sample("pow 5", lambda x: x**5, real(6, low=-2, high=2), units=100),
        sample("mean", torch.mean, x),
        sample("mean of three", lambda x: x.mean(0), x),
        sample("mean dims", lambda x: x.mean((1, 2), keepdim=True), real(2, 3, 3)),
        sample("mean of large", torch.mean, numbers(2.0**25, 2.0**25 + 0.25, -7.5)),
        sample("mse_loss", F.mse_loss, x, y),
        sample("mse_loss sum", lambda x, y: F.mse_loss(x, y, reduction="sum"), x, y, units=4),
        sample("mse_loss none", lambda x, y: F.mse_loss(x, y, reduction="none") * y, x, y, units=40),
        sample("l1_loss", F.l1_loss, x, y),
    ]


def matrices() -> list[Sample]:
    """Matrix products."""
    a, b, c = real(3, 4), real(4, 5), real(2, 3, 4)
    return [
        sample("mm", torch.mm, a, b),
        sample("mm of views", lambda a, b: a.t() @ b[:, ::2][:3], a, b),
        sample("mm integers", torch.mm, whole(2, 3), whole(3, 2), gradient=False),
        sample("mm with itself", lambda a: a @ a.t(), a),
        sample("bmm", torch.bmm, c, real(2, 4, 3)),
        sample("matmul batch by matrix", torch.matmul, c, b),
        sample("matmul broadcast", torch.matmul, real(2, 1, 3, 4), real(2, 4, 2)),
        sample("mv", torch.mv, a, real(4)),
        sample("dot", torch.dot, real(5), real(5)),
        sample("vdot", torch.vdot, real(5), real(5), gradient=False),
        sample("outer", torch.outer, real(3), real(4)),
        sample("linear", F.linear, a, real(5, 4), real(5)),
        sample("linear in 3d", F.linear, c, real(5, 4), real(5)),
        sample("addmm", lambda m, a, b: torch.addmm(m, a, b, beta=0.5, alpha=2), real(3, 5), a, b),
        sample("addmv", torch.addmv, real(3), a, real(4)),
        sample("baddbmm", torch.baddbmm, real(2, 3, 3), c, real(2, 4, 3)),
        sample("baddbmm without", lambda m, a, b: torch.baddbmm(m, a, b, beta=0), real(2, 3, 3), c, real(2, 4, 3)),
        sample("einsum", lambda a, b: torch.einsum("bij,jk->bki", a, b), c, b),
        sample("einsum trace", lambda a: torch.einsum("ii->i", a), real(3, 3)),
        sample("mm large", torch.mm, real(2, 3, low=-4096, high=4096), real(3, 2, low=-4096, high=4096)),
        sample("mm small public", lambda a: a @ torch.full((4, 2), 1e-3), a),
    ]


def convolutions() -> list[Sample]:
    """Convolutions with all their parameters."""
    x, w = real(2, 4, 6, 5), real(6, 4, 3, 3)
    return [
        sample("conv2d", F.conv2d, x, w, real(6)),
        sample("conv2d stride padding", lambda x, w: F.conv2d(x, w, stride=2, padding=(1, 2)), x, w),
        sample("conv2d dilation", lambda x, w: F.conv2d(x, w, dilation=2, padding=2), x, w),
        sample("conv2d groups", lambda x, w: F.conv2d(x, w, groups=2, padding=1), x, real(6, 2, 3, 3)),
        sample("conv2d without a batch", F.conv2d, real(4, 5, 5), w),
        sample("conv2d same", lambda x, w: F.conv2d(x, w, padding="same"), x, w),
        sample("conv1d", lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=1), real(2, 3, 7), real(4, 3, 3), real(4)),
        sample("conv3d", F.conv3d, real(1, 2, 3, 3, 3), real(2, 2, 2, 2, 2)),
        sample("conv_transpose2d", F.conv_transpose2d, real(2, 4, 3, 3), real(4, 3, 2, 2), real(3)),
        sample(
            "conv_transpose2d all",
            lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1, groups=2, dilation=2),
            real(1, 4, 3, 3),
            real(4, 2, 3, 3),
        ),
        sample("conv_transpose1d", lambda x, w: F.conv_transpose1d(x, w, stride=3), real(1, 2, 4), real(2, 3, 3)),
    ]
