"""Where a canvas lies on the network's grid, within a margin of what is beyond its edges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.device.fusing import Fused
from painter.options.catalog import Options

# A canvas is seen with a margin: of its own reflection, or where it is seamless of its other side.
# How the margin is split between the sides shifts the canvas against the network's grid of 16 px:
# see `Shift`.
MARGIN: Final = 16

Seamless = tuple[bool, bool]
"""Whether a canvas goes on at its other side: downwards, and to the right."""
CLOSED: Final[Seamless] = (False, False)


def seamless_of(options: Options) -> Seamless:
    """Which sides of a painting's canvas meet."""
    return options.seamless in ("y", "both"), options.seamless in ("x", "both")


@dataclass(frozen=True, slots=True)
class Shift:
    """Where the canvas lies on the network's grid: the margin above it and to its left.

    A seamless canvas is turned as well, by a share of its length, so that no place of it is always
    at the edge of what the network sees.
    """

    top: int = MARGIN // 2
    left: int = MARGIN // 2
    seamless: Seamless = CLOSED
    turned: float = 0.0


CENTERED: Final = Shift()


def padded_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """Height and width of a canvas with its margin."""
    return shape[0] + MARGIN, shape[1] + MARGIN


def pad(canvas: Tensor, shift: Shift) -> Tensor:
    """A canvas [C, H, W] with its margin: of reflections, or of its other side."""
    if shift.seamless != CLOSED:
        rows, columns = padded_shape((canvas.shape[-2], canvas.shape[-1]))
        return padded_part(canvas, shift, (0, rows), (0, columns))
    sides = (shift.left, MARGIN - shift.left, shift.top, MARGIN - shift.top)
    return F.pad(canvas[None], sides, mode="reflect")[0]


def padded_part(
    canvas: Tensor, shift: Shift, rows: tuple[int, int], columns: tuple[int, int]
) -> Tensor:
    """What `pad` would have from one row and column to others, without the rest."""
    down = _places(rows, shift, 0, canvas)
    across = _places(columns, shift, 1, canvas)
    return canvas.index_select(-2, down).index_select(-1, across)


def unpad_gradient(gradient: Tensor, shift: Shift) -> Tensor:
    """The adjoint of `pad`: the margin's gradient is added to the pixels that it shows.

    In place: what comes back is a view, unless the canvas is seamless.
    """
    if shift.seamless == CLOSED:
        FOLDED(gradient, shift.top, shift.left)
        return _inner(gradient, shift.top, shift.left)
    for axis in (0, 1):
        if shift.seamless[axis]:
            gradient = _wound(gradient, shift, axis)
        else:
            gradient = _folded(gradient, _before(shift, axis), axis - 2)
    return gradient


def _before(shift: Shift, axis: int) -> int:
    return shift.left if axis else shift.top


def turn_of(shift: Shift, axis: int, length: int) -> int:
    """How far along an axis the first pixel of a seamless canvas lies within its margin."""
    return _before(shift, axis) + round(shift.turned * length)


def _places(span: tuple[int, int], shift: Shift, axis: int, canvas: Tensor) -> Tensor:
    """Which pixels of an axis are seen from one place within the margin to another."""
    length, places = canvas.shape[axis - 2], torch.arange(*span, device=canvas.device)
    if shift.seamless[axis]:
        return (places - turn_of(shift, axis, length)) % length
    places = (places - _before(shift, axis)).abs()
    return torch.where(places < length, places, 2 * (length - 1) - places)


def _wound(gradient: Tensor, shift: Shift, axis: int) -> Tensor:
    dim = axis - 2
    length = gradient.shape[dim] - MARGIN
    inner = gradient.narrow(dim, 0, length)
    inner.narrow(dim, 0, MARGIN).add_(gradient.narrow(dim, length, MARGIN))
    return inner.roll(-turn_of(shift, axis, length), dim)


def _fold(gradient: Tensor, top: int, left: int) -> None:
    _folded(_folded(gradient, top, -2), left, -1)


def _inner(gradient: Tensor, top: int, left: int) -> Tensor:
    height, width = (side - MARGIN for side in gradient.shape[-2:])
    return gradient.narrow(-2, top, height).narrow(-1, left, width)


def _launch(gradient: Tensor, top: int, left: int) -> None:
    from painter.canvas import kernels

    height, width = (side - MARGIN for side in gradient.shape[-2:])
    grid = (-(-height * width // kernels.BLOCK), len(gradient))
    sizes = (top, left, height, width, *gradient.stride())
    kernels.fold[grid](gradient, *sizes, MARGIN, kernels.BLOCK)


def _shape(gradient: Tensor, top: int, left: int) -> None:
    """There is no result."""


def _samples(device: torch.device, dtype: torch.dtype) -> Iterator[tuple[Tensor, int, int]]:
    """Gradients are in float32 whatever the trunk is in."""
    for height, width, top, left in ((45, 61, 8, 3), (34, 37, 0, 16)):
        yield torch.randn(height, width, 3, device=device).permute(2, 0, 1), top, left


FOLDED: Final = Fused(
    "folded(Tensor(a!) gradient, int top, int left) -> ()",
    _fold,
    _launch,
    _shape,
    _samples,
    changes=_inner,
)


def _folded(gradient: Tensor, before: int, dim: int) -> Tensor:
    after = MARGIN - before
    length = gradient.shape[dim] - MARGIN
    inner = gradient.narrow(dim, before, length)
    inner.narrow(dim, 1, before).add_(gradient.narrow(dim, 0, before).flip(dim))
    inner.narrow(dim, length - 1 - after, after).add_(
        gradient.narrow(dim, before + length, after).flip(dim)
    )
    return inner
