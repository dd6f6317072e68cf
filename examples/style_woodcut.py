"""Woodcut: mountains above a bay, printed from a key block and two blocks of color."""

from __future__ import annotations

import numpy as np
from PIL import Image

from patterns import Array, blurred, grid, mixed, noise, picture, ramp, step

SUPERSAMPLING = 2
PAPER = np.array([239.0, 228, 203])
INK = np.array([30.0, 27, 34])
SUN = (0.68, 0.30)
SUN_RADIUS = 0.105
SHORE = 0.63
HORIZON = [(58, 104, 140), (126, 164, 172), (226, 214, 180), (240, 204, 150)]


class Block:
    """The block that prints the lines: what the gouge leaves standing is 1."""

    def __init__(self, side: int, rng: np.random.Generator) -> None:
        """Take a plank; wobble is what the hand adds to a line, chatter where a cut lifts."""
        self.x, self.y = grid(side)
        self.wobble = noise(side, (7, 7), rng, 3) - 0.5
        self.chatter = noise(side, (22, 22), rng, 3) - 0.5
        self.standing = np.zeros((side, side))

    def hatch(self, where: Array, across: Array, spacing: float, darkness: Array) -> None:
        """Cut lines along which `across` is constant, leaving a share `darkness` of the wood."""
        phase = (across + 0.012 * self.wobble) / spacing
        ridge = np.abs(phase % 1 - 0.5) * 2
        left = np.clip(darkness + 0.55 * self.chatter, 0, 1)
        sharp = spacing * len(self.x) * 0.45
        lines = np.clip((left - ridge) * sharp + 0.5, 0, 1)
        lines = np.where(left < 0.06, 0, np.where(left > 0.94, 1, lines))
        self.standing = np.where(where > 0.5, lines, self.standing)

    def line(self, distance: Array, width: float, strength: float = 1.0) -> None:
        """Leave a line standing where distance is about 0, thinner and thicker by hand."""
        thick = width * (1 + 0.9 * self.chatter + 0.5 * self.wobble)
        edge = np.clip((thick - np.abs(distance)) * len(self.x) * 0.7 + 0.5, 0, 1)
        self.standing = np.maximum(self.standing, edge * strength)


def ridges(side: int, rng: np.random.Generator) -> list[tuple[Array, Array, Array]]:
    """Return for each mountain, from far to near, height, light and the way down its flank."""
    x, y = grid(side)
    found = []
    for center, top, slope, rough in (
        (0.92, 0.40, 0.42, 0.05),
        (0.30, 0.155, 0.78, 0.07),
        (0.02, 0.37, 0.52, 0.06),
        (0.66, 0.505, 0.30, 0.04),
    ):
        wave = noise(side, (5, 1), rng, 5)[0][None, :] - 0.5
        crest = top + slope * np.abs(x - center) ** 1.12 + rough * wave
        lean = noise(side, (6, 5), rng, 3) - 0.5
        rib = np.sin((x - center) * 34 + 9 * lean + (y - top) * (x - center) * 22)
        light = np.clip(0.5 + (x - center) * 1.6 + 0.42 * rib, 0, 1)
        way = (x - center) * 0.8 + 0.45 * (y - crest) * np.sign(x - center) + 0.02 * rib
        found.append((crest, light, way))
    return found


def make(size: int, seed: int = 11) -> Image.Image:
    """Return the print, size pixels a side; the same seed gives the same pixels."""
    rng = np.random.default_rng(seed)
    side = size * SUPERSAMPLING
    x, y = grid(side)
    block = Block(side, rng)
    sun = np.hypot(x - SUN[0], y - SUN[1])
    sky(block, sun, rng)
    land = np.zeros((side, side))
    for crest, light, way in ridges(side, rng):
        inside = ((y > crest) & (y < SHORE)).astype(float)
        land = np.maximum(land, inside)
        dark = np.clip(1.12 - 1.15 * light - 0.5 * step(0.18, 0.42, y - crest), 0, 1)
        block.hatch(inside, way, 0.0165, dark)
        block.line(np.where(inside > 0, y - crest, 1.0), 0.0042)
    bay(block, rng)
    pines(block, rng)
    return picture(printed(block, sun, land, rng), size)


def sky(block: Block, sun: Array, rng: np.random.Generator) -> None:
    """Cut rays around the sun, and clouds across them."""
    side = len(sun)
    x, y = block.x, block.y
    angle = np.arctan2(y - SUN[1], x - SUN[0]) / (2 * np.pi)
    everywhere = np.ones((side, side))
    block.hatch(everywhere, angle * 72 * 0.02, 0.02, np.clip(sun * 0.9 + 0.02, 0.08, 0.84))
    billow = noise(side, (2.6, 7), rng, 4)
    cloud = step(0.52, 0.56, billow) * (y < 0.5) * (sun > SUN_RADIUS * 1.25)
    block.hatch(cloud, billow * 0.4, 0.0135, np.clip((billow - 0.56) * 3.4, 0.0, 0.62))
    block.line((billow - 0.535) * 0.22 + (sun < SUN_RADIUS * 1.3), 0.0032)
    block.standing *= sun > SUN_RADIUS * 1.16
    block.line(sun - SUN_RADIUS, 0.003)


