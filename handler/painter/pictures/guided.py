"""The colors of a picture laid over the lightness of another, along its edges.

The guided filter of He, Sun and Tang 2013 ("Guided image filtering"), whose lines are found on a
small copy as in He and Sun 2015 ("Fast guided filter"), in place of the bilateral filter of Neural
Neighbor Style Transfer (Kolkin et al. 2022).
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.pictures.oklab import from_oklab, to_oklab

# Of the longest side; and the square of a difference in lightness that counts as an edge.
_RADIUS: Final = 0.012
_EDGE: Final = 0.05**2
_SMALL_SIDE: Final = 1024


def tinted(
    canvas: Tensor, chroma: Tensor, strength: float, seamless: tuple[bool, bool] = (False, False)
) -> Tensor:
    """The canvas [3, H, W] with other color axes [2, H, W] of OkLab, smoothed along its edges.

    Where it is seamless, downwards or to the right, what is smoothed goes on at its other side.
    """
    axes = to_oklab(canvas)
    axes[1:].lerp_(_along(chroma.to(axes.dtype), axes[:1], seamless), strength)
    return from_oklab(axes)


def _along(planes: Tensor, guide: Tensor, seamless: tuple[bool, bool]) -> Tensor:
    """Planes [C, H, W] as lines of the guide [1, H, W] around each pixel."""
    shape = (guide.shape[-2], guide.shape[-1])
    side = min(_SMALL_SIDE, max(shape))
    height, width = (max(1, round(length * side / max(shape))) for length in shape)
    small = (height, width)
    radius = max(1, round(_RADIUS * side))
    # Means of means are taken. Beyond these margins nothing is seen of the other side.
    margins = [2 * radius if goes_on else 0 for goes_on in seamless]
    colors, along = (_wound(_resized(each, small), margins) for each in (planes, guide))
    slope, offset = (_without(each, margins) for each in _lines(colors, along, radius))
    return _resized(slope, shape).mul_(guide).add_(_resized(offset, shape))


def _wound(planes: Tensor, margins: list[int]) -> Tensor:
    """With margins above and below, and at both sides, of what is at the other side."""
    for axis, margin in zip((-2, -1), margins, strict=True):
        if margin:
            length = planes.shape[axis]
            places = torch.arange(-margin, length + margin, device=planes.device) % length
            planes = planes.index_select(axis, places)
    return planes


def _without(planes: Tensor, margins: list[int]) -> Tensor:
    for axis, margin in zip((-2, -1), margins, strict=True):
        planes = planes.narrow(axis, margin, planes.shape[axis] - 2 * margin)
    return planes


def _lines(planes: Tensor, guide: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    mean, of_guide = _mean(planes, radius), _mean(guide, radius)
    covariance = _mean(planes * guide, radius) - mean * of_guide
    variance = _mean(guide * guide, radius) - of_guide * of_guide
    slope = covariance / (variance + _EDGE)
    return _mean(slope, radius), _mean(mean - slope * of_guide, radius)


def _mean(planes: Tensor, radius: int) -> Tensor:
    """Means of squares around each pixel, of what of them lies within the picture."""
    for size in ((2 * radius + 1, 1), (1, 2 * radius + 1)):
        padding = (size[0] // 2, size[1] // 2)
        planes = F.avg_pool2d(planes, size, 1, padding, count_include_pad=False)
    return planes


def _resized(planes: Tensor, shape: tuple[int, int]) -> Tensor:
    if planes.shape[-2:] == shape:
        return planes.clone()
    batch = planes[None]
    return F.interpolate(batch, shape, mode="bilinear", antialias=True, align_corners=False)[0]
