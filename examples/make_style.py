"""Paint style.png: bristle strokes along a swirling flow field, lit like thick oil paint."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Array = NDArray[np.float64]

SUPERSAMPLING = 3
BRISTLE_SPACING = 2.2  # pixels of the supersampled canvas
PATH_POINTS = 40
MARGIN = 0.15  # strokes also start this far outside the canvas, so its edges are covered
SPIRAL = 0.35  # radians between the strokes and the level lines: vortices wind inward
PALETTE = np.array(
    [
        (12, 18, 58),  # midnight
        (20, 42, 122),  # ultramarine
        (30, 84, 176),  # cobalt
        (24, 148, 178),  # turquoise
        (84, 190, 184),  # verdigris
        (246, 232, 196),  # cream
        (240, 184, 62),  # yellow ochre
        (222, 126, 30),  # raw sienna
        (208, 58, 30),  # vermilion
        (146, 22, 40),  # madder
    ],
    dtype=np.float64,
)
VORTEX_CENTERS = np.array([(0.68, 0.30), (0.22, 0.62), (0.20, 0.12), (0.82, 0.86)])
VORTEX_RADII = np.array([0.20, 0.15, 0.09, 0.10])
VORTEX_STRENGTHS = np.array([1.0, 0.75, 0.55, 0.6])


@dataclass(frozen=True)
class Coat:
    """One pass over the canvas: width and length are fractions of its side."""

    width: float
    length: float
    coverage: float
    jitter: float
    accents: float


COATS = (
    Coat(width=0.100, length=0.12, coverage=5.0, jitter=0.2, accents=0.0),
    Coat(width=0.085, length=0.40, coverage=4.0, jitter=0.3, accents=0.0),
    Coat(width=0.042, length=0.26, coverage=2.4, jitter=0.5, accents=0.0),
    Coat(width=0.022, length=0.17, coverage=1.2, jitter=0.7, accents=0.06),
    Coat(width=0.011, length=0.10, coverage=0.5, jitter=0.9, accents=0.10),
)


class Flow:
    """A stream function on the unit square, made of plane waves and vortices."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Turn and shift the waves at random."""
        frequencies = np.array([1.0, 1.3, 1.7, 2.2, 2.9, 3.7, 4.6])
        headings = rng.uniform(0, 2 * np.pi, frequencies.size)
        self.waves = 2 * np.pi * frequencies * np.array([np.cos(headings), np.sin(headings)])
        self.phases = rng.uniform(0, 2 * np.pi, frequencies.size)
        self.amplitudes = 0.20 / frequencies**1.2

    def direction(self, points: Array) -> Array:
        """Return the unit vectors that a brush follows from points (..., 2)."""
        ripples = -np.sin(points @ self.waves + self.phases) * self.amplitudes
        pulls = vortices(points) / VORTEX_RADII**2
        offsets = points[..., None, :] - VORTEX_CENTERS
        gradient = ripples @ self.waves.T - (pulls[..., None] * offsets).sum(axis=-2)
        level = np.stack([-gradient[..., 1], gradient[..., 0]], axis=-1)
        return unit(np.cos(SPIRAL) * level + np.sin(SPIRAL) * gradient)

    def tone(self, points: Array) -> Array:
        """Return the place in the palette at points (..., 2), from dark and cold to hot."""
        potential = np.cos(points @ self.waves + self.phases) @ self.amplitudes
        potential += vortices(points).sum(axis=-1)
        across = points[..., ::-1] * np.array([1.0, -1.0])
        sway = np.cos(across @ self.waves[:, 2:5] + self.phases[:3]).sum(axis=-1)
        return np.asarray(1.8 + 5.6 * potential + 0.75 * sway)

    def paths(self, starts: Array, length: float) -> Array:
        """Return the paths (strokes, PATH_POINTS, 2) of brushes put down at starts."""
        step = length / (PATH_POINTS - 1)
        points = [starts]
        for _ in range(PATH_POINTS - 1):
            middle = points[-1] + self.direction(points[-1]) * step / 2
            points.append(points[-1] + self.direction(middle) * step)
        paths = np.stack(points, axis=1)
        tangents = unit(np.diff(paths, axis=1))
        turns = (tangents[:, 1:] * tangents[:, :-1]).sum(axis=-1)
        smooth = turns.min(axis=1) > 0.9  # a kink would show where the flow stands still
        return np.asarray(paths[smooth])


def unit(vectors: Array) -> Array:
    """Return vectors (..., 2) scaled to length 1."""
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9))


def vortices(points: Array) -> Array:
    """Return the share (..., vortices) of each vortex in the stream function."""
    squares = ((points[..., None, :] - VORTEX_CENTERS) ** 2).sum(axis=-1)
    return np.asarray(VORTEX_STRENGTHS * np.exp(-squares / (2 * VORTEX_RADII**2)))


def scatter(count: int, rng: np.random.Generator) -> Array:
    """Return about count points in random order, spread evenly but not regularly."""
    side = max(2, round(count**0.5))
    cells = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
    points = (cells + rng.uniform(size=cells.shape)) / side
    return rng.permutation(points * (1 + 2 * MARGIN) - MARGIN)


