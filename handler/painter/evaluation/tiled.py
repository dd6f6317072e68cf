"""Loss and gradient of a canvas that is too large for one pass: tile by tile, and exact."""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

from painter.canvas.layout import padded_shape
from painter.canvas.tiles import Tile, tiles
from painter.evaluation.comparing import (
    Losses,
    RegionGradients,
    compare_styles,
    neighbor_losses,
    region_statistics,
    tap_gradients,
)
from painter.evaluation.passes import Evaluation, View, evaluation_of, features_of
from painter.evaluation.sampling import Rows, bring_back, compare_samples, gathered
from painter.losses.style_loss import Statistics
from painter.losses.terms import Term
from painter.network.vgg import VGG19


class TiledEvaluation:
    """Evaluates one canvas; `advance` runs a tile, until it tells the whole.

    The style's statistics are sums over positions. So a first round over the tiles adds them up,
    and a second compares each tile with the statistics of the whole; where positions are compared
    one by one, as with neighbors, that is all. Memory depends on the tile and not on the canvas;
    the price is one more forward pass, and one of the photo.
    """

    def __init__(self, vgg: VGG19, view: View, side: int | None = None) -> None:
        """Of tiles of about `side` px, or as large as they usually are."""
        self._vgg, self._view = vgg, view
        self._objective, self._layout = view.objective, view.objective.layouts[view.shift]
        cut = tiles(padded_shape(view.objective.shape), view.objective.config, side)
        is_summed = bool(view.objective.style_losses or view.objective.samplings)
        self._to_sum_up, self._to_compare = deque(cut if is_summed else ()), deque(cut)
        self._has_begun = False
        self._statistics: dict[tuple[int, Term], Statistics] = {}
        self._to_means: RegionGradients = {}
        self._rows: Rows = {}
        self._to_rows: Rows = {}
        self._losses: Losses = {}
        self._gradient: Tensor | None = None

    @torch.no_grad()
    def advance(self) -> Evaluation | None:
        """Runs a tile; once all were run, tells what they come to."""
        if self._to_sum_up:
            self._sum_up(self._to_sum_up.popleft())
        elif self._to_compare:
            if not self._has_begun:
                self._begin_comparing()
            self._compare(self._to_compare.popleft())
        else:
            # Handed over: it is as large as the canvas, and whoever has it lets go of it.
            gradient, self._gradient = self._gradient, None
            return evaluation_of(self._view, self._losses, gradient)
        return None

    def _sum_up(self, tile: Tile) -> None:
        view, total = self._view, self._statistics
        pixels = tile.padded(view.canvas, view.shift)
        features = features_of(self._vgg, pixels, self._objective.config)
        of_tile = region_statistics(self._objective, self._layout, tile, features)
        for key, sums in of_tile.items():
            total[key] = total[key] + sums if key in total else sums
        for index, rows in gathered(self._objective, view.shift, tile, features).items():
            self._rows[index] = self._rows[index] + rows if index in self._rows else rows

    def _begin_comparing(self) -> None:
        self._has_begun = True
        self._losses, to_means = compare_styles(self._objective, self._statistics)
        sampled, to_rows = compare_samples(self._objective, self._view.shift, self._rows)
        self._losses |= sampled
        if self._view.with_gradient:
            self._to_means, self._to_rows = to_means, to_rows
            self._gradient = self._view.canvas.new_zeros(3, *padded_shape(self._objective.shape))

    def _compare(self, tile: Tile) -> None:
        objective, view = self._objective, self._view
        photo = tile.padded(objective.content, view.shift)
        targets = {}
        if objective.content_config.taps:
            targets = features_of(self._vgg, photo, objective.content_config)
        trace = self._vgg.trace(tile.padded(view.canvas, view.shift)[None], objective.config)
        features = {tap: values[0] for tap, values in trace.taps.items()}
        losses, at_taps = tap_gradients(
            objective, self._layout, tile, features, targets, self._statistics, self._to_means
        )
        onto = at_taps if view.with_gradient else None
        losses |= neighbor_losses(objective, view.shift, tile, features, onto)
        for term, loss in losses.items():
            self._losses[term] = self._losses[term] + loss if term in self._losses else loss
        if self._gradient is not None:
            bring_back(objective, view.shift, tile, features, self._to_rows, at_taps)
            batched = {tap: values[None] for tap, values in at_taps.items()}
            gradient = self._vgg.gradient(trace, objective.config, batched)[0]
            tile.cut(self._gradient).add_(gradient)
