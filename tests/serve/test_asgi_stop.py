"""How the ASGI server stops: what is painted ends within its time, all others go elsewhere."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from serve import RunningServer, start_server
from serving import find_port
from settings import Settings

TINY = {"size": "64", "steps": "3", "preview_every": "0"}
LONG = TINY | {"steps": "5000"}


def until(holds: Any) -> None:
    """Waits until something holds, however slow the machine is."""
    end = time.monotonic() + 100
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture
def stoppable(archive: Path) -> Iterator[Callable[[float], RunningServer]]:
    """Makes a server with so many seconds to drain."""
    made = []

    def start(drain_seconds: float) -> RunningServer:
        settings = Settings(find_port(), server="asgi", drain_seconds=drain_seconds)
        made.append(start_server(settings, archive))
        return made[-1]

    yield start
    for each in made:
        each.stop()


def stop(server: RunningServer) -> None:
    server.process.first.send_signal(signal.SIGTERM)


def test_a_signal_sends_elsewhere_who_waits_and_in_the_end_who_is_painted(
    stoppable: Any, reach: Any, pictures: dict[str, bytes], events: Any
) -> None:
    server = stoppable(15.0)
    service = reach(server)
    painted = [events(service.stream(pictures, **LONG)) for _ in range(4)]
    for told in painted:
        assert "accepted" in (name for name, _ in told)
    waiting = events(service.stream(pictures, **LONG))
    assert next(waiting) == ("waiting", {"position": 1})
    with ThreadPoolExecutor(1) as pool:
        bare = pool.submit(service.post, pictures, **LONG)
        until(lambda: service.describe()["waiting"] == 2)
        stop(server)
        assert (bare.result().status_code, bare.result().json()["code"]) == (503, "interrupted")
    *_, (name, told) = waiting
    assert (name, told["code"]) == ("error", "interrupted")
    health = requests.get(f"{server.url}/health", timeout=60)
    assert (health.status_code, health.json()) == (503, {"health": "draining"})
    assert service.post(pictures, **TINY).json()["code"] == "interrupted"
    for each in painted:
        *_, (name, told) = each
        assert (name, told["code"], told["status"]) == ("error", "interrupted", 503)
    until(lambda: server.process.exit_code is not None)
    assert server.process.exit_code == 0


def test_a_painting_that_ends_within_the_drain_is_whole(
    stoppable: Any, reach: Any, pictures: dict[str, bytes], events: Any
) -> None:
    server = stoppable(100.0)
    with reach(server).stream(pictures, **LONG | {"max_seconds": "2"}) as stream:
        told = events(stream)
        assert "accepted" in (name for name, _ in told)
        stop(server)
        *_, (name, _) = told
    assert name == "painting"
    until(lambda: server.process.exit_code is not None)
    assert server.process.exit_code == 0
