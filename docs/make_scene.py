"""A mountain lake at dawn, as large as one likes: a photo for large paintings, by our own code."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float64]

_SKY = np.array([[0.98, 0.74, 0.52], [0.62, 0.70, 0.84], [0.25, 0.38, 0.62]])
_FAR, _NEAR = np.array([0.66, 0.66, 0.76]), np.array([0.08, 0.13, 0.14])
_RIDGES, _SHORE = 6, 0.72


def scene(width: int, seed: int = 5) -> Image.Image:
    """Ridges in haze, firs, and their reflection; `width` in px, three by two."""
    height = width * 2 // 3
    shore = int(height * _SHORE)
    rng = np.random.default_rng(seed)
    land = _sky(shore, width)
    for ridge in range(_RIDGES):
        _paint_ridge(land, ridge / (_RIDGES - 1), rng)
    water = _reflected(land, height - shore, rng)
    pixels = np.concatenate([land, water]) + rng.normal(0, 0.012, (height, width, 1))
    return Image.fromarray((pixels.clip(0, 1) * 255).astype(np.uint8))


def _sky(height: int, width: int) -> Array:
    rise = np.linspace(1, 0, height)[:, None]
    colors = [np.interp(rise, (0.42, 0.66, 1), _SKY[:, channel]) for channel in range(3)]
    sky = np.stack(colors, -1).repeat(width, 1)
    y, x = np.mgrid[0:height, 0:width] / width
    sun = np.hypot(x - 0.64, y - 0.19)
    glow = np.exp(-((sun / 0.12) ** 2)) * 0.45 + (sun < 0.028)
    lit: Array = sky + glow[..., None] * (np.array([1.0, 0.93, 0.72]) - sky)
    return lit


def _paint_ridge(land: Array, near: float, rng: np.random.Generator) -> None:
    """The nearer, the lower, darker and rougher; the nearest have firs."""
    height, width = land.shape[:2]
    crest = height * (0.56 + 0.38 * near) - _rough(width, rng) * height * (0.2 - 0.12 * near)
    if near > 0.7:
        crest -= _firs(width, rng) * height * 0.11
    depth = np.arange(height)[:, None] - crest
    grain = _rough(width, rng) * 0.5 + rng.normal(0, 0.25, (height, width))
    haze = (depth / height).clip(0, 1)[..., None] * (1 - near) * 0.9
    color = _FAR + near * (_NEAR - _FAR) + 0.1 * (1 - near) * grain[..., None] * near
    color = color + haze * (np.array([0.9, 0.8, 0.74]) - color)
    cover = depth.clip(0, 1)[..., None]
    land += cover * (color - land)


def _rough(width: int, rng: np.random.Generator) -> Array:
    """Octaves of noise along a line, from about -1 to 1."""
    place, line = np.arange(width) / width, np.zeros(width)
    for octave in range(2, 10):
        knots = rng.uniform(-1, 1, 2**octave + 1)
        line += np.interp(place, np.linspace(0, 1, len(knots)), knots) * 0.62 ** (octave - 2)
    return line / 2


def _firs(width: int, rng: np.random.Generator) -> Array:
    """The outline of a row of firs, from 0 to 1."""
    place, outline = np.arange(width) / width, np.zeros(width)
    for top in rng.uniform(0, 1, 130):
        tall, slim = rng.uniform(0.35, 1), rng.uniform(0.005, 0.011)
        away = np.abs(place - top) / slim
        jagged = 1 + 0.35 * np.sin(away * 40)
        outline = np.maximum(outline, tall * (1 - away * jagged).clip(0, 1))
    return outline


def _reflected(land: Array, height: int, rng: np.random.Generator) -> Array:
    rows = np.arange(height)
    down = rows / height
    waves = np.sin(rows * 0.9 + rng.normal(0, 0.6, height).cumsum()) * down * land.shape[1] * 0.004
    source = (len(land) - 1 - rows * 1.6).clip(0).astype(int)
    columns = (np.arange(land.shape[1]) + waves[:, None]).clip(0, land.shape[1] - 1).astype(int)
    mirrored: Array = land[source[:, None], columns] * (0.86 - 0.25 * down[:, None, None])
    return mirrored
