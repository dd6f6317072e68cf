"""Samples of a canvas's positions: drawn before a level begins, and taken in turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import torch
from torch import Tensor

from painter.canvas.layout import Shift, padded_shape
from painter.canvas.tiles import Tile, tiles
from painter.evaluation.objective import Objective, Sampling
from painter.evaluation.passes import features_of
from painter.evaluation.sampling import Rows, gathered
from painter.losses.catalog import SAMPLED_LOSSES
from painter.losses.hypercolumns import GRID
from painter.losses.neighbors import TAPS
from painter.losses.sampled import SAMPLED, STYLE_SAMPLED
from painter.losses.terms import Term, terms_of
from painter.network.layers import stride_of
from painter.network.vgg import VGG19
from painter.preparation.level_inputs import LevelInputs
from painter.preparation.mask_weights import MaskWeights
from painter.preparation.pieces import Piece
from painter.preparation.style_sets import StyleSets, picked

# Samples of each shift that take turns.
_TURNS: Final = 4


class SampledTargets:
    """The sampled losses of a level: of the photo, and of each part with its styles."""

    def __init__(self, inputs: LevelInputs) -> None:
        plan, of_grid, self._device = inputs.plan, inputs.with_taps(TAPS), inputs.vgg.device
        self._parts: list[_Part] = []
        for term in (term for term in terms_of(plan.options) if term.loss in SAMPLED_LOSSES):
            if term.kind == "content":
                pool = _Pool(inputs, plan.content_mask)
                self._parts.append(_Part(term, pool))
                continue
            for region, part in enumerate(plan.parts):
                pool = _Pool(inputs, part.mask)
                sets = StyleSets(of_grid, part.styles, STYLE_SAMPLED)
                self._parts.append(_Part(term, pool, region, sets))

    def pieces(self) -> list[Piece]:
        """Those of the masks and the styles."""
        pools = [piece for part in self._parts for piece in part.pool.pieces()]
        return pools + [piece for part in self._parts if part.sets for piece in part.sets.pieces()]

    def samplings(self, shares: Sequence[Tensor]) -> tuple[Sampling, ...]:
        """Once all pieces are done: beside the shares of the regions."""
        return tuple(self._sampling(part, shares) for part in self._parts)

    def _sampling(self, part: _Part, shares: Sequence[Tensor]) -> Sampling:
        share, style = torch.ones((), device=self._device), None
        if part.sets is not None:
            share, style = shares[part.region], part.sets.whole()
        loss, pool = SAMPLED_LOSSES[part.term.loss](), part.pool.by_shift
        places = {shift: drawn[0] for shift, drawn in pool.items()}
        return Sampling(part.term, loss, share, style, pool, places, {})


class _Pool:
    """The samples of each shift that take turns, once its pieces are done."""

    def __init__(self, inputs: LevelInputs, mask: Tensor | None) -> None:
        whole = padded_shape(inputs.shape)
        self._grid = whole[0] // stride_of(GRID), whole[1] // stride_of(GRID)
        self._shifts, self._device = inputs.shifts, inputs.vgg.device
        host = torch.device("cpu")
        self._weights = MaskWeights(mask, inputs.shape, [GRID], self._shifts, host)
        self.by_shift: dict[Shift, tuple[Tensor, ...]] = {}

    def pieces(self) -> list[Piece]:
        return [*self._weights.pieces(), self._draw]

    def _draw(self) -> None:
        for index, shift in enumerate(self._shifts):
            by_tap = self._weights.at(shift)
            weights = None if by_tap is None else by_tap[GRID]
            seeds = range(index * _TURNS, (index + 1) * _TURNS)
            masks = [picked(self._grid, SAMPLED, seed, weights) for seed in seeds]
            places = (one.flatten().nonzero()[:, 0].to(self._device) for one in masks)
            self.by_shift[shift] = tuple(places)


@dataclass(frozen=True, slots=True)
class _Part:
    """A sampled loss of the photo, or of a region with its styles."""

    term: Term
    pool: _Pool
    region: int = 0
    sets: StyleSets | None = None


class Redrawing:
    """The samplings of an objective with the samples whose turn it is."""

    def __init__(self, vgg: VGG19, objective: Objective, turn: int) -> None:
        self._vgg, self._objective = vgg, objective
        self._drawn = []
        for sampling in objective.samplings:
            places = {shift: pool[turn % len(pool)] for shift, pool in sampling.pool.items()}
            self._drawn.append(replace(sampling, places=places, photo={}))
        of_photo = [sampling for sampling in self._drawn if sampling.style is None]
        self._seen = replace(objective, samplings=tuple(of_photo))
        self._sums: dict[Shift, Rows] = {shift: {} for shift in objective.layouts}

    def pieces(self) -> list[Piece]:
        """The passes of the photo that some are compared with."""
        if not self._seen.samplings:
            return []
        cut = tiles(padded_shape(self._objective.shape), self._objective.config)
        return [partial(self._add, shift, tile) for shift in self._sums for tile in cut]

    def samplings(self) -> tuple[Sampling, ...]:
        """All of them, once the pieces are done."""
        photo = iter(range(len(self._seen.samplings)))
        return tuple(
            each if each.style is not None else replace(each, photo=self._rows(next(photo)))
            for each in self._drawn
        )

    def _add(self, shift: Shift, tile: Tile) -> None:
        config = self._objective.config.with_taps(TAPS)
        features = features_of(self._vgg, tile.padded(self._objective.content, shift), config)
        sums = self._sums[shift]
        for index, rows in gathered(self._seen, shift, tile, features).items():
            sums[index] = sums[index] + rows if index in sums else rows

    def _rows(self, index: int) -> dict[Shift, Tensor]:
        """The photo's hypercolumns [K, D] of a sampling, in the pass's type."""
        dtype = self._objective.config.dtype
        return {shift: rows[index].to(dtype) for shift, rows in self._sums.items()}
