"""Faults while eight clients paint: what is lost, what comes twice, how soon it paints again."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from reliability.faults import FAULTS, Fault
from reliability.jobs import JOBS, STEPS, Jobs
from reliability.proxy import Proxy
from reliability.served import ARCHIVE, Served, serving
from reliability.surroundings import CannotBeMade
from reliability.table import Table

HEADS = ("server", "fault", "tried", "paintings", "lost", "twice", "seconds to ready", "left")


def hurt(
    served: Served, fault: Fault, count: int, steps: int = STEPS
) -> tuple[int, int, float, int]:
    """One try: paintings lost and twice, seconds until it is ready, and paintings left behind."""
    proxy = Proxy(served.url)
    try:
        jobs = Jobs(served.client(proxy.url if fault.has_proxy else None), count, steps)
        jobs.begun.wait()
        fault.do(served, proxy)
        # One that stands still is ready again when another has taken its place.
        seconds = served.seconds_to_ready()
        outcome = jobs.outcome()
        print(f"  ready after {seconds:.1f} s", file=sys.stderr, flush=True)
        for why in outcome.why:
            print(f"  lost: {why}", file=sys.stderr, flush=True)
        left = served.client().describe()
        return outcome.lost, outcome.twice, seconds, left["running"] + left["waiting"]
    finally:
        proxy.close()


def run(asked: argparse.Namespace) -> Table:
    """All faults whose names hold a word, so many times each."""
    table = Table(HEADS)
    tries, count = asked.tries, asked.jobs
    for kind in asked.server or FAULTS:
        for name, fault in FAULTS[kind].items():
            if asked.only not in name:
                continue
            try:
                found = list(_tries(kind, fault, asked))
            except CannotBeMade as why:
                print(f"  {name}: not made, since {why}", file=sys.stderr, flush=True)
                continue
            lost, twice, seconds, left = zip(*found, strict=True)
            told = f"{min(seconds):.1f} to {max(seconds):.1f}"
            table.add(kind, name, tries, tries * count, sum(lost), sum(twice), told, max(left))
    return table


def _tries(
    kind: str, fault: Fault, asked: argparse.Namespace
) -> Iterator[tuple[int, int, float, int]]:
    left = asked.tries
    while left > 0:
        with fault.surroundings() as more, serving(kind, asked.archive, more) as served:
            for _ in range(min(left, fault.most)):
                yield hurt(served, fault, asked.jobs, asked.steps)
        left -= fault.most


def main() -> int:
    """Run from the command line; 1 where something was lost, or came twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=list(FAULTS), action="append")
    parser.add_argument("--only", default="", metavar="WORD", help="faults whose names hold it")
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--archive", type=Path, default=ARCHIVE)
    asked = parser.parse_args()
    table = run(asked)
    return int(any(table.column("lost")) or any(table.column("twice")))


if __name__ == "__main__":
    sys.exit(main())
