"""The styles' hypercolumns: a sample of each, turned four ways, kept for the next painting."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import torch
from torch import Tensor

from painter.canvas.layout import CENTERED, padded_shape
from painter.canvas.tiles import Tile, tiles
from painter.device.compute import wait_for_all_streams
from painter.device.sending import sent
from painter.evaluation.passes import features_of
from painter.losses.hypercolumns import GRID, hypercolumns
from painter.losses.neighbors import StyleSet
from painter.network.layers import stride_of
from painter.pictures.picture import resize, resize_picture
from painter.planning.pyramid import Shape
from painter.planning.style import Style
from painter.preparation.level_inputs import LevelInputs
from painter.preparation.mask_weights import MaskWeights
from painter.preparation.pieces import Piece
from painter.preparation.style_cache import Means, used_here

_TURNS: Final = 4


class StyleSets:
    """At most so many hypercolumns of styles at the taps of a pass, of each by its weight.

    Weights sum to 1.
    """

    def __init__(
        self,
        inputs: LevelInputs,
        styles: Sequence[tuple[float, Style]],
        most: int,
    ) -> None:
        self._parts = [
            _Hypercolumns(inputs, style, round(most * weight))
            for weight, style in styles
            if round(most * weight)
        ]

    def pieces(self) -> list[Piece]:
        """Those of each style."""
        return [piece for part in self._parts for piece in part.pieces()]

    def whole(self) -> StyleSet:
        """All of them together, once the pieces are done."""
        return StyleSet.of(torch.cat([part.rows for part in self._parts]))


class _Hypercolumns:
    """At most so many hypercolumns [M, D] of a style, from all four turns of its picture."""

    def __init__(self, inputs: LevelInputs, style: Style, most: int) -> None:
        self.rows = torch.empty(0)
        self._inputs, self._style, self._most = inputs, style, most
        self._shape, self._taps = style.shape_beside(inputs.shape), sorted(inputs.config.taps)
        self._key = (style.key, self._shape, most, *self._taps, *inputs.pass_key)
        self._parts: list[Tensor] = []

    def pieces(self) -> list[Piece]:
        """To look for them, and, where they are not kept, each pass; then `rows` has them."""
        return [self._find]

    def _find(self) -> list[Piece]:
        entries = self._inputs.cache.find([self._key])
        if entries is None:
            pixels = resize_picture(self._style.picture, self._shape).pixels
            turns: list[Piece] = [partial(self._turn, pixels, turn) for turn in range(_TURNS)]
            return [*turns, self._keep]
        self._have(entries[0])
        return []

    def _turn(self, pixels: Tensor, turn: int) -> list[Piece]:
        turned = sent(torch.rot90(pixels, turn, (-2, -1)).contiguous(), self._inputs.vgg.device)
        mask = self._style.mask
        around = None if mask is None else torch.rot90(resize(mask, self._shape), turn, (-2, -1))
        shape = turned.shape[-2], turned.shape[-1]
        weights = MaskWeights(
            None if around is None else around.contiguous(),
            shape,
            [GRID],
            [CENTERED],
            torch.device("cpu"),
        )
        return [*weights.pieces(), partial(self._pick, turned, weights, turn)]

    def _pick(self, turned: Tensor, weights: MaskWeights, turn: int) -> list[Piece]:
        whole = padded_shape((turned.shape[-2], turned.shape[-1]))
        grid = whole[0] // stride_of(GRID), whole[1] // stride_of(GRID)
        by_tap = weights.at(CENTERED)
        of_grid = None if by_tap is None else by_tap[GRID]
        is_picked = picked(grid, max(1, self._most // _TURNS), turn, of_grid)
        cut = tiles(whole, self._inputs.config)
        return [partial(self._add, turned, is_picked, tile) for tile in cut]

    def _add(self, turned: Tensor, is_picked: Tensor, tile: Tile) -> None:
        inputs = self._inputs
        features = features_of(inputs.vgg, tile.padded(turned, CENTERED), inputs.config)
        owned = {tap: tile.owned(values, tap) for tap, values in features.items()}
        places = tile.of_whole(is_picked, GRID).flatten().nonzero()[:, 0]
        self._parts.append(hypercolumns(owned, self._taps)[places.to(inputs.vgg.device)])

    def _keep(self) -> None:
        entry = (torch.cat(self._parts),)
        self._parts.clear()
        self._inputs.cache.keep(self._key, entry)
        wait_for_all_streams(self._inputs.vgg.device)
        self._have(entry)

    def _have(self, entry: Means) -> None:
        used_here([entry])
        (self.rows,) = entry


def picked(grid: Shape, most: int, seed: int, weights: Tensor | None = None) -> Tensor:
    """Which positions of a grid are in a sample of at most so many, a mask [rows, columns].

    One of each of as many stretches of equal weight, at random: no part of a picture is left out.
    """
    count = grid[0] * grid[1]
    if weights is None and count <= most:
        return torch.ones(grid, dtype=torch.bool)
    shares = torch.ones(count) if weights is None else weights.flatten()
    reached = shares.double().cumsum(0)
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.arange(most) + torch.rand(most, generator=generator, dtype=torch.float64)
    places = torch.searchsorted(reached, drawn * (reached[-1] / most), right=True)
    mask = torch.zeros(count, dtype=torch.bool)
    mask[places.clamp(max=count - 1)] = True
    return mask.view(grid)
