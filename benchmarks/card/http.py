"""The section of --serve: paintings through HTTP beside the library, on one device."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from bruno import Bruno
from card.bench import Bench
from card.device import spread
from card.engine import paint, request_for
from card.notes import Notes
from painter.engine.painter import Painter
from serve import start_server
from serving import find_port, pack
from settings import Settings

# A line that is full is asked again, until all paintings are done.
_RETRIES: Final = 100


def measure(notes: Notes, bench: Bench) -> None:
    """One painting and many at once, with a server as it is by default and one without graphs."""
    for how in (", replayed", ""):
        notes.take(f"server{how}", partial(_served, notes, bench, how))


def _served(notes: Notes, bench: Bench, how: str) -> float:
    """Measures with one server; the seconds of its start, which half of the time is kept for."""
    painter = bench.replaying_painter if how else bench.painter
    archive = pack(bench.weights, bench.scratch)
    settings = Settings(find_port(), device=bench.device.where.type, graphs=bool(how))
    began = time.perf_counter()
    server = start_server(settings, archive, max(1.0, notes.share.left / 2))
    seconds = time.perf_counter() - began
    try:
        client = Bruno(server.url, token=server.token, retries=_RETRIES)
        notes.take(f"alone{how}", partial(_alone, notes, bench, painter, client))
        notes.take(f"at once{how}", partial(_at_once, notes, bench, painter, client))
    finally:
        server.stop()
    return seconds


def _alone(notes: Notes, bench: Bench, painter: Painter, client: Bruno) -> dict[str, Any]:
    """Seconds of both in turns; the first ones warm up."""
    request = request_for(bench.pictures, bench.extent.painting)
    times: dict[str, list[float]] = {"library": [], "http": []}
    limit = notes.share.part(0.3)
    for _ in range(bench.extent.paintings + 1):
        times["library"].append(paint(painter, [request], notes.share)["seconds"])
        times["http"].append(_seconds(bench, client, [0]))
        if limit.left <= 0 and len(times["http"]) > 1:
            break
    return {name: spread(values[1:]) for name, values in times.items()}


def _at_once(notes: Notes, bench: Bench, painter: Painter, client: Bruno) -> dict[str, Any]:
    seeds = range(bench.extent.at_once)
    options = {**bench.extent.painting, "init_noise": 0.1}
    requests = [request_for(bench.pictures, {**options, "seed": seed}) for seed in seeds]
    found: dict[str, Any] = {"count": len(seeds)}
    for _ in range(2):  # the first time plans for so many
        found["library"] = paint(painter, requests, notes.share)["seconds"]
        found["http"] = _seconds(bench, client, list(seeds))
        if notes.share.left < found["library"] + found["http"]:
            break
    return found


def _seconds(bench: Bench, client: Bruno, seeds: list[int]) -> float:
    """From the first request to the last answer; the client tries again where the queue is full."""
    noise = 0.1 if len(seeds) > 1 else 0.0
    options = {**bench.extent.painting, "init_noise": noise, "preview_every": 0.0}
    pictures = bench.pictures

    def one(seed: int) -> None:
        client.paint(pictures.content, pictures.style, seed=seed, **options)

    began = time.perf_counter()
    with ThreadPoolExecutor(len(seeds)) as pool:
        for done in [pool.submit(one, seed) for seed in seeds]:
            done.result()
    return time.perf_counter() - began
