"""Hypercolumns: the features of several layers at one position (Hariharan et al. 2015).

They lie on the grid of `GRID`, a cell of 4 px to a position. Layers that are finer are averaged
over the cell, coarser ones repeated. So a position's hypercolumn is made of what each layer has
there and of nothing beside it, and a canvas that is cut into tiles has the same ones. Each layer
is divided by its number of channels, as in Kolkin et al. 2022, who resize bilinearly instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.network.layers import stride_of

GRID: Final = "relu3_1"
_STRIDE: Final = stride_of(GRID)

Grid = tuple[int, int]


def grid_of(features: Mapping[str, Tensor]) -> Grid:
    """Rows and columns of the grid; the features [C, h, w] are those of a whole pass or tile."""
    height, width = features[GRID].shape[-2:]
    return height, width


def hypercolumns(features: Mapping[str, Tensor], taps: Sequence[str]) -> Tensor:
    """The hypercolumns [positions, D] of features [C, h, w], row by row of the grid."""
    grid = grid_of(features)
    widths = [len(features[tap]) for tap in taps]
    whole = features[GRID].new_empty(grid[0] * grid[1], sum(widths))
    for tap, part in zip(taps, torch.split(whole, widths, 1), strict=True):
        part.copy_(columns(features[tap], tap, grid))
    return whole


def columns(features: Tensor, tap: str, grid: Grid) -> Tensor:
    """What one layer's features [C, h, w] add to the hypercolumns: [positions, C]."""
    cells = features.permute(1, 2, 0)
    size = _STRIDE // stride_of(tap)
    if size > 1:
        rows = cells[: grid[0] * size].reshape(grid[0], size, *cells.shape[1:])
        cells = F.avg_pool2d(rows.permute(0, 3, 1, 2), size).permute(0, 2, 3, 1)[:, 0, : grid[1]]
    elif stride_of(tap) > _STRIDE:
        cells = cells[_repeated(grid[0], tap, cells.shape[0], cells.device)]
        cells = cells[:, _repeated(grid[1], tap, cells.shape[1], cells.device)]
    return cells.reshape(grid[0] * grid[1], -1) / len(features)


def add_adjoint(onto: Tensor, gradient: Tensor, tap: str, grid: Grid) -> None:
    """Adds what a gradient at `columns` [positions, C] is at the features to one [C, h, w]."""
    cells = (gradient / len(onto)).view(*grid, -1)
    target = onto.permute(1, 2, 0)
    size = _STRIDE // stride_of(tap)
    if size > 1:
        whole = target[: grid[0] * size, : grid[1] * size]
        whole = torch.unflatten(torch.unflatten(whole, 1, (grid[1], size)), 0, (grid[0], size))
        whole += (cells / size**2)[:, None, :, None].to(onto.dtype)
        return
    if stride_of(tap) > _STRIDE:
        cells = _folded(cells, 0, target.shape[0], stride_of(tap) // _STRIDE)
        cells = _folded(cells, 1, target.shape[1], stride_of(tap) // _STRIDE)
    target += cells.to(onto.dtype)


def bands(
    features: Mapping[str, Tensor], taps: Sequence[str], most: int
) -> Iterator[tuple[slice, dict[str, Tensor]]]:
    """Features in bands of about so many positions of the grid: rows of it, and views of each.

    A band begins where a cell of the coarsest of the layers does.
    """
    height, width = grid_of(features)
    coarsest = max(max(stride_of(tap) for tap in taps) // _STRIDE, 1)
    step = max(1, most // (width * coarsest)) * coarsest
    # What is left over of less than a coarsest cell belongs to the band before it.
    starts = [row for row in range(0, height, step) if row == 0 or height - row >= coarsest]
    for start, stop in zip(starts, [*starts[1:], height], strict=True):
        is_last = stop == height
        yield (
            slice(start, stop),
            {
                tap: features[tap][
                    :,
                    start * _STRIDE // stride_of(tap) : (
                        None if is_last else stop * _STRIDE // stride_of(tap)
                    ),
                ]
                for tap in {*taps, GRID}
            },
        )


def _repeated(count: int, tap: str, length: int, device: torch.device) -> Tensor:
    places = torch.arange(count, device=device) // (stride_of(tap) // _STRIDE)
    return places.clamp(max=length - 1)


def _folded(cells: Tensor, dim: int, length: int, size: int) -> Tensor:
    """The sums of cells that one position was repeated for; those left over are the last one's."""
    whole = torch.unflatten(cells.narrow(dim, 0, length * size), dim, (length, size)).sum(dim + 1)
    rest = cells.shape[dim] - length * size
    if rest:
        whole.select(dim, length - 1).add_(cells.narrow(dim, length * size, rest).sum(dim))
    return whole
