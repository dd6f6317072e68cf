"""Where a canvas lies on the network's grid, within a margin of its own reflection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

# A canvas is seen with a margin of its own reflection. How the margin is split between the
# sides shifts the canvas against the network's grid of 16 px: see `Shift`.
MARGIN: Final = 16


@dataclass(frozen=True, slots=True)
class Shift:
    """Where the canvas lies on the network's grid: the margin above it and to its left."""

    top: int = MARGIN // 2
    left: int = MARGIN // 2


CENTERED: Final = Shift()


def padded_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """Height and width of a canvas with its margin."""
    return shape[0] + MARGIN, shape[1] + MARGIN


def pad(canvas: Tensor, shift: Shift) -> Tensor:
    """A canvas [C, H, W] with its margin of reflections."""
    sides = (shift.left, MARGIN - shift.left, shift.top, MARGIN - shift.top)
    return F.pad(canvas[None], sides, mode="reflect")[0]


def padded_part(
    canvas: Tensor, shift: Shift, rows: tuple[int, int], columns: tuple[int, int]
) -> Tensor:
    """What `pad` would have from one row and column to others, without the rest."""
    down = _reflected(rows, shift.top, canvas.shape[-2], canvas.device)
    across = _reflected(columns, shift.left, canvas.shape[-1], canvas.device)
    return canvas.index_select(-2, down).index_select(-1, across)


def _reflected(span: tuple[int, int], before: int, length: int, device: torch.device) -> Tensor:
    places = (torch.arange(*span, device=device) - before).abs()
    return torch.where(places < length, places, 2 * (length - 1) - places)


def unpad_gradient(gradient: Tensor, shift: Shift) -> Tensor:
    """The adjoint of `pad`: the margin's gradient is added to the pixels it reflects.

    In place: what comes back is a view.
    """
    return _folded(_folded(gradient, shift.top, -2), shift.left, -1)


def _folded(gradient: Tensor, before: int, dim: int) -> Tensor:
    after = MARGIN - before
    length = gradient.shape[dim] - MARGIN
    inner = gradient.narrow(dim, before, length)
    inner.narrow(dim, 1, before).add_(gradient.narrow(dim, 0, before).flip(dim))
    inner.narrow(dim, length - 1 - after, after).add_(
        gradient.narrow(dim, before + length, after).flip(dim)
    )
    return inner
