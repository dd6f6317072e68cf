"""Line 8: what a user meets, the default painting beside pastiche's with its defaults."""

from __future__ import annotations

import time
from dataclasses import asdict
from statistics import median
from typing import Any, Final

from judge import Judge
from painter.engine.painter import Painter
from painter.options.reading import read_options
from painter.options.request import Request
from painter.preparation.style_cache import StyleCache
from pairs import Scene
from peers import PeerRun

PEER: Final = "pastiche"


def measure_defaults(
    painter: Painter, judge: Judge, scene: Scene, run: PeerRun, repeats: int
) -> dict[str, Any]:
    """Seconds from pictures in to PNG out and the judge's errors, of both sides."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        data = _painted(painter, scene)
        seconds.append(time.perf_counter() - began)
    return {
        "peer": run.peer,
        "pair": scene.pair,
        "size": scene.size,
        "steps": run.steps,
        "seconds": run.seconds,
        "errors": asdict(judge.errors(run.painting)),
        "own": {
            "seconds": seconds,
            "median": median(seconds),
            "errors": asdict(judge.errors(data)),
        },
    }


def _painted(painter: Painter, scene: Scene) -> bytes:
    painter.styles = StyleCache(2**28)
    options = read_options({"size": scene.size})
    pictures = scene.content.read_bytes(), (scene.style.read_bytes(),)
    job = painter.begin(Request(options, *pictures))
    job.run()
    return job.result().data
