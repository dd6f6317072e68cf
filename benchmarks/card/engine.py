"""All that is asked of the engine: paintings, single evaluations, and steps of a painting."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from card.graphs import CaptureBroke
from card.pictures import Pictures
from card.settings import Share
from painter.canvas.layout import CENTERED
from painter.engine.painter import Painter
from painter.engine.scheduler import Scheduler
from painter.evaluation.lanes import Lanes
from painter.evaluation.passes import Evaluation, View, evaluate
from painter.evaluation.replay import Replay
from painter.evaluation.tiled import TiledEvaluation
from painter.network.vgg import VGG19
from painter.network.weights import load_checkpoint
from painter.options.reading import read_options
from painter.options.request import Request
from painter.painting.job import Job
from painter.painting.snapshots import Snapshot
from painter.pictures.picture import decode
from painter.preparation.preparation import Preparation
from painter.preparation.style_cache import StyleCache

Evaluate = Callable[[list[View]], list[Evaluation]]

# As many threads decode and encode at most.
_POOL_MOST: Final = 8


class OutOfTime(Exception):
    """A painting that was not done in time; the message says how far it was."""


@dataclass(frozen=True)
class Judged:
    """One evaluation as numbers on the CPU: the total, and the gradient [3, H, W]."""

    total: float
    gradient: Tensor


def painter_on(where: torch.device, weights: Path, graphs: bool = False) -> Painter:
    """A painter on a device, which replays evaluations from graphs or does not."""
    return Painter(weights, where.type, graphs=graphs)


def plain_painter(where: torch.device, weights: Path) -> Painter:
    """A painter in float32, whatever the device is fast at."""
    painter = painter_on(where, weights)
    if painter.vgg.trunk != torch.float32:
        painter.vgg = VGG19(load_checkpoint(weights), painter.vgg.device, torch.float32)
        painter.lanes = Lanes(painter.vgg, with_graphs=False)
    return painter


def without_fusing(painter: Painter) -> Painter:
    """The same painter with graphs of single kernels."""
    other = copy(painter)
    other.lanes = Lanes(painter.vgg, with_graphs=True, is_fused=False)
    return other


def request_for(pictures: Pictures, options: dict[str, Any], how: str = "plain") -> Request:
    """A request: `plain`, with a `content mask`, or with `two regions` of a style each."""
    asked = Request(read_options(options), pictures.content, (pictures.style,))
    if how == "content mask":
        return replace(asked, content_mask=pictures.left)
    if how == "two regions":
        styles = (pictures.style, pictures.other_style)
        return replace(asked, styles=styles, masks={1: pictures.left, 2: pictures.right})
    return asked


def view_for(painter: Painter, request: Request, seed: int = 9) -> View:
    """An evaluation of noise at a painting's size; with a seed, the same on every device."""
    plan = painter.inspect(request)
    making = Preparation(plan, plan.levels[-1], painter.vgg, StyleCache(2**28))
    while (objective := making.advance()) is None:
        pass
    noise = torch.rand(3, *plan.shape, generator=torch.Generator().manual_seed(seed))
    return View(noise.to(painter.vgg.device), objective, CENTERED)


def judged(painter: Painter, view: View, tile: int | None = None) -> Judged:
    """The loss and gradient of a canvas, whole or in tiles of about so many px a side."""
    if tile is None:
        (found,) = evaluate(painter.vgg, [view])
    else:
        tiled = TiledEvaluation(painter.vgg, view, tile)
        while (whole := tiled.advance()) is None:
            pass
        found = whole
    return as_judged(found)


def as_judged(evaluation: Evaluation) -> Judged:
    """An evaluation's numbers, copied from the device."""
    if evaluation.gradient is None:
        raise ValueError("the evaluation was not asked for a gradient")
    return Judged(float(evaluation.objective_value), evaluation.gradient.float().cpu().clone())


def evaluator(painter: Painter) -> Evaluate:
    """The engine's evaluations, in one pass of all canvases."""
    return partial(evaluate, painter.vgg)


