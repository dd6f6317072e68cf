"""The steps of one level: evaluations asked for, candidates kept, and when to stop."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from painter.device.readings import Reading, Readings
from painter.evaluation.levels import is_tiled, shifts_of
from painter.evaluation.objective import Objective
from painter.evaluation.passes import Evaluation, View, evaluate_in_tiles
from painter.network.vgg import VGG19
from painter.optimizers.optimizer import Optimizer
from painter.planning.plan import Level, Plan

# With averaging, the average is what may become the painting; it is judged every so many steps.
JUDGED_EVERY: Final = 20
# What the levels before weigh, each beside the next: with nothing, finer levels undo the large
# forms, since none of their layers looks that far.
COARSER_WEIGHT: Final = 1.0
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


Yielded = View | Step | None
Evaluating = Generator[Yielded, Evaluation | None, Evaluation]


def descend(
    plan: Plan,
    index: int,
    objective: Objective,
    optimizer: Optimizer,
    vgg: VGG19,
    course: Course,
) -> Generator[Yielded, Evaluation | None, None]:
    """All steps of level `index` (from 1), whose numbers it tells the course.

    Yields a View for each evaluation it cannot run alone, None after each tile of one it can,
    and a Step after each step.
    """
    shifts = shifts_of(plan)
    average = Average(plan.options.averaging if optimizer.is_averaged else 0.0)
    best = Candidate(optimizer.canvas.clone(), len(objective.weights))
    level = plan.levels[index - 1]
    is_judged = False
    for step in steps_of(plan, index):
        canvas = optimizer.canvas
        view = View(canvas, objective, shifts[step % len(shifts)])
        evaluation = yield from _evaluated(view, vgg)
        # Until an average is judged, the iterates are all that a deadline could be answered with.
        if not is_judged:
            best.take_if_better(canvas, evaluation)
        assert evaluation.gradient is not None  # asked for
        optimizer.pace_for(step, level.steps)
        going = optimizer.tell(evaluation.objective_value, evaluation.gradient)
        course.tell(index, step + 1, optimizer.lost, evaluation)
        # The gradient is as large as the canvas, and what follows evaluates again.
        del evaluation
        average.add(optimizer.canvas)
        last = course.ends(level, index, step + 1) or not going
        if average.decay and (last or (step + 1) % JUDGED_EVERY == 0):
            judged = yield from _evaluated(
                View(average.canvas, objective, shifts[0], with_gradient=False), vgg
            )
            is_judged = True
            best.take_if_better(average.canvas, judged)
        # A line search tries canvases that are no progress: what it has found is shown instead.
        shown = average.canvas if optimizer.is_averaged else best.canvas
        yield Step(index, step + 1, shown, best)
        if last:
            break


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


def _evaluated(view: View, vgg: VGG19) -> Evaluating:
    """The evaluation of a canvas, and of what it looks like on all the levels before."""
    here = yield from _evaluated_alone(view, vgg)
    coarser = view.objective.coarser
    if coarser is None:
        return here
    downsampling = view.objective.downsampling
    assert downsampling is not None  # as there is a coarser one
    below = yield from _evaluated(
        replace(view, canvas=downsampling(view.canvas), objective=coarser), vgg
    )
    if here.gradient is not None and below.gradient is not None:
        downsampling.add_adjoint(here.gradient, below.gradient, COARSER_WEIGHT)
    total = here.objective_value + COARSER_WEIGHT * below.objective_value
    return replace(here, objective_value=total)


def _evaluated_alone(view: View, vgg: VGG19) -> Evaluating:
    if is_tiled(view.objective.shape, view.objective.config):
        return (yield from evaluate_in_tiles(vgg, view))
    evaluation = yield view
    assert evaluation is not None  # a view is answered
    return evaluation
