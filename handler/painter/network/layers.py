"""VGG-19's layers by name, and where each lies: its depth, its stride, what it sees."""

from __future__ import annotations

from typing import Final

CONVOLUTIONS_PER_BLOCK: Final = (2, 2, 4, 4, 4)
CONVOLUTION_NAMES: Final = tuple(
    f"conv{block}_{index}"
    for block, count in enumerate(CONVOLUTIONS_PER_BLOCK, start=1)
    for index in range(1, count + 1)
)
LAYER_NAMES: Final = CONVOLUTION_NAMES + tuple(
    name.replace("conv", "relu") for name in CONVOLUTION_NAMES
)
STRIDE: Final = 16  # of the deepest block


def stride_of(tap: str) -> int:
    """The distance in px between neighboring positions of a tap: 1, 2, 4, 8 or 16."""
    return 1 << (int(tap[4]) - 1)


def depth_of(tap: str) -> int:
    """How many convolutions a tap needs, from 1 to 16."""
    return CONVOLUTION_NAMES.index("conv" + tap[4:]) + 1


def receptive_radius(tap: str) -> int:
    """How many px a position of a tap sees beyond its own stride x stride cell, a side."""
    return sum(stride_of(name) for name in CONVOLUTION_NAMES[: depth_of(tap)])