@contextmanager
def all_recorded() -> Iterator[None]:
    """Raises CaptureBroke at its end where the engine's graphs could not be recorded inside.

    The engine evaluates as without graphs then, and tells it in its log alone.
    """
    kept = _Kept()
    logger = logging.getLogger(Replay.__module__)
    logger.addHandler(kept)
    try:
        yield
    finally:
        logger.removeHandler(kept)
    if kept.messages:
        raise CaptureBroke(kept.messages[0])


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


class Steps:
    """A painting that is stepped from outside, in the lane that its painter gives it.

    A step begins with the evaluation of the canvas itself, at the size of the level and with a
    gradient; its coarser views follow, and sometimes the average without a gradient.
    """

    def __init__(self, painter: Painter, request: Request) -> None:
        self._job: Job = painter.begin(request)

    def to_last_level(self) -> None:
        """Paints all levels but the last one; raises ValueError where its steps are no more."""
        while not self._begins_step():
            self._turn()

    def take(self, count: int) -> None:
        """So many steps; raises ValueError where the painting has fewer left."""
        for _ in range(count):
            self.views()

    def views(self) -> list[View]:
        """One step, and what it had evaluated: the canvas itself, then its coarser views."""
        found: list[View] = []
        while not found or not self._begins_step():
            if self._job.pending is not None:
                found.append(self._job.pending)
            self._turn()
            if self._job.finished:
                break
        return found

    def _begins_step(self) -> bool:
        view = self._job.pending
        if view is None or not view.with_gradient:
            return False
        return view.objective.shape == self._job.plan.shape

    def _turn(self) -> None:
        if self._job.finished:
            raise ValueError("the painting has no more steps to measure")
        self._job.advance()


def paint(painter: Painter, requests: list[Request], share: Share) -> dict[str, Any]:
    """Paints all requests at once, and tells where the seconds went.

    Pictures are decoded and encoded on threads of their own, as a server has it; all else is done
    by this one. Raises what a painting failed with, and OutOfTime once the share is over. `files`
    has the paintings. Decoding and encoding are the seconds in which nothing is painted.
    """
    scheduler, jobs, files, watch = Scheduler(painter), [], {}, Stopwatch()
    with ThreadPoolExecutor(min(_POOL_MOST, len(requests))) as pool:
        plans = deque(pool.submit(painter.inspect, request) for request in requests)
        while plans or scheduler.jobs:
            while plans and (plans[0].done() or not scheduler.jobs):
                plan = plans.popleft().result()
                watch.told("decoding and planning")
                jobs.append(painter.start(plan))
                watch.told("first evaluations")
                scheduler.add(jobs[-1])
            scheduler.advance(0)
            watch.told("steps")
            for job in jobs:
                if job.finished and job not in files:
                    files[job] = pool.submit(_finished(job).encode)
            if share.left <= 0 and scheduler.jobs:
                raise OutOfTime(_how_far(scheduler.jobs[0], watch.whole))
        data = [files[job].result().data for job in jobs]
    watch.told("encoding")
    return {"seconds": watch.whole, "parts": watch.parts, "files": data}


class Stopwatch:
    """Seconds since it was made: what was `told` of took them since something was told before."""

    def __init__(self) -> None:
        self._began = self._last = time.perf_counter()
        self.parts: dict[str, float] = {}

    def told(self, part: str) -> None:
        """Adds the seconds since the last time to a part."""
        now = time.perf_counter()
        self.parts[part] = self.parts.get(part, 0.0) + now - self._last
        self._last = now

    @property
    def whole(self) -> float:
        """All parts together."""
        return self._last - self._began


def _finished(job: Job) -> Snapshot:
    if job.error is not None:
        raise job.error
    return job.snapshot()


def pixels_of(file: bytes) -> Tensor:
    """A painting's pixels [3, H, W] from 0 to 1."""
    return decode(file, "content").pixels


def _how_far(job: Job, seconds: float) -> str:
    progress = job.progress
    return (
        f"not done after {seconds:.1f} s: step {progress.step} of {progress.steps}, at "
        f"{progress.width} x {progress.height} px"
    )