def pigment(place: float) -> Array:
    """Return the color at a place in the palette, blended between its neighbors."""
    places = np.arange(len(PALETTE))
    return np.array([np.interp(place, places, channel) for channel in PALETTE.T])


class Canvas:
    """The color and the thickness of the paint, both larger than the picture."""

    def __init__(self, size: int) -> None:
        """Prime a square canvas for a picture of size pixels a side."""
        self.size = size
        self.side = size * SUPERSAMPLING
        self.color = Image.new("RGB", (self.side, self.side), (20, 42, 122))
        self.thickness = Image.new("F", (self.side, self.side))
        self.color_pen = ImageDraw.Draw(self.color)
        self.thickness_pen = ImageDraw.Draw(self.thickness)

    def stroke(self, path: Array, width: float, loads: Array, rng: np.random.Generator) -> None:
        """Drag a brush along path that carries one color of loads (2, 3) on each side."""
        tangents = np.gradient(path, axis=0)
        length = np.linalg.norm(tangents, axis=1).sum()
        normals = unit(tangents[:, ::-1] * np.array([-1.0, 1.0]))
        along = np.linspace(0, 1, PATH_POINTS)
        pressure = np.minimum(1, 0.55 + 3 * along) * (1 - 0.45 * along**3)
        count = max(3, round(width * self.side / BRISTLE_SPACING))
        offsets = np.linspace(-1, 1, count)
        streaks = np.convolve(rng.normal(size=count + 4), np.full(5, 0.2), mode="valid")
        grain = rng.normal(size=count)
        shares = np.clip(0.5 + 0.35 * offsets + 0.7 * streaks, 0, 1)[:, None]
        colors = loads[0] * (1 - shares) + loads[1] * shares
        colors *= (1 + 0.05 * grain + 0.08 * streaks)[:, None]
        relief = (1 + 0.35 * grain + 0.8 * streaks + 0.6 * offsets**6) * width**0.5
        tip = 0.5 * width / length * PATH_POINTS * (1 - np.sqrt(1 - offsets**2))
        first = (tip + rng.uniform(0, 2, count)).astype(int)
        last = PATH_POINTS - (tip + rng.exponential(3.5, count)).astype(int)
        for i in range(count):
            trail = path + normals * (pressure * offsets[i] * width / 2)[:, None]
            self.draw(trail[first[i] : max(last[i], first[i] + 3)], colors[i], relief[i])

    def draw(self, trail: Array, color: Array, thickness: float) -> None:
        """Leave the trail of one bristle."""
        points = [(float(x), float(y)) for x, y in trail * self.side]
        red, green, blue = (int(channel) for channel in np.clip(color, 0, 255))
        self.color_pen.line(points, fill=(red, green, blue), width=4)
        self.thickness_pen.line(points, fill=float(thickness), width=4)

    def lit(self) -> Image.Image:
        """Return the picture, its relief lit from the upper left."""
        relief = np.asarray(self.thickness, dtype=np.float64)
        fine = np.tanh(5 * rise(relief, 1))
        broad = np.tanh(2.5 * rise(relief, SUPERSAMPLING))
        gloss = 45 * np.clip(fine - 0.5, 0, 1) + 35 * np.clip(broad - 0.4, 0, 1)
        shade = 1 + 0.16 * fine + 0.22 * broad
        light = np.asarray(self.color) * shade[..., None] + gloss[..., None]
        picture = Image.fromarray(np.clip(light, 0, 255).astype(np.uint8))
        return picture.resize((self.size, self.size), Image.Resampling.LANCZOS)


def rise(relief: Array, pixels: int) -> Array:
    """Return how much higher relief is than that many pixels up and to the left."""
    return relief - np.pad(relief, (pixels, 0), mode="edge")[:-pixels, :-pixels]


def paint(size: int, seed: int) -> Image.Image:
    """Return a square painting of size pixels a side; the same seed gives the same pixels."""
    rng = np.random.default_rng(seed)
    flow, canvas = Flow(rng), Canvas(size)
    for coat in COATS:
        count = round(coat.coverage * (1 + 2 * MARGIN) ** 2 / (coat.width * coat.length))
        paths = flow.paths(scatter(count, rng), coat.length)
        for path, tone in zip(paths, flow.tone(paths[:, PATH_POINTS // 2]), strict=True):
            accent = rng.uniform() < coat.accents
            place = ((tone + 4) % 9 if accent else tone) + rng.normal() * coat.jitter
            loads = np.stack([pigment(round(place)), pigment(place + rng.normal() * 0.5)])
            canvas.stroke(path, coat.width * rng.uniform(0.7, 1.2), loads, rng)
    return canvas.lit()


def main() -> None:
    """Write the painting to the path that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, nargs="?", default=Path(__file__).parent / "style.png")
    parser.add_argument("--size", type=int, default=512, help="pixels a side")
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    paint(arguments.size, arguments.seed).save(arguments.path, optimize=True)


if __name__ == "__main__":
    main()
