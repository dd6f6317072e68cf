"""The styles' hypercolumns: a sample of each, turned four ways, kept for the next painting."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Final

import torch
from torch import Tensor

from painter.canvas.layout import CENTERED, Shift, padded_shape
from painter.canvas.masks import tap_weights
from painter.canvas.tiles import tiles
from painter.device.compute import wait_for_all_streams
from painter.evaluation.objective import Neighborhood
from painter.evaluation.passes import features_of
from painter.evaluation.style_targets import StyleCache, used_here
from painter.losses.hypercolumns import GRID, hypercolumns
from painter.losses.neighbors import KEPT_MOST, TAPS, StyleSet
from painter.network.layers import stride_of
from painter.network.vgg import VGG19, PassConfig
from painter.pictures.picture import resize, resize_picture
from painter.planning.plan import Part
from painter.planning.pyramid import Shape
from painter.planning.style import Style

_TURNS: Final = 4


def neighborhood(
    vgg: VGG19, cache: StyleCache, part: Part, shape: Shape, config: PassConfig, centered: Shift
) -> Generator[None, None, Neighborhood]:
    """What a part of the photo has for neighbors on a level, none of which is anybody's yet."""
    config = config.with_taps(TAPS)
    style = yield from style_set(vgg, cache, part.styles, shape, config, KEPT_MOST)
    whole = padded_shape(shape)
    grid = whole[0] // stride_of(GRID), whole[1] // stride_of(GRID)
    total, weights = torch.tensor(float(grid[0] * grid[1]), device=vgg.device), None
    if part.mask is not None:
        mask = resize(part.mask, shape)
        by_shift = yield from tap_weights(mask, [GRID], [centered], vgg.device)
        weights = by_shift[centered][GRID]
        total = weights.sum(dtype=torch.float32)
    places = torch.zeros(grid, dtype=torch.int32, device=vgg.device)
    return Neighborhood(style, places, weights, total)


def style_set(
    vgg: VGG19,
    cache: StyleCache,
    styles: Sequence[tuple[float, Style]],
    canvas: Shape,
    config: PassConfig,
    most: int,
) -> Generator[None, None, StyleSet]:
    """At most so many hypercolumns of styles at the taps of a pass, of each by its weight.

    Weights sum to 1. Yields after each pass.
    """
    parts = []
    for weight, style in styles:
        of_style = round(most * weight)
        if of_style:
            shape = style.shape_beside(canvas)
            parts.append((yield from _kept(vgg, cache, style, shape, config, of_style)))
    return StyleSet.of(torch.cat(parts))


def _kept(
    vgg: VGG19, cache: StyleCache, style: Style, shape: Shape, config: PassConfig, most: int
) -> Generator[None, None, Tensor]:
    key = (style.key, shape, most, *sorted(config.taps), config.pooling, config.dtype, vgg.digest)
    found = cache.find([key])
    if found is None:
        rows = yield from _sampled(vgg, style, shape, config, most)
        cache.keep(key, (rows,))
        wait_for_all_streams(vgg.device)
        found = [(rows,)]
    used_here(found)
    return found[0][0]


def _sampled(
    vgg: VGG19, style: Style, shape: Shape, config: PassConfig, most: int
) -> Generator[None, None, Tensor]:
    """At most so many hypercolumns [M, D] of a style, from all four turns of its picture."""
    pixels = resize_picture(style.picture, shape).pixels
    mask = None if style.mask is None else resize(style.mask, shape)
    taps, parts = sorted(config.taps), []
    for turn in range(_TURNS):
        turned = torch.rot90(pixels, turn, (-2, -1)).contiguous().to(vgg.device)
        weights = None
        if mask is not None:
            around = torch.rot90(mask, turn, (-2, -1)).contiguous()
            by_shift = yield from tap_weights(around, [GRID], [CENTERED], vgg.device)
            weights = by_shift[CENTERED][GRID].cpu()
        whole = padded_shape((turned.shape[-2], turned.shape[-1]))
        grid = whole[0] // stride_of(GRID), whole[1] // stride_of(GRID)
        is_picked = picked(grid, max(1, most // _TURNS), turn, weights)
        for tile in tiles(whole, config):
            features = features_of(vgg, tile.padded(turned, CENTERED), config)
            owned = {tap: tile.owned(values, tap) for tap, values in features.items()}
            places = tile.of_whole(is_picked, GRID).flatten().nonzero()[:, 0]
            parts.append(hypercolumns(owned, taps)[places.to(vgg.device)])
            yield
    return torch.cat(parts)


def picked(grid: Shape, most: int, seed: int, weights: Tensor | None = None) -> Tensor:
    """Which positions of a grid are in a sample of at most so many, a mask [rows, columns].

    One of each of as many stretches of equal weight, at random: no part of a picture is left out.
    """
    count = grid[0] * grid[1]
    if weights is None and count <= most:
        return torch.ones(grid, dtype=torch.bool)
    shares = torch.ones(count) if weights is None else weights.flatten()
    reached = shares.double().cumsum(0)
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.arange(most) + torch.rand(most, generator=generator, dtype=torch.float64)
    places = torch.searchsorted(reached, drawn * (reached[-1] / most), right=True)
    mask = torch.zeros(count, dtype=torch.bool)
    mask[places.clamp(max=count - 1)] = True
    return mask.view(grid)
