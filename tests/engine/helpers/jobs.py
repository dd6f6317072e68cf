"""Paintings on a small network, for the tests of jobs."""

from __future__ import annotations

from functools import cache

import torch

from networks import random_checkpoint, small_vgg
from painter.engine.painter import Painter
from painter.engine.scheduler import Scheduler
from painter.evaluation.lanes import Lanes
from painter.painting.progress import losses_of
from painter.pictures.picture import decode
from painter.preparation.style_cache import StyleCache
from pictures import request

small_vgg_once = cache(small_vgg)


def small_painter(dtype: torch.dtype = torch.float32) -> Painter:
    """A painter with the network of 8 features a layer, an empty cache and endless memory."""
    painter = object.__new__(Painter)
    painter._checkpoint = random_checkpoint()
    painter.vgg = small_vgg_once(dtype)
    painter.lanes = Lanes(painter.vgg, with_graphs=False)
    painter.styles = StyleCache(2**28)
    painter.memory_bytes = painter.host_bytes = 2**50
    return painter


def begun(painter=None, **given):
    """A job after its first step."""
    return (painter or small_painter()).begin(request(**given))


def step(job) -> None:
    """One turn of a job, as the scheduler gives it on the CPU."""
    job.advance()


def best_total(job) -> float:
    """The total of the canvas that would be the painting now."""
    return losses_of(job.options, job._painting.step.best.terms.tolist()).total


def finished(painter=None, **given):
    """A job that is done."""
    painter = painter or small_painter()
    job = begun(painter, **given)
    scheduler = Scheduler(painter)
    scheduler.add(job)
    for _ in scheduler.run(1):
        pass
    return job


def painted(painter=None, **given) -> torch.Tensor:
    """The pixels of a finished painting, as its file has them."""
    return decode(finished(painter, **given).result().data, "content").pixels


def finish(making):
    """What something comes to that is made piece by piece."""
    while (made := making.advance()) is None:
        pass
    return made
