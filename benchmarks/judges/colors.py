"""RGB-uv histograms: which colors a picture has, whatever their brightness.

Afifi, Brubaker and Brown 2021, "HistoGAN".
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

BINS: Final = 64
_RANGE: Final = 3.0
_WIDTH: Final = 0.02
_LEAST: Final = 1e-6
_PIXELS_MOST: Final = 2**16


def histogram(pixels: Tensor) -> Tensor:
    """The histogram [3, 64, 64] of pixels [3, H, W] from 0 to 1, which sums to 1; equation 1.

    For each channel the logarithms of its ratios to both others, in bins of an inverse quadratic,
    weighted by brightness. Of a large picture a grid of pixels is taken.
    """
    rows = pixels.flatten(1).double()
    rows = rows[:, :: max(1, rows.shape[1] // _PIXELS_MOST)]
    brightness = rows.square().sum(0).sqrt()
    logs = (rows + _LEAST).log()
    centers = torch.linspace(-_RANGE, _RANGE, BINS, dtype=torch.float64)
    planes = []
    for channel, (first, second) in enumerate(((1, 2), (0, 2), (0, 1))):
        u, v = (
            1 / (1 + ((logs[channel] - logs[other])[:, None] - centers).square() / _WIDTH**2)
            for other in (first, second)
        )
        planes.append(u.T @ (v * brightness[:, None]))
    found = torch.stack(planes)
    return found / found.sum().clamp(min=_LEAST)


def hellinger(one: Tensor, other: Tensor) -> float:
    """The distance of two histograms, from 0 to 1; equation 2 of the paper."""
    return float((one.sqrt() - other.sqrt()).square().sum().sqrt() / 2**0.5)
