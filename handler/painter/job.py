"""One painting in the making: what it asks for, and what can be had of it at any time."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, Final

import torch
from torch import Tensor

from painter.descent import Candidate, Step, Yielded, descend, steps_of
from painter.errors import PaintError
from painter.images import resize
from painter.levels import canvas_of, prepare
from painter.objective import Objective
from painter.optimizers import LBFGS, Adam, Optimizer
from painter.passes import Ask, Evaluation
from painter.plan import Plan
from painter.progress import Painted, Preview, Progress
from painter.pyramid import Shape, fit
from painter.record import accepted, record
from painter.snapshots import Canvas, PreviewSnapshot, Snapshot
from painter.styles import StyleCache
from painter.vgg import VGG19

PREVIEW_SIDE: Final = 512
# What a step costs beside its pixels, in pixels: for the time that is left.
_STEP_OVERHEAD: Final = 8000


class Job:
    """A painting that advances one evaluation, or one tile of it, at a time.

    `ask` is the evaluation it waits for, None where it runs its own passes; `tell` answers
    it. `progress`, `preview` and `result` can be had at any time; `preview_snapshot` and
    `snapshot` leave the encoding to whoever has time for it. `stopped` says why it takes no more
    turns, `incomplete` why the painting is not what was asked for.
    """

    def __init__(self, plan: Plan, vgg: VGG19, cache: StyleCache) -> None:
        self.plan = plan
        self.options = plan.options
        self.error: PaintError | None = None
        self.stopped = ""
        self.incomplete: str | None = None
        self._vgg = vgg
        self._started = time.monotonic()
        self._first = plan.resume.level if plan.resume else 1
        self._steps_done = [level.steps for level in plan.levels[: self._first - 1]]
        self._steps_done += [0] * (len(plan.levels) - len(self._steps_done))
        start = canvas_of(plan, plan.levels[self._first - 1].shape, vgg.device)
        self._step = Step(
            self._first, steps_of(plan, self._first).start, None, start, Candidate(start, None)
        )
        self.progress = self._take_in(self._step)
        self._turns = self._paint(cache)
        self.ask: Ask | None = None

    @property
    def finished(self) -> bool:
        """Whether it takes no more turns."""
        return bool(self.stopped)

    @property
    def seconds(self) -> float:
        """Wall time since it began."""
        return time.monotonic() - self._started

    @property
    def accepted(self) -> dict[str, Any]:
        """The data of the accepted event, without the request's id."""
        return accepted(self.plan)

    def tell(self, evaluation: Evaluation | None) -> None:
        """Answers the ask (None where there was none), and goes on to the next one."""
        try:
            item = self._turns.send(evaluation)
            while isinstance(item, Step):
                self.progress = self._take_in(item)
                item = next(self._turns)
            self.ask = item
        except StopIteration:
            self._stop("steps" if self.progress.step == self.progress.steps else "plateau")
        self.stop_if_overdue()

    def stop_if_overdue(self) -> None:
        """Ends the job at its deadline; the best canvas so far is the answer."""
        limit = self.options.max_seconds
        if limit and not self.finished and self.seconds >= limit:
            self._stop("deadline")

    def fail(self, error: PaintError) -> None:
        """Ends the job; what it has so far stays to be had."""
        self.error = error
        self.incomplete = error.detail
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
        shown = resize(step.shown.float(), shape)
        return PreviewSnapshot(step.level, step.step, self._canvas(shown, shape, kept=False))

    def snapshot(self) -> Snapshot:
        """What `result` encodes; no copy is made where no step will change the canvas."""
        best = self._step.best
        canvas = self._canvas(best.canvas, self.plan.shape, kept=self.finished)
        return Snapshot(canvas, self._record(best))

    def _canvas(self, pixels: Tensor, shape: Shape, kept: bool) -> Canvas:
        on_host = pixels.to("cpu", torch.float32, copy=not kept)
        return Canvas(on_host, shape, self.options, self.plan.photo)

    def _record(self, best: Candidate) -> dict[str, Any]:
        return record(
            self.plan,
            self._vgg,
            best.losses,
            steps_done=self._steps_done,
            seconds=self.seconds,
            stopped=self.stopped,
            incomplete=self.incomplete,
        )

    def _paint(self, cache: StyleCache) -> Generator[Yielded, Evaluation | None, None]:
        optimizer: Optimizer | None = None
        objective: Objective | None = None
        for index in range(self._first, len(self.plan.levels) + 1):
            level = self.plan.levels[index - 1]
            objective = yield from prepare(self.plan, level, self._vgg, cache, objective)
            # No name holds the canvas before: it is kept no longer than it is shown.
            optimizer = self._optimizer(resize(self._step.best.canvas, level.shape), optimizer)
            yield from descend(self.plan, index, objective, optimizer, self._vgg)

    def _optimizer(self, start: Tensor, before: Optimizer | None) -> Optimizer:
        if self.options.optimizer == "lbfgs":
            return LBFGS(start, self._vgg.trunk)
        if isinstance(before, Adam):
            return before.enlarged(start)
        return Adam(start, self.options.learning_rate)

    def _take_in(self, step: Step) -> Progress:
        self._step = step
        if step.lost:
            self.incomplete = f"level {step.level} ended early: its losses were no longer finite"
        self._steps_done[step.level - 1] = step.step
        height, width = self.plan.levels[step.level - 1].shape
        return Progress(
            step=sum(self._steps_done),
            steps=sum(level.steps for level in self.plan.levels),
            level=step.level,
            levels=len(self.plan.levels),
            width=width,
            height=height,
            losses=step.losses,
            seconds=self.seconds,
            eta=self._eta(step),
        )

    def _eta(self, step: Step) -> float | None:
        """The seconds left, from what a pixel has cost so far; None where steps are open."""
        if not self.options.steps:
            return None
        done = rest = 0
        for index, level in enumerate(self.plan.levels, start=1):
            todo = steps_of(self.plan, index)
            cost = level.pixels + _STEP_OVERHEAD
            now = min(max(self._steps_done[index - 1], todo.start), todo.stop)
            if index >= self._first:
                done += cost * (now - todo.start)
                rest += cost * (todo.stop - now) * (index >= step.level)
        return self.seconds * rest / done if done else None

    def _stop(self, reason: str) -> None:
        self.stopped = reason
        self.ask = None
        self._turns.close()
