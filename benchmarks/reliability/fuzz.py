"""Thousands of hostile requests: each is answered in the contract's words, and good ones paint."""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from reliability.gateway import serving_behind_gateway
from reliability.jobs import picture
from reliability.memory import REST_SECONDS, fill_style_cache, memory_at_rest
from reliability.mutations import hostile, hostile_json
from reliability.served import ARCHIVE, Served, serving
from reliability.table import Table

HEADS = (
    "server",
    "requests",
    "answers",
    "strange",
    "unanswered",
    "good ones lost",
    "restarts",
    "MiB at rest",
    "memory",
)
KNOWN = {200, 400, 411, 413, 415, 422, 503, 507}
GOOD_EVERY = 50
TOLD_EVERY = 500
TIMEOUT = 300.0


class Attack:
    """Sends hostile requests to a server, four at once, and good ones between them.

    Where no gateway does so, bodies are sent as bytes, past TorchServe's own decoder. `end` is a
    monotonic time.
    """

    def __init__(self, served: Served, has_gateway: bool = False, end: float = math.inf) -> None:
        self._url = f"{served.url}/predictions/bruno"
        self._headers = {"Authorization": f"Bearer {served.key}"}
        self._served, self._has_gateway, self._end = served, has_gateway, end
        self.answers: Counter[int] = Counter()
        self.strange: list[str] = []
        self.unanswered = self.lost = 0

    def send(self, seed: int) -> None:
        """One hostile request, and a good one after each fifty; none once the time is over."""
        if time.monotonic() >= self._end:
            return
        rng = random.Random(seed)  # noqa: S311
        if rng.random() < 0.1:
            kind = {"Content-Type": "application/json"}
            self._post(seed, data=hostile_json(rng), headers=kind)
        else:
            form, headers = hostile(rng)
            self._post(seed, files=form, headers=headers)
        if seed % GOOD_EVERY == 0:
            with self._served.client() as bruno:
                painting = bruno.paint(picture(1), picture(2), size=64, steps=2)
            self.lost += painting.width != 64
        self._tell()

    @property
    def count(self) -> int:
        """How many hostile requests were sent."""
        return self.answers.total() + self.unanswered

    def _tell(self) -> None:
        if self.count % TOLD_EVERY == 0:
            what = f"{len(self.strange)} strange, {self.unanswered} unanswered"
            told = f"  {self._served.kind}: {self.count} requests, {what}"
            print(told, file=sys.stderr, flush=True)

    def _post(self, seed: int, headers: dict[str, str], **what: Any) -> None:
        request = requests.Request("POST", self._url, {**self._headers, **headers}, **what)
        prepared = request.prepare()
        if not self._has_gateway:
            prepared.headers["X-Bruno-Content-Type"] = prepared.headers["Content-Type"]
            prepared.headers["Content-Type"] = "application/octet-stream"
        try:
            with requests.Session() as session:
                answer = session.send(prepared, timeout=TIMEOUT)
        except requests.RequestException as error:
            self.unanswered += 1
            print(f"  seed {seed}: {error}", file=sys.stderr, flush=True)
            return
        self.answers[answer.status_code] += 1
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        is_problem = answer.status_code == 200 or kind == "application/problem+json"
        if answer.status_code not in KNOWN or not is_problem:
            self.strange.append(f"seed {seed}: {answer.status_code} {kind} {answer.text[:100]}")
            print(f"  {self.strange[-1]}", file=sys.stderr, flush=True)


def attack(
    served: Served,
    count: int,
    first: int,
    table: Table,
    has_gateway: bool = False,
    rest: float = REST_SECONDS,
    minutes: float = math.inf,
) -> None:
    """Adds the row of one server.

    Its memory is read after so many seconds of rest, with the cache of styles full both times.
    """
    made = Attack(served, has_gateway, time.monotonic() + 60 * minutes)
    if rest:
        fill_style_cache(served)
    with ThreadPoolExecutor(4) as pool:
        # Whatever is kept for good, each kind of request has had it kept by then.
        list(pool.map(made.send, range(first, first + count // 10)))
        processes, before = set(served.processes()), memory_at_rest(served, rest)
        list(pool.map(made.send, range(first + count // 10, first + count)))
    told = served.client().describe()
    assert told["running"] == told["waiting"] == 0  # noqa: S101
    after = memory_at_rest(served, rest)
    restarts = len(processes - set(served.processes()))
    answers = ", ".join(f"{status}: {made.answers[status]}" for status in sorted(made.answers))
    name = f"{served.kind} behind the gateway" if has_gateway else served.kind
    row = (name, made.count, answers, len(made.strange), made.unanswered, made.lost, restarts)
    table.add(*row, f"{before / 2**20:.0f} to {after / 2**20:.0f}", f"{after / before - 1:+.1%}")


def main() -> int:
    """Run from the command line; 1 where an answer was strange, missing, or a process died."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=("torchserve", "asgi"), action="append")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="that of the first request")
    parser.add_argument("--minutes", type=float, default=math.inf, help="to end sooner")
    parser.add_argument("--gateway", action="store_true", help="with the gateway in front")
    parser.add_argument("--archive", type=Path, default=ARCHIVE)
    asked = parser.parse_args()
    table, begun = Table(HEADS), time.monotonic()
    start = serving_behind_gateway if asked.gateway else serving
    for kind in asked.server or ("torchserve", "asgi"):
        with start(kind, asked.archive) as served:
            rest, minutes = REST_SECONDS, asked.minutes
            attack(served, asked.requests, asked.seed, table, asked.gateway, rest, minutes)
    print(f"\nin {time.monotonic() - begun:.0f} s")
    return int(any(sum(table.column(head)) for head in HEADS[3:7]))


if __name__ == "__main__":
    sys.exit(main())
