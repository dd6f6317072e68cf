"""How a server stops: what is painted ends within its time, all others go elsewhere."""

from __future__ import annotations

import signal
import threading
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


@pytest.fixture(params=["torchserve", "asgi"])
def stoppable(
    request: pytest.FixtureRequest, archive: Path
) -> Iterator[Callable[[float], RunningServer]]:
    """Makes a server with so many seconds to drain."""
    made = []

    def start(drain_seconds: float) -> RunningServer:
        settings = Settings(find_port(), server=request.param, drain_seconds=drain_seconds)
        made.append(start_server(settings, archive))
        return made[-1]

    yield start
    for each in made:
        each.stop()


def stop(server: RunningServer) -> threading.Thread:
    """Begins what ends it: a signal, which TorchServe alone would not survive."""
    if server.settings.server == "asgi":
        server.process.first.send_signal(signal.SIGTERM)
    drain = threading.Thread(target=server.process.drain, args=(threading.Event(),))
    drain.start()
    return drain


def ends(server: RunningServer, drained: threading.Thread) -> None:
    """The drain is over long before its time, and a server that drains by itself ends."""
    drained.join(100)
    assert not drained.is_alive()
    if server.settings.server == "asgi":
        until(lambda: server.process.exit_code is not None)
        assert server.process.exit_code == 0


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
        drained = stop(server)
        if server.settings.server == "asgi":
            assert (bare.result().status_code, bare.result().json()["code"]) == (503, "interrupted")
            assert bare.result().headers["Retry-After"] == "5"
        else:  # TorchServe has committed its status while it waited
            assert (bare.result().status_code, bare.result().content) == (200, b"")
    *_, (name, told) = waiting
    assert (name, told["code"]) == ("error", "interrupted")
    if server.settings.server == "asgi":
        health = requests.get(f"{server.url}/health", timeout=60)
        assert (health.status_code, health.json()) == (503, {"health": "draining"})
    assert service.describe()["health"] == "draining"
    refused = service.post(pictures, **TINY)
    assert (refused.json()["code"], refused.headers["Retry-After"]) == ("interrupted", "5")
    for each in painted:
        *_, (name, told) = each
        assert (name, told["code"], told["status"]) == ("error", "interrupted", 503)
    ends(server, drained)


def test_a_painting_that_ends_within_the_drain_is_whole(
    stoppable: Any, reach: Any, pictures: dict[str, bytes], events: Any
) -> None:
    server = stoppable(100.0)
    with reach(server).stream(pictures, **LONG | {"max_seconds": "2"}) as stream:
        told = events(stream)
        assert "accepted" in (name for name, _ in told)
        drained = stop(server)
        *_, (name, _) = told
    assert name == "painting"
    ends(server, drained)
