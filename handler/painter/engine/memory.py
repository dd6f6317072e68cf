"""How much memory a painting takes, told before it starts."""

from __future__ import annotations

from typing import Final

import torch

from painter.canvas.tiles import TILE_SIDE, WHOLE_PIXELS_MOST
from painter.evaluation.levels import (
    all_shifts_of,
    condenses_steps,
    content_taps_of,
    is_tiled,
    pass_config_of,
    shifts_of,
)
from painter.losses.catalog import NEIGHBOR_LOSSES, SAMPLED_LOSSES, STYLE_LOSSES
from painter.losses.hypercolumns import GRID
from painter.losses.neighbors import KEPT_MOST, TAPS
from painter.losses.sampled import SAMPLED, STYLE_SAMPLED
from painter.losses.terms import terms_of
from painter.network.layers import CONVOLUTION_NAMES, stride_of
from painter.network.pass_config import PassConfig
from painter.optimizers.catalog import optimizer_of
from painter.planning.plan import Plan
from painter.planning.pyramid import Shape

# A pass holds a layer's output, its gradient and a copy of each at once.
_IN_FLIGHT: Final = 4 * 64
# What the allocator needs beside it: blocks of many sizes leave gaps.
_GAPS: Final = 1.4
# With the condensed network there are blocks of twice as many sizes.
_CONDENSED_GAPS: Final = 1.7
# Canvases in float32 beside the optimizer's: the average, the best, the photo, the gradient and
# those of the coarser levels are 5; the allocator's gaps, and the photo without colors.
_COPIES: Final = 8
# What there is of them while a style's statistics are gathered, before a level's first step; the
# style is there as floats then, with what resizing it takes for a moment.
_PREPARING_COPIES: Final = 4
_STYLE_COPIES: Final = 3
# Float16 at every tap, and at those of the coarser levels: 2 · 4/3 · 4/3.
_MASK_BYTES: Final = 3.6
# Bytes for each pixel of a painting that is encoded; the photo's alpha and colors need more.
_ENCODING_BYTES: Final = 48
_COLORING_BYTES: Final = 64
_HALO: Final = 2 * 128


def bytes_needed(plan: Plan, trunk: torch.dtype, condenses: bool = False) -> int:
    """An upper estimate for one painting: activations, targets, canvas, optimizer, history.

    `condenses` says whether there is a condensed network, which has targets of its own.
    """
    condensed = condenses_steps(plan, condenses)
    config = pass_config_of(plan, trunk)
    last = plan.levels[-1]
    styles = [style for part in plan.parts for _, style in part.styles]
    shapes = [style.shape_beside(last.shape) for style in styles]
    in_pass = max(map(_in_pass, [last.shape, *shapes]))
    copies = _COPIES + optimizer_of(plan.options).copies
    activations = in_pass * (_activations(config) + _IN_FLIGHT) + _of_photo(plan, config, condenses)
    weights = sum(part.mask is not None for part in plan.parts) + (plan.content_mask is not None)
    of_masks = weights * len(all_shifts_of(plan, condenses)) * last.pixels * _MASK_BYTES
    passing = activations * config.dtype.itemsize + of_masks
    pictures = sum(style.picture.samples.nbytes for style in styles)
    largest = max(height * width for height, width in shapes)
    preparing = last.pixels * _PREPARING_COPIES + largest * _STYLE_COPIES
    canvases = max(last.pixels * copies, preparing)
    return (
        int((_CONDENSED_GAPS if condensed else _GAPS) * passing)
        + canvases * 3 * 4
        + pictures
        + (1 + condensed) * _targets(plan)
        + _hypercolumns(plan, in_pass, config, len(shifts_of(plan, condenses)))
    )


def bytes_kept(plan: Plan) -> int:
    """The bytes on the host that a plan holds before it is painted."""
    photo, parts = plan.photo, plan.parts
    pictures = [photo, *(style.picture for part in parts for _, style in part.styles)]
    masks = [plan.content_mask, *(part.mask for part in parts)]
    masks += [style.mask for part in parts for _, style in part.styles]
    tensors = [tensor for picture in pictures for tensor in (picture.samples, picture.alpha)]
    # One that has two names is counted once.
    distinct = {
        id(tensor): tensor for tensor in (plan.content, plan.start, plan.chroma, *tensors, *masks)
    }
    return sum(tensor.nbytes for tensor in distinct.values() if tensor is not None)


def bytes_encoding(plan: Plan) -> int:
    """The bytes on the host from a finished canvas to the answer in base64, the canvas included."""
    colored = plan.photo.alpha is not None or plan.options.color in ("luminance", "guided")
    return plan.levels[-1].pixels * (_ENCODING_BYTES + colored * _COLORING_BYTES)


def _targets(plan: Plan) -> int:
    """What the styles' statistics take, of all regions on all levels."""
    terms = [term for term in terms_of(plan.options) if term.loss in STYLE_LOSSES]
    of_layers = sum(STYLE_LOSSES[term.loss].bytes_at(_channels(term.layer)) for term in terms)
    return of_layers * len(plan.parts) * len(plan.levels)


def _of_photo(plan: Plan, config: PassConfig, condenses: bool) -> float:
    """The values of the photo's features, of all levels that are seen whole.

    There are most on the last level while it goes by the condensed network: as both see the levels
    before, and as that one sees the last.
    """
    pixels = [level.pixels for level in plan.levels if not is_tiled(level.shape, config)]
    of_shift = _features(set(content_taps_of(plan)))
    values = len(shifts_of(plan, condenses)) * sum(pixels)
    if condenses_steps(plan, condenses):
        condensed = len(shifts_of(plan, condenses, is_condensed=True)) * sum(pixels)
        values = max(values, condensed + len(shifts_of(plan, condenses)) * sum(pixels[:-1]))
    return of_shift * values


def _hypercolumns(plan: Plan, in_pass: int, config: PassConfig, shifts: int) -> int:
    """What hypercolumns take where losses compare them, in the pass's type.

    Of each level and region there are the styles', and while they are compared four times those of
    one; of photo and canvas those that are in a pass at once, or in a sample, several times.
    """
    terms, length = terms_of(plan.options), sum(map(_channels, TAPS))
    rows = 0
    if any(term.loss in NEIGHBOR_LOSSES for term in terms):
        rows += KEPT_MOST * (len(plan.parts) * len(plan.levels) + 4)
        rows += 6 * in_pass // stride_of(GRID) ** 2
    for term in (term for term in terms if term.loss in SAMPLED_LOSSES):
        count = 1 if term.kind == "content" else len(plan.parts)
        of_each = shifts * SAMPLED + STYLE_SAMPLED
        rows += of_each * count * len(plan.levels) + 8 * (SAMPLED + STYLE_SAMPLED)
        rows += in_pass // stride_of(GRID) ** 2
    return rows * length * config.dtype.itemsize


def _in_pass(shape: Shape) -> int:
    """The pixels of a picture that go through the network at once."""
    pixels = shape[0] * shape[1]
    return pixels if pixels <= WHOLE_PIXELS_MOST else (TILE_SIDE + _HALO) ** 2


def _activations(config: PassConfig) -> float:
    """Values for each pixel that a trace keeps: every layer once, and twice where it is a tap."""
    return _features(set(CONVOLUTION_NAMES[: config.depth])) + _features(set(config.taps))


def _features(taps: set[str]) -> float:
    return sum(_channels(tap) / stride_of(tap) ** 2 for tap in taps)


def _channels(tap: str) -> int:
    return min(512, 64 * stride_of(tap))
