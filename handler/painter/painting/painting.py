"""One painting, level by level: each is prepared, then descended, from coarse to fine."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from painter.device.memory import give_back_memory
from painter.evaluation.levels import condensed_steps_of, has_condensed_steps
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
from painter.preparation.shared import Shared
from painter.preparation.starts import canvas_of, enlarged
from painter.preparation.style_cache import StyleCache


@dataclass(frozen=True, slots=True)
class _Objectives:
    """What there is of a level: as the whole network sees it, and as the condensed one does."""

    whole: Objective | None = None
    condensed: Objective | None = None


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
        # A level is prepared by the one, then painted by the other: first as the condensed network
        # sees it, where it is asked, then as the whole one does.
        self._preparing: Preparation | None = None
        self._descent: Descent | None = None
        self._shared: Shared | None = None
        self._begin_level(1, _Objectives())

    @property
    def view(self) -> View | None:
        """What is to be evaluated next in a pass."""
        if self._preparing is not None or self._descent is None:
            return None
        return self._descent.view

    @property
    def has_all_steps(self) -> bool:
        """Whether none of the plan's steps was left out."""
        return sum(self.steps_done) == sum(level.steps for level in self._plan.levels)

    def take(self, evaluation: Evaluation | None) -> None:
        """Takes the evaluation of `view`; where there is none, does a piece of its own."""
        if self._preparing is not None:
            self._prepare(self._preparing)
        elif self._descent is not None:
            self._descend(self._descent, evaluation)

    def begin_anew(self) -> bool:
        """Begins the piece anew that an exception has ended, unless that was half a step."""
        if self._preparing is None and self._descent is not None:
            return self._descent.begin_anew()
        self._prepare_for(self._is_condensed)
        return True

    def leave(self) -> None:
        """Frees all that the next steps would need; `step` stays as it is."""
        self._preparing = self._descent = self._optimizer = self._shared = None
        self._made = self._coarser = _Objectives()

    def _begin_level(self, index: int, coarser: _Objectives) -> None:
        """Begins with level `index` (from 1), on top of the objectives of the one before."""
        self._index, self._coarser, self._descent = index, coarser, None
        self._level = self._plan.levels[index - 1]
        self._made, self._shared = _Objectives(), None
        condenses = self._vgg.condenses and has_condensed_steps(self._plan, self._level)
        self._prepare_for(is_condensed=condenses)

    def _prepare_for(self, is_condensed: bool) -> None:
        """Prepares the level for one of the networks."""
        self._is_condensed = is_condensed
        if not is_condensed and self._index == len(self._plan.levels):
            self._forget_condensed()
        coarser = self._coarser.condensed if is_condensed else self._coarser.whole
        self._preparing = Preparation(
            self._plan, self._level, self._vgg, self._cache, coarser, is_condensed, self._shared
        )

    def _forget_condensed(self) -> None:
        """No step asks the condensed network any more: what it compared with is freed first.

        So are the gaps that this leaves: the next features would not fit into them.
        """
        if self._made.condensed is not None or self._coarser.condensed is not None:
            self._made, self._coarser = _Objectives(), replace(self._coarser, condensed=None)
            give_back_memory()

    def _prepare(self, preparing: Preparation) -> None:
        objective = preparing.advance()
        if objective is None:
            return
        self._preparing = None
        if self._is_condensed:
            self._made, self._shared = _Objectives(condensed=objective), preparing.shared
        else:
            self._made, self._shared = replace(self._made, whole=objective), None
        if self._is_condensed and not self._has_condensed_steps:
            self._prepare_for(is_condensed=False)
        else:
            self._be_prepared(objective)

    @property
    def _has_condensed_steps(self) -> bool:
        """Whether a step of this level itself is left for the condensed network."""
        first_step = steps_of(self._plan, self._index).start
        most = condensed_steps_of(self._plan, self._level.steps)
        return not self._is_seen_only and first_step < most

    @property
    def _is_seen_only(self) -> bool:
        """Whether the level was painted before: what is resumed is seen at its size as well."""
        return self._index < self._first

    def _be_prepared(self, objective: Objective) -> None:
        descent = self._descent
        if self._is_seen_only or (descent is not None and descent.ended):
            self._begin_level(self._index + 1, self._made)
        elif descent is not None:
            descent.go_on(objective)
        else:
            self._begin_descent(objective)

    def _begin_descent(self, objective: Objective) -> None:
        kind = optimizer_of(self._plan.options)
        # No name holds the canvas before: it is kept no longer than it is shown.
        optimizer = kind.begin(
            self._start(objective), self._plan.options, self._vgg.trunk, self._optimizer
        )
        self._descent = Descent(self._plan, self._index, objective, optimizer, self._vgg, self.log)
        self._optimizer = optimizer

    def _start(self, objective: Objective) -> Tensor:
        canvas = self.step.best.canvas
        return canvas if self._index == self._first else enlarged(self._plan, objective, canvas)

    def _descend(self, descent: Descent, evaluation: Evaluation | None) -> None:
        step = descent.take(evaluation)
        if step is None:
            return
        self.step = step
        self.steps_done[step.level - 1] = step.step
        if descent.ended and step.level == len(self._plan.levels):
            self.ended = True
        elif descent.ended and self._made.whole is not None:
            self._begin_level(step.level + 1, self._made)
        elif descent.ended or descent.awaits_whole:
            self._prepare_for(is_condensed=False)
