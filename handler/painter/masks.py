"""Where on a picture something counts: soft masks, brought to the layers of the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
import torch.nn.functional as F
from scipy.ndimage import minimum_filter
from torch import Tensor

from painter.vgg import receptive_radius, stride_of

_KEPT_LEAST: Final = 0.25


def at_tap(mask: Tensor, tap: str) -> Tensor:
    """A mask [H, W] from 0 to 1 as weights of a tap's positions.

    It is shrunk by what the tap sees beyond its own cell, so that no position counts that
    looks across the mask's edge (the inside guides of Gatys et al. 2017, section 4), then
    averaged over cells. Where shrinking would leave under a quarter of the area, as with
    small masks at deep taps, the unshrunk mask serves.
    """
    radius = receptive_radius(tap)
    shrunk = torch.from_numpy(
        minimum_filter(mask.cpu().numpy(), size=2 * radius + 1, mode="nearest")
    ).to(mask.device)
    kept = shrunk if shrunk.sum() >= _KEPT_LEAST * mask.sum() else mask
    stride = stride_of(tap)
    averaged = F.avg_pool2d(kept[None, None], stride)
    if not averaged.any():
        # All of it lies on the last rows or columns, which a tap's whole cells leave out.
        cells = (averaged.shape[-2], averaged.shape[-1])
        averaged = F.adaptive_avg_pool2d(kept[None, None], cells)
    return averaged[0, 0]


def share_out(masks: Sequence[Tensor | None]) -> list[Tensor]:
    """One mask [H, W] for each style, at least one given: overlaps share, and sum to 1.

    A style without a mask of its own gets what the others leave. Where no mask is, no style
    is, and the photo stays.
    """
    given = [mask for mask in masks if mask is not None]
    total = torch.stack(given).sum(0)
    shares = [mask / total.clamp(min=1) for mask in given]
    rest = (1 - total).clamp(min=0) / max(1, len(masks) - len(given))
    remaining = iter(shares)
    return [rest if mask is None else next(remaining) for mask in masks]
