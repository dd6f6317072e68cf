"""What a part of the photo is compared with: its styles, and where it lies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from painter.canvas.layout import padded_shape
from painter.evaluation.objective import Neighborhood, Region
from painter.losses.hypercolumns import GRID
from painter.losses.neighbors import KEPT_MOST, TAPS
from painter.losses.style_loss import StyleLoss
from painter.losses.terms import Term
from painter.network.layers import stride_of
from painter.planning.plan import Part, Plan
from painter.preparation.level_inputs import LevelInputs
from painter.preparation.mask_weights import MaskWeights
from painter.preparation.pieces import Piece
from painter.preparation.style_sets import StyleSets
from painter.preparation.style_targets import StyleTargets


class RegionTargets:
    """The region of a level that a part of the photo becomes, in the making.

    `losses` are the style losses of its terms; with `neighbors`, it has some to look among.
    `weights`, those of its mask, are given where another network has them already.
    """

    def __init__(
        self,
        inputs: LevelInputs,
        part: Part,
        losses: Mapping[Term, StyleLoss[Any, Any]],
        neighbors: bool,
        weights: MaskWeights | None = None,
    ) -> None:
        of_style = inputs.with_taps(term.layer for term in losses)
        self._plan, self._part, self._device = inputs.plan, part, inputs.vgg.device
        self._targets = StyleTargets(of_style, part.styles, losses)
        self._is_weighed = weights is not None
        shifts, taps = inputs.all_shifts, of_style.config.taps
        self.weights = weights or MaskWeights(part.mask, inputs.shape, taps, shifts, self._device)
        self._nearby = _Neighbors(inputs, part) if neighbors else None

    def pieces(self) -> list[Piece]:
        """Those of its styles and of its mask."""
        nearby = [] if self._nearby is None else self._nearby.pieces()
        weights = [] if self._is_weighed else self.weights.pieces()
        return [*self._targets.pieces(), *nearby, *weights]

    def region(self) -> Region:
        """The region, once all pieces are done."""
        share = _area(self._part, self._plan) * self._part.weight
        nearby = None if self._nearby is None else self._nearby.neighborhood()
        share_there = torch.full((), share, device=self._device)
        return Region(share_there, self._targets.by_term, nearby)


class _Neighbors:
    """The styles' hypercolumns of a part, and where it lies on their grid."""

    def __init__(self, inputs: LevelInputs, part: Part) -> None:
        self._shape, self._device = inputs.shape, inputs.vgg.device
        self._centered = inputs.shifts[0]
        self._sets = StyleSets(inputs.with_taps(TAPS), part.styles, KEPT_MOST)
        self._weights = MaskWeights(part.mask, inputs.shape, [GRID], [self._centered], self._device)

    def pieces(self) -> list[Piece]:
        return [*self._sets.pieces(), *self._weights.pieces()]

    def neighborhood(self) -> Neighborhood:
        """Neighbors to look among, none of which is anybody's yet."""
        whole = padded_shape(self._shape)
        grid = whole[0] // stride_of(GRID), whole[1] // stride_of(GRID)
        total, weights = torch.full((), float(grid[0] * grid[1]), device=self._device), None
        by_tap = self._weights.at(self._centered)
        if by_tap is not None:
            weights = by_tap[GRID]
            total = weights.sum(dtype=torch.float32)
        places = torch.zeros(grid, dtype=torch.int32, device=self._device)
        return Neighborhood(self._sets.whole(), places, weights, total)


def _area(part: Part, plan: Plan) -> float:
    """Its part of what is visible, so that every pixel is drawn with one strength."""
    if part.mask is None:
        return 1.0
    alpha = plan.photo.alpha
    return float(part.mask.sum()) / (part.mask.numel() if alpha is None else float(alpha.sum()))
