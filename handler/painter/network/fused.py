"""What is fused between the convolutions: maxima with their places as bytes, ReLUs with sums."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.device.fusing import Fused, channels_last, empty_channels_last


def _pool(x: Tensor) -> tuple[Tensor, Tensor]:
    pooled, indices = F.max_pool2d(x, 2, return_indices=True)
    places = indices // x.shape[3] % 2 * 2 + indices % x.shape[3] % 2
    return pooled, places.masked_fill_(pooled <= 0, 4).to(torch.uint8)


def _launch_pool(x: Tensor) -> tuple[Tensor, Tensor]:
    from painter.network import kernels

    pooled, places = _shapes_pool(x)
    count, channels, height, width = pooled.shape
    grid = (-(-width * channels // kernels.BLOCK), height, count)
    rows, columns = x.shape[2:]
    kernels.pool[grid](channels_last(x), pooled, places, rows, columns, channels, kernels.BLOCK)
    return pooled, places


def _shapes_pool(x: Tensor) -> tuple[Tensor, Tensor]:
    shape = (*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2)
    return empty_channels_last(x, shape), empty_channels_last(x, shape, torch.uint8)


def _samples_pool(device: torch.device, dtype: torch.dtype) -> Iterator[tuple[Tensor]]:
    """With ties, cells of nothing positive, and rows and columns that fill no cell."""
    for shape in ((1, 64, 19, 25), (2, 8, 12, 7)):
        x = torch.randn(shape, device=device).mul_(2).round_().to(dtype)
        yield (channels_last(x),)


POOLED: Final = Fused(
    "pooled(Tensor x) -> (Tensor, Tensor)", _pool, _launch_pool, _shapes_pool, _samples_pool
)


def _unpool(gradient: Tensor, places: Tensor, rows: int, columns: int) -> Tensor:
    whole = _shape_unpool(gradient, places, rows, columns).zero_()
    height, width = (2 * side for side in gradient.shape[2:])
    for place in range(4):
        cells = whole[:, :, place // 2 : height : 2, place % 2 : width : 2]
        cells.copy_(torch.where(places == place, gradient, 0))
    return whole


def _launch_unpool(gradient: Tensor, places: Tensor, rows: int, columns: int) -> Tensor:
    from painter.network import kernels

    whole = _shape_unpool(gradient, places, rows, columns)
    count, channels = gradient.shape[:2]
    grid = (-(-columns * channels // kernels.BLOCK), rows, count)
    given = (channels_last(gradient), channels_last(places), whole)
    kernels.unpool[grid](*given, rows, columns, channels, kernels.BLOCK)
    return whole


def _shape_unpool(gradient: Tensor, places: Tensor, rows: int, columns: int) -> Tensor:
    return empty_channels_last(gradient, (*gradient.shape[:2], rows, columns))


def _samples_unpool(
    device: torch.device, dtype: torch.dtype
) -> Iterator[tuple[Tensor, Tensor, int, int]]:
    for (x,) in _samples_pool(device, dtype):
        pooled, places = _pool(x)
        yield torch.randn_like(pooled), places, x.shape[2], x.shape[3]


UNPOOLED: Final = Fused(
    "unpooled(Tensor gradient, Tensor places, int rows, int columns) -> Tensor",
    _unpool,
    _launch_unpool,
    _shape_unpool,
    _samples_unpool,
)


def through_relu(gradient: Tensor, sign: Tensor) -> Tensor:
    """In place: a new tensor costs as much as the work on it."""
    passed: Tensor = torch.ops.aten.threshold_backward.grad_input(
        gradient, sign, 0, grad_input=gradient
    )
    return passed


def _pass_and_add(gradient: Tensor, sign: Tensor, at_tap: Tensor) -> Tensor:
    return through_relu(gradient, sign).add_(at_tap)


def _launch_pass_and_add(gradient: Tensor, sign: Tensor, at_tap: Tensor) -> Tensor:
    from painter.network import kernels

    total = _shape_pass_and_add(gradient, sign, at_tap)
    grid = (-(-total.numel() // kernels.BLOCK),)
    given = (channels_last(each) for each in (gradient, sign, at_tap))
    kernels.pass_and_add[grid](*given, total, total.numel(), kernels.BLOCK)
    return total


def _shape_pass_and_add(gradient: Tensor, sign: Tensor, at_tap: Tensor) -> Tensor:
    return empty_channels_last(gradient, gradient.shape)


def _samples_pass_and_add(
    device: torch.device, dtype: torch.dtype
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    shape = (1, 8, 19, 25)
    gradient, sign, at_tap = (torch.randn(shape, device=device).to(dtype) for _ in range(3))
    yield channels_last(gradient), channels_last(sign.round_()), channels_last(at_tap)


# A gradient is written over by the plain code alone.
PASSED_AND_ADDED: Final = Fused(
    "passed_and_added(Tensor(a!) gradient, Tensor sign, Tensor at_tap) -> Tensor",
    _pass_and_add,
    _launch_pass_and_add,
    _shape_pass_and_add,
    _samples_pass_and_add,
)
