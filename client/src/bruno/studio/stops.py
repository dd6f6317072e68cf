"""Where a dial stops: round numbers, evenly spread where the range is narrow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

_DECADE: Final = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
_OCTAVE: Final = (1.0, 1.25, 1.5, 1.75)
_SMALLEST: Final = 0.01
_WIDE: Final = 100.0
_MOST: Final = 100


def stops(low: float, high: float, whole: bool) -> tuple[float, ...]:
    """Rising round numbers from `low` to `high`, both included; integers where `whole`.

    A range of more than two decades is spread by ratio, the others by difference.
    """
    marks = _wide(low, high, whole) if high / (low or 0.1) > _WIDE else _narrow(low, high, whole)
    inner = {float(f"{mark:.6g}") for mark in marks if low < mark < high}
    return (low, *sorted(inner), high)


def _wide(low: float, high: float, whole: bool) -> Iterator[float]:
    ratio, mantissas = (2.0, _OCTAVE) if whole and low > 1 else (10.0, _DECADE)
    base = low if ratio == 2 else 10 ** math.floor(math.log10(low or _SMALLEST))
    while base < high:
        for mark in (base * mantissa for mantissa in mantissas):
            if not whole or mark == int(mark):
                yield mark
        base *= ratio


def _narrow(low: float, high: float, whole: bool) -> Iterator[float]:
    step = _round_up((high - low) / _MOST)
    step = max(1.0, round(step)) if whole else step
    first = math.ceil(low / step)
    return (step * count for count in range(first, math.ceil(high / step)))


def _round_up(step: float) -> float:
    decade: float = 10 ** math.floor(math.log10(step))
    return next(decade * part for part in (1, 2, 5, 10) if decade * part >= step * (1 - 1e-9))
