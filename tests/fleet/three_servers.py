"""What tests do with three real servers, and what the gateway has written of it."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests

from bruno import Bruno, Painting
from build_archive import build_archive
from fleet import Fleet
from fleet_settings import FleetSettings
from gateway_settings import GatewaySettings
from serving import find_port

HANDLER = Path(__file__).parents[2] / "handler"
TINY: dict[str, Any] = {"size": 64, "preview_every": 0.25}
NUMBER = 3
# Of a hundred requests, those that a canary gets where there is one.
WEIGHT = 10
# So that clients leave servers that start something of two cores.
PAUSE = 0.3


def start(archive: Path) -> Fleet:
    """A fleet on ports that nobody else takes: the gateway's, and those of its servers."""
    gateway = GatewaySettings(find_port(1 + NUMBER), "", more={"BRUNO_GATEWAY_CANARY": str(WEIGHT)})
    return Fleet(FleetSettings(gateway, NUMBER, "asgi", drain="0"), archive)


def mended(fleet: Fleet) -> None:
    """Starts again whatever a test has ended."""
    end = time.monotonic() + 120
    while fleet.gateway.ready() < NUMBER:
        fleet.look_after()
        assert time.monotonic() < end, [member.last_words() for member in fleet.members]
        time.sleep(0.1)


def process_of(fleet: Fleet, number: int) -> psutil.Process:
    """The process that paints, which the launcher has started."""
    (process,) = psutil.Process(fleet.members[number].pid).children()
    return process


def begun(fleet: Fleet) -> list[int]:
    return [int(server["scur"]) for server in fleet.gateway.servers("fleet")]


def written(fleet: Fleet) -> list[dict[str, Any]]:
    """A line for each request."""
    return [json.loads(line) for line in fleet.gateway.log().splitlines() if line[0] == "{"]


def has_retried(painting: Painting) -> bool:
    return "client" in painting.record


@contextmanager
def load(bruno: Bruno, pictures: dict[str, bytes]) -> Iterator[list[Painting]]:
    """Two clients who ask for one painting after the other; what they got, at the end."""
    over, got = threading.Event(), list[Painting]()

    def ask(seed: int) -> None:
        while not over.wait(PAUSE):
            got.append(bruno.paint(**pictures, **TINY, steps=6, seed=seed))

    with ThreadPoolExecutor() as pool:
        asking = [pool.submit(ask, seed) for seed in range(2)]
        try:
            yield got
        finally:
            over.set()
        for each in asking:
            each.result()


def tried(fleet: Fleet, before: int) -> list[str]:
    """The servers of all requests but the first ones."""
    lines = written(fleet)[before:]
    return [line["server"] for line in lines if line["backend"] == "fleet"]


@contextmanager
def slowed(process: psutil.Process) -> Iterator[None]:
    """A process that stands still for nine tenths of the time."""
    over = threading.Event()

    def hold() -> None:
        while not over.is_set():
            process.suspend()
            over.wait(0.9)
            process.resume()
            over.wait(0.1)

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold)
        try:
            yield
        finally:
            over.set()
            held.result()


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def canaries_of(fleet: Fleet, session: requests.Session, number: int) -> int:
    """How many of so many requests a canary gets: 20 of 200, with a deviation of 4.2."""
    key, before = {"Authorization": f"Bearer {fleet.gateway.key}"}, len(written(fleet))
    del session.headers["X-Bruno-Canary"]
    for _ in range(number):
        asked = session.post(f"{fleet.gateway.url}/predictions/bruno", b"no form", headers=key)
        assert asked.json()["code"] == "malformed"
    until(lambda: len(refused(fleet, before)) == number)
    return refused(fleet, before).count("canary")


def refused(fleet: Fleet, before: int) -> list[str]:
    """Whose servers refused requests, after the first ones."""
    return [line["backend"] for line in written(fleet)[before:] if line["status"] == 400]


def version_of(folder: Path, weights: Path, version: str) -> Path:
    """An archive of the handler as it is now, under another version."""
    handler = shutil.copytree(HANDLER, folder / "handler", ignore=shutil.ignore_patterns("*.pyc"))
    source = handler / "painter" / "version.py"
    text, count = re.subn(r'(VERSION\b.*= )"[^"]+"', rf'\1"{version}"', source.read_text())
    assert count == 1
    source.write_text(text)
    build_archive(folder / "bruno.mar", handler, weights)
    return folder / "bruno.mar"
