"""How the levels of a plan are looked at: in which pass, in which shifts, whole or in tiles."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import torch

from painter.canvas.layout import CENTERED, CLOSED, Shift, padded_shape, seamless_of
from painter.canvas.tiles import tiles
from painter.losses.catalog import CONTENT_LOSSES, STYLE_LOSSES
from painter.losses.terms import terms_of
from painter.network.pass_config import PassConfig
from painter.optimizers.catalog import optimizer_of
from painter.planning.plan import Plan
from painter.planning.pyramid import Level, Shape

# Shifts of the canvas against the network's grid of 16 px, so that the grid leaves no trace:
# each step sees another one. Their features of the photo are kept, so they are few.
SHIFTS: tuple[Shift, ...] = (CENTERED, Shift(1, 13), Shift(13, 4), Shift(4, 0))
# By how much of its length a seamless canvas is turned beside: its seam is never at one place.
TURNS: Final = (0.0, 0.5, 0.25, 0.75)


# The first steps of a level go by the condensed network: those behind undo what it sees wrongly.
# Where they would be fewer, they would not earn what another network's targets cost.
_CONDENSED_SHARE: Final = 0.7
_CONDENSED_STEPS_LEAST: Final = 6
_WHOLE_STEPS_LEAST: Final = 4
# These are apart by odd numbers of px on both axes, so that no grid of the network's is kept.
_CONDENSED_SHIFTS: Final = 2


def condensed_steps_of(plan: Plan, steps: int) -> int:
    """How many of a level's steps go by the condensed network, where there is one."""
    losses = {term.loss for term in terms_of(plan.options)}
    # Its neighbors would be others, and a line search compares all losses of a level.
    if optimizer_of(plan.options).compares_losses or losses - {*STYLE_LOSSES, *CONTENT_LOSSES}:
        return 0
    first = min(int(_CONDENSED_SHARE * steps), steps - _WHOLE_STEPS_LEAST)
    return first if first >= _CONDENSED_STEPS_LEAST else 0


def has_condensed_steps(plan: Plan, level: Level) -> bool:
    """Whether steps of this level, or of a finer one that sees it, go by the condensed network."""
    finer = [each for each in plan.levels if each.pixels >= level.pixels]
    return any(condensed_steps_of(plan, each.steps) for each in finer)


def pass_config_of(plan: Plan, trunk: torch.dtype) -> PassConfig:
    """The pass of a plan, in the trunk's type."""
    taps = frozenset(tap for term in terms_of(plan.options) for tap in term.taps)
    return PassConfig(taps, plan.options.pooling, trunk)


def content_taps_of(plan: Plan) -> frozenset[str]:
    """The layers at which the content's losses compare with the photo's features."""
    return frozenset(term.layer for term in terms_of(plan.options) if term.loss in CONTENT_LOSSES)


def shifts_of(plan: Plan, condensed: bool = False) -> tuple[Shift, ...]:
    """The shifts a plan's steps go through: one where others would change what is compared.

    Fewer with the condensed network: each has to see the photo before the first step.
    """
    shifts = (CENTERED,) if optimizer_of(plan.options).compares_losses else SHIFTS
    shifts = shifts[:_CONDENSED_SHIFTS] if condensed else shifts
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
