"""Far more clients than places for minutes: what refusals say, and whether what runs keeps pace."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bruno import Bruno, BrunoError
from reliability.crowd import Crowd, median_pace
from reliability.jobs import picture
from reliability.served import ARCHIVE, Served, serving
from reliability.table import Table

HEADS = (
    "server",
    "clients",
    "minutes",
    "painted",
    "steps/s alone",
    "at first",
    "at last",
    "refused",
    "without Retry-After",
    "seconds of a refusal",
    "hung",
    "SDK clients",
    "given up",
)
# A fifth of the clients are the SDK's, which come when they are told to; the others come each
# second.
SDK_SHARE = 0.2
# Beside those who come each second whoever waits politely may wait for as long as they are there.
PATIENCE = 3600.0
ALONE_SHARE = 0.1


def overload(served: Served, clients: int, minutes: float, table: Table) -> None:
    """Adds the row of one server."""
    places = served.client().describe()["limits"]["running"]
    alone = Crowd(served, time.monotonic() + 60 * minutes * ALONE_SHARE)
    with ThreadPoolExecutor(places) as pool:
        list(pool.map(alone.paint, range(places)))
    begun = time.monotonic()
    crowd = Crowd(served, begun + 60 * minutes)
    polite = max(1, round(clients * SDK_SHARE))
    with ThreadPoolExecutor(clients) as pool:
        done = [pool.submit(_done, served, seed) for seed in range(polite)]
        rude = [pool.submit(crowd.paint, seed) for seed in range(polite, clients)]
        for each in rude:
            each.result()
        finished = sum(each.result() for each in done)
    window = 60 * minutes / 5
    refusals = crowd.refusals
    told = f"{statistics.median(refusals):.2f}, at most {max(refusals):.2f}" if refusals else ""
    table.add(
        served.kind,
        clients,
        f"{minutes:g}",
        len(crowd.painted) + finished,
        f"{median_pace(alone.painted):.2f}",
        f"{median_pace(crowd.painted_between(begun, begun + window)):.2f}",
        f"{median_pace(crowd.painted_between(crowd.end - window, crowd.end)):.2f}",
        len(refusals),
        len(refusals) - crowd.hinted,
        told,
        crowd.hung,
        polite,
        polite - finished,
    )


def _done(served: Served, seed: int) -> bool:
    with Bruno(served.url, key_file=served.key_file, patience=PATIENCE) as bruno:
        try:
            bruno.paint(picture(seed), picture(seed + 1000), size=64, steps=60)
        except BrunoError as error:
            print(f"  an SDK client gave up: {error}", file=sys.stderr, flush=True)
            return False
    return True


def main() -> int:
    """Run from the command line; 1 where somebody hung, gave up or was not told when to come."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=("torchserve", "asgi"), action="append")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--archive", type=Path, default=ARCHIVE)
    asked = parser.parse_args()
    table = Table(HEADS)
    for kind in asked.server or ("torchserve", "asgi"):
        with serving(kind, asked.archive) as served:
            overload(served, asked.clients, asked.minutes, table)
    wrong = ("without Retry-After", "hung", "given up")
    return int(any(sum(table.column(head)) for head in wrong))


if __name__ == "__main__":
    sys.exit(main())
