"""Make style_geometric.png: rings of stained glass around a few suns, held by dark lead."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

SUPERSAMPLING = 3
SUNS = np.array([(0.36, 0.38), (0.86, 0.16), (0.78, 0.74), (0.16, 0.90), (0.02, 0.06)])
REACHES = np.array([0.16, 0.02, 0.08, 0.0, -0.06])  # how far a sun's realm outgrows its share
RING_EDGES = np.array([0.035, 0.075, 0.125, 0.165, 0.225, 0.265, 0.335, 0.385, 0.47, 0.54, 0.65])
RING_PANES = np.array([1, 4, 6, 8, 8, 12, 10, 16, 12, 20, 16, 24])
RING_WARMTHS = np.array([4.6, 6.0, 6.9, 5.2, 2.2, 6.6, 1.4, 2.8, 0.6, 1.6, 0.6, 0.4])
PALETTE = np.array(
    [
        (18, 26, 92),  # ultramarine
        (24, 74, 170),  # cobalt
        (20, 140, 150),  # viridian
        (120, 196, 176),  # celadon
        (248, 236, 204),  # cream
        (250, 196, 50),  # cadmium yellow
        (232, 118, 28),  # orange
        (212, 40, 36),  # vermilion
        (128, 20, 60),  # carmine
    ],
    dtype=np.float64,
)
LEAD = np.array([16.0, 14.0, 24.0])


def panes(side: int, rng: np.random.Generator) -> tuple[Labels, Array]:
    """Return each pixel's pane number, and the color (panes, 3) of every pane."""
    rows, columns = np.mgrid[:side, :side] / side
    points = np.stack([columns, rows], axis=-1)
    offsets = points[:, :, None] - SUNS
    distances = np.linalg.norm(offsets, axis=-1)
    sun = np.argmin(distances - REACHES, axis=-1)
    nearest = sun[..., None]
    radius = np.take_along_axis(distances, nearest, axis=-1)[..., 0]
    offset = np.take_along_axis(offsets, nearest[..., None], axis=2)[:, :, 0]
    ring = np.digitize(radius, RING_EDGES)
    shifts = rng.uniform(size=(len(SUNS), len(RING_PANES)))
    turn = np.arctan2(offset[..., 1], offset[..., 0]) / (2 * np.pi) + shifts[sun, ring]
    sector = np.floor(turn % 1 * RING_PANES[ring]).astype(np.int64)
    shape = (len(SUNS), len(RING_PANES), int(RING_PANES.max()))
    return np.ravel_multi_index((sun, ring, sector), shape), glass(shape, rng).reshape(-1, 3)


def glass(shape: tuple[int, int, int], rng: np.random.Generator) -> Array:
    """Return the colors (suns, rings, sectors, 3): hot near a sun and cold far from it."""
    suns, rings, sectors = np.indices(shape)
    warmth = RING_WARMTHS[rings] + 0.9 * (-1.0) ** (sectors + suns) + 0.6 * rng.normal(size=shape)
    accents = rng.uniform(size=shape) < 0.10
    warmth = np.where(accents, (warmth + 4) % 9, warmth)
    colors = PALETTE[np.clip(np.round(warmth), 0, len(PALETTE) - 1).astype(int)]
    return np.asarray(colors * rng.uniform(0.88, 1.08, size=(*shape, 1)))


def clouds(side: int, cells: int, rng: np.random.Generator) -> Array:
    """Return smooth noise (side, side) around 0 with about that many blots a side."""
    coarse = Image.fromarray(rng.normal(size=(cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), dtype=np.float64)


def blurred(mask: Image.Image, radius: float) -> Array:
    """Return a mask blurred by that many pixels, from 0 to 1."""
    return np.asarray(mask.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float64) / 255


def make(size: int, seed: int) -> Image.Image:
    """Return a square window of size pixels a side; the same seed gives the same pixels."""
    rng = np.random.default_rng(seed)
    side = size * SUPERSAMPLING
    labels, colors = panes(side, rng)
    edges = np.zeros_like(labels, dtype=bool)
    edges[1:] |= labels[1:] != labels[:-1]
    edges[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    mask = Image.fromarray((edges * 255).astype(np.uint8))
    unit = side / 512
    lead = np.clip(4.5 * blurred(mask, 1.1 * unit) * unit, 0, 1) ** 1.5
    shadow = blurred(mask, 5 * unit) * unit
    light = 1.10 - 0.9 * shadow + 0.07 * clouds(side, 9, rng) + 0.035 * clouds(side, 60, rng)
    picture = colors[labels] * light[..., None]
    picture = picture * (1 - lead[..., None]) + LEAD * lead[..., None]
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    return image.resize((size, size), Image.Resampling.LANCZOS)


def main() -> None:
    """Write the window to the path that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).parent / "style_geometric.png"
    parser.add_argument("path", type=Path, nargs="?", default=default)
    parser.add_argument("--size", type=int, default=512, help="pixels a side")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    make(arguments.size, arguments.seed).save(arguments.path, optimize=True)


if __name__ == "__main__":
    main()