def bay(block: Block, rng: np.random.Generator) -> None:
    """Cut waves, wider and wider apart toward the front, and the sun's way across them."""
    x, y = block.x, block.y
    side = len(x)
    depth = np.clip((y - SHORE) / (1 - SHORE), 0, 1)
    swell = noise(side, (5, 12), rng, 3) - 0.5
    reach = 0.018 + 0.11 * depth
    crests = np.abs(np.sin(x * (30 - 15 * depth) + 6 * swell + 4 * np.sin(y * 30)))
    across = np.sqrt(depth + 0.02) * 0.36 + reach * 0.17 * crests
    glitter = np.exp(-(((x - SUN[0]) / (0.06 + 0.10 * depth)) ** 2))
    dark = np.clip(0.60 + 0.35 * swell + 0.34 * depth - 0.85 * glitter, 0.04, 0.9)
    block.hatch((y > SHORE).astype(float), across, 0.0165, dark)
    block.line(np.where(y < SHORE + 0.01, y - SHORE, 1.0), 0.004)


def pines(block: Block, rng: np.random.Generator) -> None:
    """Leave pines standing on a bank in front, with a few cuts of light."""
    x, y = block.x, block.y
    side = len(x)
    wave = noise(side, (6, 1), rng, 4)[0][None, :] - 0.5
    bank = (
        0.93 - 0.17 * np.clip(1 - x * 2.1, 0, 1) - 0.03 * wave - 0.05 * np.clip(x * 3 - 2.2, 0, 1)
    )
    ground = (y > bank).astype(float)
    dark = np.clip(0.62 + 0.9 * wave - 0.5 * step(0.0, 0.1, y - bank), 0.1, 0.95)
    block.hatch(ground, y * 0.7 - 0.25 * x + 0.02 * wave, 0.0145, dark + 0.2)
    block.line(y - bank, 0.004)
    for left, foot, height in (
        (0.085, 0.84, 0.50),
        (0.20, 0.86, 0.36),
        (0.015, 0.84, 0.38),
        (0.285, 0.91, 0.22),
        (0.93, 0.93, 0.34),
        (0.85, 0.945, 0.21),
        (0.995, 0.93, 0.26),
    ):
        up = (foot - y) / height
        tiers = 7.0
        tier = (up * tiers) % 1
        reach = 0.19 * height * (1.06 - up) * (1.25 - 0.75 * tier) + 0.006
        ragged = reach * (1 + 0.8 * block.chatter)
        aside = x - left
        tree = (np.abs(aside) < ragged) & (up > 0.1) & (up < 1)
        tree |= (np.abs(aside) < 0.007) & (up > -0.03) & (up < 0.97)
        needles = y * 0.8 - np.abs(aside) * 0.75
        lit = np.clip(1.02 - 5.5 * np.clip(aside, 0, 1) / height - 0.3 * tier, 0.25, 1)
        block.hatch(tree.astype(float), needles, 0.0125, lit)
        rim = blurred(tree.astype(float), len(x) * 0.0018)
        block.standing = np.where((rim > 0.1) & (rim < 0.9) & ~tree, 0, block.standing)


def printed(block: Block, sun: Array, land: Array, rng: np.random.Generator) -> Array:
    """Return the colors of the paper after all blocks."""
    x, y = block.x, block.y
    side = len(x)
    grain = noise(side, (3, 160), rng, 2) * 0.6 + noise(side, (30, 220), rng, 2) * 0.4
    fibers = noise(side, (90, 60), rng, 3)
    paper = PAPER * (0.975 + 0.05 * fibers[..., None])
    height = np.clip(y / SHORE, 0, 1)
    blue = ramp(
        height,
        [0, 0.3, 0.62, 1],
        [(58, 104, 140), (126, 164, 172), (226, 214, 180), (240, 204, 150)],
    )
    color = mixed(paper, blue, (y < SHORE) * (0.86 - 0.25 * grain))
    slate = ramp(y, [0.15, 0.45, 0.64], [(150, 166, 164), (104, 134, 140), (196, 190, 160)])
    color = mixed(color, slate, land * (0.85 - 0.3 * grain))
    depth = np.clip((y - SHORE) / (1 - SHORE), 0, 1)
    sea = ramp(depth, [0, 0.4, 1], [(214, 196, 158), (96, 146, 152), (40, 84, 112)])
    color = mixed(color, sea, (y >= SHORE) * (0.9 - 0.25 * grain))
    red = np.array([206.0, 66, 40])
    off = np.hypot(x - SUN[0] - 0.004, y - SUN[1] + 0.003)  # no block meets the other exactly
    disc = step(-SUN_RADIUS - 0.002, -SUN_RADIUS + 0.002, -off)
    color = mixed(color, red, disc * (1 - land) * (0.96 - 0.22 * grain))
    sway = 0.06 * depth * (noise(side, (2, 40), rng, 2) - 0.5) + 0.012 * np.sin(y * 190)
    way = np.exp(-(((x - SUN[0] + sway) / (0.05 + 0.09 * depth)) ** 2)) * (y > SHORE)
    color = mixed(color, np.array([222.0, 104, 56]), step(0.35, 0.6, way) * (0.8 - 0.3 * grain))
    ink = np.clip(block.standing, 0, 1) * (0.99 - 0.20 * step(0.56, 0.78, grain))
    return mixed(color, INK, ink)
