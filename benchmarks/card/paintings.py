"""Section 5: paintings through the library, from encoded pictures to encoded paintings."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from card.bench import Bench
from card.device import spread
from card.engine import all_recorded, paint, request_for
from card.notes import Notes
from card.settings import Share
from painter.engine.painter import Painter

Measure = Callable[[Share, Bench, Painter], dict[str, Any]]


def measure(notes: Notes, bench: Bench) -> None:
    """One painting alone, as many at once as are wanted, and larger ones; replayed, then not."""
    measures: dict[str, Measure] = {"alone": _alone, "at once": _at_once}
    measures |= {f"{size} px": partial(_larger, size) for size in bench.extent.larger}
    for name, measure_it in measures.items():
        notes.take(f"{name}, replayed", partial(_replayed, measure_it, notes.share, bench))
    for name, measure_it in measures.items():
        notes.take(name, partial(measure_it, notes.share, bench, bench.painter))


def _replayed(measure: Measure, share: Share, bench: Bench) -> dict[str, Any]:
    """The same with the evaluations replayed by the engine's own graphs."""
    painter = bench.replaying_painter
    with all_recorded():
        return measure(share, bench, painter)


def _alone(share: Share, bench: Bench, painter: Painter) -> dict[str, Any]:
    extent = bench.extent
    request = request_for(bench.pictures, extent.painting)
    runs = [paint(painter, [request], share)]
    limit = share.part(0.2)
    for _ in range(extent.paintings):
        runs.append(paint(painter, [request], share))
        if limit.left <= 0:
            break
    warm = runs[1:]
    names = runs[0]["parts"]
    return {
        **spread([run["seconds"] for run in warm]),
        "first": runs[0]["seconds"],
        "parts": {name: median(run["parts"][name] for run in warm) for name in names},
    }


def _at_once(share: Share, bench: Bench, painter: Painter) -> dict[str, Any]:
    """Seconds for all of them, the first time not counted; each has a seed of its own."""
    extent = bench.extent
    count = extent.at_once
    requests = [
        request_for(bench.pictures, {**extent.painting, "seed": seed, "init_noise": 0.1})
        for seed in range(count)
    ]
    runs = [paint(painter, requests, share)]
    while len(runs) < 3 and share.left > 2 * runs[-1]["seconds"]:
        runs.append(paint(painter, requests, share))
    counted = runs[1:] or runs
    times = spread([run["seconds"] for run in counted])
    return {
        **times,
        "first": runs[0]["seconds"],
        "count": count,
        "per second": count / times["median"],
        "parts": counted[-1]["parts"],
    }


def _larger(size: int, share: Share, bench: Bench, painter: Painter) -> dict[str, Any]:
    request = request_for(bench.pictures, {**bench.extent.painting, "size": size})
    began = time.perf_counter()
    run = paint(painter, [request], share)
    return {"seconds": time.perf_counter() - began, "parts": run["parts"]}
