"""Paintings that are asked for at once, and what became of them."""

from __future__ import annotations

import io
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from PIL import Image

from bruno import Bruno, BrunoError, Painting, Progress

JOBS = 8
STEPS = 60
SIDE = 64


@dataclass(frozen=True)
class Outcome:
    """How many paintings were lost, and how many came twice."""

    lost: int
    twice: int
    why: tuple[str, ...] = ()


def picture(seed: int, side: int = SIDE) -> bytes:
    """Soft noise as a PNG."""
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(noise).resize((side, side)).save(data, "png")
    return data.getvalue()


class Jobs:
    """Paintings on their way; `begun` is set once the first ones have done a step."""

    def __init__(self, bruno: Bruno, count: int = JOBS, steps: int = STEPS) -> None:
        self.begun = threading.Event()
        self._bruno, self._steps = bruno, steps
        self._pool = ThreadPoolExecutor(count)
        self._jobs = [self._pool.submit(self._paint, seed) for seed in range(count)]

    def outcome(self) -> Outcome:
        """Waits for all of them."""
        with self._pool:
            found = [_result(job) for job in self._jobs]
        counts = [count for count, _ in found]
        why = tuple(why for _, why in found if why)
        return Outcome(counts.count(0), sum(count > 1 for count in counts), why)

    def _paint(self, seed: int) -> int:
        asked = {"size": SIDE, "steps": self._steps, "preview_every": 10, "seed": seed}
        paintings = 0
        for event in self._bruno.stream(picture(seed), picture(seed + 100), **asked):  # type: ignore[arg-type]
            if isinstance(event, Progress) and event.step:
                self.begun.set()
            paintings += isinstance(event, Painting)
        return paintings


def _result(job: Future[int]) -> tuple[int, str]:
    try:
        return job.result(), ""
    except BrunoError as error:
        return 0, str(error)
