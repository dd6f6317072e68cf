"""The steps of one level: evaluations asked for, candidates kept, and when to stop."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from painter.levels import is_tiled, phases_of
from painter.objective import Losses, Objective, shrink, shrink_gradient
from painter.optimizers import LAST_PACE, Adam, Optimizer
from painter.passes import Ask, Evaluation, evaluate_in_tiles
from painter.phases import CENTERED
from painter.plan import Level, Plan
from painter.vgg import VGG19

# With averaging, the average is what may become the painting; it is judged every so many steps.
JUDGED_EVERY: Final = 10
# What the levels before weigh, each beside the next: with nothing, finer levels undo the large
# forms, since none of their layers looks that far.
COARSER_WEIGHT: Final = 1.0
# A plateau is a window of steps that lowers the loss by less than this share of it.
PLATEAU_WINDOW: Final = 20
PLATEAU_SHARE: Final = 0.02
PLATEAU_STEPS_MOST: Final = 500
UNSOUND_MOST: Final = 5


@dataclass(slots=True)
class Candidate:
    """The canvas that may become the painting; `losses` are None until one is evaluated."""

    canvas: Tensor
    losses: Losses | None
    descended: float = math.inf

    def take(self, canvas: Tensor, evaluation: Evaluation) -> None:
        """A better canvas is copied over the one before: a level keeps a single one."""
        self.canvas.copy_(canvas)
        self.losses, self.descended = evaluation.losses, evaluation.descended


@dataclass(frozen=True, slots=True)
class Step:
    """Where a painting is after a step: its losses, the canvas to show, and the level's best.

    The canvases are no copies: later steps change them. `lost` says that the level ends here,
    since its losses are not finite any more.
    """

    level: int
    step: int
    losses: Losses | None
    shown: Tensor
    best: Candidate
    lost: bool = False


Yielded = Ask | Step | None
Evaluating = Generator[Yielded, Evaluation | None, Evaluation]


def descend(
    plan: Plan, index: int, objective: Objective, optimizer: Optimizer, vgg: VGG19
) -> Generator[Yielded, Evaluation | None, None]:
    """All steps of level `index` (from 1).

    Yields an Ask for each evaluation it cannot run alone, None after each tile of one it can,
    and a Step after each step.
    """
    level = plan.levels[index - 1]
    phases = phases_of(plan)
    average = Average(plan.options.averaging if isinstance(optimizer, Adam) else 0.0)
    best: Candidate | None = None
    is_judged = False
    stop = Stop(level)
    for step in steps_of(plan, index):
        canvas = optimizer.canvas
        ask = Ask(canvas, objective, phases[step % len(phases)])
        evaluation = yield from _evaluated(ask, vgg)
        # Until an average is judged, the iterates are all that a deadline could be answered with.
        if best is None:
            best = Candidate(canvas.clone(), evaluation.losses, evaluation.descended)
        elif not is_judged and _better(evaluation, best):
            best.take(canvas, evaluation)
        assert evaluation.gradient is not None  # asked for
        if isinstance(optimizer, Adam) and level.steps:
            optimizer.pace = 1 - (1 - LAST_PACE) * step / level.steps
        going = optimizer.tell(evaluation.descended, evaluation.gradient)
        # The gradient is as large as the canvas, and what follows evaluates again.
        evaluation = replace(evaluation, gradient=None)
        average.add(optimizer.canvas)
        last = stop.after(step + 1, evaluation.descended) or not going
        if average.decay and (last or (step + 1) % JUDGED_EVERY == 0):
            ask = Ask(average.canvas, objective, CENTERED, gradient=False)
            judged = yield from _evaluated(ask, vgg)
            is_judged = True
            if _better(judged, best):
                best.take(average.canvas, judged)
        # A line search tries canvases that are no progress: what it has found is shown instead.
        shown = average.canvas if isinstance(optimizer, Adam) else best.canvas
        yield Step(index, step + 1, evaluation.losses, shown, best, stop.lost)
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


class Stop:
    """When a level ends: after its steps, on a plateau where there are none, or on nonsense."""

    def __init__(self, level: Level) -> None:
        self._steps = level.steps or PLATEAU_STEPS_MOST
        self._by_plateau = level.steps == 0
        self._recent: deque[float] = deque(maxlen=2 * PLATEAU_WINDOW)
        self._unsound = 0

    @property
    def lost(self) -> bool:
        """Whether the losses were not finite for several steps on end."""
        return self._unsound >= UNSOUND_MOST

    def after(self, done: int, loss: float) -> bool:
        """Whether to stop after so many steps, the last with this loss."""
        self._unsound = 0 if math.isfinite(loss) else self._unsound + 1
        self._recent.append(loss)
        if done >= self._steps or self.lost:
            return True
        return self._by_plateau and self._is_plateau()

    def _is_plateau(self) -> bool:
        if len(self._recent) < 2 * PLATEAU_WINDOW:
            return False
        losses = list(self._recent)
        before, now = sum(losses[:PLATEAU_WINDOW]), sum(losses[PLATEAU_WINDOW:])
        return not now < before * (1 - PLATEAU_SHARE)


def _evaluated(ask: Ask, vgg: VGG19) -> Evaluating:
    """The evaluation of a canvas, and of what it looks like on all the levels before."""
    own = yield from _evaluated_alone(ask, vgg)
    coarser = ask.objective.coarser
    if coarser is None:
        return own
    small = shrink(ask.canvas, coarser.shape)
    below = yield from _evaluated(replace(ask, canvas=small, objective=coarser), vgg)
    descended = own.descended + COARSER_WEIGHT * below.descended
    if own.gradient is None or below.gradient is None:
        return Evaluation(own.losses, None, descended)
    for whole, part in zip(own.gradient, below.gradient, strict=True):
        # One channel at a time: all of them would be as large as the canvas.
        whole.add_(shrink_gradient(part[None], ask.objective.shape)[0], alpha=COARSER_WEIGHT)
    return Evaluation(own.losses, own.gradient, descended)


def _evaluated_alone(ask: Ask, vgg: VGG19) -> Evaluating:
    if is_tiled(ask.objective.shape, ask.objective.how):
        return (yield from evaluate_in_tiles(vgg, ask))
    evaluation = yield ask
    assert evaluation is not None  # an ask is answered
    return evaluation


def _better(evaluation: Evaluation, best: Candidate) -> bool:
    return evaluation.descended < best.descended or not math.isfinite(best.descended)
