"""The styles' statistics: gathered once, blended, and kept for the next painting."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from painter.canvas.layout import CENTERED, padded_shape
from painter.canvas.tiles import Tile, tiles
from painter.device.compute import wait_for_all_streams
from painter.evaluation.mask_weights import MaskWeights
from painter.evaluation.passes import features_of
from painter.evaluation.pieces import Piece
from painter.losses.style_loss import Statistics, StyleLoss
from painter.losses.terms import Term
from painter.network.vgg import VGG19, PassConfig
from painter.pictures.picture import resize_picture
from painter.planning.pyramid import Shape
from painter.planning.style import Style

Means = tuple[Tensor, ...]
Losses = Mapping[Term, StyleLoss[Any, Any]]


class StyleCache:
    """Means of features by all that they depend on, within a budget of bytes, oldest out first."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._entries: OrderedDict[tuple[object, ...], Means] = OrderedDict()
        self.bytes = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, keys: Sequence[tuple[object, ...]]) -> list[Means] | None:
        """The entries of all the keys, or None where one of them is missing."""
        if any(key not in self._entries for key in keys):
            self.misses += 1
            return None
        self.hits += 1
        for key in keys:
            self._entries.move_to_end(key)
        return [self._entries[key] for key in keys]

    def keep(self, key: tuple[object, ...], means: Means) -> None:
        """Adds an entry, and drops the longest unused ones until the budget holds."""
        if key in self._entries:
            self.bytes -= _size(self._entries.pop(key))
        self._entries[key] = means
        self.bytes += _size(means)
        while self.bytes > self._most_bytes:
            _, dropped = self._entries.popitem(last=False)
            self.bytes -= _size(dropped)


class StyleTargets:
    """What the loss of each term compares a region with: the weighted means of its styles.

    Weights sum to 1. Statistics are blended, not losses: the target is the style of a picture of
    which each style holds its share.
    """

    def __init__(
        self,
        vgg: VGG19,
        cache: StyleCache,
        styles: Sequence[tuple[float, Style]],
        canvas: Shape,
        config: PassConfig,
        losses: Losses,
    ) -> None:
        self.by_term: dict[Term, Any] = {}
        self._losses = losses
        self._styles = [
            (weight, StyleMeans(vgg, cache, style, style.shape_beside(canvas), config, losses))
            for weight, style in styles
        ]

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

    def __init__(
        self,
        vgg: VGG19,
        cache: StyleCache,
        style: Style,
        shape: Shape,
        config: PassConfig,
        losses: Losses,
    ) -> None:
        self.by_term: dict[Term, Means] = {}
        self._vgg, self._cache, self._style, self._shape = vgg, cache, style, shape
        self._config, self._losses = config, losses
        of_pass = (config.pooling, config.dtype, vgg.digest)
        self._keys = [
            (style.key, shape, term.layer, loss.kind, *of_pass) for term, loss in losses.items()
        ]
        self._sums: dict[Term, Statistics] = {}

    def pieces(self) -> list[Piece]:
        """To look for them, and, where they are not kept, each pass; then `by_term` has them."""
        return [self._find]

    def _find(self) -> list[Piece]:
        entries = self._cache.find(self._keys)
        if entries is None:
            return self._gathering()
        self._have(entries)
        return []

    def _gathering(self) -> list[Piece]:
        style, taps, device = self._style, sorted(self._config.taps), self._vgg.device
        weights = MaskWeights(style.mask, self._shape, taps, [CENTERED], device)
        pixels = resize_picture(style.picture, self._shape).pixels.to(device)
        cut = tiles(padded_shape(self._shape), self._config)
        passes = [partial(self._add, pixels, weights, tile) for tile in cut]
        return [*weights.pieces(), *passes, self._keep]

    @torch.no_grad()
    def _add(self, pixels: Tensor, weights: MaskWeights, tile: Tile) -> None:
        features = features_of(self._vgg, tile.padded(pixels, CENTERED), self._config)
        by_tap, sums = weights.at(CENTERED), self._sums
        for term, loss in self._losses.items():
            tap = term.layer
            part = None if by_tap is None else tile.of_whole(by_tap[tap], tap)
            of_part = loss.of_style(tile.owned(features[tap], tap), part)
            sums[term] = sums[term] + of_part if term in sums else of_part

    def _keep(self) -> None:
        entries = [self._sums.pop(term).means for term in self._losses]
        for key, means in zip(self._keys, entries, strict=True):
            self._cache.keep(key, means)
        wait_for_all_streams(self._vgg.device)
        self._have(entries)

    def _have(self, entries: list[Means]) -> None:
        used_here(entries)
        self.by_term = dict(zip(self._losses, entries, strict=True))


def used_here(means: Sequence[Means]) -> None:
    """Keeps the memory of what leaves the cache from being used anew before this stream is done."""
    for tensor in chain.from_iterable(means):
        if tensor.is_cuda:
            tensor.record_stream(torch.cuda.current_stream(tensor.device))


def _added(one: Means, other: Means) -> Means:
    return tuple(map(torch.add, one, other))


def _size(means: Means) -> int:
    return sum(tensor.nbytes for tensor in means)
