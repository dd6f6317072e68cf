"""Neighbors are found: at the beginning of a level, and anew as the canvas changes."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Final

import torch
from torch import Tensor

from painter.canvas.layout import CENTERED, Shift, padded_shape, turn_of
from painter.canvas.tiles import Tile, tiles
from painter.evaluation.objective import Neighborhood, Objective, Region
from painter.evaluation.passes import features_of
from painter.evaluation.samples import redrawn
from painter.losses.hypercolumns import GRID, hypercolumns
from painter.losses.neighbors import TAPS, nearest
from painter.network.layers import stride_of
from painter.network.vgg import VGG19
from painter.planning.pyramid import Shape

# What the canvas counts beside the photo where neighbors are looked for; Kolkin et al. 2022 have
# the same.
CANVAS_SHARE: Final = 0.25
_AT_ONCE: Final = 4096


@torch.no_grad()
def matched(
    vgg: VGG19, objective: Objective, canvas: Tensor, turn: int = 0
) -> Generator[None, None, Objective]:
    """The objective with the neighbors of a canvas [3, H, W], and its coarser ones with theirs.

    `turn` is how often they were found before: samples take turns. Yields after each tile. An
    objective that has neither comes back as it is.
    """
    if not objective.is_matched:
        return objective
    coarser, downsampling = objective.coarser, objective.downsampling
    if coarser is not None and downsampling is not None:
        coarser = yield from matched(vgg, coarser, downsampling(canvas), turn)
    regions = objective.regions
    if objective.joint_losses:
        regions = yield from _regions(vgg, objective, canvas)
    drawn = yield from redrawn(vgg, objective, turn)
    return replace(objective, regions=regions, samplings=drawn, coarser=coarser)


def _regions(
    vgg: VGG19, objective: Objective, canvas: Tensor
) -> Generator[None, None, tuple[Region, ...]]:
    """The first round over the tiles adds up means, the second compares with them."""
    all_tiles = tiles(padded_shape(objective.shape), objective.config)
    nearby = [r.neighborhood for r in objective.regions if r.neighborhood is not None]
    sums: list[Tensor] = []
    rows = None
    for tile in all_tiles:
        rows = _rows(vgg, objective, canvas, tile)
        parts = [_sum(rows, _part(each, tile)) for each in nearby]
        sums = [one + other for one, other in zip(sums, parts, strict=True)] if sums else parts
        yield
    found = [torch.empty_like(each.places) for each in nearby]
    for tile in all_tiles:
        if rows is None or len(all_tiles) > 1:
            rows = _rows(vgg, objective, canvas, tile)
        for each, total, places in zip(nearby, sums, found, strict=True):
            target = tile.of_whole(places, GRID)
            target.copy_(nearest(rows, total / each.total, each.style).view(target.shape))
            yield
    return tuple(
        replace(region, neighborhood=_laid_out(objective, each, places))
        for region, each, places in zip(objective.regions, nearby, found, strict=True)
    )


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
