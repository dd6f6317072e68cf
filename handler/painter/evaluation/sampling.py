"""Positions of a canvas that are compared by a sample: gathered, and gradients brought back."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from painter.canvas.layout import Shift
from painter.canvas.tiles import Tile, owned, owned_to_add_to
from painter.evaluation.objective import Objective
from painter.losses.hypercolumns import GRID, add_adjoint, columns, grid_of
from painter.losses.terms import Term
from painter.network.layers import stride_of

Rows = dict[int, Tensor]


def gathered(
    objective: Objective, shift: Shift, tile: Tile | None, features: Mapping[str, Tensor]
) -> Rows:
    """The hypercolumns [K, D] of each sample; in float32 at least, and 0 where a tile has none.

    Those of tiles add up to those of the whole.
    """
    by_sampling: Rows = {}
    for index, sampling in enumerate(objective.samplings):
        mine = {tap: owned(tile, features, tap) for tap in sampling.loss.taps}
        grid = grid_of(mine)
        places, is_inside = _within(sampling.places[shift], objective, tile, grid)
        wide = torch.promote_types(mine[GRID].dtype, torch.float32)
        parts = [columns(mine[tap], tap, grid)[places].to(wide) for tap in sampling.loss.taps]
        by_sampling[index] = torch.cat(parts, 1) * is_inside
    return by_sampling


def compare_samples(
    objective: Objective, shift: Shift, rows: Rows
) -> tuple[dict[Term, Tensor], Rows]:
    """The loss of each term, and the total's gradient at the rows of each sample."""
    losses: dict[Term, Tensor] = {}
    gradients: Rows = {}
    for index, values in rows.items():
        sampling = objective.samplings[index]
        target = (
            sampling.photo[shift].to(values.dtype) if sampling.style is None else sampling.style
        )
        loss, gradient = sampling.loss.compare(values, target)
        term = sampling.term
        losses[term] = losses.get(term, 0) + sampling.share * loss
        gradients[index] = gradient * (objective.weight_of(term) * sampling.share)
    return losses, gradients


def bring_back(
    objective: Objective,
    shift: Shift,
    tile: Tile | None,
    features: Mapping[str, Tensor],
    to_rows: Rows,
    gradients: dict[str, Tensor],
) -> None:
    """Adds gradients at the rows to those at the taps, as far as a tile owns their positions."""
    for index, to_values in to_rows.items():
        sampling = objective.samplings[index]
        taps = sampling.loss.taps
        onto = {tap: owned_to_add_to(tile, gradients, features, tap) for tap in taps}
        grid = grid_of(onto)
        places, is_inside = _within(sampling.places[shift], objective, tile, grid)
        parts = torch.split(to_values * is_inside, [len(onto[tap]) for tap in taps], 1)
        for tap, part in zip(taps, parts, strict=True):
            whole = part.new_zeros(grid[0] * grid[1] + 1, part.shape[1])
            # Positions differ from each other; those of other tiles are put behind the last.
            where = torch.where(is_inside[:, 0], places, grid[0] * grid[1])
            whole.index_put_((where,), part)
            add_adjoint(onto[tap], whole[:-1], tap, grid)


def _within(
    places: Tensor, objective: Objective, tile: Tile | None, grid: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Positions of the whole grid as those of a tile's, and whether it has them [K, 1]."""
    if tile is None:
        return places, torch.ones_like(places, dtype=torch.bool)[:, None]
    stride = stride_of(GRID)
    rows, across = tile.rows.whole(stride), tile.columns.whole(stride)
    width = objective.grid[1]
    down, right = places // width - rows.start, places % width - across.start
    inside = (down >= 0) & (down < grid[0]) & (right >= 0) & (right < grid[1])
    local = down.clamp(0, grid[0] - 1) * grid[1] + right.clamp(0, grid[1] - 1)
    return local, inside[:, None]
