"""Section 5: paintings through the library, from encoded pictures to encoded paintings."""

from __future__ import annotations

import time
from functools import partial
from statistics import median
from typing import Any

from card.bench import Bench
from card.device import spread
from card.engine import Replaying, paint, paint_replayed, request_for
from card.notes import Notes
from card.settings import Share


def measure(notes: Notes, bench: Bench) -> None:
    """One painting alone, as many at once as are wanted, then larger ones as time allows."""
    notes.take("alone", partial(_alone, notes.share, bench))
    notes.take("alone, replayed", partial(_replayed, notes.share, bench))
    notes.take("at once", partial(_at_once, notes.share, bench))
    for size in bench.extent.larger:
        notes.take(f"{size} px", partial(_larger, notes.share, bench, size))


def _alone(share: Share, bench: Bench) -> dict[str, Any]:
    painter, extent = bench.painter, bench.extent
    request = request_for(bench.pictures, extent.painting)
    runs = [paint(painter, [request], share)]
    limit = share.part(0.3)
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


def _replayed(share: Share, bench: Bench) -> dict[str, Any]:
    """The same with the evaluations replayed by the engine's own graphs."""
    bench.device.need_card()
    request = request_for(bench.pictures, bench.extent.painting)
    replaying = Replaying(bench.painter)
    limit = share.part(0.2)
    times = [paint_replayed(bench.painter, request, replaying)]
    for _ in range(bench.extent.paintings):
        times.append(paint_replayed(bench.painter, request, replaying))
        if limit.left <= 0:
            break
    return {**spread(times[1:]), "first": times[0], "parts": {}}


def _at_once(share: Share, bench: Bench) -> dict[str, Any]:
    """Seconds for all of them, the first time not counted; each has a seed of its own."""
    painter, extent = bench.painter, bench.extent
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


def _larger(share: Share, bench: Bench, size: int) -> dict[str, Any]:
    request = request_for(bench.pictures, {**bench.extent.painting, "size": size})
    began = time.perf_counter()
    run = paint(bench.painter, [request], share)
    return {"seconds": time.perf_counter() - began, "parts": run["parts"]}
