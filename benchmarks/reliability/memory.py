"""What a server holds when it has nothing to do, so that what it keeps to be fast is no leak."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from reliability.jobs import picture
from reliability.served import Served

# A server gives freed memory back once nothing was painted for a minute, and looks each second;
# where the launcher's watchdog has it paint, that minute begins anew.
REST_SECONDS = 75.0
READINGS = 9
BETWEEN_SECONDS = 1.0
STYLES_AT_ONCE = 16


def fill_style_cache(served: Served) -> None:
    """Paints after new styles until the statistics of older ones are let go of."""
    first = 10**6
    with served.client() as bruno, ThreadPoolExecutor(4) as pool:

        def paint(seed: int) -> None:
            bruno.paint(picture(1), picture(seed), size=64, steps=1, preview_every=0)

        before = -1
        while (kept := bruno.describe()["style_cache"]["entries"]) > before:
            before = kept
            list(pool.map(paint, range(first, first + STYLES_AT_ONCE)))
            first += STYLES_AT_ONCE


def memory_at_rest(served: Served, rest: float = REST_SECONDS) -> float:
    """Resident bytes, the median of readings, after so many seconds without a painting."""
    time.sleep(rest)
    readings = []
    for _ in range(READINGS if rest else 1):
        readings.append(served.memory())
        time.sleep(BETWEEN_SECONDS if rest else 0.0)
    return statistics.median(readings)
