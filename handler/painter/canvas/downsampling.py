"""From a canvas to what it looks like on the level before, and back for gradients."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.canvas.layout import CLOSED, Seamless
from painter.pictures.picture import resize
from painter.planning.pyramid import Shape

# Of the identity that a matrix is made from: a whole one would be large for a large canvas.
_COLUMNS: Final = 256
# So many values of a gradient are brought back at once, by three products and sums instead of nine.
_VALUES_AT_ONCE: Final = 3 * 2**20
# Matrices between lengths up to this one are kept: 4 MB at most.
_LENGTH_KEPT: Final = 1024


class Downsampling:
    """Resizes a canvas [3, H, W] as styles and photos are: bicubic, antialiased.

    A softer filter would have the canvas make up for what it takes away, and overshoot. On CUDA it
    is a product with a matrix for each axis, since PyTorch's own adjoint adds in no fixed order
    there, and the same painting would not be made twice; and so it is where the canvas is seamless.
    """

    def __init__(
        self, shape: Shape, smaller: Shape, device: torch.device, seamless: Seamless = CLOSED
    ) -> None:
        self._shape, self._smaller = shape, smaller
        self._matrices: tuple[Tensor, Tensor] | None = None
        if device.type != "cpu" or seamless != CLOSED:
            self._matrices = _matrices(shape, smaller, seamless, device)

    def __call__(self, canvas: Tensor) -> Tensor:
        """The smaller canvas [3, h, w]."""
        if self._matrices is not None:
            down, across = self._matrices
            return down @ canvas @ across.T
        return _resized(canvas, self._smaller)

    def add_adjoint(self, gradient: Tensor, smaller: Tensor, weight: float) -> None:
        """Adds what a gradient at the smaller canvas is at the canvas, times a weight.

        Of a large canvas one channel at a time: all of them would be as large as the canvas.
        """
        if self._matrices is not None and gradient.numel() <= _VALUES_AT_ONCE:
            gradient.add_(self._spread(smaller), alpha=weight)
            return
        for whole, part in zip(gradient, smaller, strict=True):
            whole.add_(self._spread(part), alpha=weight)

    def _spread(self, part: Tensor) -> Tensor:
        if self._matrices is not None:
            down, across = self._matrices
            return down.T @ part @ across
        spread: Tensor = torch.ops.aten._upsample_bicubic2d_aa_backward(
            part[None, None].contiguous(),
            list(self._smaller),
            [1, 1, *self._shape],
            False,
            None,
            None,
        )
        return spread[0, 0]


def resized(canvas: Tensor, shape: Shape, seamless: Seamless) -> Tensor:
    """Planes [..., H, W] at another size, as `resize` has them; seamless ones stay seamless."""
    before = (canvas.shape[-2], canvas.shape[-1])
    if seamless == CLOSED or before == shape:
        return resize(canvas, shape)
    down, across = _matrices(before, shape, seamless, canvas.device)
    return (down @ canvas.float() @ across.T).clamp_(0, 1)


def resizing_matrix(length: int, other: int, seamless: bool = False) -> Tensor:
    """What resizes one axis to another length: [other, length] in float64, on the CPU.

    Of a seamless one the middle of three repetitions is resized.
    """
    times = 3 if seamless else 1
    parts = []
    for first in range(0, length, _COLUMNS):
        count = min(_COLUMNS, length - first)
        columns = torch.zeros(times, length, count, dtype=torch.float64)
        for repetition in columns:
            repetition[first : first + count].fill_diagonal_(1)
        whole = _resized(columns.reshape(1, -1, count), (times * other, count))[0]
        parts.append(whole.narrow(0, times // 2 * other, other))
    return torch.cat(parts, 1)


def _matrices(
    shape: Shape, other: Shape, seamless: Seamless, device: torch.device
) -> tuple[Tensor, Tensor]:
    down, across = (
        (_kept_matrix if max(lengths[:2]) <= _LENGTH_KEPT else _matrix)(*lengths, device)
        for lengths in zip(shape, other, seamless, strict=True)
    )
    return down, across


def _matrix(length: int, other: int, seamless: bool, device: torch.device) -> Tensor:
    return resizing_matrix(length, other, seamless).to(device, torch.float32)


# Every painting of a size asks for the same: to make one takes longer than a step, and to bring it
# to a GPU waits for all steps before.
_kept_matrix = lru_cache(maxsize=32)(_matrix)


def _resized(canvas: Tensor, shape: Shape) -> Tensor:
    batch = canvas[None]
    return F.interpolate(batch, size=shape, mode="bicubic", antialias=True, align_corners=False)[0]
