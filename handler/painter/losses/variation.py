"""Total variation: how much neighboring pixels differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor

# Differences of neighboring pixels are taken in bands of about so many.
_BAND_PIXELS: Final = 2**18


def variation(
    canvas: Tensor,
    gradient: Tensor | None = None,
    weight: Tensor | float = 1.0,
    seamless: tuple[bool, bool] = (False, False),
) -> Tensor:
    """Squared differences of neighboring pixels [3, H, W], per pixel.

    Where it is seamless, downwards or to the right, the last pixels are neighbors of the first.
    What its gradient is, times a weight, is added to a gradient [3, H, W] that is given.
    """
    pixels = canvas.shape[-2] * canvas.shape[-1]
    scale = 2 * weight / pixels
    sums = []
    for first, down, right in _differences(canvas):
        sums += [down.square().sum(), right.square().sum()]
        if gradient is not None:
            down.mul_(scale)
            gradient[:, first + 1 : first + 1 + down.shape[1]].add_(down)
            gradient[:, first : first + down.shape[1]].sub_(down)
            right.mul_(scale)
            rows = gradient[:, first : first + right.shape[1]]
            rows[:, :, 1:].add_(right)
            rows[:, :, :-1].sub_(right)
    for dim in (dim for dim, goes_on in zip((-2, -1), seamless, strict=True) if goes_on):
        across = canvas.narrow(dim, 0, 1) - canvas.narrow(dim, -1, 1)
        sums.append(across.square().sum())
        if gradient is not None:
            across.mul_(scale)
            gradient.narrow(dim, 0, 1).add_(across)
            gradient.narrow(dim, -1, 1).sub_(across)
    return torch.stack(sums).sum() / pixels


def _differences(canvas: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Band by band, for a large canvas's sake: its first row, differences down and right."""
    rows = max(1, _BAND_PIXELS // canvas.shape[2])
    for first in range(0, canvas.shape[1], rows):
        band = canvas[:, first : first + rows + 1]
        inner = band[:, :rows]
        yield first, band[:, 1:] - band[:, :-1], inner[:, :, 1:] - inner[:, :, :-1]
