"""Ink: mountains in mist behind bamboo, with a brush, washes and a seal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from patterns import Array, blurred, grid, noise, picture, step

SUPERSAMPLING = 2
PAPER = np.array([243.0, 236, 219])
WASH = np.array([1.0, 0.93, 0.82])  # how much of red, green and blue thin ink takes away
SEAL = np.array([186.0, 44, 34])
DEEPEST = 2.9  # optical density of ink as it comes from the stone
SIDES = 40  # points of a stroke


@dataclass(frozen=True)
class Brush:
    """A brush: its width as a share of the picture, its ink, and how dry it is from 0 to 1."""

    width: float
    ink: float
    dry: float


class Sheet:
    """A sheet of paper: the ink that lies on every pixel, as an optical density."""

    def __init__(self, side: int, rng: np.random.Generator) -> None:
        """Take a dry sheet."""
        self.side, self.rng = side, rng
        self.density = np.zeros((side, side))
        self.grain = noise(side, (150, 150), rng, 3)

    def wash(self, density: Array) -> None:
        """Add thin ink, which settles in the grain of the paper."""
        self.density += density * (0.86 + 0.34 * self.grain)

    def pool(self, shape: Array, density: float) -> None:
        """Add a wet shape, whose rim dries darker."""
        soft = blurred(shape, 0.0012 * self.side)
        rim = np.clip(soft - blurred(shape, 0.008 * self.side), 0, 1)
        bloom = noise(self.side, (9, 9), self.rng, 4)
        self.wash(soft * density * (0.6 + 0.7 * bloom) + rim * density * 1.1)

    def stroke(self, path: Array, widths: Array, brush: Brush) -> None:
        """Drag a brush along a path (points, 2) with a share of its width at every point."""
        layer = Image.new("L", (self.side, self.side))
        pen = ImageDraw.Draw(layer)
        tangents = np.gradient(path, axis=0)
        normals = tangents[:, ::-1] * np.array([-1.0, 1.0])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
        bristles = max(5, round(brush.width * self.side / 2.2))
        along = np.linspace(0, 1, len(path))
        for offset in np.linspace(-1, 1, bristles):
            load = np.clip(self.rng.normal(0.86, 0.10 + 0.24 * brush.dry), 0.05, 1)
            runs_dry = 1.0 if self.rng.uniform() > brush.dry else self.rng.uniform(0.15, 0.95)
            aside = normals * (offset * widths * brush.width / 2)[:, None]
            trail = (path + aside + self.rng.normal(0, 0.0005, 2)) * self.side
            kept = max(2, int((along <= runs_dry).sum()))
            points = [(float(x), float(y)) for x, y in trail[:kept]]
            pen.line(points, fill=int(255 * load), width=max(2, round(self.side / 420)))
        ink = np.asarray(layer, dtype=np.float64) / 255
        soft = blurred(ink, 0.0009 * self.side)
        tooth = step(0.34 * brush.dry, 0.34 * brush.dry + 0.34, self.grain)
        self.density = np.maximum(
            self.density, soft * brush.ink * (1 - brush.dry + brush.dry * tooth)
        )


def curve(start: tuple[float, float], end: tuple[float, float], bend: float) -> Array:
    """Return points from start to end, bent aside by a share of the way."""
    a, b = np.array(start), np.array(end)
    along = np.linspace(0, 1, SIDES)[:, None]
    aside = (b - a)[::-1] * np.array([-1.0, 1.0]) * bend
    return np.asarray(a + (b - a) * along + aside * np.sin(np.pi * along))


def mountains(sheet: Sheet) -> None:
    """Wash ridge before ridge, each paler below, where the mist lies."""
    x, y = grid(sheet.side)
    rng, side = sheet.rng, sheet.side
    for top, height, cells, ink, center in (
        (0.30, 0.14, 3, 0.34, 0.15),
        (0.36, 0.30, 3, 0.62, 0.62),
        (0.52, 0.22, 4, 0.95, 0.30),
        (0.66, 0.15, 4, 1.35, 0.86),
    ):
        wave = noise(side, (cells, 1), rng, 6)[0][None, :] - 0.5
        peak = np.exp(-(((x - center) / 0.24) ** 2))
        crest = top - height * 0.62 * peak - height * wave
        crest = np.broadcast_to(crest, y.shape)
        below = y - crest
        inside = step(-0.001, 0.0025, below)
        billow = noise(side, (5, 7), rng, 4)
        mist = np.exp(-np.clip(below, 0, 1) / (0.055 + 0.15 * billow))
        sheet.wash(inside * ink * mist * (0.55 + 0.7 * noise(side, (12, 12), rng, 4)))
        rim = np.exp(-np.clip(below, 0, 1) / 0.006) * inside
        sheet.wash(rim * ink * 0.7 * step(0.3, 0.6, noise(side, (40, 6), rng, 3)))
        texture(sheet, crest[0], ink)


def texture(sheet: Sheet, crest: Array, ink: float) -> None:
    """Put dry strokes down a mountain's flanks."""
    rng, side = sheet.rng, sheet.side
    for _ in range(round(26 + 26 * ink)):
        across = rng.uniform(0.0, 1.0)
        column = min(int(across * side), side - 1)
        start = float(crest[column]) + rng.uniform(0.004, 0.07)
        ahead = float(crest[min(column + side // 40, side - 1)])
        lean = np.clip((ahead - float(crest[column])) * 14, -0.8, 0.8)
        length = rng.uniform(0.03, 0.10)
        path = curve((across, start), (across + lean * length, start + length), rng.normal(0, 0.12))
        widths = np.sin(np.linspace(0.25, np.pi, SIDES)) ** 0.7
        sheet.stroke(
            path, widths, Brush(rng.uniform(0.008, 0.022), ink * rng.uniform(0.7, 1.35), 0.75)
        )


def bamboo(sheet: Sheet, foot: float, lean: float, width: float, ink: float) -> None:
    """Paint a cane from the ground up, joint by joint, and its leaves."""
    rng = sheet.rng
    place = np.array([foot, 1.06])
    length = 0.155
    while place[1] > -0.1:
        end = place + np.array([lean * length + rng.normal(0, 0.002), -length])
        path = curve((place[0], place[1]), (end[0], end[1]), rng.normal(0, 0.01))
        ends = np.abs(np.linspace(-1, 1, SIDES)) ** 5
        sheet.stroke(path, 0.82 + 0.26 * ends, Brush(width, ink * rng.uniform(0.8, 1.1), 0.5))
        knot = curve(
            (end[0] - width * 0.62, end[1] + 0.002), (end[0] + width * 0.62, end[1]), -0.12
        )
        sheet.stroke(knot, np.full(SIDES, 1.0), Brush(0.0075, DEEPEST, 0.1))
        if rng.uniform() < 0.85 and end[1] < 0.78:
            side = rng.choice([-1.0, 1.0])
            twig = end + np.array([side * rng.uniform(0.06, 0.17), -rng.uniform(0.00, 0.10)])
            path = curve((end[0], end[1]), (twig[0], twig[1]), 0.08 * side)
            sheet.stroke(path, np.linspace(1, 0.5, SIDES), Brush(0.0055, ink, 0.3))
            for share in (0.55, 1.0):
                leaves(sheet, path[int(share * (SIDES - 1))], side, ink)
        place = end + np.array([0.0, -0.008])
        length *= rng.uniform(0.98, 1.06)


def leaves(sheet: Sheet, place: Array, side: float, ink: float) -> None:
    """Paint a spray of leaves, pressed down and lifted off to a point."""
    rng = sheet.rng
    for turn in rng.permutation(np.linspace(-0.55, 1.15, 5)):
        angle = np.pi / 2 - side * (turn + rng.normal(0, 0.12))
        length = rng.uniform(0.09, 0.165)
        tip = place + length * np.array([np.cos(angle), np.sin(angle)])
        path = curve((place[0], place[1]), (tip[0], tip[1]), rng.normal(0, 0.07))
        widths = np.sin(np.linspace(0.12, 1, SIDES) ** 0.72 * np.pi) ** 0.9
        tone = rng.choice([DEEPEST, DEEPEST * 0.8, ink * 0.55])
        sheet.stroke(path, widths, Brush(rng.uniform(0.020, 0.031), tone, 0.28))


def birds(sheet: Sheet) -> None:
    """Put a few birds into the mist, two touches each."""
    for x, y, wing in ((0.44, 0.40, 0.020), (0.485, 0.375, 0.016), (0.53, 0.395, 0.013)):
        for side in (-1.0, 1.0):
            path = curve((x, y), (x + side * wing, y - wing * 0.55), -0.25 * side)
            sheet.stroke(path, np.linspace(1, 0.2, SIDES), Brush(0.005, 2.0, 0.1))


def splashes(sheet: Sheet) -> None:
    """Shake the brush."""
    layer = Image.new("L", (sheet.side, sheet.side))
    pen = ImageDraw.Draw(layer)
    for _ in range(70):
        x, y = sheet.rng.uniform(0, 1, 2) * sheet.side
        radius = sheet.rng.exponential(0.0016) * sheet.side
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    sheet.pool(np.asarray(layer, dtype=np.float64) / 255, 1.2)


def sealed(colors: Array, rng: np.random.Generator) -> Array:
    """Return the colors with a red seal in the corner, worn by use."""
    side = len(colors)
    x, y = grid(side)
    u, v = (x - 0.865) / 0.04, (y - 0.93) / 0.04
    square = (np.abs(u) < 1) & (np.abs(v) < 1)
    frame = (np.abs(u) < 0.84) & (np.abs(v) < 0.84)
    bars = (np.abs((v * 2.2) % 1 - 0.5) < 0.16) & (np.abs(u) < 0.62)
    post = (np.abs(np.abs(u) - 0.34) < 0.10) & (np.abs(v) < 0.7)
    print_ = square & ~(frame & (np.abs(u) > 0.74)) & ~(frame & (np.abs(v) > 0.74))
    cut = print_ & ~(bars | post)
    worn = blurred(cut.astype(float), 0.0012 * side) * step(
        0.22, 0.5, noise(side, (90, 90), rng, 3)
    )
    return np.asarray(colors + (SEAL - colors) * (worn * 0.94)[..., None])


def make(size: int, seed: int = 8) -> Image.Image:
    """Return the sheet, size pixels a side; the same seed gives the same pixels."""
    rng = np.random.default_rng(seed)
    side = size * SUPERSAMPLING
    x, y = grid(side)
    sheet = Sheet(side, rng)
    moon = np.hypot(x - 0.33, y - 0.155)
    halo = step(0.075, 0.079, moon) * np.exp(-np.clip(moon - 0.077, 0, 1) / 0.11)
    sheet.wash(0.36 * halo * (0.5 + noise(side, (4, 4), rng, 4)))
    sheet.wash(0.22 * step(0.45, 0.75, noise(side, (3, 5), rng, 4)) * step(0.0, 0.3, moon))
    mountains(sheet)
    ground = step(0.0, 0.12, y - 0.92 + 0.09 * noise(side, (5, 1), rng, 5)[0][None, :])
    sheet.wash(1.5 * ground * noise(side, (7, 14), rng, 4) ** 1.5)
    birds(sheet)
    for foot, lean, width, ink in (
        (0.94, -0.05, 0.026, 0.75),
        (0.07, 0.035, 0.044, 1.7),
        (0.20, 0.06, 0.030, 1.0),
        (0.80, -0.02, 0.037, 1.45),
    ):
        bamboo(sheet, foot, lean, width, ink)
    splashes(sheet)
    fibers = noise(side, (60, 240), rng, 2) * 0.5 + noise(side, (240, 60), rng, 2) * 0.5
    paper = PAPER * (0.955 + 0.09 * fibers)[..., None]
    light = np.exp(-np.clip(sheet.density, 0, DEEPEST)[..., None] * WASH)
    return picture(sealed(paper * light + 14 * (1 - light), rng), size)
