"""From a plan to the objective of one of its levels."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import replace
from typing import Final

import torch
from torch import Tensor

from painter.canvas.downsampling import Downsampling, resized
from painter.canvas.layout import CENTERED, CLOSED, Shift, padded_shape, seamless_of
from painter.canvas.masks import TapWeights, tap_weights
from painter.canvas.tiles import tiles
from painter.evaluation.content_targets import content_features, content_losses
from painter.evaluation.objective import Layout, Objective, Region
from painter.evaluation.samples import samplings
from painter.evaluation.style_sets import neighborhood
from painter.evaluation.style_targets import StyleCache, blended_targets
from painter.losses.catalog import CONTENT_LOSSES, NEIGHBOR_LOSSES, STYLE_LOSSES
from painter.losses.terms import terms_of
from painter.network.vgg import VGG19, PassConfig
from painter.optimizers.catalog import optimizer_of
from painter.options.catalog import Options
from painter.pictures.picture import resize
from painter.planning.plan import Part, Plan
from painter.planning.pyramid import Level, Shape

# Shifts of the canvas against the network's grid of 16 px, so that the grid leaves no trace:
# each step sees another one. Their features of the photo are kept, so they are few.
SHIFTS: tuple[Shift, ...] = (CENTERED, Shift(1, 13), Shift(13, 4), Shift(4, 0))
# By how much of its length a seamless canvas is turned beside: its seam is never at one place.
TURNS: Final = (0.0, 0.5, 0.25, 0.75)


def pass_config_of(plan: Plan, trunk: torch.dtype) -> PassConfig:
    """The pass of a plan, in the trunk's type."""
    taps = frozenset(tap for term in terms_of(plan.options) for tap in term.taps)
    return PassConfig(taps, plan.options.pooling, trunk)


def shifts_of(plan: Plan) -> tuple[Shift, ...]:
    """The shifts a plan's steps go through: one where others would change what is compared."""
    shifts = (CENTERED,) if optimizer_of(plan.options).compares_losses else SHIFTS
    seamless = seamless_of(plan.options)
    if seamless == CLOSED:
        return shifts
    return tuple(
        replace(shift, seamless=seamless, turned=turned)
        for shift, turned in zip(shifts, TURNS, strict=False)
    )


def is_tiled(shape: Shape, config: PassConfig) -> bool:
    """Whether a canvas of this height and width is too large for one pass."""
    return len(tiles(padded_shape(shape), config)) > 1


def prepare(
    plan: Plan,
    level: Level,
    vgg: VGG19,
    cache: StyleCache,
    coarser: Objective | None = None,
) -> Generator[None, None, Objective]:
    """The objective of one level on top of the one before; yields after each pass."""
    options = plan.options
    config = pass_config_of(plan, vgg.trunk)
    content = resized(plan.content, level.shape, seamless_of(plan.options)).to(vgg.device)
    terms = terms_of(options)
    losses = {
        term: STYLE_LOSSES[term.loss].at(
            vgg.typical_energy[term.layer], vgg.channels_of(term.layer), vgg.device
        )
        for term in terms
        if term.loss in STYLE_LOSSES
    }
    joint = {term: NEIGHBOR_LOSSES[term.loss]() for term in terms if term.loss in NEIGHBOR_LOSSES}
    style_config = config.with_taps(term.layer for term in losses)
    regions = []
    for part in plan.parts:
        targets = yield from blended_targets(
            vgg, cache, part.styles, level.shape, style_config, losses
        )
        share = torch.tensor(_area(part, plan) * part.weight, device=vgg.device)
        nearby = None
        if joint:
            centered = shifts_of(plan)[0]
            nearby = yield from neighborhood(vgg, cache, part, level.shape, config, centered)
        regions.append(Region(share, targets, nearby))
    sampled = yield from samplings(
        vgg, cache, plan, level.shape, config, shifts_of(plan), [one.share for one in regions]
    )
    of_content = yield from _weights(plan, plan.content_mask, level, options.content_layers, vgg)
    of_parts = []
    for part in plan.parts:
        weights = yield from _weights(plan, part.mask, level, options.style_layers, vgg)
        of_parts.append(weights)
    of_photo = [term for term in terms if term.loss in CONTENT_LOSSES]
    content_config = config.with_taps(term.layer for term in of_photo)
    is_whole = not is_tiled(level.shape, config)
    layouts = {}
    for shift in shifts_of(plan):
        layouts[shift] = Layout(
            content_features(vgg, content_config, content, shift) if is_whole else None,
            None if of_content is None else of_content[shift],
            tuple(None if weights is None else weights[shift] for weights in of_parts),
        )
        yield
    return Objective(
        config=config,
        terms=tuple(terms),
        weights=_weights_of_terms(options).to(vgg.device),
        has_variation=options.tv > 0,
        content_losses=(
            yield from content_losses(vgg, content_config, content, layouts, of_photo, config)
        ),
        style_losses=losses,
        joint_losses=joint,
        content=content,
        regions=tuple(regions),
        layouts=layouts,
        coarser=coarser,
        samplings=sampled,
        downsampling=_downsampling(plan, level, coarser, vgg.device),
    )


def _downsampling(
    plan: Plan, level: Level, coarser: Objective | None, device: torch.device
) -> Downsampling | None:
    if coarser is None:
        return None
    return Downsampling(level.shape, coarser.shape, device, seamless_of(plan.options))


def _weights_of_terms(options: Options) -> Tensor:
    shares = {"content": options.alpha, "style": options.beta}
    weights = [shares[term.kind] * weight for term, weight in terms_of(options).items()]
    return torch.tensor([*weights, options.tv], dtype=torch.float64)


def _weights(
    plan: Plan, mask: Tensor | None, level: Level, taps: Iterable[str], vgg: VGG19
) -> Generator[None, None, dict[Shift, TapWeights] | None]:
    if mask is None:
        return None
    return (yield from tap_weights(resize(mask, level.shape), taps, shifts_of(plan), vgg.device))


def _area(part: Part, plan: Plan) -> float:
    """Its part of what is visible, so that every pixel is drawn with one strength."""
    if part.mask is None:
        return 1.0
    alpha = plan.photo.alpha
    return float(part.mask.sum()) / (part.mask.numel() if alpha is None else float(alpha.sum()))
