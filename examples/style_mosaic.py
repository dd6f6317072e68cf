"""Mosaic: a peacock in glass and gold, laid along the lines of the drawing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from patterns import Array, blurred, grid, noise, picture, step

Numbers = NDArray[np.int64]
Places = NDArray[np.bool_]
Fill = Callable[[Places, str], None]

SUPERSAMPLING = 2
TILE = 0.0165  # of the picture's side
ROUNDS = 9  # of moving every tile to the middle of its place
MORTAR = np.array([86.0, 78, 74])
EYE = (0.50, 0.80)  # where the feathers of the tail come together
GLASS = {
    "gold": [(222, 170, 62), (238, 194, 92), (200, 144, 44), (248, 214, 126)],
    "cream": [(240, 228, 200), (226, 210, 176), (250, 242, 222)],
    "red": [(176, 44, 40), (204, 70, 48), (142, 30, 40)],
    "deep": [(24, 34, 98), (30, 48, 128), (20, 26, 76)],
    "blue": [(36, 82, 170), (54, 108, 192), (28, 64, 144)],
    "sky": [(112, 172, 208), (146, 198, 220), (84, 148, 196)],
    "teal": [(20, 122, 128), (32, 148, 146), (16, 98, 110)],
    "leaf": [(70, 138, 72), (98, 162, 78), (48, 112, 66)],
    "moss": [(28, 84, 62), (40, 102, 70), (22, 66, 54)],
    "black": [(28, 26, 34), (40, 36, 44)],
}
NAMES = list(GLASS)


def drawing(side: int) -> Numbers:
    """Return the number of the glass at every pixel."""
    x, y = grid(side)
    glass = np.full((side, side), NAMES.index("gold"))

    def fill(where: Places, name: str) -> None:
        glass[where] = NAMES.index(name)

    border(fill, x, y)
    tail(fill, x, y)
    bird(fill, x, y)
    return glass


def border(fill: Fill, x: Array, y: Array) -> None:
    """Draw the frame: bands, and between them diamonds."""
    inward = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    along = np.where(np.minimum(x, 1 - x) < np.minimum(y, 1 - y), y, x)
    fill(inward < 0.098, "cream")
    fill(inward < 0.082, "red")
    diamond = np.abs((along * 12) % 1 - 0.5) * 0.075 + np.abs(inward - 0.049) * 0.9
    fill((inward < 0.082) & (inward > 0.016) & (diamond < 0.030), "gold")
    fill((inward < 0.082) & (inward > 0.016) & (diamond < 0.0145), "teal")
    fill(inward < 0.016, "deep")


def tail(fill: Fill, x: Array, y: Array) -> None:
    """Draw the fan of feathers with their eyes."""
    far = np.hypot(x - EYE[0], y - EYE[1])
    turn = np.arctan2(x - EYE[0], EYE[1] - y)
    fan = (np.abs(turn) < 1.92) & (far < 0.645 - 0.02 * np.cos(turn * 18))
    inside = fan & (np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) > 0.098)
    fill(inside, "moss")
    fill(inside & ((turn * 12 / np.pi) % 1 < 0.5), "leaf")
    fill(inside & (far < 0.27), "teal")
    fill(inside & (far < 0.27) & ((turn * 15 / np.pi) % 1 < 0.5), "blue")
    for radius, count, size in ((0.575, 16, 0.052), (0.445, 13, 0.047), (0.325, 10, 0.041)):
        for place in range(-count, count + 1):
            middle = (place + (0.5 if count % 2 else 0.0)) * 3.72 / count
            if abs(middle) > 1.84:
                continue
            across = (turn - middle) * far
            up = far - radius
            eye = np.hypot(across * 1.2, up)
            fill(inside & (eye < size), "gold")
            fill(inside & (eye < size * 0.76), "sky")
            fill(inside & (np.hypot(across * 1.2, up + 0.004) < size * 0.54), "blue")
            fill(inside & (np.hypot(across * 1.2, up + 0.007) < size * 0.28), "deep")


def bird(fill: Fill, x: Array, y: Array) -> None:
    """Draw the body, the neck, the head and its crown."""
    ground = (y > 0.845) & (np.minimum(x, 1 - x) > 0.098) & (y < 0.902)
    fill(ground, "leaf")
    fill(ground & (np.sin(x * 90) > 0.3), "moss")
    for foot in (0.465, 0.535):
        fill((np.abs(x - foot) < 0.009) & (y > 0.78) & (y < 0.875), "red")
    body = np.hypot((x - 0.50) / 0.105, (y - 0.715) / 0.135)
    fill(body < 1.12, "cream")
    fill(body < 1, "blue")
    scale = np.cos((x - 0.5) * 110) * np.cos(y * 95)
    fill((body < 0.92) & (scale > 0.25), "sky")
    bend = 0.50 + 0.028 * np.sin((0.72 - y) * 11)
    thick = 0.034 + 0.06 * np.clip((y - 0.5) / 0.17, 0, 1) ** 1.6
    neck = np.abs(x - bend) / thick
    tall = (y > 0.415) & (y < 0.69)
    fill(tall & (neck < 1.28), "cream")
    fill(tall & (neck < 1), "deep")
    fill(tall & (neck < 0.52), "blue")
    head_x, head_y = 0.512, 0.398
    head = np.hypot((x - head_x) / 0.047, (y - head_y) / 0.041)
    fill(head < 1.24, "cream")
    fill(head < 1, "deep")
    beak = (x > head_x + 0.036) & (x < head_x + 0.106)
    fill(beak & (np.abs(y - head_y - 0.006) < (head_x + 0.112 - x) * 0.40), "red")
    fill(np.hypot(x - head_x - 0.014, y - head_y + 0.006) < 0.0165, "cream")
    fill(np.hypot(x - head_x - 0.015, y - head_y + 0.006) < 0.0085, "black")
    for lean in (-0.62, 0.0, 0.62):
        up = head_y - 0.038 - y
        aside = x - head_x - lean * up
        fill((np.abs(aside) < 0.0075) & (up > 0) & (up < 0.075), "gold")
        fill(np.hypot(x - head_x - lean * 0.085, y - head_y + 0.123) < 0.021, "cream")
        fill(np.hypot(x - head_x - lean * 0.085, y - head_y + 0.123) < 0.015, "red")


def outlines(glass: Numbers) -> NDArray[np.bool_]:
    """Return where one glass meets another."""
    edges = np.zeros(glass.shape, dtype=bool)
    edges[1:] |= glass[1:] != glass[:-1]
    edges[:, 1:] |= glass[:, 1:] != glass[:, :-1]
    return edges


def directions(glass: Numbers) -> tuple[Array, Array]:
    """Return the unit vector across the nearest outline at every pixel."""
    distance = np.asarray(distance_transform_edt(~outlines(glass)), dtype=np.float64)
    smooth = blurred(distance / distance.max(), 0.006 * len(glass)) * 255
    down, across = np.gradient(smooth)
    for _ in range(2):  # an outline has two sides, so the doubled angle is what can be averaged
        angle = 2 * np.arctan2(down, across)
        weight = np.hypot(down, across) + 1e-6
        cos = blurred(weight * np.cos(angle) / 6 + 0.5, 0.008 * len(glass)) - 0.5
        sin = blurred(weight * np.sin(angle) / 6 + 0.5, 0.008 * len(glass)) - 0.5
        half = np.arctan2(sin, cos) / 2
        down, across = np.sin(half), np.cos(half)
    return np.asarray(across), np.asarray(down)


def make(size: int, seed: int = 2) -> Image.Image:
    """Return the peacock, size pixels a side; the same seed gives the same pixels."""
    rng = np.random.default_rng(seed)
    side = size * SUPERSAMPLING
    glass = drawing(side)
    across, down = directions(glass)
    tiles, gap, order = laid(side, glass, across, down, rng)
    gap = np.minimum(gap, distance_transform_edt(~outlines(glass)))
    return picture(lit(side, glass, tiles, gap, order, rng), size)


def laid(
    side: int, glass: Numbers, across: Array, down: Array, rng: np.random.Generator
) -> tuple[Array, Array, Numbers]:
    """Return the middles of the tiles, how far each pixel is from a joint, and its tile.

    Squares that turn with the drawing have the largest norm as their distance; each round moves
    a tile to the middle of what is nearest to it of its own glass.
    """
    count = round(1 / TILE)
    places = np.stack(np.meshgrid(np.arange(count), np.arange(count)), -1).reshape(-1, 2)
    tiles = (places + rng.uniform(0.2, 0.8, places.shape)) / count * side
    for turn in range(ROUNDS + 1):
        shrink = 1 if turn == ROUNDS else 3
        order, gap = nearest(tiles, side, shrink, glass, across, down)
        if turn == ROUNDS:
            break
        rows, columns = np.mgrid[: order.shape[0], : order.shape[1]] * shrink
        flat, sizes = order.ravel(), np.bincount(order.ravel(), minlength=len(tiles))
        kept = sizes > 0
        sums = [np.bincount(flat, one.ravel(), len(tiles)) for one in (columns, rows)]
        tiles = np.stack(sums, -1)[kept] / sizes[kept, None] + shrink / 2
    return tiles, gap, order


def nearest(
    tiles: Array, side: int, shrink: int, glass: Numbers, across: Array, down: Array
) -> tuple[Numbers, Array]:
    """Return each pixel's tile of its own glass, and its distance from the joint, in pixels."""
    rows, columns = np.mgrid[:side:shrink, :side:shrink]
    points = np.stack([columns.ravel(), rows.ravel()], -1) + 0.5
    _, near = cKDTree(tiles).query(points, k=9)
    middles = np.clip(tiles.astype(int), 0, side - 1)
    own = glass[middles[:, 1], middles[:, 0]]
    cos, sin = (one[middles[:, 1], middles[:, 0]][near] for one in (across, down))
    apart = points[:, None, :] - tiles[near]
    u = apart[..., 0] * cos + apart[..., 1] * sin
    v = apart[..., 1] * cos - apart[..., 0] * sin
    far = np.maximum(np.abs(u), np.abs(v)) + 0.15 * np.hypot(u, v)
    foreign = own[near] != glass[rows.ravel(), columns.ravel()][:, None]
    far = far + foreign * TILE * side * 0.9
    ranked = np.argsort(far, axis=1)[:, :2]
    first, second = (np.take_along_axis(far, ranked[:, [one]], 1)[:, 0] for one in (0, 1))
    order = np.take_along_axis(near, ranked[:, :1], 1)[:, 0]
    shape = rows.shape
    return order.reshape(shape), ((second - first) / 2).reshape(shape)


