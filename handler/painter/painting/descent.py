"""The steps of one level: evaluations asked for, candidates kept, and when to stop."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from painter.device.readings import Reading, Readings
from painter.evaluation.levels import shifts_of
from painter.evaluation.matching import matched
from painter.evaluation.multiscale import MultiscaleEvaluation
from painter.evaluation.objective import Objective
from painter.evaluation.passes import Evaluation, View
from painter.network.vgg import VGG19
from painter.optimizers.optimizer import Optimizer
from painter.planning.plan import Level, Plan

# With averaging, the average is what may become the painting; it is judged every so many steps.
JUDGED_EVERY: Final = 20
# Neighbors are found anew every so many steps.
MATCHED_EVERY: Final = 20
# A plateau is a window of steps that lowers the loss by less than this share of it. It is looked
# for every so many steps, whenever their losses arrive: the pixels must not depend on that.
PLATEAU_WINDOW: Final = 20
PLATEAU_SHARE: Final = 0.02
PLATEAU_STEPS_MOST: Final = 500
PLATEAU_EVERY: Final = 10


class Candidate:
    """The canvas that may become the painting, and its terms: NaN until one is evaluated.

    All of it is on the device, and which canvas is better is decided there. The one it begins with
    is written over.
    """

    def __init__(self, canvas: Tensor, terms: int) -> None:
        self.canvas = canvas
        self.terms = torch.full((terms,), math.nan, dtype=torch.float64, device=canvas.device)
        self.objective_value = torch.full((), math.inf, dtype=torch.float64, device=canvas.device)

    def forget(self) -> None:
        """The next canvas is better: what is compared has changed."""
        self.objective_value = torch.full_like(self.objective_value, math.inf)

    def take_if_better(self, canvas: Tensor, evaluation: Evaluation) -> None:
        """A better canvas is copied over the one before: a level keeps a single one."""
        better = evaluation.objective_value < self.objective_value
        better = better | ~torch.isfinite(self.objective_value)
        for held, new in zip(self.canvas, canvas, strict=True):
            torch.where(better, new, held, out=held)
        self.terms = torch.where(better, evaluation.terms, self.terms)
        self.objective_value = torch.where(better, evaluation.objective_value, self.objective_value)


@dataclass(frozen=True, slots=True)
class Step:
    """Where a painting is after a step: the canvas to show, and the level's best.

    The canvases are no copies: later steps change them.
    """

    level: int
    step: int
    shown: Tensor
    best: Candidate


class Descent:
    """The steps of level `index` (from 1), whose numbers it tells the course.

    Whoever drives it gives `take` the evaluation of `view`, again and again until it has `ended`;
    where `view` is None, `take` evaluates a tile by itself, or looks for neighbors in one.
    """

    def __init__(
        self,
        plan: Plan,
        index: int,
        objective: Objective,
        optimizer: Optimizer,
        vgg: VGG19,
        course: Course,
    ) -> None:
        self.ended = False
        self._level, self._index = plan.levels[index - 1], index
        self.objective, self._optimizer = objective, optimizer
        self._vgg, self._course = vgg, course
        self._shifts = shifts_of(plan)
        self._done = steps_of(plan, index).start
        self._average = Average(plan.options.averaging if optimizer.is_averaged else 0.0)
        self._best = Candidate(optimizer.canvas.clone(), len(objective.weights))
        self._has_judged = False
        self._is_last = False
        self._matching: Generator[None, None, Objective] | None = None
        self._begin_step(is_first=True)

    @property
    def view(self) -> View | None:
        """What is to be evaluated next in a pass."""
        return None if self._matching is not None else self._evaluating.view

    def take(self, evaluation: Evaluation | None) -> Step | None:
        """Takes the evaluation of `view`; tells the step that it was the last piece of."""
        if self._matching is not None:
            self._match(self._matching)
            return None
        whole = self._evaluating.take(evaluation)
        if whole is None:
            return None
        if self._is_judging:
            self._best.take_if_better(self._average.canvas, whole)
            self._has_judged = True
            return self._end_step()
        self._descend(whole)
        is_due = self._is_last or self._done % JUDGED_EVERY == 0
        if not self._average.decay or not is_due:
            return self._end_step()
        self._begin_judging()
        return None

    def _begin_step(self, is_first: bool = False) -> None:
        self._is_judging = False
        # Losses that are compared with each other are of the same neighbors.
        is_due = self._done % MATCHED_EVERY == 0 and not self._optimizer.compares_losses
        if self.objective.is_matched and (is_first or is_due):
            canvas, turn = self._optimizer.canvas, self._done // MATCHED_EVERY
            self._matching = matched(self._vgg, self.objective, canvas, turn)
        else:
            self._look()

    def _match(self, matching: Generator[None, None, Objective]) -> None:
        try:
            next(matching)
        except StopIteration as stop:
            self.objective, self._matching = stop.value, None
            self._best.forget()
            self._look()

    def _look(self) -> None:
        shift = self._shifts[self._done % len(self._shifts)]
        view = View(self._optimizer.canvas, self.objective, shift)
        self._evaluating = MultiscaleEvaluation(self._vgg, view)

    def _begin_judging(self) -> None:
        self._is_judging = True
        view = View(self._average.canvas, self.objective, self._shifts[0], with_gradient=False)
        self._evaluating = MultiscaleEvaluation(self._vgg, view)

    def _descend(self, evaluation: Evaluation) -> None:
        """The optimizer's step with the loss and gradient of its canvas."""
        optimizer = self._optimizer
        # Until an average is judged, the iterates are all that a deadline could be answered with.
        if not self._has_judged:
            self._best.take_if_better(optimizer.canvas, evaluation)
        assert evaluation.gradient is not None  # asked for
        optimizer.pace_for(self._done, self._level.steps)
        going = optimizer.tell(evaluation.objective_value, evaluation.gradient)
        self._done += 1
        self._course.tell(self._index, self._done, optimizer.lost, evaluation)
        self._average.add(optimizer.canvas)
        self._is_last = self._course.ends(self._level, self._index, self._done) or not going

    def _end_step(self) -> Step:
        # A line search tries canvases that are no progress: what it has found is shown instead.
        shown = self._average.canvas if self._optimizer.is_averaged else self._best.canvas
        self.ended = self._is_last
        if not self.ended:
            self._begin_step()
        return Step(self._index, self._done, shown, self._best)


