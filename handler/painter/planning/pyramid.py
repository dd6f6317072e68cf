"""Coarse to fine: the sizes a canvas goes through, and how its steps are shared among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from painter.errors import OutOfRange
from painter.options.catalog import SHORTEST_SIDE, Options

COARSEST_SIDE: Final = 64
# The shares of the steps that the first level gets and each of those between. The last gets what is
# left, but no less than one between: large forms are found on the smallest canvas, where a step is
# cheap, and the more levels there were, the less is left to do on the last.
FIRST_STEPS: Final = 0.34
STEPS_BETWEEN: Final = 0.21

Shape = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the pyramid: the canvas's shape and its steps (0: a plateau decides)."""

    shape: Shape
    steps: int

    @property
    def pixels(self) -> int:
        """The canvas's area in px."""
        return self.shape[0] * self.shape[1]


def fit(shape: Shape, longest: int) -> Shape:
    """Height and width at which the longest side is `longest` px and the aspect is kept."""
    height, width = shape
    scale = longest / max(shape)
    return max(1, round(height * scale)), max(1, round(width * scale))


def level_shapes(shape: Shape, levels: int) -> list[Shape]:
    """The shapes of a painting's levels, coarsest first; each has half the sides of the next.

    `levels` bounds their number (0: as many as fit). The longest side is at least 64 px and
    the shorter one at least 32 px on every level but the last.
    """
    shapes = [shape]
    while levels == 0 or len(shapes) < levels:
        smaller = fit(shape, round(max(shape) / 2 ** len(shapes)))
        if max(smaller) < COARSEST_SIDE or min(smaller) < SHORTEST_SIDE:
            break
        shapes.append(smaller)
    return shapes[::-1]


def share_steps(steps: int, levels: int) -> list[int]:
    """How many of the steps each level gets, coarsest first; at least one each.

    They sum to `steps` unless there are fewer steps than levels. 0 stays 0 on every level.
    """
    if steps == 0:
        return [0] * levels
    before = [FIRST_STEPS, *[STEPS_BETWEEN] * (levels - 2)] if levels > 1 else []
    weights = [*before, max(1 - sum(before), STEPS_BETWEEN)]
    rest = max(0, steps - levels)
    shares = [1 + int(rest * weight / sum(weights)) for weight in weights]
    shares[0] += max(0, steps - sum(shares))
    return shares


def levels_of(photo: Shape, options: Options, adjusted: list[str]) -> tuple[Level, ...]:
    """The levels of a photo of this height and width; raises OutOfRange where it is too narrow."""
    shapes = level_shapes(_canvas_shape(photo, options.size), options.levels)
    if options.levels > len(shapes):
        adjusted.append(f"levels: {len(shapes)} instead of {options.levels}, no more fit")
    steps = share_steps(options.steps, len(shapes))
    if sum(steps) > options.steps > 0:
        adjusted.append(f"steps: {sum(steps)} instead of {options.steps}, one for each level")
    return tuple(Level(*level) for level in zip(shapes, steps, strict=True))


def _canvas_shape(shape: Shape, size: int) -> Shape:
    canvas = fit(shape, size)
    if min(canvas) < SHORTEST_SIDE:
        raise OutOfRange(
            "image_too_small",
            f"content of {shape[1]} x {shape[0]} px at size {size} makes a canvas of "
            f"{canvas[1]} x {canvas[0]} px; its shorter side must be at least {SHORTEST_SIDE} px",
            "content",
        )
    return canvas
