"""One server of the model: so many places, and jobs that are painted at one pace or wait.

Seconds are simulated ones; a job's `work` is the seconds that it would take alone on a server.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy


@dataclass(frozen=True)
class Places:
    """What a server and the gateway hold, as model-config.yaml and haproxy.cfg have it.

    `share` says what k paintings at once get done in a second beside one: k to this power. It is 0
    where they take turns (a CPU), and would be 1 where each cost nothing beside the others.
    """

    running: int = 4
    waiting: int = 4
    line: int = 16
    line_seconds: float = 10.0
    share: float = 0.0


@dataclass(eq=False)
class Job:
    """One painting, from its first request to its end; `tries` counts those that were refused."""

    asked: float
    work: float
    left: float = 0.0
    begun: float = math.nan
    ended: float = math.nan
    tries: int = 0
    placed: simpy.Event | None = None
    painted: simpy.Event | None = None

    @property
    def seconds(self) -> float:
        """From the first request to the painting."""
        return self.ended - self.asked


class Server:
    """Paints the jobs that it has, all at the same pace, and lets others wait."""

    def __init__(self, env: simpy.Environment, places: Places) -> None:
        self.env = env
        self.is_leaving = False
        self._places = places
        self.speed = 1.0
        self.running: list[Job] = []
        self.waiting: deque[Job] = deque()
        self._since = env.now
        self._plan = 0

    @property
    def hand(self) -> int:
        """How many it has, painted or waiting."""
        return len(self.running) + len(self.waiting)

    @property
    def has_place(self) -> bool:
        """Whether it takes one more."""
        most = self._places.running + self._places.waiting
        return not self.is_leaving and self.hand < most

    def take(self, job: Job) -> None:
        """Takes a job in."""
        self.waiting.append(job)
        self._go_on()

    def go_at(self, speed: float) -> None:
        """Goes on with so much of the work that it got done before, 1 at first."""
        self._catch_up()
        self.speed = speed
        self._go_on()

    def _go_on(self) -> None:
        """Brings all up to now, begins what there is a place for, and plans the next end."""
        self._catch_up()
        while self.waiting and len(self.running) < self._places.running:
            job = self.waiting.popleft()
            job.begun, job.left = self.env.now, job.work
            self.running.append(job)
        self._plan += 1
        if self.running:
            shortest = min(job.left for job in self.running)
            self.env.process(self._end_after(shortest / self._pace(), self._plan))

    def _pace(self) -> float:
        """Work that each gets done in a second."""
        return float(self.speed * len(self.running) ** (self._places.share - 1))

    def _catch_up(self) -> None:
        if self.running:
            done = (self.env.now - self._since) * self._pace()
            for job in self.running:
                job.left -= done
        self._since = self.env.now

    def _end_after(self, seconds: float, plan: int) -> Generator[simpy.Event, Any, None]:
        yield self.env.timeout(seconds)
        if plan != self._plan:
            return
        self._catch_up()
        for job in [job for job in self.running if job.left < 1e-9]:
            self.running.remove(job)
            job.ended = self.env.now
            if job.painted is not None:
                job.painted.succeed()
        self._go_on()
