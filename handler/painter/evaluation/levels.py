"""How the levels of a plan are looked at: in which pass, in which shifts, whole or in tiles."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import torch

from painter.canvas.layout import CENTERED, CLOSED, Shift, padded_shape, seamless_of
from painter.canvas.tiles import tiles
from painter.losses.catalog import CONTENT_LOSSES
from painter.losses.terms import terms_of
from painter.network.vgg import PassConfig
from painter.optimizers.catalog import optimizer_of
from painter.planning.plan import Plan
from painter.planning.pyramid import Shape

# Shifts of the canvas against the network's grid of 16 px, so that the grid leaves no trace:
# each step sees another one. Their features of the photo are kept, so they are few.
SHIFTS: tuple[Shift, ...] = (CENTERED, Shift(1, 13), Shift(13, 4), Shift(4, 0))
# By how much of its length a seamless canvas is turned beside: its seam is never at one place.
TURNS: Final = (0.0, 0.5, 0.25, 0.75)


def pass_config_of(plan: Plan, trunk: torch.dtype) -> PassConfig:
    """The pass of a plan, in the trunk's type."""
    taps = frozenset(tap for term in terms_of(plan.options) for tap in term.taps)
    return PassConfig(taps, plan.options.pooling, trunk)


def content_config_of(plan: Plan, trunk: torch.dtype) -> PassConfig:
    """The pass of the photo, whose features the content's losses compare with at each layer."""
    terms = terms_of(plan.options)
    taps = [term.layer for term in terms if term.loss in CONTENT_LOSSES]
    return pass_config_of(plan, trunk).with_taps(taps)


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
