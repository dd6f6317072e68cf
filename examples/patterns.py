"""What the styles of the library have in common: grids, noise and shapes on the unit square."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Array = NDArray[np.float64]


def grid(side: int) -> tuple[Array, Array]:
    """Return x and y of every pixel of a square, from 0 to 1."""
    rows, columns = np.mgrid[:side, :side]
    return (columns + 0.5) / side, (rows + 0.5) / side


def noise(
    side: int, cells: tuple[float, float], rng: np.random.Generator, octaves: int = 4
) -> Array:
    """Return fractal noise (side, side), from 0 to 1, with that many blots across and down."""
    total, weight, sum_of_weights = np.zeros((side, side)), 1.0, 0.0
    for octave in range(octaves):
        across, down = (max(2, min(round(count * 2**octave), side)) for count in cells)
        blots = Image.fromarray(rng.uniform(size=(down, across)).astype(np.float32))
        fine = blots.resize((side, side), Image.Resampling.BICUBIC)
        total += weight * np.asarray(fine, dtype=np.float64)
        sum_of_weights += weight
        weight /= 2
    return np.clip(total / sum_of_weights, 0, 1)


def step(low: float, high: float, values: Array) -> Array:
    """Return 0 where values are below low, 1 above high, and a smooth way between."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def blurred(values: Array, radius: float) -> Array:
    """Return an array (height, width) from 0 to 1, blurred by that many pixels."""
    image = Image.fromarray((np.clip(values, 0, 1) * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float64) / 255


def mixed(below: Array, above: Array, share: Array) -> Array:
    """Return colors (height, width, 3) with a share (height, width) of those above."""
    return np.asarray(below + (above - below) * share[..., None])


def ramp(values: Array, places: list[float], colors: list[tuple[int, int, int]]) -> Array:
    """Return the colors (…, 3) of values on a scale of colors at places."""
    table = np.array(colors, dtype=np.float64)
    return np.stack([np.interp(values, places, channel) for channel in table.T], axis=-1)


def picture(colors: Array, size: int) -> Image.Image:
    """Return colors (side, side, 3), from 0 to 255, as a picture of size pixels a side."""
    image = Image.fromarray(np.clip(colors, 0, 255).astype(np.uint8))
    return image.resize((size, size), Image.Resampling.LANCZOS)