def lit(
    side: int, glass: Numbers, tiles: Array, gap: Array, order: Numbers, rng: np.random.Generator
) -> Array:
    """Return the colors of the tiles, each tilted a little, in their mortar."""
    middles = np.clip(tiles.astype(int), 0, side - 1)
    own = glass[middles[:, 1], middles[:, 0]]
    colors = np.zeros((len(tiles), 3))
    for number, name in enumerate(NAMES):
        palette = np.array(GLASS[name], dtype=np.float64)
        here = own == number
        colors[here] = palette[rng.integers(len(palette), size=here.sum())]
    colors *= rng.normal(1, 0.075, size=(len(tiles), 1))
    colors += rng.normal(0, 5, size=colors.shape)
    gleam = (own == NAMES.index("gold")) & (rng.uniform(size=len(tiles)) < 0.16)
    colors[gleam] = colors[gleam] * 0.4 + np.array([255.0, 244, 206]) * 0.62
    x, y = (np.arange(side) + 0.5)[None, :], (np.arange(side) + 0.5)[:, None]
    tilt = rng.normal(0, 0.09, size=(len(tiles), 2))
    slope = (x - tiles[order, 0]) * tilt[order, 0] + (y - tiles[order, 1]) * tilt[order, 1]
    light = 1 + np.clip(slope / (TILE * side), -0.14, 0.14) * 1.1
    scale = side / 1536
    rim = 0.72 + 0.28 * step(1.2 * scale, 3.6 * scale, gap)
    light = light * (1 + 0.10 * (noise(side, (130, 130), rng, 3) - 0.5))
    surface = colors[order] * light[..., None]
    joint = step(1.0 * scale, 2.3 * scale, gap)[..., None]
    mortar = MORTAR * (0.8 + 0.4 * noise(side, (200, 200), rng, 2))[..., None]
    return np.asarray(mortar + (surface * rim[..., None] - mortar) * joint)
