"""Hours of mixed paintings, errors and clients that leave: what grows, and what changes."""

from __future__ import annotations

import argparse
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median

from bruno import Bruno, OutOfRangeError
from reliability.jobs import picture
from reliability.memory import fill_style_cache
from reliability.served import ARCHIVE, Served, serving
from reliability.table import Table

HEADS = (
    "server",
    "minutes",
    "paintings",
    "left",
    "refused",
    "memory",
    "files and sockets",
    "asked again",
    "digests",
)
# The same request is compared with itself at least so often, however short the time.
AGAIN_LEAST = 2
SIZES = (64, 96, 128, 192)
CLIENTS = 4
# Paintings come and go, so what stays is told by the median of a twelfth of the time: of two
# hours, that from the tenth minute on and that of the last ten minutes.
PARTS = 12
PROGRESS_SECONDS = 60.0


@dataclass(frozen=True)
class Reading:
    """What the server held at a time, in seconds since its beginning."""

    seconds: float
    memory: int
    handles: int


class Soak:
    """Four clients that paint, leave and ask for nonsense until the time is over."""

    def __init__(self, served: Served, end: float, rest: float) -> None:
        self._served, self.end, self._rest = served, end, rest
        self.painted = self.left = self.refused = self.asked_again = 0
        self.digests: set[str] = set()

    def client(self, seed: int) -> None:
        """One client until the end."""
        rng = random.Random(seed)  # noqa: S311
        with self._served.client() as bruno:
            while time.monotonic() < self.end:
                rng.choice((self._paint, self._paint, self._leave, self._ask_nonsense))(bruno, rng)
                time.sleep(rng.expovariate(1 / self._rest) if self._rest else 0.0)

    def same(self) -> None:
        """The same request once more, whose pixels are the same."""
        with self._served.client() as bruno:
            painting = bruno.paint(picture(1), picture(2), size=64, steps=10, seed=3)
        # Not of the file, whose record has the seconds that it took.
        self.digests.add(sha256(painting.image.tobytes()).hexdigest())
        self.asked_again += 1

    def _paint(self, bruno: Bruno, rng: random.Random) -> None:
        side = rng.choice(SIZES)
        content, style = picture(rng.randrange(50), side), picture(rng.randrange(50), side)
        loss = rng.choice(("gram", "wasserstein"))
        bruno.paint(content, style, size=side, steps=rng.randrange(2, 20), style_loss=loss)
        self.painted += 1

    def _leave(self, bruno: Bruno, rng: random.Random) -> None:
        with bruno.stream(picture(rng.randrange(50)), picture(1), size=64, steps=5000) as events:
            for _ in zip(events, range(rng.randrange(1, 5)), strict=False):
                pass
        self.left += 1

    def _ask_nonsense(self, bruno: Bruno, rng: random.Random) -> None:
        try:
            bruno.paint(picture(1), picture(2), size=rng.choice((1, 10**6)))
        except OutOfRangeError:
            self.refused += 1


def soak(served: Served, minutes: float, table: Table, rest: float = 0.0) -> None:
    """Adds the row of one server; `rest` is the mean of the seconds between a client's requests."""
    begun = time.monotonic()
    made = Soak(served, begun + 60 * minutes, rest)
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(made.client, seed) for seed in range(CLIENTS)]
        readings = _watched(served, made, begun, min(5.0, minutes))
        for client in clients:
            client.result()
    early, late = _early_and_late(readings)
    table.add(
        served.kind,
        f"{minutes:g}",
        made.painted,
        made.left,
        made.refused,
        f"{_memory(late) / _memory(early) - 1:+.1%}",
        f"{_handles(early)} to {_handles(late)}",
        made.asked_again,
        len(made.digests),
    )


def _watched(served: Served, made: Soak, begun: float, pause: float) -> list[Reading]:
    """Readings until the end, with a line of progress each minute."""
    readings: list[Reading] = []
    told = begun
    while time.monotonic() < made.end or made.asked_again < AGAIN_LEAST:
        time.sleep(pause)
        made.same()
        now = time.monotonic()
        readings.append(Reading(now - begun, served.memory(), served.handles()))
        if now - told > PROGRESS_SECONDS:
            told = now
            _tell(served.kind, made, readings[-1])
    return readings


def _tell(kind: str, made: Soak, reading: Reading) -> None:
    done = f"{made.painted} painted, {made.left} left, {made.refused} refused"
    held = f"{reading.memory / 2**20:.0f} MiB, {reading.handles} files and sockets"
    line = f"  {kind}, minute {reading.seconds / 60:.0f}: {done}, {held}"
    print(line, file=sys.stderr, flush=True)


def _early_and_late(readings: list[Reading]) -> tuple[list[Reading], list[Reading]]:
    """Those of the second and of the last of `PARTS` parts of the time."""
    part = readings[-1].seconds / PARTS
    early = [reading for reading in readings if part <= reading.seconds < 2 * part]
    late = [reading for reading in readings if reading.seconds >= (PARTS - 1) * part]
    return early or readings[:1], late


def _memory(readings: list[Reading]) -> float:
    return median(reading.memory for reading in readings)


def _handles(readings: list[Reading]) -> int:
    return round(median(reading.handles for reading in readings))


def main() -> int:
    """Run from the command line; 1 where the same request brought other pixels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=("torchserve", "asgi"), action="append")
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--rest", type=float, default=0.0, help="seconds of a client, in the mean")
    parser.add_argument("--archive", type=Path, default=ARCHIVE)
    asked = parser.parse_args()
    table = Table(HEADS)
    for kind in asked.server or ("torchserve", "asgi"):
        with serving(kind, asked.archive) as served:
            fill_style_cache(served)  # It is as large as it may be from the beginning.
            soak(served, asked.minutes, table, asked.rest)
    return int(any(count != 1 for count in table.column("digests")))


if __name__ == "__main__":
    sys.exit(main())
