"""From a plan to the objective of one of its levels, and to the canvas it starts from."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import replace
from typing import Final

import torch
from torch import Tensor

from painter.canvas.downsampling import Downsampling, resized
from painter.canvas.layout import CENTERED, CLOSED, Seamless, Shift, pad, padded_shape
from painter.canvas.masks import TapWeights, tap_weights
from painter.canvas.tiles import tiles
from painter.evaluation.objective import Layout, Objective, Region, norm_floor
from painter.evaluation.passes import features_of
from painter.evaluation.style_targets import StyleCache, blended_targets
from painter.losses.catalog import STYLE_LOSSES
from painter.losses.content import energy
from painter.network.vgg import VGG19, PassConfig
from painter.optimizers.catalog import OPTIMIZERS
from painter.options.catalog import Options
from painter.pictures.picture import resize
from painter.planning.plan import Level, Part, Plan
from painter.planning.pyramid import Shape

# Shifts of the canvas against the network's grid of 16 px, so that the grid leaves no trace:
# each step sees another one. Their features of the photo are kept, so they are few.
SHIFTS: tuple[Shift, ...] = (CENTERED, Shift(1, 13), Shift(13, 4), Shift(4, 0))
# By how much of its length a seamless canvas is turned beside: its seam is never at one place.
TURNS: Final = (0.0, 0.5, 0.25, 0.75)


def pass_config_of(plan: Plan, trunk: torch.dtype) -> PassConfig:
    """The pass of a plan, in the trunk's type."""
    options = plan.options
    taps = frozenset([*options.content_layers, *options.style_layers])
    return PassConfig(taps, options.pooling, trunk)


def shifts_of(plan: Plan) -> tuple[Shift, ...]:
    """The shifts a plan's steps go through: one where others would change what is compared."""
    shifts = (CENTERED,) if OPTIMIZERS[plan.options.optimizer].compares_losses else SHIFTS
    seamless = seamless_of(plan)
    if seamless == CLOSED:
        return shifts
    return tuple(
        replace(shift, seamless=seamless, turned=turned)
        for shift, turned in zip(shifts, TURNS, strict=False)
    )


def seamless_of(plan: Plan) -> Seamless:
    """Which sides of a plan's canvas meet."""
    return plan.options.seamless in ("y", "both"), plan.options.seamless in ("x", "both")


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
    content = resized(plan.content, level.shape, seamless_of(plan)).to(vgg.device)
    style_config = config.with_taps(options.style_layers)
    losses = {
        tap: STYLE_LOSSES[options.style_loss].at(
            vgg.typical_energy[tap], vgg.channels_of(tap), vgg.device
        )
        for tap in options.style_layers
    }
    regions = []
    for part in plan.parts:
        targets = yield from blended_targets(
            vgg, cache, part.styles, level.shape, style_config, losses
        )
        share = torch.tensor(_area(part, plan) * part.weight, device=vgg.device)
        regions.append(Region(share, targets))
    of_content = yield from _weights(plan, plan.content_mask, level, options.content_layers, vgg)
    of_parts = []
    for part in plan.parts:
        weights = yield from _weights(plan, part.mask, level, options.style_layers, vgg)
        of_parts.append(weights)
    layouts = {}
    for shift in shifts_of(plan):
        layouts[shift] = Layout(
            _content_features(level, vgg, config, content, shift, options),
            None if of_content is None else of_content[shift],
            tuple(None if weights is None else weights[shift] for weights in of_parts),
        )
        yield
    norms = yield from _content_norms(vgg, config, content, layouts, options)
    return Objective(
        config=config,
        content_layers=tuple(options.content_layers),
        style_layers=tuple(options.style_layers),
        weights=_weights_of_terms(options).to(vgg.device),
        has_variation=options.tv > 0,
        style_losses=losses,
        content=content,
        content_norms=norms,
        regions=tuple(regions),
        layouts=layouts,
        coarser=coarser,
        downsampling=_downsampling(plan, level, coarser, vgg.device),
    )


