"""One painting, level by level: each is prepared, then descended, from coarse to fine."""

from __future__ import annotations

from torch import Tensor

from painter.evaluation.objective import Objective
from painter.evaluation.passes import Evaluation, View
from painter.network.vgg import VGG19
from painter.optimizers.catalog import optimizer_of
from painter.optimizers.optimizer import Optimizer
from painter.painting.candidates import Candidate
from painter.painting.descent import Descent, Step
from painter.painting.progress import terms_in
from painter.painting.steps import StepLog, first_level, steps_of
from painter.planning.plan import Plan
from painter.preparation.preparation import Preparation
from painter.preparation.starts import canvas_of, enlarged
from painter.preparation.style_cache import StyleCache


class Painting:
    """The canvas of a plan on its way through the levels.

    Whoever drives it gives `take` the evaluation of `view`, again and again until it has `ended`;
    where `view` is None, `take` does a piece of work by itself: a pass of what a level is prepared
    by, or a tile. `step` has what there is to show.
    """

    def __init__(self, plan: Plan, vgg: VGG19, cache: StyleCache) -> None:
        self.ended = False
        self.log = StepLog(vgg.device)
        self._plan, self._vgg, self._cache = plan, vgg, cache
        self._first = first_level(plan)
        self.steps_done = [level.steps for level in plan.levels[: self._first - 1]]
        self.steps_done += [0] * (len(plan.levels) - len(self.steps_done))
        start = canvas_of(plan, plan.levels[self._first - 1].shape, vgg.device)
        best = Candidate(start, terms_in(plan.options))
        self.step = Step(self._first, steps_of(plan, self._first).start, start, best)
        self._optimizer: Optimizer | None = None
        # A level is prepared by the one, then painted by the other.
        self._preparing: Preparation | None = None
        self._descent: Descent | None = None
        self._coarser: Objective | None = None
        self._begin_level(1, None)

    @property
    def view(self) -> View | None:
        """What is to be evaluated next in a pass."""
        return None if self._descent is None else self._descent.view

    @property
    def has_all_steps(self) -> bool:
        """Whether none of the plan's steps was left out."""
        return sum(self.steps_done) == sum(level.steps for level in self._plan.levels)

    def take(self, evaluation: Evaluation | None) -> None:
        """Takes the evaluation of `view`; where there is none, does a piece of its own."""
        if self._descent is not None:
            self._descend(self._descent, evaluation)
        elif self._preparing is not None:
            self._prepare(self._preparing)

    def begin_anew(self) -> bool:
        """Begins the piece anew that an exception has ended, unless that was half a step."""
        if self._descent is not None:
            return self._descent.begin_anew()
        self._begin_level(self._index, self._coarser)
        return True

    def leave(self) -> None:
        """Frees all that the next steps would need; `step` stays as it is."""
        self._preparing = self._descent = self._optimizer = None
        self._coarser = None

    def _begin_level(self, index: int, coarser: Objective | None) -> None:
        """Begins with level `index` (from 1), on top of the objective of the one before."""
        self._index, self._coarser, self._descent = index, coarser, None
        level = self._plan.levels[index - 1]
        self._preparing = Preparation(self._plan, level, self._vgg, self._cache, coarser)

    def _prepare(self, preparing: Preparation) -> None:
        objective = preparing.advance()
        if objective is not None:
            self._preparing = None
            self._be_prepared(objective)

    def _be_prepared(self, objective: Objective) -> None:
        plan, index = self._plan, self._index
        if index < self._first:
            # A level that is resumed is seen at the sizes of those before as well.
            self._begin_level(index + 1, objective)
            return
        kind = optimizer_of(plan.options)
        # No name holds the canvas before: it is kept no longer than it is shown.
        optimizer = kind.begin(
            self._start(objective), plan.options, self._vgg.trunk, self._optimizer
        )
        self._descent = Descent(plan, index, objective, optimizer, self._vgg, self.log)
        self._optimizer, self._coarser = optimizer, None

    def _start(self, objective: Objective) -> Tensor:
        canvas = self.step.best.canvas
        return canvas if self._index == self._first else enlarged(self._plan, objective, canvas)

    def _descend(self, descent: Descent, evaluation: Evaluation | None) -> None:
        step = descent.take(evaluation)
        if step is None:
            return
        self.step = step
        self.steps_done[step.level - 1] = step.step
        if not descent.ended:
            return
        if step.level == len(self._plan.levels):
            self.ended = True
        else:
            self._begin_level(step.level + 1, descent.objective)
