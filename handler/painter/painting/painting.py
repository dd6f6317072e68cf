"""One painting in the making: the evaluations it asks for, and what there is of it at any time."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from typing import Any, Final

from torch import Tensor

from painter.device.readings import Arriving, Reading
from painter.errors import PaintError
from painter.evaluation.lanes import Lane, OnlyLane
from painter.evaluation.levels import prepare
from painter.evaluation.objective import Objective
from painter.evaluation.passes import Evaluation, View
from painter.evaluation.starts import canvas_of, enlarged
from painter.evaluation.style_targets import StyleCache
from painter.network.vgg import VGG19
from painter.optimizers.catalog import OPTIMIZERS
from painter.optimizers.optimizer import Optimizer
from painter.painting.descent import Candidate, Course, Descent, Step, steps_of
from painter.painting.progress import Painted, Preview, Progress, losses_of, terms_in
from painter.painting.record import accepted, record
from painter.painting.snapshots import Canvas, PreviewSnapshot, Snapshot
from painter.pictures.picture import resize
from painter.planning.plan import Plan
from painter.planning.pyramid import Shape, fit

PREVIEW_SIDE: Final = 512
# What a step costs beside its pixels, in pixels: for the time that is left.
_STEP_OVERHEAD: Final = 8000


class Job:
    """A painting that advances one evaluation, or one tile of it, at a time.

    `advance` is one turn, `run` all of them. Who wants to share a pass among several paintings
    evaluates what they have `pending` (None where a level is prepared, or a canvas is too large for
    one pass), and has each `take` its evaluation. `progress`, `preview` and `result` may be asked
    for at any time; `preview_snapshot` and `snapshot` leave the encoding to whoever has time for
    it. `stopped` says why it takes no more turns.
    """

    def __init__(self, plan: Plan, vgg: VGG19, cache: StyleCache, lane: Lane | None = None) -> None:
        self.plan = plan
        self.lane = lane or OnlyLane(vgg)
        self.options = plan.options
        self.error: PaintError | None = None
        self.stopped = ""
        self._vgg, self._cache = vgg, cache
        self._started = time.monotonic()
        self._first = plan.resume.level if plan.resume else 1
        self._steps_done = [level.steps for level in plan.levels[: self._first - 1]]
        self._steps_done += [0] * (len(plan.levels) - len(self._steps_done))
        with self.lane.active():
            start = canvas_of(plan, plan.levels[self._first - 1].shape, vgg.device)
            best = Candidate(start, terms_in(plan.options))
        self._step = Step(self._first, steps_of(plan, self._first).start, start, best)
        self._course = Course(vgg.device)
        self._progress: Progress | None = None
        self._told: Reading | None = None
        self._optimizer: Optimizer | None = None
        # A level is prepared by the one, then painted by the other.
        self._preparing: Generator[None, None, Objective] | None = None
        self._descent: Descent | None = None
        self._prepare(1, None)

    @property
    def finished(self) -> bool:
        """Whether it takes no more turns."""
        return bool(self.stopped)

    @property
    def progress(self) -> Progress:
        """How far it is, as far as the device has told."""
        self._course.hear()
        reading = self._course.newest
        if self._progress is None or reading is not self._told:
            self._told, self._progress = reading, self._progress_at(reading)
        return self._progress

    @property
    def seconds(self) -> float:
        """Wall time since it began."""
        return time.monotonic() - self._started

    @property
    def incomplete(self) -> str | None:
        """Why the painting is not what was asked for; None where it is."""
        if self.error is not None:
            return self.error.detail
        level = self._course.lost_level
        return f"level {level} ended early: its losses were no longer finite" if level else None

    @property
    def accepted(self) -> dict[str, Any]:
        """The data of the accepted event, without the request's id."""
        return accepted(self.plan)

    @property
    def pending(self) -> View | None:
        """What is to be evaluated in a pass before it goes on."""
        return None if self._descent is None else self._descent.view

    def advance(self) -> None:
        """One turn: evaluates what is pending in a pass of its own, and goes on."""
        evaluation, view = None, self.pending
        if view is not None:
            with self.lane.active():
                evaluation = self.lane.evaluate([view])[0]
        self.take(evaluation)

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """All turns that are left, one after the other, or those until something is so."""
        while not self.finished and not until():
            self.advance()

    def take(self, evaluation: Evaluation | None) -> None:
        """Takes the evaluation of what was pending; where nothing was, does a piece of its own."""
        with self.lane.active():
            if self._descent is not None:
                self._descend(self._descent, evaluation)
            elif self._preparing is not None:
                self._go_on_preparing(self._preparing)
        self.stop_if_overdue()

    def stop_if_overdue(self) -> None:
        """Ends the job at its deadline; the best canvas so far is the answer."""
        limit = self.options.max_seconds
        if limit and not self.finished and self.seconds >= limit:
            self._stop("deadline")

    def fail(self, error: PaintError) -> None:
        """Ends the job; what it has so far can still be asked for."""
        self.error = error
        self._stop("failure")

    def preview(self) -> Preview:
        """The canvas as it is now, at most 512 px."""
        return self.preview_snapshot().encode()

    def result(self) -> Painted:
        """The best canvas so far at the painting's size, as a file with its record."""
        return self.snapshot().encode()

    def preview_snapshot(self) -> PreviewSnapshot:
        """What `preview` encodes; it is made small before it is copied to the host."""
        step = self._step
        shape = fit(self.plan.shape, min(PREVIEW_SIDE, max(step.shown.shape[-2:])))
        with self.lane.active():
            shown = resize(step.shown.float(), shape)
            return PreviewSnapshot(step.level, step.step, self._canvas(shown, shape, kept=False))

    def snapshot(self) -> Snapshot:
        """What `result` encodes; no copy is made where no step will change the canvas."""
        best = self._step.best
        with self.lane.active():
            canvas = self._canvas(best.canvas, self.plan.shape, kept=self.finished)
            return Snapshot(canvas, self._record(best))

    def _canvas(self, pixels: Tensor, shape: Shape, kept: bool) -> Canvas:
        arriving = Arriving(pixels, kept)
        return Canvas(arriving, shape, self.options, self.plan.photo, self.plan.chroma)

    def _record(self, best: Candidate) -> dict[str, Any]:
        return record(
            self.plan,
            self._vgg,
            losses_of(self.options, best.terms.tolist()),
            steps_done=self._steps_done,
            seconds=self.seconds,
            stopped=self.stopped,
            incomplete=self.incomplete,
        )

    def _prepare(self, index: int, coarser: Objective | None) -> None:
        """Begins with level `index` (from 1), on top of the objective of the one before."""
        self._index, self._descent = index, None
        level = self.plan.levels[index - 1]
        self._preparing = prepare(self.plan, level, self._vgg, self._cache, coarser)

    def _go_on_preparing(self, preparing: Generator[None, None, Objective]) -> None:
        try:
            next(preparing)
            return
        except StopIteration as stop:
            objective: Objective = stop.value
        self._preparing = None
        if self._index < self._first:
            # A level that is resumed is seen at the sizes of those before as well.
            self._prepare(self._index + 1, objective)
            return
        # No name holds the canvas before: it is kept no longer than it is shown.
        self._optimizer = OPTIMIZERS[self.options.optimizer].begin(
            self._start_of(self._index, objective), self.options, self._vgg.trunk, self._optimizer
        )
        self._descent = Descent(
            self.plan, self._index, objective, self._optimizer, self._vgg, self._course
        )

    def _descend(self, descent: Descent, evaluation: Evaluation | None) -> None:
        step = descent.take(evaluation)
        if step is None:
            return
        self._step = step
        self._steps_done[step.level - 1] = step.step
        if not descent.ended:
            return
        if step.level < len(self.plan.levels):
            self._prepare(step.level + 1, descent.objective)
        else:
            all_steps = sum(level.steps for level in self.plan.levels)
            self._stop("steps" if sum(self._steps_done) == all_steps else "plateau")

    def _start_of(self, index: int, objective: Objective) -> Tensor:
        canvas = self._step.best.canvas
        return canvas if index == self._first else enlarged(self.plan, objective, canvas)

    def _progress_at(self, reading: Reading | None) -> Progress:
        if reading is None:
            level, step, losses = self._first, self._step.step, None
        else:
            level, step = reading.level, reading.step
            losses = losses_of(self.options, reading.terms)
        done = [*self._steps_done[: level - 1], step]
        height, width = self.plan.levels[level - 1].shape
        return Progress(
            step=sum(done),
            steps=sum(each.steps for each in self.plan.levels),
            level=level,
            levels=len(self.plan.levels),
            width=width,
            height=height,
            losses=losses,
            seconds=self.seconds,
            eta=self._eta(done),
        )

    def _eta(self, done_by_level: Sequence[int]) -> float | None:
        """The seconds left, from what a pixel has cost so far; None where steps are open.

        The last of the levels' done steps is the level's that is painted.
        """
        if not self.options.steps:
            return None
        done = rest = 0
        for index, level in enumerate(self.plan.levels, start=1):
            todo = steps_of(self.plan, index)
            cost = level.pixels + _STEP_OVERHEAD
            now = done_by_level[index - 1] if index <= len(done_by_level) else todo.start
            now = min(max(now, todo.start), todo.stop)
            if index >= self._first:
                done += cost * (now - todo.start)
                rest += cost * (todo.stop - now) * (index >= len(done_by_level))
        return self.seconds * rest / done if done else None

    def _stop(self, reason: str) -> None:
        self.stopped = reason
        self._preparing = self._descent = self._optimizer = None
        if reason != "failure":  # a device that failed may never tell
            with self.lane.active():
                self._course.hear(wait=True)
