"""A painting in the making, turn by turn, and what there is of it at any time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from torch import Tensor

from painter.device.readings import Arriving, Reading
from painter.errors import PaintError
from painter.evaluation.lanes import Lane, OnlyLane
from painter.evaluation.passes import Evaluation, View
from painter.network.vgg import VGG19
from painter.painting.candidates import Candidate
from painter.painting.painting import Painting
from painter.painting.progress import Painted, Preview, Progress, losses_of, progress_of
from painter.painting.record import accepted, record
from painter.painting.snapshots import CanvasCopy, PreviewSnapshot, Snapshot
from painter.pictures.picture import resize
from painter.planning.plan import Plan
from painter.planning.pyramid import Shape, fit
from painter.preparation.style_cache import StyleCache

PREVIEW_SIDE: Final = 512


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
        self._vgg = vgg
        self._started = time.monotonic()
        with self.lane.active():
            self._painting = Painting(plan, vgg, cache)
        self._progress: Progress | None = None
        self._reading: Reading | None = None

    @property
    def finished(self) -> bool:
        """Whether it takes no more turns."""
        return bool(self.stopped)

    @property
    def progress(self) -> Progress:
        """How far it is, as far as the device has told."""
        self._painting.log.hear()
        reading = self._painting.log.newest
        if self._progress is None or reading is not self._reading:
            self._reading, self._progress = reading, self._progress_at(reading)
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
        level = self._painting.log.lost_level
        return f"level {level} ended early: its losses were no longer finite" if level else None

    @property
    def accepted(self) -> dict[str, Any]:
        """The data of the accepted event, without the request's id."""
        return accepted(self.plan)

    @property
    def pending(self) -> View | None:
        """What is to be evaluated in a pass before it goes on."""
        return self._painting.view

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
            self._painting.take(evaluation)
        if self._painting.ended:
            self._stop("steps" if self._painting.has_all_steps else "plateau")
        self.stop_if_overdue()

    @property
    def steps_done(self) -> int:
        """How many steps were taken, those included that the device has not told of yet."""
        return sum(self._painting.steps_done)

    def begin_anew(self) -> bool:
        """After an exception in `take`: begins that piece anew, unless a step was half taken."""
        with self.lane.active():
            return self._painting.begin_anew()

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
        step = self._painting.step
        shape = fit(self.plan.shape, min(PREVIEW_SIDE, max(step.shown.shape[-2:])))
        with self.lane.active():
            shown = resize(step.shown.float(), shape)
            return PreviewSnapshot(step.level, step.step, self._copy(shown, shape, kept=False))

    def snapshot(self) -> Snapshot:
        """What `result` encodes; no copy is made where no step will change the canvas."""
        best = self._painting.step.best
        with self.lane.active():
            canvas = self._copy(best.canvas, self.plan.shape, kept=self.finished)
            return Snapshot(canvas, self._record(best))

    def _copy(self, pixels: Tensor, shape: Shape, kept: bool) -> CanvasCopy:
        arriving = Arriving(pixels, kept)
        return CanvasCopy(arriving, shape, self.options, self.plan.photo, self.plan.chroma)

    def _record(self, best: Candidate) -> dict[str, Any]:
        return record(
            self.plan,
            self._vgg,
            losses_of(self.options, best.terms.tolist()),
            steps_done=self._painting.steps_done,
            seconds=self.seconds,
            stopped=self.stopped,
            incomplete=self.incomplete,
        )

    def _progress_at(self, reading: Reading | None) -> Progress:
        step = self._painting.step
        level, done, terms = step.level, step.step, None
        if reading is not None:
            level, done, terms = reading.level, reading.step, reading.terms
        done_by_level = [*self._painting.steps_done[: level - 1], done]
        return progress_of(self.plan, done_by_level, terms, self.seconds)

    def _stop(self, reason: str) -> None:
        self.stopped = reason
        self._painting.leave()
        if reason != "failure":  # a device that failed may never tell
            with self.lane.active():
                self._painting.log.hear(wait=True)
