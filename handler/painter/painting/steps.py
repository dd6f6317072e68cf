"""A painting's steps: how many are to be done, what the host knows of them, when a level ends."""

from __future__ import annotations

from collections import deque
from typing import Final

import torch
from torch import Tensor

from painter.device.readings import Reading, Readings
from painter.evaluation.passes import Evaluation
from painter.planning.plan import Plan
from painter.planning.pyramid import Level

# A plateau is a window of steps that lowers the loss by less than this share of it. It is looked
# for every so many steps, whenever their losses arrive: the pixels must not depend on that.
PLATEAU_WINDOW: Final = 20
PLATEAU_SHARE: Final = 0.02
PLATEAU_STEPS_MOST: Final = 500
PLATEAU_EVERY: Final = 10


def first_level(plan: Plan) -> int:
    """The level (from 1) that a painting begins with."""
    return 1 if plan.resume is None else plan.resume.level


def steps_of(plan: Plan, index: int) -> range:
    """The steps of level `index` that are left to do, one at least."""
    steps = plan.levels[index - 1].steps or PLATEAU_STEPS_MOST
    resumed = plan.resume is not None and plan.resume.level == index
    done = plan.resume.step if plan.resume is not None and resumed else 0
    return range(min(done, steps - 1), steps)


class StepLog:
    """What the host knows of a painting's steps, and when that ends a level.

    It hears of losses as they arrive, and waits only for those that it looks for a plateau in. An
    optimizer that is lost changes nothing any more, so it does not matter when that is heard of.
    """

    def __init__(self, device: torch.device) -> None:
        self.newest: Reading | None = None
        self.lost_level = 0
        self._readings = Readings(device)
        self._recent: deque[Reading] = deque(maxlen=2 * PLATEAU_WINDOW)

    def write(self, level: int, step: int, lost: Tensor, evaluation: Evaluation) -> None:
        """Takes in a step, which the device may not have taken yet."""
        self._readings.write(level, step, lost, evaluation.objective_value, evaluation.terms)
        self.hear()

    def hear(self, wait: bool = False) -> None:
        """Takes in the numbers that have arrived; after a wait those of all steps."""
        if wait:
            self._readings.send()
        for reading in self._readings.arrived(wait):
            self.newest = reading
            self._recent.append(reading)
            if reading.lost:
                self.lost_level = reading.level

    def ends(self, level: Level, index: int, done: int) -> bool:
        """Whether level `index` ends after so many steps: with them, on a plateau, or lost."""
        if done >= (level.steps or PLATEAU_STEPS_MOST) or self.lost_level == index:
            return True
        return not level.steps and done % PLATEAU_EVERY == 0 and self._is_plateau(index)

    def _is_plateau(self, index: int) -> bool:
        self.hear(wait=True)
        losses = [reading.objective_value for reading in self._recent if reading.level == index]
        if len(losses) < 2 * PLATEAU_WINDOW:
            return False
        before, now = sum(losses[:PLATEAU_WINDOW]), sum(losses[PLATEAU_WINDOW:])
        return not now < before * (1 - PLATEAU_SHARE)
