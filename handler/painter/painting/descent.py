"""The steps of one level: what is to be evaluated, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from torch import Tensor

from painter.evaluation.levels import condensed_steps_of
from painter.evaluation.multiscale import MultiscaleEvaluation
from painter.evaluation.objective import Objective
from painter.evaluation.passes import Evaluation, View
from painter.network.vgg import VGG19
from painter.optimizers.optimizer import Optimizer
from painter.painting.candidates import Average, Candidate
from painter.painting.steps import StepLog, steps_of
from painter.planning.plan import Plan
from painter.preparation.matching import Matching

# With averaging, the average is what may become the painting; it is judged every so many steps.
JUDGED_EVERY: Final = 20
# Neighbors are found anew every so many steps.
MATCHED_EVERY: Final = 20


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
    """The steps of level `index` (from 1), whose numbers it writes into the log.

    Whoever drives it gives `take` the evaluation of `view`, again and again until it has `ended`;
    where `view` is None, `take` evaluates a tile by itself, or looks for neighbors in one. Where
    the first steps go by the condensed network, it `awaits_whole` after them: to be told to
    `go_on` with the objective of the whole one.
    """

    def __init__(
        self,
        plan: Plan,
        index: int,
        objective: Objective,
        optimizer: Optimizer,
        vgg: VGG19,
        log: StepLog,
    ) -> None:
        self.ended = False
        self._level, self._index = plan.levels[index - 1], index
        self._objective: Objective | None = objective
        self._optimizer = optimizer
        self._vgg, self._log = vgg, log
        self._done = steps_of(plan, index).start
        self._condensed_steps = 0
        if objective.config.is_condensed:
            self._condensed_steps = condensed_steps_of(plan, self._level.steps)
        self._average = Average(plan.options.averaging if optimizer.is_averaged else 0.0)
        self._best = Candidate(optimizer.canvas.clone(), len(objective.weights))
        self._has_judged = False
        self._is_last = False
        self._matching: Matching | None = None
        self._evaluating: MultiscaleEvaluation | None = None
        self._begin_step(is_first=True)

    @property
    def view(self) -> View | None:
        """What is to be evaluated next in a pass."""
        if self._matching is not None or self._evaluating is None:
            return None
        return self._evaluating.view

    @property
    def awaits_whole(self) -> bool:
        """Whether it needs another objective, and keeps nothing of that before."""
        return self._objective is None

    def go_on(self, objective: Objective) -> None:
        """Goes on by the whole network, whose losses are compared with no others."""
        self._objective = objective
        self._begin_step()

    def take(self, evaluation: Evaluation | None) -> Step | None:
        """Takes the evaluation of `view`; tells the step that it was the last piece of."""
        if self._matching is not None:
            self._match(self._matching)
            return None
        assert self._evaluating is not None  # nobody gives it anything while it waits
        whole = self._evaluating.take(evaluation)
        if whole is None:
            return None
        self._is_stepping = True
        if self._is_judging:
            self._best.take_if_better(self._average.canvas, whole)
            self._has_judged = True
            return self._end_step()
        self._is_last = not self._descend(whole)
        # Its gradient is as large as the canvas, and what follows takes as much.
        whole = replace(whole, gradient=None)
        self._average.add(self._optimizer.canvas)
        self._is_last |= self._log.ends(self._level, self._index, self._done)
        if self._done == self._condensed_steps:
            self._end_condensed(whole)
            return self._end_step()
        is_due = self._is_last or self._done % JUDGED_EVERY == 0
        if not self._average.decay or not is_due:
            return self._end_step()
        self._begin_judging()
        return None

    def begin_anew(self) -> bool:
        """Begins the evaluation or the search anew that an exception has ended.

        False where it ended a step: half of that may have been taken.
        """
        if self._is_stepping:
            return False
        if self._matching is not None:
            self._begin_step(is_first=True)
        elif self._is_judging:
            self._begin_judging()
        else:
            self._look()
        return True

    def _begin_step(self, is_first: bool = False) -> None:
        self._is_judging = self._is_stepping = False
        # Losses that are compared with each other are of the same neighbors.
        is_due = self._done % MATCHED_EVERY == 0 and not self._optimizer.compares_losses
        objective = self._compared
        if objective.is_matched and (is_first or is_due):
            canvas, turn = self._optimizer.canvas, self._done // MATCHED_EVERY
            self._matching = Matching(self._vgg, objective, canvas, turn)
        else:
            self._look()

    def _match(self, matching: Matching) -> None:
        objective = matching.advance()
        if objective is not None:
            self._objective, self._matching = objective, None
            self._best.forget()
            self._look()

    @property
    def _compared(self) -> Objective:
        """What a step goes by that is made now."""
        assert self._objective is not None  # it does not wait for one
        return self._objective

    def _look(self) -> None:
        objective = self._compared
        shifts = list(objective.layouts)
        view = View(self._optimizer.canvas, objective, shifts[self._done % len(shifts)])
        self._evaluating = MultiscaleEvaluation(self._vgg, view)

    def _end_condensed(self, evaluation: Evaluation) -> None:
        """Until the whole network was asked, the average is the answer, as the last step saw it."""
        self._objective = self._evaluating = None
        self._best.forget()
        self._best.take_if_better(self._average.canvas, evaluation)
        self._best.forget()
        self._has_judged = self._average.decay > 0

    def _begin_judging(self) -> None:
        self._is_judging, self._is_stepping = True, False
        objective = self._compared
        view = View(self._average.canvas, objective, objective.first_shift, with_gradient=False)
        self._evaluating = MultiscaleEvaluation(self._vgg, view)

    def _descend(self, evaluation: Evaluation) -> bool:
        """The optimizer's step with the loss and gradient of its canvas; whether it goes on."""
        optimizer = self._optimizer
        # Until an average is judged, the iterates are all that a deadline could be answered with.
        if not self._has_judged:
            self._best.take_if_better(optimizer.canvas, evaluation)
        assert evaluation.gradient is not None  # asked for
        optimizer.pace_for(self._done, self._level.steps)
        going = optimizer.tell(evaluation.objective_value, evaluation.gradient)
        self._done += 1
        self._log.write(self._index, self._done, optimizer.lost, evaluation)
        return going

    def _end_step(self) -> Step:
        # A line search tries canvases that are no progress: what it has found is shown instead.
        shown = self._average.canvas if self._optimizer.is_averaged else self._best.canvas
        self.ended = self._is_last
        if not self.ended and not self.awaits_whole:
            self._begin_step()
        return Step(self._index, self._done, shown, self._best)
