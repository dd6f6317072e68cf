"""From a plan to the objective of one of its levels, and to the canvas it starts from."""

from __future__ import annotations

from collections.abc import Generator, Iterable

import torch
from torch import Tensor

from painter.canvas.downsampling import Downsampling
from painter.canvas.layout import CENTERED, Shift, padded_shape
from painter.canvas.masks import TapWeights, tap_weights
from painter.canvas.tiles import tiles
from painter.evaluation.content_targets import content_features, content_losses
from painter.evaluation.objective import Layout, Objective, Region
from painter.evaluation.style_sets import neighborhood
from painter.evaluation.style_targets import StyleCache, blended_targets
from painter.losses.catalog import JOINT_STYLE_LOSSES, STYLE_LOSSES
from painter.losses.terms import terms_of
from painter.network.vgg import VGG19, PassConfig
from painter.optimizers.catalog import OPTIMIZERS
from painter.options.catalog import Options
from painter.pictures.picture import resize
from painter.planning.plan import Level, Part, Plan
from painter.planning.pyramid import Shape

# Shifts of the canvas against the network's grid of 16 px, so that the grid leaves no trace:
# each step sees another one. Their features of the photo are kept, so they are few.
SHIFTS: tuple[Shift, ...] = (CENTERED, Shift(1, 13), Shift(13, 4), Shift(4, 0))


def pass_config_of(plan: Plan, trunk: torch.dtype) -> PassConfig:
    """The pass of a plan, in the trunk's type."""
    taps = frozenset(tap for term in terms_of(plan.options) for tap in term.taps)
    return PassConfig(taps, plan.options.pooling, trunk)


def shifts_of(plan: Plan) -> tuple[Shift, ...]:
    """The shifts a plan's steps go through: one where others would change what is compared."""
    return (CENTERED,) if OPTIMIZERS[plan.options.optimizer].compares_losses else SHIFTS


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
    content = resize(plan.content, level.shape).to(vgg.device)
    terms = terms_of(options)
    losses = {
        term: STYLE_LOSSES[term.loss].at(
            vgg.typical_energy[term.layer], vgg.channels_of(term.layer), vgg.device
        )
        for term in terms
        if term.loss in STYLE_LOSSES
    }
    joint = {
        term: JOINT_STYLE_LOSSES[term.loss]() for term in terms if term.loss in JOINT_STYLE_LOSSES
    }
    style_config = config.with_taps(term.layer for term in losses)
    regions = []
    for part in plan.parts:
        targets = yield from blended_targets(
            vgg, cache, part.styles, level.shape, style_config, losses
        )
        share = torch.tensor(_area(part, plan) * part.weight, device=vgg.device)
        nearby = None
        if joint:
            nearby = yield from neighborhood(vgg, cache, part, level.shape, config)
        regions.append(Region(share, targets, nearby))
    of_content = yield from _weights(plan, plan.content_mask, level, options.content_layers, vgg)
    of_parts = []
    for part in plan.parts:
        weights = yield from _weights(plan, part.mask, level, options.style_layers, vgg)
        of_parts.append(weights)
    of_photo = [term for term in terms if term.kind == "content"]
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
    centered = layouts[CENTERED]
    return Objective(
        config=config,
        terms=tuple(terms),
        weights=_weights_of_terms(options).to(vgg.device),
        has_variation=options.tv > 0,
        content_losses=(
            yield from content_losses(vgg, content_config, content, centered, of_photo, config)
        ),
        style_losses=losses,
        joint_losses=joint,
        content=content,
        regions=tuple(regions),
        layouts=layouts,
        coarser=coarser,
        downsampling=_downsampling(level.shape, coarser, vgg.device),
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
        canvas = resize(plan.content, shape)
    return torch.lerp(canvas, noise, options.init_noise).to(device)


def enlarged(plan: Plan, objective: Objective, canvas: Tensor) -> Tensor:
    """The canvas [3, h, w] of the level before at an objective's size.

    What it lacks of the photo, all that is finer than its own pixels, is added: as much as the
    photo counts beside the style, and where it counts. From there a level needs half the steps.
    """
    photo, shape = objective.content, objective.shape
    larger = resize(canvas, shape)
    share = _share_of_detail(plan.options)
    if not share:
        return larger
    detail = photo - resize(resize(photo, (canvas.shape[-2], canvas.shape[-1])), shape)
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
    shape: Shape, coarser: Objective | None, device: torch.device
) -> Downsampling | None:
    return None if coarser is None else Downsampling(shape, coarser.shape, device)


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
