"""A fleet as a discrete-event model: who arrives, waits, is painted, and who is sent away.

Seconds are simulated ones; a job's `work` is the seconds that it would take alone on a server.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
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


@dataclass
class Arrivals:
    """Poisson arrivals at a rate that may change, with works drawn from a mix.

    `rates` are (from second, arrivals a second); `mix` are (share, seconds of work alone).
    """

    rates: list[tuple[float, float]]
    mix: list[tuple[float, float]]
    seed: int = 0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311

    def until(self, end: float) -> Iterator[tuple[float, float]]:
        """The arrivals before a moment, by thinning of the highest rate."""
        highest = max(rate for _, rate in self.rates)
        shares, works = zip(*self.mix, strict=True)
        now = 0.0
        while (now := now + self._random.expovariate(highest)) < end:
            rate = next(rate for since, rate in reversed(self.rates) if since <= now)
            if self._random.random() * highest < rate:
                yield now, self._random.choices(works, shares)[0]


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that so large a share of them does not exceed; NaN of none."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else math.nan
