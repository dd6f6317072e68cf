"""The styles' statistics: gathered once, blended, and kept for the next painting."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Mapping, Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from painter.canvas.layout import CENTERED
from painter.canvas.masks import tap_weights
from painter.device.compute import wait_for_all_streams
from painter.evaluation.passes import style_statistics
from painter.losses.style_loss import StyleLoss
from painter.losses.terms import Term
from painter.network.vgg import VGG19, PassConfig
from painter.pictures.picture import resize, resize_picture
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


def blended_targets(
    vgg: VGG19,
    cache: StyleCache,
    styles: Sequence[tuple[float, Style]],
    canvas: Shape,
    config: PassConfig,
    losses: Losses,
) -> Generator[None, None, dict[Term, Any]]:
    """What the loss of each term compares a region with: the weighted means of its styles.

    Weights sum to 1. Statistics are blended, not losses: the target is the style of a picture of
    which each style holds its share. Yields after each pass.
    """
    blend: dict[Term, Means] = {}
    for weight, style in styles:
        entries = yield from _means(vgg, cache, style, style.shape_beside(canvas), config, losses)
        for term, means in entries.items():
            part = tuple(mean * weight for mean in means)
            blend[term] = _added(blend[term], part) if term in blend else part
    return {term: losses[term].target(means) for term, means in blend.items()}


def _means(
    vgg: VGG19, cache: StyleCache, style: Style, shape: Shape, config: PassConfig, losses: Losses
) -> Generator[None, None, dict[Term, Means]]:
    taps = sorted(config.taps)
    of_pass = (config.pooling, config.dtype, vgg.digest)
    keys = [(style.key, shape, term.layer, loss.kind, *of_pass) for term, loss in losses.items()]
    entries = cache.find(keys)
    if entries is None:
        picture = resize_picture(style.picture, shape)
        weights = None
        if style.mask is not None:
            mask = resize(style.mask, shape)
            by_shift = yield from tap_weights(mask, taps, [CENTERED], vgg.device)
            weights = by_shift[CENTERED]
        pixels = picture.pixels.to(vgg.device)
        sums = yield from style_statistics(vgg, pixels, config, losses, weights)
        entries = [sums[term].means for term in losses]
        for key, means in zip(keys, entries, strict=True):
            cache.keep(key, means)
        wait_for_all_streams(vgg.device)
    used_here(entries)
    return dict(zip(losses, entries, strict=True))


def used_here(means: Sequence[Means]) -> None:
    """Keeps the memory of what leaves the cache from being used anew before this stream is done."""
    for tensor in chain.from_iterable(means):
        if tensor.is_cuda:
            tensor.record_stream(torch.cuda.current_stream(tensor.device))


def _added(one: Means, other: Means) -> Means:
    return tuple(map(torch.add, one, other))


def _size(means: Means) -> int:
    return sum(tensor.nbytes for tensor in means)
