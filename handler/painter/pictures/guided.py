"""The colors of a picture laid over the lightness of another, along its edges.

The guided filter of He, Sun and Tang 2013 ("Guided image filtering"), whose lines are found on a
small copy as in He and Sun 2015 ("Fast guided filter"), in place of the bilateral filter of Neural
Neighbor Style Transfer (Kolkin et al. 2022).
"""

from __future__ import annotations

from typing import Final

import torch.nn.functional as F
from torch import Tensor

from painter.pictures.oklab import from_oklab, to_oklab

# Of the longest side; and the square of a difference in lightness that counts as an edge.
_RADIUS: Final = 0.012
_EDGE: Final = 0.05**2
_SMALL_SIDE: Final = 1024


def tinted(canvas: Tensor, chroma: Tensor, strength: float) -> Tensor:
    """The canvas [3, H, W] with other color axes [2, H, W] of OkLab, smoothed along its edges."""
    axes = to_oklab(canvas)
    axes[1:].lerp_(_along(chroma.to(axes.dtype), axes[:1]), strength)
    return from_oklab(axes)


def _along(planes: Tensor, guide: Tensor) -> Tensor:
    """Planes [C, H, W] as lines of the guide [1, H, W] around each pixel."""
    shape = (guide.shape[-2], guide.shape[-1])
    side = min(_SMALL_SIDE, max(shape))
    height, width = (max(1, round(length * side / max(shape))) for length in shape)
    small = (height, width)
    slope, offset = _lines(_resized(planes, small), _resized(guide, small), side)
    return _resized(slope, shape).mul_(guide).add_(_resized(offset, shape))


def _lines(planes: Tensor, guide: Tensor, side: int) -> tuple[Tensor, Tensor]:
    radius = max(1, round(_RADIUS * side))
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
