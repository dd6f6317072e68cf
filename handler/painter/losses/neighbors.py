"""Nearest neighbors: each position of a canvas is drawn to one of the style's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.losses.hypercolumns import add_adjoint, bands, columns, grid_of

TAPS: Final = (
    *("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1"),
    *("relu3_2", "relu3_3", "relu4_1", "relu4_2", "relu4_3"),
)
# Positions of a style's hypercolumns that are kept, over all styles of a region.
KEPT_MOST: Final = 8192
# Positions that are looked at together, which is what the memory of it depends on.
_AT_ONCE: Final = 4096
_MATCHED_AT_ONCE: Final = 2048
_TINY: Final = 1e-12
# A hypercolumn counts as no shorter than such a share of its neighbor, squared: the direction of
# one that is next to nothing would change with everything.
_SHORTEST: Final = 1e-3


@dataclass(frozen=True, slots=True)
class StyleSet:
    """Hypercolumns of a style: `rows` [M, D], and their squared lengths [M]."""

    rows: Tensor
    energies: Tensor

    @staticmethod
    def of(rows: Tensor) -> StyleSet:
        """The set of such rows."""
        wide = torch.promote_types(rows.dtype, torch.float32)
        parts = [part.to(wide).square().sum(1) for part in torch.split(rows, _AT_ONCE)]
        return StyleSet(rows, torch.cat(parts))


def nearest(rows: Tensor, mean: Tensor, style: StyleSet) -> Tensor:
    """Which of the style's hypercolumns [M, D] is nearest to each row [n, D]: places [n].

    By the cosine after each set's mean was subtracted; `mean` [D] is that of all the rows. Products
    are of the rows' own type. What they take is independent of n: blocks of rows are compared.
    """
    wide = mean.dtype
    units = style.rows - style.rows.mean(0, dtype=wide).to(style.rows.dtype)
    units = F.normalize(units, dim=1, eps=_TINY).T
    places = rows.new_empty(len(rows), dtype=torch.int32)
    blocks = (torch.split(each, _MATCHED_AT_ONCE) for each in (rows, places))
    for block, of_block in zip(*blocks, strict=True):
        of_block.copy_(((block - mean.to(block.dtype)) @ units).argmax(1))
    return places


@dataclass(frozen=True, slots=True)
class Neighbors:
    """Σ w (1 − cos(f, t)) / Σ w over positions, with f a hypercolumn and t its nearest.

    Kolkin et al. 2022, eq. 2 and 3: neighbors are found for what the photo and the canvas have in
    common, and a cosine keeps no contrast, which another loss beside it has to. Departures from
    the paper: VGG-19 instead of VGG-16, hypercolumns without interpolation, the style's set is a
    sample, and its neighbors are found anew within a level instead of a last phase of its own.
    """

    taps: ClassVar[tuple[str, ...]] = TAPS

    def compare(
        self,
        features: Mapping[str, Tensor],
        places: Tensor,
        style: StyleSet,
        weights: Tensor | None,
        total: Tensor,
        scale: Tensor,
        onto: Mapping[str, Tensor] | None,
    ) -> Tensor:
        """The loss of features [C, h, w] at the taps, by the places [rows, columns] of neighbors.

        `total` is the sum of all weights of the canvas, of which the features may be a tile. The
        gradient times `scale` is added to tensors like the features.
        """
        wide, losses = style.energies.dtype, []
        _, width = grid_of(features)
        targets = bands(onto or features, TAPS, _AT_ONCE)
        for (rows, band), (_, target) in zip(bands(features, TAPS, _AT_ONCE), targets, strict=True):
            grid, chosen = (rows.stop - rows.start, width), places[rows].flatten()
            share = 1 / total if weights is None else weights[rows].reshape(-1, 1) / total
            mine = [columns(band[tap], tap, grid).to(wide) for tap in TAPS]
            neighbors = torch.split(style.rows[chosen].to(wide), [f.shape[1] for f in mine], 1)
            lengths, product = lengths_and_product(mine, neighbors)
            others = style.energies[chosen][:, None].clamp(min=_TINY)
            floor = others * _SHORTEST
            is_long, lengths = lengths > floor, torch.maximum(lengths, floor)
            inverse = (lengths * others).rsqrt()
            losses.append(((1 - product * inverse) * share).sum())
            if onto is None:
                continue
            to_mine = product * inverse / lengths * is_long * share * scale
            to_neighbor = inverse * share * scale
            for tap, f, t in zip(TAPS, mine, neighbors, strict=True):
                add_adjoint(target[tap], f * to_mine - t * to_neighbor, tap, grid)
        return torch.stack(losses).sum()


def lengths_and_product(mine: list[Tensor], others: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Squared lengths of rows that come in parts [n, C], and products with others; [n, 1] each."""
    lengths = torch.stack([part.square().sum(1, keepdim=True) for part in mine]).sum(0)
    pairs = zip(mine, others, strict=True)
    product = torch.stack([(part * other).sum(1, keepdim=True) for part, other in pairs]).sum(0)
    return lengths, product
