"""Thousands of hostile requests: each is answered in the contract's words, and good ones paint."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from reliability.jobs import picture
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
    "memory",
)
KNOWN = {200, 400, 411, 413, 415, 422, 503, 507}
GOOD_EVERY = 50
TIMEOUT = 300.0


class Attack:
    """Sends hostile requests to a server, four at once, and good ones between them."""

    def __init__(self, served: Served) -> None:
        self._url = f"{served.url}/predictions/bruno"
        key = json.loads(Path(served.key_file).read_text())["inference"]["key"]
        self._headers = {"Authorization": f"Bearer {key}"}
        self._served = served
        self.answers: Counter[int] = Counter()
        self.strange: list[str] = []
        self.unanswered = self.lost = 0

    def send(self, seed: int) -> None:
        """One hostile request, and a good one after each fifty."""
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

    def _post(self, seed: int, headers: dict[str, str], **what: Any) -> None:
        request = requests.Request("POST", self._url, {**self._headers, **headers}, **what)
        prepared = request.prepare()
        # As the SDK and the gateway send it, past the decoder of TorchServe.
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


def attack(served: Served, count: int, first: int, table: Table) -> None:
    """Adds the row of one server."""
    made = Attack(served)
    for seed in range(first, first + count // 10):  # what is kept of the first ones is no leak
        made.send(seed)
    processes, before = set(served.processes()), served.memory()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(made.send, range(first + count // 10, first + count)))
    told = served.client().describe()
    assert told["running"] == told["waiting"] == 0  # noqa: S101
    grown = served.memory() / before - 1
    restarts = len(processes - set(served.processes()))
    answers = ", ".join(f"{status}: {made.answers[status]}" for status in sorted(made.answers))
    row = (served.kind, count, answers, len(made.strange), made.unanswered, made.lost, restarts)
    table.add(*row, f"{grown:+.0%}")


def main() -> int:
    """Run from the command line; 1 where an answer was strange, missing, or a process died."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=("torchserve", "asgi"), action="append")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="that of the first request")
    parser.add_argument("--archive", type=Path, default=ARCHIVE)
    asked = parser.parse_args()
    table, begun = Table(HEADS), time.monotonic()
    for kind in asked.server or ("torchserve", "asgi"):
        with serving(kind, asked.archive) as served:
            attack(served, asked.requests, asked.seed, table)
    print(f"\nin {time.monotonic() - begun:.0f} s")
    return int(any(sum(table.column(head)) for head in HEADS[3:7]))


if __name__ == "__main__":
    sys.exit(main())
