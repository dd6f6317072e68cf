"""Where on a picture something counts: soft masks, brought to the layers of the network."""

from __future__ import annotations

from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.canvas.layout import CLOSED, Seamless
from painter.network.layers import receptive_radius, stride_of

_KEPT_LEAST: Final = 0.25

# Weights of the positions of each tap.
TapWeights = dict[str, Tensor]
_Mode = Literal["wrap", "nearest"]


def shrunk(mask: Tensor, tap: str, seamless: Seamless = CLOSED) -> Tensor:
    """A mask [H, W] from 0 to 1, less what a tap's positions see beyond their own cells.

    So no position counts that looks across the mask's edge (the inside guides of Gatys et al.
    2017, section 4). Where that would leave under a quarter of the area, as with small masks at
    deep taps, the mask stays as it is.
    """
    # It takes a quarter of a second to load, and few paintings have masks.
    from scipy.ndimage import minimum_filter

    size = 2 * receptive_radius(tap) + 1
    modes: list[_Mode] = ["wrap" if goes_on else "nearest" for goes_on in seamless]
    less = torch.from_numpy(minimum_filter(mask.cpu().numpy(), size=size, mode=modes))
    return less if less.sum() >= _KEPT_LEAST * mask.sum() else mask


def averaged(mask: Tensor, tap: str) -> Tensor:
    """A mask [H, W] as weights of a tap's positions: its mean over each one's cell."""
    cells = F.avg_pool2d(mask[None, None], stride_of(tap))
    if not cells.any():
        # All of it lies on the last rows or columns, which a tap's whole cells leave out.
        cells = F.adaptive_avg_pool2d(mask[None, None], (cells.shape[-2], cells.shape[-1]))
    return cells[0, 0]
