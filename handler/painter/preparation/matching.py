"""Neighbors are found: at the beginning of a level, and anew as the canvas changes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

import torch
from torch import Tensor

from painter.canvas.layout import CENTERED, Shift, padded_shape, turn_of
from painter.canvas.tiles import Tile, tiles
from painter.evaluation.objective import Neighborhood, Objective, Region
from painter.evaluation.passes import features_of
from painter.losses.hypercolumns import GRID, hypercolumns
from painter.losses.neighbors import TAPS, nearest
from painter.network.layers import stride_of
from painter.network.vgg import VGG19
from painter.planning.pyramid import Shape
from painter.preparation.pieces import Piece, Work
from painter.preparation.sampled_targets import Redrawing

# What the canvas counts beside the photo where neighbors are looked for; Kolkin et al. 2022 have
# the same.
CANVAS_SHARE: Final = 0.25
_AT_ONCE: Final = 4096


class Matching:
    """The objective with the neighbors of a canvas [3, H, W], and its coarser ones with theirs.

    `turn` is how often they were found before: samples take turns. `advance` does a piece of it, a
    tile of a canvas or of the photo.
    """

    def __init__(self, vgg: VGG19, objective: Objective, canvas: Tensor, turn: int = 0) -> None:
        self._vgg, self._turn = vgg, turn
        self._objective: Objective | None = None
        self._work = Work([partial(self._look_at, objective, canvas)])

    @torch.no_grad()
    def advance(self) -> Objective | None:
        """Does a piece; once all are done, tells the whole."""
        if self._work.is_done:
            return self._objective
        self._work.advance()
        return None

    def _look_at(self, objective: Objective, canvas: Tensor) -> list[Piece]:
        """A level, after those before it."""
        coarser: list[Piece] = []
        if objective.coarser is not None and objective.downsampling is not None:
            smaller = objective.downsampling(canvas)
            coarser = [partial(self._look_at, objective.coarser, smaller)]
        search = _Search(self._vgg, objective, canvas)
        redrawing = Redrawing(self._vgg, objective, self._turn)
        end = partial(self._end, objective, search, redrawing)
        return [*coarser, *search.pieces(), *redrawing.pieces(), end]

    def _end(self, objective: Objective, search: _Search, redrawing: Redrawing) -> None:
        self._objective = replace(
            objective,
            regions=search.regions(),
            samplings=redrawing.samplings(),
            coarser=self._objective,
        )


class _Search:
    """Neighbors of a canvas on one level: tiles add up means, and are then compared with them."""

    def __init__(self, vgg: VGG19, objective: Objective, canvas: Tensor) -> None:
        self._vgg, self._objective, self._canvas = vgg, objective, canvas
        self._tiles = tiles(padded_shape(objective.shape), objective.config)
        # Nobody looks for any where none are compared.
        self._nearby = [r.neighborhood for r in objective.regions if r.neighborhood is not None]
        self._places = [torch.empty_like(each.places) for each in self._nearby]
        self._sums: list[Tensor] = []
        self._seen: tuple[Tile, Tensor] | None = None

    def pieces(self) -> list[Piece]:
        if not self._nearby:
            return []
        regions = range(len(self._nearby))
        return [
            *(partial(self._sum_up, tile) for tile in self._tiles),
            *(partial(self._find, tile, index) for tile in self._tiles for index in regions),
        ]

    def regions(self) -> tuple[Region, ...]:
        """The objective's, once the pieces are done."""
        if not self._nearby:
            return self._objective.regions
        return tuple(
            replace(region, neighborhood=_laid_out(self._objective, each, places))
            for region, each, places in zip(
                self._objective.regions, self._nearby, self._places, strict=True
            )
        )

    def _sum_up(self, tile: Tile) -> None:
        rows = self._rows(tile)
        parts = [_sum(rows, _part(each, tile)) for each in self._nearby]
        pairs = zip(self._sums, parts, strict=True)
        self._sums = [one + other for one, other in pairs] if self._sums else parts

    def _find(self, tile: Tile, index: int) -> None:
        each, rows = self._nearby[index], self._rows(tile)
        target = tile.of_whole(self._places[index], GRID)
        target.copy_(nearest(rows, self._sums[index] / each.total, each.style).view(target.shape))

    def _rows(self, tile: Tile) -> Tensor:
        """Those of a tile, kept until another is asked for."""
        if self._seen is None or self._seen[0] is not tile:
            self._seen = None
            self._seen = tile, _rows(self._vgg, self._objective, self._canvas, tile)
        return self._seen[1]


def _laid_out(objective: Objective, nearby: Neighborhood, places: Tensor) -> Neighborhood:
    """With places, for every shift: a step has nothing to do but to read them."""
    weights, shape = nearby.weights, objective.shape
    by_shift = {
        shift: (
            of_grid(places, shape, shift),
            None if weights is None else of_grid(weights, shape, shift),
        )
        for shift in objective.layouts
    }
    return replace(nearby, places=places, by_shift=by_shift)


def of_grid(values: Tensor, shape: Shape, shift: Shift) -> Tensor:
    """What was found for the grid [rows, columns] of a canvas, where it is shifted."""
    for axis in (0, 1):
        count = values.shape[axis]
        places = _centered(torch.arange(count, device=values.device), shape[axis], shift, axis)
        values = values.index_select(axis, places.clamp(0, count - 1))
    return values


def _centered(places: Tensor, length: int, shift: Shift, axis: int) -> Tensor:
    """Where on the grid of a centered canvas that lies which is at places of a shifted one."""
    stride, before = stride_of(GRID), CENTERED.left if axis else CENTERED.top
    pixels = places * stride - turn_of(shift, axis, length)
    if shift.seamless[axis]:
        pixels = pixels % length
    return (pixels + before + stride // 2) // stride


def _rows(vgg: VGG19, objective: Objective, canvas: Tensor, tile: Tile) -> Tensor:
    """What neighbors are looked for: hypercolumns [n, D] of the photo, with some of the canvas."""
    config = objective.config.with_taps(TAPS)
    both = []
    for pixels in (objective.content, canvas):
        features = features_of(vgg, tile.padded(pixels, objective.first_shift), config)
        both.append(hypercolumns({tap: tile.owned(features[tap], tap) for tap in TAPS}, TAPS))
        del features
    return both[0].lerp_(both[1], CANVAS_SHARE)


def _part(nearby: Neighborhood, tile: Tile) -> Tensor | None:
    weights = nearby.weights
    return None if weights is None else tile.of_whole(weights, GRID).reshape(-1, 1)


def _sum(rows: Tensor, weights: Tensor | None) -> Tensor:
    wide = torch.promote_types(rows.dtype, torch.float32)
    shares = rows.new_ones(len(rows), 1) if weights is None else weights
    pairs = zip(torch.split(rows, _AT_ONCE), torch.split(shares, _AT_ONCE), strict=True)
    return torch.stack([(block.to(wide) * share).sum(0) for block, share in pairs]).sum(0)
