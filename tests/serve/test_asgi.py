"""What the ASGI server does beside the contract: limits, health and metrics."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from serve import RunningServer

TINY = {"size": "64", "steps": "3", "preview_every": "0"}
LONG = TINY | {"steps": "5000"}
HEAD = "POST /predictions/bruno HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture
def service(asgi: RunningServer, reach: Callable[[Any], Any]) -> Any:
    return reach(asgi)


@contextmanager
def sent(server: RunningServer, text: str) -> Iterator[socket.socket]:
    """A connection on which so much was said."""
    place = urlsplit(server.url)
    with socket.create_connection((str(place.hostname), place.port or 80), timeout=60) as line:
        line.sendall(
            text.replace(
                "\r\n\r\n", f"\r\nAuthorization: Bearer {server.token}\r\n\r\n", 1
            ).encode()
        )
        yield line


def problem(line: socket.socket) -> tuple[int, dict[str, Any]]:
    """The status and the problem that come back, whatever is still to be sent."""
    file = line.makefile("rb")
    status = int(file.readline().split()[1])
    length = 0
    while (header := file.readline().decode().strip().lower()) != "":
        if header.startswith("content-length:"):
            length = int(header.partition(":")[2])
    return status, json.loads(file.read(length))


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(asgi: RunningServer) -> None:
    with sent(asgi, f"{HEAD}Content-Length: {60 * 2**20}\r\n\r\n") as line:
        status, told = problem(line)
    assert (status, told["code"]) == (413, "body_too_large")
    assert told["detail"] == "the request must be at most 48 MiB, got 60.0 MiB"


def test_a_body_without_a_length_is_refused(asgi: RunningServer) -> None:
    with sent(asgi, f"{HEAD}Transfer-Encoding: chunked\r\n\r\n") as line:
        status, told = problem(line)
    assert (status, told["code"]) == (411, "length_required")


def test_a_token_is_asked_for_before_the_body(asgi: RunningServer) -> None:
    wrong = RunningServer(asgi.settings, "wrong", asgi.process)
    with sent(wrong, f"{HEAD}Content-Length: 1000\r\n\r\n") as line:
        status, told = problem(line)
    assert (status, told["code"]) == (401, "unauthorized")


def test_whoever_sends_on_hears_why_it_was_refused(service: Any) -> None:
    answer = service.post({"content": bytes(100 * 2**20)})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("GET", "", 405)])
def test_other_paths_and_methods_have_their_problems(
    asgi: RunningServer, service: Any, method: str, path: str, status: int
) -> None:
    url = f"{asgi.url}{path}" if path else service.url
    answer = requests.request(method, url, headers=service.headers, timeout=60)
    assert (answer.status_code, answer.json()["code"]) == (status, "not_found")


def test_health_needs_no_token_and_metrics_do(asgi: RunningServer, service: Any) -> None:
    health = requests.get(f"{asgi.url}/health", timeout=60)
    assert (health.status_code, health.json()) == (200, {"health": "ready"})
    assert requests.get(f"{asgi.url}/metrics", timeout=60).status_code == 401


def test_whoever_leaves_while_it_sends_or_waits_leaves_nothing(
    asgi: RunningServer, service: Any, pictures: dict[str, bytes]
) -> None:
    for length in (10, 10**6):
        with sent(asgi, f"{HEAD}Content-Length: {length}\r\n\r\n{{"):
            pass
    streams = [service.stream(pictures, **LONG) for _ in range(6)]
    until(lambda: (service.describe()["running"], service.describe()["waiting"]) == (4, 2))
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            service.url, files=pictures, data=LONG, headers=service.headers, timeout=(60, 0.5)
        )
    for stream in streams:
        stream.close()
    until(lambda: (service.describe()["running"], service.describe()["waiting"]) == (0, 0))


def until(holds: Any) -> None:
    """Waits until something holds, however slow the machine is."""
    end = time.monotonic() + 100
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_forty_at_once_are_painted_or_refused_and_health_answers_meanwhile(
    asgi: RunningServer, service: Any, pictures: dict[str, bytes]
) -> None:
    with ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(service.post, pictures, **TINY, seed=str(i)) for i in range(40)]
        while wait(asked, timeout=0.1).not_done:
            assert requests.get(f"{asgi.url}/health", timeout=60).status_code == 200
    statuses = [each.result().status_code for each in asked]
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) >= 8
    refused = [each.result().json() for each in asked if each.result().status_code == 503]
    assert {each["code"] for each in refused} <= {"full"}
