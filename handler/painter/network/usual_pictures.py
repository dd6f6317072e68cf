"""Pictures that nobody took, to tell by what a network usually responds with.

Clouds, and in front of them shapes of all sizes that hide each other, plain, shaded or striped: the
statistics of dead leaves (Lee, Mumford and Huang 2001), which are near those of photos.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor

# Small ones: PyTorch would share the work on larger ones among threads, each shape ten times.
COUNT: Final = 16
_SIDE: Final = 128
_SHAPES: Final = 50
# The radius of the smallest shapes, and beside it that of the largest, in sides of a picture; the
# number of those of a radius falls with its square.
_RADIUS: Final = 0.04
_LARGEST: Final = 12.5
# Waves of amplitudes that fall with their frequency, and of the finer ones that lie over all.
_FAR: Final = 1.0
_NEAR: Final = 0.6
_NEAR_SHARE: Final = 0.25


def usual_pictures() -> Iterator[Tensor]:
    """`COUNT` pictures [3, 128, 128] in sRGB from 0 to 1, always the same."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(COUNT):
        picture = torch.rand(3, 1, 1, generator=generator) + _clouds(_FAR, generator)
        for _ in range(_SHAPES):
            picture = _with_shape(picture, generator)
        yield (picture + _NEAR_SHARE * _clouds(_NEAR, generator)).clamp(0, 1)


def _clouds(power: float, generator: torch.Generator) -> Tensor:
    """Noise [3, side, side] around 0, whose colors go together."""
    frequency = torch.fft.fftfreq(_SIDE)[:, None].hypot(torch.fft.rfftfreq(_SIDE))
    white = torch.fft.rfft2(torch.randn(3, _SIDE, _SIDE, generator=generator))
    waves = torch.fft.irfft2(white / frequency.clamp_min(1 / _SIDE) ** power, s=(_SIDE, _SIDE))
    mixing = 1 + 0.4 * torch.randn(3, 3, generator=generator)
    clouds: Tensor = torch.tensordot(mixing, waves / waves.std(), 1)
    return 0.12 * clouds


def _with_shape(picture: Tensor, generator: torch.Generator) -> Tensor:
    """The picture behind an ellipse, a rectangle or a diamond."""
    left, top, turn, size, narrow, kind, contrast, period, plain = torch.rand(
        9, generator=generator
    ).tolist()
    axis = torch.arange(_SIDE) / _SIDE
    x, y = axis - left, (axis - top)[:, None]
    radius = _RADIUS / (1 - size * (1 - 1 / _LARGEST))
    sine, cosine = math.sin(math.pi * turn), math.cos(math.pi * turn)
    along = (x * cosine + y * sine) / radius
    across = (y * cosine - x * sine) / (radius * (0.2 + 0.8 * narrow))
    distances = (
        along.hypot(across),
        torch.maximum(along.abs(), across.abs()),
        along.abs() + across.abs(),
    )
    color = torch.rand(3, 1, 1, generator=generator) + 0.2 * across
    if plain < 0.4:
        pixels = along * (radius * _SIDE)
        color = color + 0.3 * contrast * torch.sin(pixels * (2 * math.pi / (2 + 14 * period)))
    return torch.where(distances[int(3 * kind)] < 1, color, picture)
