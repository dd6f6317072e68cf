"""Errors against seconds as a small SVG: three panels, one for each of the judge's errors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from judge import Errors

Curves = Mapping[str, list[tuple[float, Errors]]]

_PANELS: Final = {"content": "content", "gram": "Gram", "wasserstein": "Wasserstein-2"}
_COLORS: Final = ("#c0392b", "#2471a3", "#7d8a2e", "#6c3483")
_LEAST: Final = 1e-3
_WIDTH, _HEIGHT, _MARGIN, _GAP = 260, 200, 48, 30


def write_plot(curves: Curves, title: str, path: Path) -> None:
    """Write curves of errors over seconds, both axes logarithmic."""
    seconds = [max(0.1, second) for curve in curves.values() for second, _ in curve]
    parts = [_text(_MARGIN, 18, title, 13)]
    for index, (name, label) in enumerate(_PANELS.items()):
        left = _MARGIN + index * (_WIDTH + _MARGIN + _GAP)
        values = [getattr(errors, name) for curve in curves.values() for _, errors in curve]
        across, down = _Axis(seconds, left, _WIDTH), _Axis(values, 40 + _HEIGHT, -_HEIGHT)
        parts += _panel(across, down, f"{label} error")
        for color, curve in zip(_COLORS, curves.values(), strict=False):
            points = " ".join(
                f"{across.at(max(0.1, second)):.1f},{down.at(getattr(errors, name)):.1f}"
                for second, errors in curve
            )
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>'
            )
    for index, (color, name) in enumerate(zip(_COLORS, curves, strict=False)):
        parts.append(_text(_MARGIN + index * 150, 90 + _HEIGHT, name, 12, color))
    width = 3 * (_WIDTH + _MARGIN + _GAP) + _GAP
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT + 104}" '
        'font-family="sans-serif">\n<rect width="100%" height="100%" fill="#fff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


class _Axis:
    """A logarithmic axis from `start` over `length` px."""

    def __init__(self, values: Iterable[float], start: float, length: float) -> None:
        found = [max(value, _LEAST) for value in values]
        self.low, self.high = min(found), max(max(found), min(found) * 1.01)
        self.start, self.length = start, length

    def at(self, value: float) -> float:
        """Where a value lies, in px."""
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.start + share * self.length

    def ticks(self) -> list[float]:
        """Round values within the axis."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        factors = (1, 2, 5) if len(powers) <= 4 else (1,)
        rounds = [factor * 10.0**power for power in powers for factor in factors]
        return [value for value in rounds if self.low <= value <= self.high]


def _panel(across: _Axis, down: _Axis, label: str) -> list[str]:
    left, right = across.start, across.start + across.length
    bottom, top = down.start, down.start + down.length
    frame = (
        f'<rect x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" '
        'fill="none" stroke="#999"/>'
    )
    parts = [frame, _text(left, top - 6, label, 12), _text(right - 50, bottom + 32, "seconds", 11)]
    parts += [_text(across.at(tick) - 6, bottom + 16, f"{tick:g}", 10) for tick in across.ticks()]
    parts += [_text(left - 38, down.at(tick) + 3, f"{tick:g}", 10) for tick in down.ticks()]
    return parts


def _text(x: float, y: float, text: str, size: int, color: str = "#333") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{color}">{text}</text>'
