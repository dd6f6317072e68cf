"""A fleet as a discrete-event model: who arrives, waits, is painted, and who is sent away."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Generator, Iterable
from typing import Any

import simpy

from scaling.server import Job, Places, Server


class Fleet:
    """Servers behind the gateway; clients that are refused come again, as the SDK does."""

    def __init__(
        self,
        servers: int,
        places: Places,
        seed: int = 0,
        patience: float = 600.0,
        overhead: float = 0.0,
    ) -> None:
        """`overhead` is what a painting takes beside its work, in seconds."""
        self.env = simpy.Environment()
        self.places = places
        self.servers = [Server(self.env, places) for _ in range(servers)]
        self.line: deque[Job] = deque()
        self.done: list[Job] = []
        self.given_up: list[Job] = []
        self.refusals = 0
        self._patience = patience
        self._overhead = overhead
        self._random = random.Random(seed)  # noqa: S311

    @property
    def waiting(self) -> int:
        """Who waits, at the servers and at the gateway."""
        return len(self.line) + sum(len(server.waiting) for server in self.servers)

    @property
    def running(self) -> int:
        """Who is painted."""
        return sum(len(server.running) for server in self.servers)

    def run(self, arrivals: Iterable[tuple[float, float]]) -> None:
        """Lets jobs come, each at a time and with so much work, until all have ended."""
        jobs = [Job(asked, work) for asked, work in arrivals]
        clients = [self.env.process(self._client(job)) for job in jobs]
        self.env.run(until=self.env.all_of(clients))

    def vary(self, speeds: Iterable[tuple[float, float]]) -> None:
        """Has all servers go faster and slower: from each moment on at a speed."""
        self.env.process(self._vary(list(speeds)))

    def _vary(self, speeds: list[tuple[float, float]]) -> Generator[simpy.Event, Any, None]:
        for moment, speed in speeds:
            yield self.env.timeout(moment - self.env.now)
            for server in self.servers:
                server.go_at(speed)

    def admit(self) -> None:
        """Has those who wait at the gateway taken in, as far as there are places."""
        while self.line and (server := self._freest()):
            job = self.line.popleft()
            assert job.placed is not None  # noqa: S101
            server.take(job)
            job.placed.succeed()

    def _freest(self) -> Server | None:
        free = [server for server in self.servers if server.has_place]
        return min(free, key=lambda server: server.hand, default=None)

    def _client(self, job: Job) -> Generator[simpy.Event, Any, None]:
        yield self.env.timeout(job.asked - self.env.now)
        yield self.env.timeout(self._overhead)
        while not (yield from self._try(job)):
            self.refusals += 1
            job.tries += 1
            if self.env.now - job.asked > self._patience:
                self.given_up.append(job)
                return
            yield self.env.timeout(5 * self._random.uniform(1, 2))
        self.done.append(job)
        self.admit()

    def _try(self, job: Job) -> Generator[simpy.Event, Any, bool]:
        """One request; returns whether it was painted."""
        job.painted = self.env.event()
        server = self._freest()
        if server is not None and not self.line:
            server.take(job)
        else:
            if len(self.line) >= self.places.line or not self.servers:
                return False
            job.placed = self.env.event()
            self.line.append(job)
            yield job.placed | self.env.timeout(self.places.line_seconds)
            if not job.placed.triggered:
                self.line.remove(job)
                return False
        yield job.painted
        return True


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that so large a share of them does not exceed; NaN of none."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else math.nan