def steps_of(plan: Plan, index: int) -> range:
    """The steps of level `index` that are left to do, one at least."""
    steps = plan.levels[index - 1].steps or PLATEAU_STEPS_MOST
    resumed = plan.resume is not None and plan.resume.level == index
    done = plan.resume.step if plan.resume is not None and resumed else 0
    return range(min(done, steps - 1), steps)


class Average:
    """The exponential average of the iterates, weighted as if they had begun with the first."""

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self._count = 0
        self.canvas = torch.empty(0)

    def add(self, canvas: Tensor) -> None:
        """Takes in the next iterate; without decay the average is the iterate itself."""
        self._count += 1
        if not self.decay:
            self.canvas = canvas
        elif self._count == 1:
            self.canvas = canvas.clone()
        else:
            weight = (1 - self.decay) / (1 - self.decay**self._count)
            self.canvas.lerp_(canvas, weight)


class Course:
    """What the host knows of a painting's steps, and when that ends a level.

    It hears of losses as they arrive, and waits only for those that it looks for a plateau in. An
    optimizer that is lost changes nothing any more, so it does not matter when that is heard of.
    """

    def __init__(self, device: torch.device) -> None:
        self.newest: Reading | None = None
        self.lost_level = 0
        self._readings = Readings(device)
        self._recent: deque[Reading] = deque(maxlen=2 * PLATEAU_WINDOW)

    def tell(self, level: int, step: int, lost: Tensor, evaluation: Evaluation) -> None:
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
