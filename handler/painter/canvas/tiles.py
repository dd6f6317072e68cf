"""How a picture is cut into tiles whose features and gradients are those of the whole.

A tile owns a rectangle of pixels and with it, at every tap, the positions whose cells lie in
it. It is run with a halo as wide as its owned positions can see, so that they have exactly
the values they have in the whole picture; origins are multiples of the network's stride, so
that pooling windows coincide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from painter.canvas.layout import Shift, padded_part
from painter.network.layers import STRIDE, receptive_radius, stride_of
from painter.network.pass_config import PassConfig

# A pass over more pixels than this is cut into tiles of about TILE_SIDE.
WHOLE_PIXELS_MOST: Final = 1040 * 1040
TILE_SIDE: Final = 768


@dataclass(frozen=True, slots=True)
class Span:
    """Along one axis: what a tile is given, and what it owns; in px of the whole picture."""

    start: int
    stop: int
    owned_start: int
    owned_stop: int
    last: bool

    def owned(self, stride: int) -> slice:
        """The owned positions at a tap, counted within the tile."""
        start = (self.owned_start - self.start) // stride
        stop = None if self.last else (self.owned_stop - self.start) // stride
        return slice(start, stop)

    def whole(self, stride: int) -> slice:
        """The owned positions at a tap, counted within the whole picture."""
        return slice(self.owned_start // stride, None if self.last else self.owned_stop // stride)


@dataclass(frozen=True, slots=True)
class Tile:
    """One rectangle of a picture, with its halo."""

    rows: Span
    columns: Span

    def cut(self, picture: Tensor) -> Tensor:
        """The tile's pixels with their halo, a view of a picture [..., H, W]."""
        return picture[
            ..., self.rows.start : self.rows.stop, self.columns.start : self.columns.stop
        ]

    def padded(self, canvas: Tensor, shift: Shift) -> Tensor:
        """The tile's pixels of a canvas [C, H, W] that lies within its margin, a copy."""
        rows, columns = self.rows, self.columns
        return padded_part(canvas, shift, (rows.start, rows.stop), (columns.start, columns.stop))

    def owned(self, features: Tensor, tap: str) -> Tensor:
        """The positions it owns, a view of its features [..., h, w] at a tap."""
        stride = stride_of(tap)
        return features[..., self.rows.owned(stride), self.columns.owned(stride)]

    def of_whole(self, values: Tensor, tap: str) -> Tensor:
        """The positions it owns, a view of values [..., h, w] at a tap of the whole picture."""
        stride = stride_of(tap)
        return values[..., self.rows.whole(stride), self.columns.whole(stride)]


def owned(tile: Tile | None, features: Mapping[str, Tensor], tap: str) -> Tensor:
    """The features at a tap that a tile owns; without one, all of them."""
    return features[tap] if tile is None else tile.owned(features[tap], tap)


def owned_to_add_to(
    tile: Tile | None, gradients: dict[str, Tensor], features: Mapping[str, Tensor], tap: str
) -> Tensor:
    """The gradient at a tap that a tile owns; one of zeros like the features is put in at need."""
    if tap not in gradients:
        gradients[tap] = torch.zeros_like(features[tap])
    return owned(tile, gradients, tap)


def tiles(shape: tuple[int, int], config: PassConfig, side: int | None = None) -> list[Tile]:
    """The tiles of a picture [H, W]: one where it is small enough, else of about `side` px."""
    height, width = shape
    if side is None:
        side = max(shape) if height * width <= WHOLE_PIXELS_MOST else TILE_SIDE
    halo = -(-max(map(receptive_radius, config.taps)) // STRIDE) * STRIDE
    return [
        Tile(rows, columns)
        for rows in _spans(height, side, halo)
        for columns in _spans(width, side, halo)
    ]


def _spans(length: int, side: int, halo: int) -> list[Span]:
    count = max(1, -(-length // side))
    step = -(-length // (count * STRIDE)) * STRIDE
    starts = [start for start in range(0, length, step) if length - start >= STRIDE or start == 0]
    stops = [*starts[1:], length]
    return [
        Span(max(0, start - halo), min(length, stop + halo), start, stop, stop == length)
        for start, stop in zip(starts, stops, strict=True)
    ]
