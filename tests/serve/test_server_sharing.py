"""Requests that share the painter: who runs, who waits, who goes away."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from PIL import Image

TINY = {"size": "64", "steps": "3", "preview_every": "0"}
LONG = TINY | {"steps": "5000"}
Events = Callable[[requests.Response], Iterator[tuple[str, dict[str, Any]]]]


@pytest.fixture(autouse=True)
def _idle(service: Any) -> Iterator[None]:
    """Each test leaves the server as it found it."""
    yield
    assert settles(lambda: service.describe()["running"] == 0, seconds=100)


def settles(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_a_short_request_overtakes_a_long_one(
    service: Any, pictures: dict[str, bytes], events: Events
) -> None:
    with service.stream(pictures, **LONG) as long:
        told = events(long)
        assert next(told)[0] == "accepted"
        assert service.post(pictures, **TINY).status_code == 200
        steps = [next(told)[1]["step"] for _ in range(3)]
        assert steps == sorted(steps)
        assert steps[-1] < 5000


def test_neighbors_leave_the_pixels_alone(service: Any, pictures: dict[str, bytes]) -> None:
    wanted = TINY | {"steps": "40", "init_noise": "0.3"}
    alone = service.post(pictures, **wanted).content
    with ThreadPoolExecutor(1) as pool, service.stream(pictures, **LONG):
        beside = pool.submit(service.post, pictures, **wanted)
        for fields in ({"alpha": "-1"}, {"steps": "many"}, {"size": "8"}):
            assert service.post(pictures, **TINY | fields).status_code == 422
        assert pixels(beside.result().content) == pixels(alone)


def pixels(data: bytes) -> bytes:
    return Image.open(io.BytesIO(data)).tobytes()


def test_a_closed_connection_frees_its_job(
    service: Any, pictures: dict[str, bytes], events: Events
) -> None:
    with service.stream(pictures, **LONG) as stays:
        leaves = service.stream(pictures, **LONG)
        assert service.describe()["running"] == 2
        leaves.close()
        assert settles(lambda: service.describe()["running"] == 1, seconds=100)
        assert next(events(stays))[0] == "accepted"


def next_but(known: Any, told: Iterator[Any]) -> Any:
    """The first event that tells something else."""
    return next(event for event in told if event != known)


def test_the_line_tells_places_and_refuses_who_is_too_many(
    service: Any, pictures: dict[str, bytes], events: Events
) -> None:
    with ExitStack() as held:
        running = [held.enter_context(service.stream(pictures, **LONG)) for _ in range(4)]
        painted = [events(answer) for answer in running]
        for told in painted:
            # On a slow machine they hear that they wait while their pictures are decoded.
            assert "accepted" in (name for name, _ in told)
        waiting = [held.enter_context(service.stream(pictures, **LONG)) for _ in range(4)]
        told_to = [events(answer) for answer in waiting]
        for place, told in enumerate(told_to, start=1):
            assert next(told) == ("waiting", {"position": place})
        busy = service.describe()
        assert (busy["health"], busy["running"], busy["waiting"]) == ("full", 4, 4)
        refused = service.post(pictures, **TINY)
        assert refused.status_code == 503
        assert refused.json()["code"] == "full"
        assert int(refused.headers["Retry-After"]) == refused.json()["retry_after"] >= 1
        running[0].close()
        # Signs of life come as well where the machine is slow.
        assert next_but(("waiting", {"position": 1}), told_to[0])[0] == "accepted"
        assert next_but(("waiting", {"position": 4}), told_to[3]) == ("waiting", {"position": 3})


def test_a_waiting_picture_stream_is_painted_in_its_turn(
    service: Any, pictures: dict[str, bytes]
) -> None:
    with ExitStack() as held, ThreadPoolExecutor(1) as pool:
        running = [held.enter_context(service.stream(pictures, **LONG)) for _ in range(4)]
        late = pool.submit(service.post, pictures, **TINY)
        assert settles(lambda: service.describe()["waiting"] == 1, seconds=100)
        bad = service.post(pictures | {"style": b"no picture"}, **TINY)
        assert (bad.status_code, bad.json()["field"]) == (415, "style")
        running[0].close()
        assert late.result().content.startswith(b"\x89PNG")


def test_the_service_describes_itself_while_it_is_busy(
    service: Any, pictures: dict[str, bytes]
) -> None:
    with service.stream(pictures, **LONG):
        told = service.describe()
    assert (told["name"], told["health"], told["running"]) == ("bruno", "ready", 1)
    assert {option["name"] for option in told["options"]} >= {"alpha", "beta", "size"}
    assert told["limits"]["body_bytes"] == 48 * 2**20
    assert told["style_cache"]["hits"] >= 0
