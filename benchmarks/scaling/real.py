"""Three real servers behind the real gateway, under a load that the model is then given too.

All of it shares this machine's cores, so the pace of the steps is what the servers themselves
measured during the run; what is compared is all that the model adds to it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import requests

from bruno import Bruno
from gateway_process import GatewayProcess
from gateway_settings import GatewaySettings
from scaling.arrivals import Arrivals
from scaling.model import Fleet, percentile
from scaling.server import Places
from serve import RunningServer, start_server
from serving import find_port
from settings import Settings

TOKEN = "a-token-of-the-fleet"  # noqa: S105 - of servers that live for this run
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SIZE = 64
SHORT, LONG = 40, 120


@dataclass(frozen=True)
class Told:
    """What all servers together have counted."""

    steps: float
    turn_seconds: float


def counted(servers: list[RunningServer]) -> Told:
    """The sums of their metrics."""
    text = "".join(
        requests.get(
            f"{server.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60
        ).text
        for server in servers
    )

    def total(name: str) -> float:
        return sum(float(value) for value in re.findall(rf"^{name} (\S+)$", text, re.MULTILINE))

    return Told(total("bruno_evaluations_total"), total("bruno_turn_seconds_total"))


def paint(bruno: Bruno, steps: int) -> float:
    """How long one painting takes its client."""
    began = time.monotonic()
    photo, style = EXAMPLES / "photo.jpg", EXAMPLES / "style.png"
    bruno.paint(photo, style, size=SIZE, steps=steps, preview_every=0)
    return time.monotonic() - began


def alone(bruno: Bruno, servers: list[RunningServer]) -> tuple[float, float, float]:
    """What a start, a step and all the rest take a painting that has a server to itself."""
    told, taken = [counted(servers)], []
    for steps in (SHORT, LONG) * 3:
        taken.append(paint(bruno, steps))
        told.append(counted(servers))
    turns = [after.turn_seconds - before.turn_seconds for before, after in pairwise(told)]
    step = (sum(turns[1::2]) - sum(turns[::2])) / 3 / (LONG - SHORT)
    return max(0.0, sum(turns[::2]) / 3 - SHORT * step), step, fmean(taken) - fmean(turns)


def play(bruno: Bruno, arrivals: list[tuple[float, float]]) -> list[float]:
    """Asks for a painting at each arrival, whose work is its steps; the seconds of each."""
    taken: dict[int, float] = {}
    began = time.monotonic()

    def ask(index: int, steps: float) -> None:
        taken[index] = paint(bruno, int(steps))

    threads = []
    for index, (asked, steps) in enumerate(arrivals):
        time.sleep(max(0.0, began + asked - time.monotonic()))
        threads.append(threading.Thread(target=ask, args=(index, steps)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return [taken[index] for index in sorted(taken)]


class Watch:
    """Asks servers for their metrics every few seconds, since other work on their cores varies."""

    EACH_SECONDS = 10.0

    def __init__(self, servers: list[RunningServer]) -> None:
        self._servers = servers
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._began = time.monotonic()
        self._seen = [(0.0, counted(self._servers))]
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._note()

    def pace(self, begun: float) -> float:
        """The seconds of a step, where paintings took so many steps' time to begin."""
        (_, first), (_, last) = self._seen[0], self._seen[-1]
        return (last.turn_seconds - first.turn_seconds) / (last.steps - first.steps + begun)

    def speeds(self) -> Iterator[tuple[float, float]]:
        """From each moment on, how much faster steps were than on average."""
        average = self.pace(0)
        for (since, before), (_, after) in pairwise(self._seen):
            if after.steps > before.steps:
                pace = (after.turn_seconds - before.turn_seconds) / (after.steps - before.steps)
                yield since, average / pace

    def _look(self) -> None:
        while not self._ended.wait(self.EACH_SECONDS):
            self._note()

    def _note(self) -> None:
        self._seen.append((time.monotonic() - self._began, counted(self._servers)))


def fleet(count: int, stack: ExitStack) -> Iterator[RunningServer]:
    """Servers of one thread each, and at the end the gateway before them."""
    os.environ.update(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive")
    for _ in range(count):
        server = start_server(Settings(find_port(), server="asgi", token=TOKEN))
        stack.callback(server.stop)
        yield server


def measure(seconds: float, rate: float, seed: int) -> dict[str, float]:
    """One run of so many seconds, and the model beside it."""
    with ExitStack() as stack:
        servers = list(fleet(3, stack))
        names = tuple(f"127.0.0.1:{server.settings.port}" for server in servers)
        gateway = GatewayProcess(GatewaySettings(find_port(), TOKEN, names))
        stack.callback(gateway.stop)
        bruno = stack.enter_context(Bruno(gateway.settings.url, token=gateway.key))
        bruno.wait_ready(60)
        start, step, overhead = alone(bruno, servers)
        rates = [(0.0, rate), (seconds / 3, 2 * rate), (seconds / 2, rate / 2)]
        mix = [(0.7, float(SHORT)), (0.3, float(LONG))]
        arrivals = list(Arrivals(rates, mix, seed).until(seconds))
        with Watch(servers) as watch:
            taken = play(bruno, arrivals)
    # What a start costs in steps is of the paintings alone, what a step costs is of the run.
    begun = start / step * len(arrivals)
    pace = watch.pace(begun)
    works = [(asked, (steps + start / step) * pace) for asked, steps in arrivals]
    model = Fleet(len(servers), Places(), overhead=overhead * pace / step)
    model.vary(watch.speeds())
    model.run(works)
    foretold = [job.seconds for job in model.done]
    return {
        "paintings": len(taken),
        "step_alone": step,
        "start_alone": start,
        "overhead_alone": overhead,
        "step": pace,
        "load": sum(work for _, work in works) / len(servers) / seconds,
        "mean": fmean(taken),
        "mean_model": fmean(foretold),
        "p50": percentile(taken, 0.5),
        "p50_model": percentile(foretold, 0.5),
        "p95": percentile(taken, 0.95),
        "p95_model": percentile(foretold, 0.95),
    }


def main() -> int:
    """Run from the command line; prints what was measured beside what was foretold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--rate", type=float, default=0.5, help="paintings a second at first")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.seconds, asked.rate, asked.seed), indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
