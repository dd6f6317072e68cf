"""Turns for all live jobs, within a slice of time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import Final
from weakref import WeakKeyDictionary

import torch

from painter.device.faults import as_paint_error, caught, is_out_of_memory, without_frames
from painter.engine.memory import bytes_needed
from painter.engine.painter import Painter
from painter.evaluation.passes import Evaluation
from painter.optimizers.catalog import optimizer_of
from painter.painting.job import Job
from painter.planning.plan import Plan

# How many canvases share a pass on CUDA.
SHARED_MOST: Final = 16

Evaluations = list[Evaluation] | list[None]


class Scheduler:
    """Gives jobs their turns in rotation: one evaluation, or one tile, a turn.

    On the CPU each canvas has its own pass, so that pixels never depend on the neighbors. On
    CUDA canvases of one size share passes, but those of jobs that are `reproducible` or whose
    optimizer compares losses.
    """

    def __init__(self, painter: Painter) -> None:
        self._vgg = painter.vgg
        self._rotation: deque[Job] = deque()
        self._turning: list[Job] = []
        # What memory has shown to be too many for one pass, by their batch key.
        self._shared_most: dict[object, int] = {}
        # After how many steps a job has begun a piece of its own anew.
        self._begun_anew: WeakKeyDictionary[Job, int] = WeakKeyDictionary()

    @property
    def jobs(self) -> list[Job]:
        """The jobs that are not finished."""
        return list(self._rotation)

    def add(self, job: Job) -> None:
        """Lets a job take part."""
        self._rotation.append(job)

    def remove(self, job: Job) -> None:
        """Takes a job out, if it is in; what it holds is freed with it."""
        if job in self._rotation:
            self._rotation.remove(job)

    def advance(self, seconds: float) -> None:
        """Gives turns for about `seconds`, one at least; finished jobs leave the rotation.

        What goes wrong in one job fails that job alone; where memory runs out, the one that asked
        for most fails. Raises DeviceLost once the device is unusable.
        """
        end = time.monotonic() + seconds
        for job in self.jobs:
            job.stop_if_overdue()
        self._drop_finished()
        while self._rotation:
            self._turning = self._next_group()
            self._turn(self._turning)
            self._rotation.extend(self._turning)
            self._turning = []
            self._drop_finished()
            if time.monotonic() >= end:
                return

    def run(self, seconds: float) -> Iterator[None]:
        """Gives turns until no job is left; yields after about so many seconds each time."""
        while self._rotation:
            self.advance(seconds)
            yield

    def _drop_finished(self) -> None:
        self._rotation = deque(job for job in self._rotation if not job.finished)
        if not self._rotation:
            self._shared_most.clear()

    def _next_group(self) -> list[Job]:
        first = self._rotation.popleft()
        if not first.lane.shares or first.pending is None or _is_private(first):
            return [first]
        key = first.pending.batch_key
        mates = [
            job
            for job in self._rotation
            if job.pending is not None and not _is_private(job) and job.pending.batch_key == key
        ][: self._shared_most.get(key, SHARED_MOST) - 1]
        for job in mates:
            self._rotation.remove(job)
        return [first, *mates]

    def _turn(self, group: list[Job]) -> None:
        group = [job for job in group if not job.finished]
        if group:
            # Entered once for all that a turn does: each time takes as long as a launch or two.
            with group[0].lane.active():
                self._turn_in_lane(group)

    def _turn_in_lane(self, group: list[Job]) -> None:
        outcome = self._tried(group)
        # The error was raised and caught elsewhere, so that nothing of the failed pass is kept.
        if not isinstance(outcome, Exception):
            for job, evaluation in zip(group, outcome, strict=True):
                self._take(job, evaluation)
        elif len(group) > 1:
            for part in self._parts(group, outcome):
                self._turn(part)
        elif is_out_of_memory(outcome):
            self._relieve(group[0], outcome)
        else:
            self._fail(group[0], outcome)

    def _tried(self, group: list[Job]) -> Evaluations | Exception:
        """The evaluations that a group asks for, or why there are none; raises DeviceLost."""
        outcome = caught(partial(_evaluated, group))
        if isinstance(outcome, Exception) and len(group) > 1:
            return without_frames(outcome)
        return outcome

    def _parts(self, group: list[Job], error: Exception) -> Iterator[list[Job]]:
        """What is tried next of a group whose pass failed: halves if it was too large, else each.

        From then on no larger one is formed while there is something to paint.
        """
        size = 1
        if is_out_of_memory(error):
            size = len(group) // 2
            assert group[0].pending is not None  # or it would not have shared
            self._shared_most[group[0].pending.batch_key] = size
        for start in range(0, len(group), size):
            yield group[start : start + size]

    def make_room(self, plan: Plan, error: Exception) -> bool:
        """Fails the painting that asked for most, if that is more than a plan asks for."""
        others = [other for other in (*self._turning, *self._rotation) if not other.finished]
        largest = max(others, key=lambda one: self._needed(one.plan), default=None)
        if largest is None or self._needed(largest.plan) <= self._needed(plan):
            return False
        self._fail(largest, error)
        return True

    def _relieve(self, job: Job, error: Exception) -> None:
        """A job tries once more where there is room now, or fails."""
        outcome = self._tried([job]) if self.make_room(job.plan, error) else error
        if isinstance(outcome, Exception):
            self._fail(job, outcome)
        else:
            self._take(job, outcome[0])

    def _take(self, job: Job, evaluation: Evaluation | None) -> None:
        outcome = caught(partial(job.take, evaluation))
        if not isinstance(outcome, Exception):
            return
        # Of what it does by itself, it begins a piece anew where there is room: once in each step.
        is_first = self._begun_anew.get(job) != job.steps_done
        if is_out_of_memory(outcome) and is_first and job.begin_anew():
            self._begun_anew[job] = job.steps_done
            if self.make_room(job.plan, outcome):
                return
        self._fail(job, outcome)

    def _fail(self, job: Job, error: Exception) -> None:
        job.fail(as_paint_error(error))
        if self._vgg.device.type == "cuda":
            torch.cuda.empty_cache()

    def _needed(self, plan: Plan) -> int:
        return bytes_needed(plan, self._vgg.trunk, self._vgg.condenses)


def _evaluated(group: list[Job]) -> Evaluations:
    views = [job.pending for job in group if job.pending is not None]
    lane = group[0].lane
    with lane.active():
        return lane.evaluate(views) if views else [None]


def _is_private(job: Job) -> bool:
    """Whether nobody may share its passes: neighbors would change how its losses round."""
    return job.options.reproducible or optimizer_of(job.options).compares_losses
