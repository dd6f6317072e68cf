"""KEDA and Kubernetes as they are told to scale: config/kubernetes/components/keda."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy

from scaling.model import Fleet
from scaling.server import Server


@dataclass(frozen=True)
class Scaling:
    """The numbers of the ScaledObject, and the lag: from the wish for a server to its first job."""

    least: int = 1
    most: int = 8
    waiting_each: float = 1.0
    running_each: float = 3.0
    poll: float = 15.0
    up_seconds: float = 60.0
    down_window: float = 900.0
    down_seconds: float = 300.0
    lag: float = 120.0


class Autoscaler:
    """Adds servers and takes them away; `server_seconds` is what is paid for."""

    def __init__(self, fleet: Fleet, scaling: Scaling) -> None:
        self._fleet = fleet
        self._scaling = scaling
        self._wanted = len(fleet.servers)
        self._wishes: deque[tuple[float, int]] = deque()
        self._raised: deque[tuple[float, int]] = deque()
        self._lowered = -math.inf
        self.server_seconds = 0.0
        self.most_seen = self._wanted
        fleet.env.process(self._watch())

    def wish(self) -> int:
        """How many servers the triggers ask for: the larger of both, as the HPA takes it."""
        scaling, fleet = self._scaling, self._fleet
        waiting = math.ceil(fleet.waiting / scaling.waiting_each)
        running = math.ceil(fleet.running / scaling.running_each)
        return max(scaling.least, min(scaling.most, max(waiting, running)))

    def _watch(self) -> Generator[simpy.Event, Any, None]:
        while True:
            yield self._fleet.env.timeout(self._scaling.poll)
            self.server_seconds += self._scaling.poll * max(self._wanted, self._there())
            wish, now = self.wish(), self._fleet.env.now
            self._wishes.append((now, wish))
            while self._wishes[0][0] < now - self._scaling.down_window:
                self._wishes.popleft()
            if wish > self._wanted:
                self._raise(min(wish, self._allowed(now)), now)
            elif (
                max(wished for _, wished in self._wishes) < self._wanted
                and now - self._lowered >= self._scaling.down_seconds
                and now >= self._scaling.down_window
            ):
                self._lower(now)

    def _allowed(self, now: float) -> int:
        """Twice as many as a minute ago, or two more."""
        while self._raised and self._raised[0][0] <= now - self._scaling.up_seconds:
            self._raised.popleft()
        before = self._raised[0][1] if self._raised else self._wanted
        return max(2 * before, before + 2)

    def _raise(self, wanted: int, now: float) -> None:
        if wanted <= self._wanted:
            return
        self._raised.append((now, self._wanted))
        for _ in range(wanted - self._wanted):
            self._fleet.env.process(self._start())
        self._wanted = wanted
        self.most_seen = max(self.most_seen, wanted)

    def _start(self) -> Generator[simpy.Event, Any, None]:
        yield self._fleet.env.timeout(self._scaling.lag)
        self._fleet.servers.append(Server(self._fleet.env, self._fleet.places))
        self._fleet.admit()

    def _lower(self, now: float) -> None:
        """The server with least to do drains: what it has, it paints."""
        staying = [server for server in self._fleet.servers if not server.is_leaving]
        if len(staying) > self._scaling.least:
            self._lowered, self._wanted = now, self._wanted - 1
            leaving = min(staying, key=lambda server: server.hand)
            leaving.is_leaving = True

    def _there(self) -> int:
        gone = [each for each in self._fleet.servers if each.is_leaving and not each.hand]
        for server in gone:
            self._fleet.servers.remove(server)
        return len(self._fleet.servers)
