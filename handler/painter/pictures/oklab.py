"""OkLab: a lightness and two color axes in which equal distances look equal.

Ottosson 2020, "A perceptual color space for image processing"; the matrices are the author's.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

_TO_CONES: Final = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_TO_AXES: Final = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
# Where sRGB's curve is a line, of its own values and of linear ones.
_LINE: Final = 0.04045
_LINEAR_LINE: Final = 0.0031308


def to_oklab(pixels: Tensor) -> Tensor:
    """Pixels [3, ...] of sRGB from 0 to 1 as lightness from 0 to 1 and two axes of about ±0.4."""
    linear = torch.where(pixels <= _LINE, pixels / 12.92, ((pixels + 0.055) / 1.055).pow(2.4))
    cones = _turned(_TO_CONES, linear).clamp_(min=0).pow_(1 / 3)
    return _turned(_TO_AXES, cones)


def from_oklab(axes: Tensor) -> Tensor:
    """The pixels [3, ...] from 0 to 1; what no screen shows is clamped."""
    linear = _turned(_TO_CONES, _turned(_TO_AXES, axes, inverse=True).pow_(3), inverse=True)
    linear.clamp_(0, 1)
    curved = linear.pow(1 / 2.4).mul_(1.055).sub_(0.055)
    return torch.where(linear <= _LINEAR_LINE, linear * 12.92, curved).clamp_(0, 1)


def _turned(matrix: tuple[tuple[float, ...], ...], planes: Tensor, inverse: bool = False) -> Tensor:
    square = torch.tensor(matrix, dtype=torch.float64)
    square = (torch.linalg.inv(square) if inverse else square).to(planes)
    return (square @ planes.reshape(3, -1)).reshape(planes.shape)
