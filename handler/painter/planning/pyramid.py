"""Coarse to fine: the sizes a canvas goes through, and how its steps are shared among them."""

from __future__ import annotations

from typing import Final

from painter.options.catalog import SHORTEST_SIDE

COARSEST_SIDE: Final = 64
# How many steps the first level and each of those between get for one step of the last: large
# forms are found on the smallest canvas, where a step costs a hundredth, brushwork on the last.
FIRST_STEPS: Final = 2.0
STEPS_BETWEEN: Final = 0.8

Shape = tuple[int, int]


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
    weights = [1.0] if levels == 1 else [FIRST_STEPS, *[STEPS_BETWEEN] * (levels - 2), 1.0]
    rest = max(0, steps - levels)
    shares = [1 + int(rest * weight / sum(weights)) for weight in weights]
    shares[0] += max(0, steps - sum(shares))
    return shares
