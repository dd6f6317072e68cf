"""Hours of mixed paintings, errors and clients that leave: what grows, and what changes."""

from __future__ import annotations

import argparse
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from bruno import Bruno, OutOfRangeError
from reliability.jobs import picture
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


class Soak:
    """Four clients that paint, leave and ask for nonsense until the time is over."""

    def __init__(self, served: Served, end: float) -> None:
        self._served, self._end = served, end
        self.painted = self.left = self.refused = self.asked_again = 0
        self.digests: set[str] = set()

    def client(self, seed: int) -> None:
        """One client until the end."""
        rng = random.Random(seed)  # noqa: S311
        with self._served.client() as bruno:
            while time.monotonic() < self._end:
                rng.choice((self._paint, self._paint, self._leave, self._ask_nonsense))(bruno, rng)

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


def soak(served: Served, minutes: float, table: Table) -> None:
    """Adds the row of one server; what it holds is compared with the first twelfth's end."""
    begun = time.monotonic()
    made = Soak(served, begun + 60 * minutes)
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(made.client, seed) for seed in range(CLIENTS)]
        memory, handles = [], []
        while time.monotonic() < made._end or made.asked_again < AGAIN_LEAST:
            time.sleep(min(5.0, minutes))
            made.same()
            if time.monotonic() >= begun + 60 * minutes / 12:
                memory.append(served.memory())
                handles.append(served.handles())
        for client in clients:
            client.result()
    grown = f"{memory[-1] / memory[0] - 1:+.1%}"
    told = f"{handles[0]} to {handles[-1]}"
    table.add(
        served.kind,
        f"{minutes:g}",
        made.painted,
        made.left,
        made.refused,
        grown,
        told,
        made.asked_again,
        len(made.digests),
    )


def main() -> int:
    """Run from the command line; 1 where the same request brought other pixels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=("torchserve", "asgi"), action="append")
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--archive", type=Path, default=ARCHIVE)
    asked = parser.parse_args()
    table = Table(HEADS)
    for kind in asked.server or ("torchserve", "asgi"):
        with serving(kind, asked.archive) as served:
            soak(served, asked.minutes, table)
    return int(any(count != 1 for count in table.column("digests")))


if __name__ == "__main__":
    sys.exit(main())
