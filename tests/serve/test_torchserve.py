"""What is TorchServe's alone: its own limits, and how its worker notices that nobody listens."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
import requests

TINY = {"size": "64", "steps": "3", "preview_every": "0"}
LONG = TINY | {"steps": "5000"}
MIB = 2**20
Events = Callable[[requests.Response], Iterator[tuple[str, dict[str, Any]]]]


@pytest.fixture
def service(torchserve: Any, reach: Callable[[Any], Any]) -> Any:
    return reach(torchserve)


def settles(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def gauge(server: Any, name: str) -> float:
    """A metric as the metrics port shows it, without a call of the worker."""
    text = requests.get(f"http://127.0.0.1:{server.settings.port + 2}/metrics", timeout=60).text
    found = re.search(rf"^{name}\{{.*\}} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else float("nan")


def seconds_used(server: Any, within: float) -> float:
    """The processor time that the worker uses from now on."""
    workers = [each for each in server.process.members() if "python" in each.name().lower()]
    before = [each.cpu_times() for each in workers]
    time.sleep(within)
    after = [each.cpu_times() for each in workers]
    return sum(sum(now[:2]) - sum(then[:2]) for then, now in zip(before, after, strict=True))


def test_beyond_64_mib_torchserve_answers_itself(service: Any, pictures: dict[str, bytes]) -> None:
    answer = service.post(pictures | {"content": bytes(65 * MIB)}, **TINY)
    assert (answer.status_code, answer.content) == (413, b"")
    assert service.post(pictures, **TINY).status_code == 200


def test_when_the_only_client_leaves_work_stops_and_the_reaper_frees(
    torchserve: Any, service: Any, pictures: dict[str, bytes], events: Events
) -> None:
    with service.stream(pictures, **LONG) as answer:
        told = events(answer)
        while next(told)[0] != "progress":
            pass
        assert settles(lambda: gauge(torchserve, "bruno_paintings_running") == 1, seconds=100)
    assert settles(lambda: seconds_used(torchserve, within=1.0) < 0.2, seconds=100)
    assert settles(lambda: gauge(torchserve, "bruno_paintings_running") == 0, seconds=100)


def test_it_listens_on_ipv4_alone(torchserve: Any) -> None:
    open_ports = torchserve.process.first.net_connections("tcp")
    families = [each.family for each in open_ports if each.status == psutil.CONN_LISTEN]
    assert families == [socket.AF_INET] * 5


def test_a_mistyped_part_is_a_problem_and_no_traceback(
    service: Any, torchserve: Any, pictures: dict[str, bytes]
) -> None:
    before = len(torchserve.process.log("worker"))
    kinds = ("application/json", "text/plain")
    for kind in kinds:
        answer = service.post({**pictures, "content": ("x", b"\xff{", kind)}, **TINY)
        assert (answer.status_code, answer.json()["field"]) == (415, "content")
    text = torchserve.process.log("worker")[before:]
    assert "Traceback" not in text
    assert text.count("not_an_image") == len(kinds)
