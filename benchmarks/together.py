"""Lines 4 and 5: eight paintings at once, and what is kept of a style."""

from __future__ import annotations

import time
from typing import Any, Final

import torch

from painter.engine.painter import Painter
from painter.engine.scheduler import Scheduler
from painter.options.reading import read_options
from painter.options.request import Request
from painter.preparation.style_cache import StyleCache
from pairs import Scene

JOBS: Final = 8
SLICE_SECONDS: Final = 0.5
STYLES: Final = 1000


def measure_together(painter: Painter, scene: Scene, steps: int, rounds: int) -> dict[str, Any]:
    """Seconds of eight jobs one after the other and together, and slices to the previews.

    A round of slices is as many as there are jobs.
    """
    _together(painter, scene, steps, 1)
    alone, together, slices = [], [], []
    for _ in range(rounds):
        alone.append(sum(_together(painter, scene, steps, 1)[0] for _ in range(JOBS)))
        seconds, waited = _together(painter, scene, steps, JOBS)
        together.append(seconds)
        slices.append(waited)
    found: dict[str, Any] = {
        "alone": alone,
        "together": together,
        "slices": max(slices),
    }
    if painter.vgg.device.type == "cuda":
        found["jobs_per_second"] = {
            count: count / _together(painter, scene, steps, count)[0] for count in (1, 4, 8, 16)
        }
    return found


def _together(painter: Painter, scene: Scene, steps: int, count: int) -> tuple[float, int]:
    """The seconds of so many jobs, and the slices until each has something to show."""
    scheduler = Scheduler(painter)
    content, style = scene.content.read_bytes(), scene.style.read_bytes()
    began = time.perf_counter()
    jobs = []
    for seed in range(count):
        options = read_options({"size": scene.size, "steps": steps, "seed": seed})
        jobs.append(painter.begin(Request(options, content, (style,))))
        scheduler.add(jobs[-1])
    slices = waited = 0
    for slices, _ in enumerate(scheduler.run(SLICE_SECONDS), start=1):
        if not waited and all(job.progress.step for job in jobs):
            waited = slices
    for job in jobs:
        job.result()
    return time.perf_counter() - began, waited


def measure_cache(painter: Painter, scene: Scene) -> dict[str, Any]:
    """The cache's counters over two paintings in one style, and its bytes after many styles."""
    painter.styles = cache = StyleCache(2**28)
    counts = []
    for _ in range(2):
        _together(painter, scene, 8, 1)
        counts.append({"hits": cache.hits, "misses": cache.misses})
    budget = 2**26
    many = StyleCache(budget)
    most = 0
    for style in range(STYLES):
        many.keep((style,), (torch.zeros(512), torch.zeros(512, 512)))
        most = max(most, many.bytes)
    return {"first": counts[0], "second": counts[1], "budget": budget, "most": most}
