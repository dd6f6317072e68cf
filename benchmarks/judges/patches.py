"""Raw patches of pixels, without any network."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

# About so many patches along the longer side: all of a small picture, a grid of a large one.
_ALONG: Final = 96
_DIRECTIONS: Final = 128
_QUANTILES: Final = 1024


def patches(pixels: Tensor, side: int) -> Tensor:
    """The patches of so many px of a picture [3, H, W], on a grid: [N, 3 · side²]."""
    stride = max(1, (max(pixels.shape[-2:]) - side) // _ALONG)
    return F.unfold(pixels[None], side, stride=stride)[0].T.contiguous()


def sliced_wasserstein(one: Tensor, other: Tensor) -> float:
    """Root of the mean squared Wasserstein-2 distance of rows along fixed directions, per value.

    Rabin et al. 2011. 128 random unit directions of seed 0; sets of unequal size are compared at
    1024 quantiles.
    """
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(one.shape[1], _DIRECTIONS, generator=generator, dtype=torch.float64)
    directions /= directions.norm(dim=0)
    middles = (torch.arange(_QUANTILES, dtype=torch.float64) + 0.5) / _QUANTILES
    found = [
        torch.quantile(rows @ directions.to(rows.dtype), middles.to(rows.dtype), dim=0)
        for rows in (one, other)
    ]
    return float((found[0] - found[1]).square().mean().sqrt())
