"""Where a canvas lies on the network's grid, within a margin of its own reflection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch.nn.functional as F
from torch import Tensor

# A canvas is seen with a margin of its own reflection. How the margin is split between the
# sides shifts the canvas against the network's grid of 16 px: see `Phase`.
MARGIN: Final = 16


@dataclass(frozen=True, slots=True)
class Phase:
    """Where the canvas lies on the network's grid: the margin above it and to its left."""

    top: int = MARGIN // 2
    left: int = MARGIN // 2


CENTERED: Final = Phase()


def pad(canvas: Tensor, phase: Phase) -> Tensor:
    """A canvas [C, H, W] with its margin of reflections."""
    sides = (phase.left, MARGIN - phase.left, phase.top, MARGIN - phase.top)
    return F.pad(canvas[None], sides, mode="reflect")[0]


def unpad_gradient(gradient: Tensor, phase: Phase) -> Tensor:
    """The adjoint of `pad`: the margin's gradient is added to the pixels it reflects."""
    return _folded(_folded(gradient, phase.top, -2), phase.left, -1)


def _folded(gradient: Tensor, before: int, dim: int) -> Tensor:
    after = MARGIN - before
    length = gradient.shape[dim] - MARGIN
    inner = gradient.narrow(dim, before, length).clone()
    inner.narrow(dim, 1, before).add_(gradient.narrow(dim, 0, before).flip(dim))
    inner.narrow(dim, length - 1 - after, after).add_(
        gradient.narrow(dim, before + length, after).flip(dim)
    )
    return inner
