"""Samples of a canvas's positions: drawn before a level begins, and taken in turns."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Final

import torch
from torch import Tensor

from painter.canvas.layout import Shift, padded_shape
from painter.canvas.masks import tap_weights
from painter.canvas.tiles import tiles
from painter.evaluation.objective import Objective, Sampling
from painter.evaluation.passes import features_of
from painter.evaluation.sampling import gathered
from painter.evaluation.style_sets import picked, style_set
from painter.evaluation.style_targets import StyleCache
from painter.losses.catalog import SAMPLED_LOSSES
from painter.losses.hypercolumns import GRID
from painter.losses.neighbors import TAPS
from painter.losses.sampled import SAMPLED, STYLE_SAMPLED
from painter.losses.terms import Term, terms_of
from painter.network.layers import stride_of
from painter.network.vgg import VGG19, PassConfig
from painter.pictures.picture import resize
from painter.planning.plan import Plan
from painter.planning.pyramid import Shape

# Samples of each shift that take turns.
_TURNS: Final = 4

Pool = dict[Shift, tuple[Tensor, ...]]


def samplings(
    vgg: VGG19,
    cache: StyleCache,
    plan: Plan,
    shape: Shape,
    config: PassConfig,
    shifts: Sequence[Shift],
    shares: Sequence[Tensor],
) -> Generator[None, None, tuple[Sampling, ...]]:
    """The sampled losses of a level: of the photo, and of each part with its styles and share."""
    found: list[Sampling] = []
    config = config.with_taps(TAPS)
    for term in (term for term in terms_of(plan.options) if term.loss in SAMPLED_LOSSES):
        if term.kind == "content":
            pool = yield from _pool(plan.content_mask, shape, shifts, vgg.device)
            found.append(_sampling(term, torch.ones((), device=vgg.device), pool))
            continue
        for part, share in zip(plan.parts, shares, strict=True):
            pool = yield from _pool(part.mask, shape, shifts, vgg.device)
            style = yield from style_set(vgg, cache, part.styles, shape, config, STYLE_SAMPLED)
            found.append(replace(_sampling(term, share, pool), style=style))
    return tuple(found)


def redrawn(
    vgg: VGG19, objective: Objective, turn: int
) -> Generator[None, None, tuple[Sampling, ...]]:
    """The samplings with the samples whose turn it is; yields after each pass of the photo."""
    drawn = []
    for sampling in objective.samplings:
        places = {shift: pool[turn % len(pool)] for shift, pool in sampling.pool.items()}
        drawn.append(replace(sampling, places=places, photo={}))
    of_photo = [index for index, sampling in enumerate(drawn) if sampling.style is None]
    seen = replace(objective, samplings=tuple(drawn[index] for index in of_photo))
    for shift in objective.layouts if of_photo else ():
        rows = yield from _of_photo(vgg, seen, shift)
        for index, values in zip(of_photo, rows, strict=True):
            drawn[index] = replace(drawn[index], photo={**drawn[index].photo, shift: values})
    return tuple(drawn)


def _of_photo(
    vgg: VGG19, objective: Objective, shift: Shift
) -> Generator[None, None, list[Tensor]]:
    """The photo's hypercolumns [K, D] of each sampling, in the pass's type."""
    config = objective.config.with_taps(TAPS)
    cut = tiles(padded_shape(objective.shape), objective.config)
    sums: dict[int, Tensor] = {}
    for tile in cut:
        features = features_of(vgg, tile.padded(objective.content, shift), config)
        for index, rows in gathered(objective, shift, tile, features).items():
            sums[index] = sums[index] + rows if index in sums else rows
        yield
    return [rows.to(config.dtype) for rows in sums.values()]


def _sampling(term: Term, share: Tensor, pool: Pool) -> Sampling:
    places = {shift: drawn[0] for shift, drawn in pool.items()}
    return Sampling(term, SAMPLED_LOSSES[term.loss](), share, None, pool, places, {})


def _pool(
    mask: Tensor | None, shape: Shape, shifts: Sequence[Shift], device: torch.device
) -> Generator[None, None, Pool]:
    whole = padded_shape(shape)
    grid = whole[0] // stride_of(GRID), whole[1] // stride_of(GRID)
    by_shift = None
    if mask is not None:
        by_shift = yield from tap_weights(resize(mask, shape), [GRID], shifts, torch.device("cpu"))
    pool: Pool = {}
    for index, shift in enumerate(shifts):
        weights = None if by_shift is None else by_shift[shift][GRID]
        seeds = range(index * _TURNS, (index + 1) * _TURNS)
        masks = [picked(grid, SAMPLED, seed, weights) for seed in seeds]
        pool[shift] = tuple(one.flatten().nonzero()[:, 0].to(device) for one in masks)
    return pool
