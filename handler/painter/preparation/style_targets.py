"""The styles' statistics: gathered tile by tile, or kept from before, and blended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from painter.canvas.layout import CENTERED, padded_shape
from painter.canvas.tiles import Tile, tiles
from painter.device.compute import wait_for_all_streams
from painter.device.sending import sent
from painter.evaluation.passes import features_of
from painter.losses.style_loss import Statistics, StyleLoss
from painter.losses.terms import Term
from painter.pictures.picture import resize_picture
from painter.planning.style import Style
from painter.preparation.level_inputs import LevelInputs
from painter.preparation.mask_weights import MaskWeights
from painter.preparation.pieces import Piece
from painter.preparation.style_cache import Means, used_here

Losses = Mapping[Term, StyleLoss[Any, Any]]


class StyleTargets:
    """What the loss of each term compares a region with: the weighted means of its styles.

    Weights sum to 1. Statistics are blended, not losses: the target is the style of a picture of
    which each style holds its share.
    """

    def __init__(
        self,
        inputs: LevelInputs,
        styles: Sequence[tuple[float, Style]],
        losses: Losses,
    ) -> None:
        self.by_term: dict[Term, Any] = {}
        self._losses = losses
        self._styles = [(weight, StyleMeans(inputs, style, losses)) for weight, style in styles]

    def pieces(self) -> list[Piece]:
        """Those of each style; then `by_term` has the targets."""
        return [*(piece for _, means in self._styles for piece in means.pieces()), self._blend]

    def _blend(self) -> None:
        blend: dict[Term, Means] = {}
        for weight, style in self._styles:
            for term, means in style.by_term.items():
                part = tuple(mean * weight for mean in means)
                blend[term] = _added(blend[term], part) if term in blend else part
        self.by_term = {term: self._losses[term].target(means) for term, means in blend.items()}


class StyleMeans:
    """The means of a style's features for the loss of each term, from the cache or its tiles."""

    def __init__(self, inputs: LevelInputs, style: Style, losses: Losses) -> None:
        self.by_term: dict[Term, Means] = {}
        self._inputs, self._style, self._losses = inputs, style, losses
        self._shape = style.shape_beside(inputs.shape)
        self._keys = [
            (style.key, self._shape, term.layer, loss.kind, *inputs.pass_key)
            for term, loss in losses.items()
        ]
        self._sums: dict[Term, Statistics] = {}

    def pieces(self) -> list[Piece]:
        """To look for them, and, where they are not kept, each pass; then `by_term` has them."""
        return [self._find]

    def _find(self) -> list[Piece]:
        entries = self._inputs.cache.find(self._keys)
        if entries is None:
            return self._gathering()
        self._have(entries)
        return []

    def _gathering(self) -> list[Piece]:
        style, config, device = self._style, self._inputs.config, self._inputs.vgg.device
        weights = MaskWeights(style.mask, self._shape, sorted(config.taps), [CENTERED], device)
        pixels = sent(resize_picture(style.picture, self._shape).pixels, device)
        cut = tiles(padded_shape(self._shape), config)
        passes = [partial(self._add, pixels, weights, tile) for tile in cut]
        return [*weights.pieces(), *passes, self._keep]

    @torch.no_grad()
    def _add(self, pixels: Tensor, weights: MaskWeights, tile: Tile) -> None:
        inputs = self._inputs
        features = features_of(inputs.vgg, tile.padded(pixels, CENTERED), inputs.config)
        by_tap, sums = weights.at(CENTERED), self._sums
        for term, loss in self._losses.items():
            tap = term.layer
            part = None if by_tap is None else tile.of_whole(by_tap[tap], tap)
            of_part = loss.of_style(tile.owned(features[tap], tap), part)
            sums[term] = sums[term] + of_part if term in sums else of_part

    def _keep(self) -> None:
        entries = [self._sums.pop(term).means for term in self._losses]
        for key, means in zip(self._keys, entries, strict=True):
            self._inputs.cache.keep(key, means)
        wait_for_all_streams(self._inputs.vgg.device)
        self._have(entries)

    def _have(self, entries: list[Means]) -> None:
        used_here(entries)
        self.by_term = dict(zip(self._losses, entries, strict=True))


def _added(one: Means, other: Means) -> Means:
    return tuple(map(torch.add, one, other))
