"""Turns for all live jobs, within a slice of time."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import Final

import torch

from painter.errors import Internal, OutOfMemory, PaintError
from painter.job import Job
from painter.painting import Painter
from painter.passes import Evaluation, evaluate

# How many canvases share a pass on CUDA.
SHARED_MOST: Final = 16

_log = logging.getLogger(__name__)


class DeviceLost(Exception):
    """The device answers no more; only a new process can use it again."""


class Scheduler:
    """Gives jobs their turns in rotation: one evaluation, or one tile, a turn.

    On the CPU each canvas has its own pass, so that pixels never depend on the neighbors. On
    CUDA canvases of one size share passes, but those of jobs that are `reproducible` or L-BFGS's.
    """

    def __init__(self, painter: Painter) -> None:
        self._vgg = painter.vgg
        self._shares = painter.vgg.device.type == "cuda"
        self._rotation: deque[Job] = deque()

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

        What goes wrong in one job fails that job alone. Raises DeviceLost once the device is
        unusable.
        """
        end = time.monotonic() + seconds
        for job in self.jobs:
            job.stop_if_overdue()
        self._drop_finished()
        while self._rotation:
            group = self._next_group()
            self._turn(group)
            self._rotation.extend(group)
            self._drop_finished()
            if time.monotonic() >= end:
                return

    def _drop_finished(self) -> None:
        self._rotation = deque(job for job in self._rotation if not job.finished)

    def _next_group(self) -> list[Job]:
        first = self._rotation.popleft()
        if not self._shares or first.ask is None or _is_private(first):
            return [first]
        likeness = first.ask.likeness
        mates = [
            job
            for job in self._rotation
            if job.ask is not None and not _is_private(job) and job.ask.likeness == likeness
        ][: SHARED_MOST - 1]
        for job in mates:
            self._rotation.remove(job)
        return [first, *mates]

    def _turn(self, group: list[Job]) -> None:
        asks = [job.ask for job in group if job.ask is not None]
        evaluations: list[Evaluation | None] = [None]
        try:
            if asks:
                evaluations = list(evaluate(self._vgg, asks))
        except Exception as error:
            self._raise_if_lost(error)
            if len(group) == 1:
                self._fail(group[0], error)
                return
            for job in group:
                self._turn([job])
            return
        for job, evaluation in zip(group, evaluations, strict=True):
            self._tell(job, evaluation)

    def _tell(self, job: Job, evaluation: Evaluation | None) -> None:
        try:
            job.tell(evaluation)
        except Exception as error:
            self._raise_if_lost(error)
            self._fail(job, error)

    def _fail(self, job: Job, error: Exception) -> None:
        job.fail(as_paint_error(error))
        if self._shares:
            torch.cuda.empty_cache()

    def _raise_if_lost(self, error: Exception) -> None:
        """A CUDA error other than a full memory stays with the process: no kernel runs again."""
        if isinstance(error, torch.AcceleratorError):
            raise DeviceLost(str(error).splitlines()[0]) from error


def _is_private(job: Job) -> bool:
    """Whether nobody may share its passes: neighbors would change how L-BFGS's losses round."""
    return job.options.reproducible or job.options.optimizer == "lbfgs"


def as_paint_error(error: Exception) -> PaintError:
    """What a job is told of an exception: out of memory as such, all else as a defect of ours."""
    if isinstance(error, PaintError):
        return error
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate" in str(error):
        return OutOfMemory(
            "out_of_memory", "the device ran out of memory; a smaller size may fit", "size"
        )
    _log.error("a painting failed", exc_info=error)
    return Internal("internal", f"the painting failed: {type(error).__name__}")
