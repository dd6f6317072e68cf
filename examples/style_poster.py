"""Poster: a regatta in five flat inks with black outlines, dots where two of them mix."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SUPERSAMPLING = 3
PAPER = (244, 235, 214)
BLACK = (24, 22, 28)
RED = (206, 48, 38)
YELLOW = (242, 186, 44)
BLUE = (32, 84, 142)
TEAL = (112, 172, 164)
LINE = 0.011
DOTS = 46
TITLE = "REGATTA"

Point = tuple[float, float]


class Sheet:
    """A square of paper that is drawn on in shares of its side."""

    def __init__(self, side: int) -> None:
        """Take an empty sheet."""
        self.side = side
        self.image = Image.new("RGB", (side, side), PAPER)
        self._draw = ImageDraw.Draw(self.image)

    def shape(self, points: list[Point], fill: tuple[int, int, int]) -> None:
        """Print a field of one ink, and its outline in black."""
        pixels = [(x * self.side, y * self.side) for x, y in points]
        self._draw.polygon(pixels, fill=fill)
        width = round(LINE * self.side)
        self._draw.line([*pixels, *pixels[:2]], fill=BLACK, width=width, joint="curve")

    def stroke(self, points: list[Point], width: float = LINE) -> None:
        """Draw a black line."""
        pixels = [(x * self.side, y * self.side) for x, y in points]
        self._draw.line(pixels, fill=BLACK, width=round(width * self.side), joint="curve")

    def dots(self, left: float, top: float, right: float, bottom: float) -> None:
        """Print a screen of red dots that grow toward the bottom, on every second column."""
        step = 1 / DOTS
        for row in range(int((bottom - top) / step)):
            radius = step * (0.14 + 0.26 * row * step / (bottom - top))
            for column in range(int((right - left) / step)):
                x, y = left + (column + row % 2 / 2 + 0.25) * step, top + (row + 0.5) * step
                box = [x - radius, y - radius, x + radius, y + radius]
                self._draw.ellipse([edge * self.side for edge in box], fill=RED)

    def title(self, text: str, top: float, height: float) -> None:
        """Print a title from edge to edge."""
        font = ImageFont.load_default(height * self.side)
        gap = 0.86 / len(text)
        for index, letter in enumerate(text):
            place = ((0.07 + (index + 0.5) * gap) * self.side, top * self.side)
            self._draw.text(place, letter, BLACK, font, anchor="mt", stroke_width=self.side // 170)


def circle(x: float, y: float, radius: float, start: float = 0, end: float = 360) -> list[Point]:
    """Return points along an arc, in degrees clockwise from the right."""
    angles = np.radians(np.linspace(start, end, 90))
    return [(x + radius * float(np.cos(a)), y + radius * float(np.sin(a))) for a in angles]


def wave(y: float, height: float, crests: float, phase: float) -> list[Point]:
    """Return points along a wave from the left edge to the right one."""
    across = np.linspace(-0.02, 1.02, 160)
    return [
        (float(x), y + height * float(np.sin(2 * np.pi * (crests * x + phase)))) for x in across
    ]


def make(size: int, seed: int = 5) -> Image.Image:
    """Return the poster, size pixels a side; the same seed gives the same pixels."""
    rng = np.random.default_rng(seed)
    sheet = Sheet(size * SUPERSAMPLING)
    sky(sheet)
    for x, y, scale in ((0.22, 0.66, 0.6), (0.82, 0.64, 0.5), (0.52, 0.73, 1.0)):
        boat(sheet, x, y, scale, float(rng.uniform(-0.03, 0.03)))
    sea(sheet, rng)
    sheet.title(TITLE, 0.885, 0.12)
    return sheet.image.resize((size, size), Image.Resampling.LANCZOS)


def sky(sheet: Sheet) -> None:
    """Lay a sun with rays before fields of color, and a hill behind the water."""
    rays = 16
    for index in range(rays):
        turn = 360 / rays
        sides = circle(0.3, 0.3, 1.3, turn * index, turn * (index + 0.5))
        sheet.shape([(0.3, 0.3), sides[0], sides[-1]], YELLOW)
    sheet.shape([(0.62, -0.02), (1.02, -0.02), (1.02, 0.34), (0.74, 0.34)], TEAL)
    sheet.dots(0.76, 0.04, 0.98, 0.32)
    sheet.shape(circle(0.3, 0.3, 0.17), RED)
    hill = [(-0.02, 0.62), (0.1, 0.5), (0.24, 0.47), (0.4, 0.56), (0.62, 0.5), (0.8, 0.41)]
    sheet.shape([*hill, (1.02, 0.5), (1.02, 0.8), (-0.02, 0.8)], BLUE)
    for x in (0.08, 0.16, 0.7, 0.78, 0.86, 0.94):
        sheet.stroke([(x, 0.6 - 0.06 * (x > 0.5)), (x + 0.05, 0.66)])


def boat(sheet: Sheet, x: float, y: float, scale: float, lean: float) -> None:
    """Lay a boat with two sails, one of them striped, on the water."""

    def at(right: float, up: float) -> Point:
        return x + scale * right + lean * up, y - scale * up

    sheet.shape([at(0.015, 0.06), at(0.19, 0.07), at(0.02, 0.52)], PAPER)
    for low, high in ((0.14, 0.22), (0.3, 0.38)):
        edge = [0.185 * (0.52 - up) / 0.46 + 0.01 for up in (low, high)]
        sheet.shape([at(0.016, low), at(edge[0], low), at(edge[1], high), at(0.018, high)], RED)
    sheet.shape([at(-0.015, 0.06), at(-0.15, 0.07), at(-0.01, 0.42)], YELLOW)
    sheet.stroke([at(0, 0), at(0, 0.54)])
    sheet.shape([at(-0.18, 0.035), at(0.21, 0.035), at(0.14, -0.06), at(-0.12, -0.06)], BLACK)


def sea(sheet: Sheet, rng: np.random.Generator) -> None:
    """Lay waves of three inks in front of each other."""
    for y, ink in ((0.735, TEAL), (0.785, BLUE), (0.835, PAPER)):
        top = wave(y, 0.014, 5.5, float(rng.uniform()))
        sheet.shape([*top, (1.02, 1.02), (-0.02, 1.02)], ink)
        if ink != PAPER:
            sheet.stroke([(px, py + 0.024) for px, py in top[20:60]], LINE * 0.7)
            sheet.stroke([(px, py + 0.024) for px, py in top[95:130]], LINE * 0.7)
