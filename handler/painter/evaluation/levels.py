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
# A network has to see the photo in all of its shifts before its first step: two are what few steps
# are worth. They are apart by odd numbers of px on both axes, so that no grid of the network's is
# kept. Of more steps behind, two shifts would leave a slanting hatch in flat parts.
_CONDENSED_SHIFTS: Final = SHIFTS[:2]
_SHIFTS_BEHIND: Final = (CENTERED, Shift(13, 3))
_STEPS_BEHIND_MOST: Final = 11


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


def condenses_steps(plan: Plan, condenses: bool) -> bool:
    """Whether a plan has steps by the condensed network; `condenses`: whether there is one."""
    return condenses and has_condensed_steps(plan, plan.levels[0])


def pass_config_of(plan: Plan, trunk: torch.dtype) -> PassConfig:
    """The pass of a plan, in the trunk's type."""
    taps = frozenset(tap for term in terms_of(plan.options) for tap in term.taps)
    return PassConfig(taps, plan.options.pooling, trunk)


def content_taps_of(plan: Plan) -> frozenset[str]:
    """The layers at which the content's losses compare with the photo's features."""
    return frozenset(term.layer for term in terms_of(plan.options) if term.loss in CONTENT_LOSSES)


def shifts_of(plan: Plan, condenses: bool, is_condensed: bool = False) -> tuple[Shift, ...]:
    """The shifts a plan's steps go through: one where others would change what is compared.

    Where there is a condensed network, those of the steps by it are others than of those behind.
    """
    seamless = seamless_of(plan.options)
    if optimizer_of(plan.options).compares_losses:
        return (replace(CENTERED, seamless=seamless),)
    if seamless != CLOSED:
        # Fewer places of the edge would show as a line there.
        return tuple(
            replace(shift, seamless=seamless, turned=turned)
            for shift, turned in zip(SHIFTS, TURNS, strict=False)
        )
    if is_condensed:
        return _CONDENSED_SHIFTS
    few = condenses_steps(plan, condenses) and _steps_behind(plan) <= _STEPS_BEHIND_MOST
    return _SHIFTS_BEHIND if few else SHIFTS


def _steps_behind(plan: Plan) -> int:
    """How many steps of a level go by the whole network behind others, where there are most."""
    return max(level.steps - condensed_steps_of(plan, level.steps) for level in plan.levels)


def all_shifts_of(plan: Plan, condenses: bool) -> tuple[Shift, ...]:
    """The shifts of all steps of a plan, by whichever network."""
    shifts = shifts_of(plan, condenses)
    if condenses_steps(plan, condenses):
        shifts += shifts_of(plan, condenses, is_condensed=True)
    return tuple(dict.fromkeys(shifts))


def is_tiled(shape: Shape, config: PassConfig) -> bool:
    """Whether a canvas of this height and width is too large for one pass."""
    return len(tiles(padded_shape(shape), config)) > 1
