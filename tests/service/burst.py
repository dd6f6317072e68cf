"""A burst of large requests, in a process of its own: what it takes, and how a neighbor fares.

`python burst.py WEIGHTS BUDGET` prints JSON once some of them are painted: the most bytes that
were taken beside those before the burst, the longest time in which the neighbor heard nothing,
and how many were refused.
"""

from __future__ import annotations

import gc
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bruno_service import service
from bruno_service.desk import Call, Desk
from bruno_service.limits import Limits
from bruno_service.pools import Pools
from painter.engine.painter import Painter

COUNT = 40
WIDTH, HEIGHT = 7304, 5478
TINY = {"size": b"64", "steps": b"5000"}
# More than the budget has room for.
DECODERS = 4
BEGUN_LEAST = 4


def jpeg(width: int, height: int, seed: int) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(noise).resize((width, height)).save(data, "jpeg", quality=90)
    return data.getvalue()


def status(name: str) -> int:
    """A line of the kernel's account of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


class Server:
    """Holds requests, and notes when each of them heard something."""

    def __init__(self, made: Desk) -> None:
        self.desk = made
        self.rows: dict[str, dict[str, Any]] = {}
        self.heard: dict[str, float] = {}
        self.statuses: dict[str, int] = {}
        self.silence = 0.0

    def call(self) -> None:
        names = list(self.rows)
        calls = [Call(name, {} if name in self.heard else self.rows[name], {}) for name in names]
        replies = self.desk.serve(calls)
        now = time.monotonic()
        for name, reply in zip(names, replies, strict=True):
            if reply is None:
                continue
            self.statuses.setdefault(name, reply.status)
            if reply.body:
                if name == "neighbor" and name in self.heard:
                    self.silence = max(self.silence, now - self.heard[name])
                self.heard[name] = now
            if reply.last:
                del self.rows[name]


def main() -> None:
    weights, budget = Path(sys.argv[1]), int(sys.argv[2])
    service.Pools = lambda ring, _cores: Pools(ring, 2 * DECODERS)  # type: ignore[misc, assignment]
    limits = Limits(running=COUNT, waiting=4, slice_seconds=0.2)
    server = Server(Desk(lambda: Painter(weights, memory_bytes=budget), limits))
    small, large = jpeg(64, 64, 0), jpeg(WIDTH, HEIGHT, 1)
    server.rows["neighbor"] = {"content": small, "style": small, "stream": b"events", **TINY}
    while "neighbor" not in server.heard:
        server.call()
    gc.collect()
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak before
    for number in range(COUNT):
        server.rows[str(number)] = {"content": large, "style": small, **TINY}
    while server.desk.tally()["bruno_paintings_running"] <= BEGUN_LEAST:
        server.call()
    server.silence = max(server.silence, time.monotonic() - server.heard["neighbor"])
    found = {
        "taken": status("VmHWM") - before,
        "silence": server.silence,
        "refused": sum(status >= 400 for status in server.statuses.values()),
    }
    print(json.dumps(found))
    server.desk.close()


if __name__ == "__main__":
    main()
