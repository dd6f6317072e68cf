"""The losses of a painting as curves on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from bruno.events import Progress

CURVES: Final = ("total", "style", "content")
"""The losses that are drawn, in the order of the legend; the total is the weighted sum."""

_MOST_POINTS: Final = 240
_FLOOR: Final = 1e-9
# A canvas that starts as the photo has next to no content loss: that would flatten all others.
_DECADES_MOST: Final = 4


@dataclass(frozen=True)
class Point:
    """The losses after one evaluation."""

    step: int
    level: int
    total: float
    style: float
    content: float


@dataclass(frozen=True)
class Losses:
    """All points so far; the steps shown reach at least to `steps`."""

    points: tuple[Point, ...] = ()
    steps: int = 0
    levels_begin: tuple[int, ...] = field(default=())

    def after(self, progress: Progress) -> Losses:
        """With one more point; every second one is dropped when there are very many."""
        total, style, content = (
            progress.total_loss,
            progress.style_loss,
            progress.content_loss,
        )
        if total is None or style is None or content is None:
            return self
        point = Point(progress.step, progress.level, total, style, content)
        kept = tuple(one for one in self.points if one.step < point.step)
        begins = tuple(step for step in self.levels_begin if step < point.step)
        if kept and kept[-1].level < point.level:
            begins = (*begins, kept[-1].step)
        if len(kept) >= _MOST_POINTS:
            kept = (kept[0], *kept[1::2])
        return replace(self, points=(*kept, point), steps=progress.steps, levels_begin=begins)

    @property
    def scale(self) -> Scale:
        """The scale that all points fit into."""
        values = [value for point in self.points for value in _values(point)] or [1.0]
        low = math.floor(math.log10(min(values)))
        high = math.ceil(math.log10(max(values)))
        steps = max(self.steps, self.points[-1].step if self.points else 0, 1)
        high = max(high, low + 1)
        return Scale(max(low, high - _DECADES_MOST), high, steps)

    def curve(self, name: str) -> list[tuple[float, float]]:
        """One curve as points from (0, 0) at the top left to (100, 100) at the bottom right."""
        scale = self.scale
        return [
            (scale.across(point.step), scale.down(getattr(point, name))) for point in self.points
        ]

    def told(self) -> str:
        """The curves in one sentence, for those who cannot see them."""
        if not self.points:
            return "No losses yet."
        first, last = self.points[0], self.points[-1]
        parts = (
            f"{name} loss from {getattr(first, name):.3g} to {getattr(last, name):.3g}"
            for name in CURVES
        )
        return f"Steps {first.step} to {last.step}, logarithmic scale: {', '.join(parts)}."


@dataclass(frozen=True)
class Scale:
    """Steps across, decades of loss down."""

    low: int
    high: int
    steps: int

    def across(self, step: int) -> float:
        """Percent from the left."""
        return round(100 * step / self.steps, 2)

    def down(self, value: float) -> float:
        """Percent from the top."""
        share = (self.high - math.log10(max(value, _FLOOR))) / (self.high - self.low)
        return round(100 * min(share, 1.0), 2)

    def decades(self) -> list[tuple[str, float]]:
        """Labels of at most six decades, with their percent from the top."""
        pace = math.ceil((self.high - self.low) / 6)
        powers = range(self.high, self.low - 1, -pace)
        return [(f"{10.0**power:g}", self.down(10.0**power)) for power in powers]


def _values(point: Point) -> Iterator[float]:
    return (max(getattr(point, name), _FLOOR) for name in CURVES)
