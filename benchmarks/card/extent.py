"""How much is measured: on a card, or as little as shows that it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Extent:
    """Sides in px, counts and rounds of all sections.

    `steps` has the options of what is stepped, of which the first `profiled` kinds are profiled,
    `few` those of the paintings that are compared with each other.
    """

    copied: int
    product: int
    layers: int
    views: tuple[int, ...]
    rounds: int
    steps: dict[str, Any]
    chunk: int
    canvases: tuple[int, ...]
    compared: int
    tile: int
    few: dict[str, Any]
    painting: dict[str, Any]
    paintings: int
    at_once: int
    larger: tuple[int, ...]
    peer_steps: int
    profiled: int
    picture: int


FULL: Final = Extent(
    copied=2**30,
    product=8192,
    layers=512,
    views=(512, 256, 128, 64),
    rounds=9,
    # More than the default, so that the last level has enough to measure.
    steps={"size": 512, "steps": 300},
    # As many as there are between two looks at the average.
    chunk=20,
    canvases=(1, 4, 16),
    compared=96,
    tile=48,
    few={"size": 128, "steps": 12},
    painting={"size": 512},
    paintings=9,
    at_once=16,
    larger=(4096, 1024),
    peer_steps=500,
    profiled=6,
    # A square is the largest painting of a size, and what is sent has one megapixel.
    picture=1000,
)
SMOKE: Final = Extent(
    copied=2**20,
    product=64,
    layers=32,
    views=(64, 32),
    rounds=1,
    steps={"size": 128, "steps": 60},
    chunk=2,
    canvases=(1, 2),
    compared=64,
    tile=48,
    few={"size": 64, "steps": 3},
    painting={"size": 64, "steps": 4},
    paintings=1,
    at_once=2,
    larger=(96,),
    peer_steps=5,
    profiled=1,
    picture=128,
)