def canvas_of(plan: Plan, shape: tuple[int, int], device: torch.device) -> Tensor:
    """What the canvas of the first level starts from."""
    options = plan.options
    if plan.resume is not None and plan.start is not None:
        return resize(plan.start, shape).to(device)
    generator = torch.Generator().manual_seed(options.seed)
    noise = torch.rand(3, *shape, generator=generator)
    if options.init == "noise":
        return noise.to(device)
    if plan.start is not None:
        canvas = resize(plan.start, shape)
    elif options.init == "style":
        canvas = _covering(plan.parts[0].styles[0][1].picture.samples, shape)
    else:
        canvas = resized(plan.content, shape, seamless_of(plan))
    return torch.lerp(canvas, noise, options.init_noise).to(device)


def enlarged(plan: Plan, objective: Objective, canvas: Tensor) -> Tensor:
    """The canvas [3, h, w] of the level before at an objective's size.

    What it lacks of the photo, all that is finer than its own pixels, is added: as much as the
    photo counts beside the style, and where it counts. From there a level needs half the steps.
    """
    photo, shape, seamless = objective.content, objective.shape, seamless_of(plan)
    larger = resized(canvas, shape, seamless)
    share = _share_of_detail(plan.options)
    if not share:
        return larger
    smaller = resized(photo, (canvas.shape[-2], canvas.shape[-1]), seamless)
    detail = photo - resized(smaller, shape, seamless)
    if plan.content_mask is not None:
        detail *= resize(plan.content_mask, shape).to(detail.device)
    return detail.mul_(share).add_(larger).clamp_(0, 1)


def _share_of_detail(options: Options) -> float:
    """All of it where the photo counts as much as by default, less where it counts less."""
    usual = Options()
    if not options.beta:
        return 1.0
    return min(1.0, options.alpha / options.beta * usual.beta / usual.alpha)


def _covering(picture: Tensor, shape: tuple[int, int]) -> Tensor:
    """The middle of a picture, as large as it goes without being stretched."""
    height, width = picture.shape[-2:]
    scale = max(shape[0] / height, shape[1] / width)
    whole = resize(
        picture, (max(shape[0], round(height * scale)), max(shape[1], round(width * scale)))
    )
    top, left = (whole.shape[-2] - shape[0]) // 2, (whole.shape[-1] - shape[1]) // 2
    return whole[:, top : top + shape[0], left : left + shape[1]]


def _downsampling(
    plan: Plan, level: Level, coarser: Objective | None, device: torch.device
) -> Downsampling | None:
    if coarser is None:
        return None
    return Downsampling(level.shape, coarser.shape, device, seamless_of(plan))


def _weights_of_terms(options: Options) -> Tensor:
    content = [options.alpha * weight for weight in options.content_layers.values()]
    style = [options.beta * weight for weight in options.style_layers.values()]
    return torch.tensor([*content, *style, options.tv], dtype=torch.float64)


def _content_features(
    level: Level, vgg: VGG19, config: PassConfig, content: Tensor, shift: Shift, options: Options
) -> dict[str, Tensor] | None:
    if is_tiled(level.shape, config):
        return None
    content_config = config.with_taps(options.content_layers)
    return features_of(vgg, pad(content, shift), content_config)


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


def _content_norms(
    vgg: VGG19,
    config: PassConfig,
    content: Tensor,
    layouts: Mapping[Shift, Layout],
    options: Options,
) -> Generator[None, None, dict[str, Tensor]]:
    """Σ w P² of the photo at each content tap, over all tiles; with a floor."""
    content_config = config.with_taps(options.content_layers)
    shift, layout = next(iter(layouts.items()))
    norms: dict[str, Tensor] = {}
    floors: dict[str, Tensor] = {}
    for tile in tiles(padded_shape((content.shape[-2], content.shape[-1])), config):
        features = layout.content
        if features is None:
            features = features_of(vgg, tile.padded(content, shift), content_config)
        for tap, values in features.items():
            owned = tile.owned(values, tap)
            weights = layout.content_weights
            part = (
                torch.ones(owned.shape[1:], device=owned.device)
                if weights is None
                else tile.of_whole(weights[tap], tap)
            )
            floor = norm_floor(vgg.typical_energy[tap], len(owned), part.sum(dtype=torch.float32))
            norms[tap] = norms.get(tap, 0) + energy(owned, part)
            floors[tap] = floors.get(tap, 0) + floor
        yield
    return {tap: torch.maximum(norm, floors[tap]) for tap, norm in norms.items()}
