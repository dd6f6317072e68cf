"""Curves as a small SVG: one panel, both axes linear."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

Curve = Sequence[tuple[float, float]]

_COLORS: Final = ("#c0392b", "#2471a3", "#7d8a2e", "#6c3483")
_WIDTH, _HEIGHT, _LEFT, _TOP, _BELOW, _RIGHT = 560, 260, 62, 44, 46, 24


def write_curves(
    curves: Mapping[str, Curve], titles: tuple[str, str, str], path: Path, top: float
) -> None:
    """Writes curves of y over x up to `top`; titles are the picture's, and what x and y are."""
    title, across, up = titles
    right = max(x for curve in curves.values() for x, _ in curve)
    parts = [_text(_LEFT, 20, title, "bold")]
    parts += _grid(right, top)
    parts += [
        _text(_LEFT + _WIDTH / 2, _TOP + _HEIGHT + 38, across, anchor="middle"),
        _text(_LEFT, _TOP - 8, up),
    ]
    for index, (name, curve) in enumerate(curves.items()):
        color = _COLORS[index % len(_COLORS)]
        shown = [(x, min(y, top)) for x, y in curve if not math.isnan(y)]
        points = " ".join(
            f"{_LEFT + x / right * _WIDTH:.1f},{_TOP + _HEIGHT * (1 - y / top):.1f}"
            for x, y in shown
        )
        line = f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>'
        parts += [line, _text(_LEFT + _WIDTH - 150, _TOP + 18 + 18 * index, name, color=color)]
    size = f'width="{_LEFT + _WIDTH + _RIGHT}" height="{_TOP + _HEIGHT + _BELOW}"'
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">\n'
        '<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _grid(right: float, top: float) -> list[str]:
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, y = _LEFT + share * _WIDTH, _TOP + _HEIGHT * (1 - share)
        parts += [
            f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y}" y2="{y}" stroke="#ddd"/>',
            _text(_LEFT - 6, y + 4, f"{share * top:g}", anchor="end"),
            _text(x, _TOP + _HEIGHT + 18, f"{share * right:g}", anchor="middle"),
        ]
    return parts


def _text(
    x: float,
    y: float,
    text: str,
    weight: str = "normal",
    color: str = "#222",
    anchor: str = "start",
) -> str:
    where = f'x="{x:.0f}" y="{y:.0f}" fill="{color}" text-anchor="{anchor}"'
    return f'<text {where} font-weight="{weight}">{text}</text>'
