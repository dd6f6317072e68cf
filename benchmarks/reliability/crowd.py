"""Clients without patience: each asks for a painting, and where it is refused, a second later."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import requests

from reliability.jobs import picture
from reliability.served import Served

ASKED = {"size": "64", "steps": "60", "preview_every": "0", "stream": "events"}
AGAIN_SECONDS = 1.0
# A stream says something every ten seconds, and a refusal comes at once.
SILENT_SECONDS = 60.0


@dataclass(frozen=True)
class Painted:
    """One painting: when it ended, and the steps of a second on the way."""

    at: float
    pace: float


@dataclass
class Crowd:
    """What became of the requests of many clients that ask until `end`, a monotonic time."""

    served: Served
    end: float
    painted: list[Painted] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    hinted: int = 0
    hung: int = 0

    def paint(self, seed: int) -> None:
        """One client until the end."""
        files = {"content": picture(seed), "style": picture(seed + 1000)}
        prepared = requests.Request(
            "POST",
            f"{self.served.url}/predictions/bruno",
            {"Authorization": f"Bearer {self.served.key}"},
            files=files,
            data=ASKED,
        ).prepare()
        prepared.headers["X-Bruno-Content-Type"] = prepared.headers["Content-Type"]
        prepared.headers["Content-Type"] = "application/octet-stream"
        with requests.Session() as session:
            while time.monotonic() < self.end:
                try:
                    self._ask(session, prepared)
                except requests.RequestException as error:
                    self.hung += 1
                    print(f"  no answer: {error}", file=sys.stderr, flush=True)

    def painted_between(self, begin: float, end: float) -> list[Painted]:
        """Those that ended within a time."""
        return [each for each in self.painted if begin <= each.at <= end]

    def _ask(self, session: requests.Session, prepared: requests.PreparedRequest) -> None:
        begun = time.monotonic()
        with session.send(prepared, stream=True, timeout=SILENT_SECONDS) as answer:
            if answer.status_code == requests.codes.ok:
                self._follow(answer)
                return
            self.refusals.append(time.monotonic() - begun)
            hint = answer.headers.get("Retry-After", "")
            self.hinted += answer.status_code in (429, 503) and hint.isdecimal()
            answer.content  # noqa: B018
        time.sleep(AGAIN_SECONDS)

    def _follow(self, answer: requests.Response) -> None:
        """Reads a stream to its end; one that has no painting has hung."""
        name, progresses = "", list[dict[str, Any]]()
        for line in answer.iter_lines():
            key, _, value = line.decode().partition(": ")
            if key == "event":
                name = value
            elif key == "data" and name == "progress":
                progresses.append(json.loads(value))
        if name != "painting":
            self.hung += 1
            print(f"  a stream ended with {name}", file=sys.stderr, flush=True)
        elif len(progresses) > 1:
            first, last = progresses[0], progresses[-1]
            seconds = last["seconds"] - first["seconds"]
            pace = (last["step"] - first["step"]) / max(seconds, 1e-3)
            self.painted.append(Painted(time.monotonic(), pace))


def median_pace(painted: Iterable[Painted]) -> float:
    """Steps of a second of one painting; 0 where there is none."""
    return statistics.median([each.pace for each in painted] or [0.0])
