"""A burst of large requests, in a process of its own: what it takes, and how a neighbor fares.

`python burst.py WEIGHTS BUDGET` prints JSON once some of them are painted: the most bytes that
were taken beside those before the burst, the longest time in which the neighbor heard nothing
though the machine had time for that, and how many were refused.
"""

from __future__ import annotations

import gc
import io
import json
import math
import sys
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from bruno_service import service
from bruno_service.fields import form_fields
from bruno_service.limits import Limits
from bruno_service.pools import Pools
from bruno_service.service import Service
from bruno_service.session import Session
from painter.engine.painter import Painter

COUNT = 40
WIDTH, HEIGHT = 7304, 5478
TINY = {"size": b"64", "steps": b"5000"}
# More than the budget has room for.
DECODERS = 4
BEGUN_LEAST = 4
SLICE_SECONDS = 0.2
MOST = 4 * 2**20


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


@dataclass(frozen=True)
class Moment:
    """A time, and how long each thread that a neighbor depends on had waited for a processor."""

    seconds: float
    waited: tuple[float, ...]

    @classmethod
    def now(cls) -> Moment:
        threads = [each for each in threading.enumerate() if each.name in ("MainThread", "engine")]
        tasks = (Path(f"/proc/self/task/{each.native_id}/schedstat") for each in threads)
        waited = tuple(int(task.read_text().split()[1]) / 1e9 for task in tasks)
        return cls(time.monotonic(), waited)

    def since(self, before: Moment) -> float:
        """Seconds since then, without those in which other programs had the processors."""
        pairs = zip(self.waited, before.waited, strict=True)
        return self.seconds - before.seconds - max(now - then for now, then in pairs)


class Server:
    """Holds requests, and notes when each of them heard something."""

    def __init__(self, made: Service) -> None:
        self.service = made
        self.service.engine.ask(math.inf)
        self.sessions: dict[str, Session] = {}
        self.heard: dict[str, Moment] = {}
        self.statuses: dict[str, int] = {}
        self.silence = 0.0

    def ask(self, name: str, **form: bytes) -> None:
        self.sessions[name] = self.service.submit(name, partial(form_fields, form), accept="")

    def call(self) -> None:
        self.service.move_until(self._has_news, SLICE_SECONDS)
        now = Moment.now()
        for name, session in list(self.sessions.items()):
            if not session.decided:
                continue
            piece = self.service.take(session, MOST)
            self.statuses.setdefault(name, piece.status)
            if piece.body:
                if name == "neighbor" and name in self.heard:
                    self.silence = max(self.silence, now.since(self.heard[name]))
                self.heard[name] = now
            if piece.last:
                del self.sessions[name]

    def _has_news(self) -> bool:
        return any(session.has_news for session in self.sessions.values())


def main() -> None:
    weights, budget = Path(sys.argv[1]), int(sys.argv[2])
    service.Pools = lambda ring, _cores, read: Pools(  # type: ignore[misc, assignment]
        ring, 2 * DECODERS, read
    )
    limits = Limits(running=COUNT, waiting=4)
    server = Server(Service(lambda: Painter(weights, memory_bytes=budget), limits))
    small, large = jpeg(64, 64, 0), jpeg(WIDTH, HEIGHT, 1)
    server.ask("neighbor", content=small, style=small, stream=b"events", **TINY)
    while "neighbor" not in server.heard:
        server.call()
    gc.collect()
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak before
    for number in range(COUNT):
        server.ask(str(number), content=large, style=small, **TINY)
    while server.service.tally()["bruno_paintings_running"] <= BEGUN_LEAST:
        server.call()
    server.silence = max(server.silence, Moment.now().since(server.heard["neighbor"]))
    found = {
        "taken": status("VmHWM") - before,
        "silence": server.silence,
        "refused": sum(status >= 400 for status in server.statuses.values()),
    }
    print(json.dumps(found))
    server.service.close()


if __name__ == "__main__":
    main()
