"""Pointillism: a harbor at sunset, in dots of unmixed color."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from patterns import Array, grid, mixed, noise, picture, ramp, step

SUPERSAMPLING = 2
HORIZON = 0.56
SUN = (0.60, 0.40)
LAYERS = ((0.0175, 1.9), (0.0135, 1.1), (0.0105, 0.8))  # a dot's width, and how densely it is put
PIGMENTS = np.array(
    [
        (255, 248, 226),  # white
        (255, 224, 92),  # lemon
        (255, 180, 40),  # cadmium yellow
        (250, 124, 40),  # orange
        (226, 62, 46),  # vermilion
        (236, 122, 140),  # rose
        (196, 66, 120),  # madder
        (146, 108, 190),  # violet
        (84, 78, 168),  # blue violet
        (40, 70, 158),  # ultramarine
        (64, 128, 208),  # cobalt
        (132, 192, 228),  # cerulean
        (40, 150, 150),  # viridian
        (82, 170, 96),  # emerald
        (164, 200, 82),  # yellow green
        (34, 32, 84),  # indigo
    ],
    dtype=np.float64,
)


def scene(side: int, rng: np.random.Generator) -> Array:
    """Return the motif (side, side, 3) as it would be if its paints were mixed."""
    x, y = grid(side)
    from_sun = np.hypot(x - SUN[0], (y - SUN[1]) * 1.1)
    sky = ramp(
        y / HORIZON + 0.16 * (noise(side, (3, 8), rng) - 0.5),
        [0.0, 0.3, 0.55, 0.78, 1.0],
        [(66, 104, 190), (132, 160, 216), (226, 172, 190), (252, 190, 120), (255, 214, 120)],
    )
    clouds = step(0.52, 0.66, noise(side, (2.5, 9), rng)) * step(0.02, 0.14, y) * (y < HORIZON)
    sky = mixed(sky, np.array([255.0, 206, 170]), clouds * 0.75)
    sky = mixed(sky, np.array([255.0, 236, 150]), np.exp(-((from_sun / 0.17) ** 2)))
    sky = mixed(sky, np.array([255.0, 250, 214]), step(-0.064, -0.058, -from_sun))
    depth = (y - HORIZON) / (1 - HORIZON)
    water = ramp(
        depth,
        [0.0, 0.25, 0.6, 1.0],
        [(250, 188, 128), (140, 152, 208), (52, 104, 178), (30, 56, 130)],
    )
    ripples = noise(side, (6, 46), rng, 3)
    glitter = np.exp(-(((x - SUN[0]) / (0.05 + 0.16 * np.clip(depth, 0, 1))) ** 2))
    water = mixed(water, np.array([255.0, 196, 84]), glitter * step(0.44, 0.56, ripples))
    water = mixed(
        water, np.array([58.0, 166, 164]), 0.7 * step(0.54, 0.64, noise(side, (4, 30), rng))
    )
    colors = np.where((y < HORIZON)[..., None], sky, water)
    return boats(hills(colors, x, y, rng), x, y, ripples)


def hills(colors: Array, x: Array, y: Array, rng: np.random.Generator) -> Array:
    """Return the motif with its coast behind and its bank in front."""
    side = len(x)
    wave = noise(side, (4, 1), rng, 4)[0][None, :]
    far = HORIZON - 0.03 - 0.24 * np.clip(0.75 - x * 1.5, 0, 1) * (0.55 + 0.9 * wave)
    far -= 0.11 * np.clip(x * 2.4 - 1.75, 0, 1) * (0.6 + 0.8 * wave)
    tint = ramp((y - far) / 0.2, [0, 0.5, 1], [(170, 112, 186), (108, 92, 176), (84, 110, 176)])
    colors = mixed(colors, tint, ((y > far) & (y < HORIZON)).astype(float))
    bank = 0.86 + 0.14 * x * 1.6 - 0.05 * wave
    grass = ramp(
        noise(side, (9, 9), rng) + 0.8 * (y - bank),
        [0.3, 0.5, 0.75],
        [(34, 92, 96), (70, 150, 84), (206, 196, 84)],
    )
    return mixed(colors, grass, (y > bank).astype(float))


def boats(colors: Array, x: Array, y: Array, ripples: Array) -> Array:
    """Return the motif with three boats and what the water shows of them."""
    hulls = ((0.33, 0.70, 0.30, 1.0), (0.80, 0.615, 0.15, -1.0), (0.50, 0.585, 0.08, 1.0))
    for left, foot, height, lean in hulls:
        for mirrored in (True, False):
            up = (foot - y) * (-1.5 if mirrored else 1.0) / height
            sway = (ripples - 0.5) * 0.16 * height if mirrored else 0.0
            along = ((x - left) * lean + sway) / height
            paint = 0.55 if mirrored else 1.0
            main = (along > 0.015) & (along < 0.46 * (1 - up)) & (up > 0.12) & (up < 1)
            jib = (along < -0.015) & (along > -0.34 * (0.86 - up)) & (up > 0.14)
            hull = (np.abs(along) < 0.42 + 0.35 * up) & (up > 0.0) & (up < 0.1)
            mast = (np.abs(along) < 0.012) & (up > 0) & (up < 1.06)
            shade = np.clip(0.25 + along * 2, 0, 1)
            sail = ramp(shade, [0, 0.5, 1], [(255, 244, 214), (255, 214, 150), (232, 130, 116)])
            colors = mixed(colors, sail, np.where(main, paint, 0.0))
            colors = mixed(colors, np.array([248.0, 224, 226]), np.where(jib, paint, 0.0))
            colors = mixed(colors, np.array([120.0, 40, 70]), np.where(hull, paint, 0.0))
            colors = mixed(colors, np.array([70.0, 40, 80]), np.where(mast, paint, 0.0))
    return colors


def divided(color: Array, rng: np.random.Generator) -> Array:
    """Return one pigment of those that a color (3,) would be mixed of, seldom its complement."""
    wanted = color + rng.normal(size=3) * 20
    if rng.uniform() < 0.07:
        wanted = 1.9 * color.mean() - 0.9 * color
    distances = ((PIGMENTS - wanted) ** 2 @ np.array([1.0, 1.4, 0.8])) ** 0.5
    chances = np.exp(-distances / 17)
    pigment = PIGMENTS[rng.choice(len(PIGMENTS), p=chances / chances.sum())]
    return np.asarray(pigment * 0.7 + color * 0.3 + rng.normal(size=3) * 5)


def make(size: int, seed: int = 4) -> Image.Image:
    """Return the harbor, size pixels a side; the same seed gives the same pixels."""
    rng = np.random.default_rng(seed)
    side = size * SUPERSAMPLING
    motif = scene(side, rng)
    canvas = Image.new("RGB", (side, side), (238, 226, 204))
    pen = ImageDraw.Draw(canvas)
    for width, density in LAYERS:
        cells = round(density**0.5 / width)
        places = np.stack(np.meshgrid(np.arange(cells), np.arange(cells)), -1).reshape(-1, 2)
        places = rng.permutation((places + rng.uniform(-0.1, 1.1, places.shape)) / cells)
        for across, down in places:
            row, column = (min(max(int(one * side), 0), side - 1) for one in (down, across))
            radius = width * side / 2 * rng.uniform(0.8, 1.15)
            flat = 1.35 if down > HORIZON and down < 0.86 else 1.0
            red, green, blue = (
                int(one) for one in np.clip(divided(motif[row, column], rng), 0, 255)
            )
            box = (
                across * side - radius * flat,
                down * side - radius / flat,
                across * side + radius * flat,
                down * side + radius / flat,
            )
            pen.ellipse(box, fill=(red, green, blue))
    relief = 1 + 0.05 * (noise(side, (180, 180), rng, 2) - 0.5)
    return picture(np.asarray(canvas, dtype=np.float64) * relief[..., None], size)
