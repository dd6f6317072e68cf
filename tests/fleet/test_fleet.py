"""Three real servers behind the real gateway: they share, and lose no painting."""

from __future__ import annotations

import json
import re
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from programs import needs

from bruno import Accepted, Bruno, Painting
from build_archive import build_archive
from fleet import Fleet
from fleet_settings import FleetSettings
from gateway_settings import GatewaySettings
from serving import find_port
from settings import StartError

pytestmark = needs("haproxy")

HANDLER = Path(__file__).parents[2] / "handler"
TINY: dict[str, Any] = {"size": 64, "preview_every": 0.25}
NUMBER = 3
# So that clients leave servers that start something of two cores.
PAUSE = 0.3


@pytest.fixture(scope="module")
def fleet(archive: Path, monkeypatch_module: pytest.MonkeyPatch) -> Iterator[Fleet]:
    monkeypatch_module.setenv("OMP_NUM_THREADS", "1")
    made = start(archive)
    try:
        made.wait_until_ready()
        yield made
    finally:
        made.stop()


def start(archive: Path) -> Fleet:
    """A fleet where as many ports are free as it needs."""
    for _ in range(20):
        settings = FleetSettings(GatewaySettings(find_port(), ""), NUMBER, "asgi", drain="0")
        try:
            return Fleet(settings, archive)
        except StartError as error:
            refused = error
    raise refused


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture
def bruno(fleet: Fleet) -> Iterator[Bruno]:
    """A client who is patient, before servers that are all ready."""
    mended(fleet)
    with Bruno(fleet.gateway.url, token=fleet.gateway.key, retries=20) as client:
        yield client


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


def test_paintings_are_spread_evenly(
    fleet: Fleet, bruno: Bruno, pictures: dict[str, bytes]
) -> None:
    with ExitStack() as stack:
        for _ in range(4 * NUMBER):
            events = stack.enter_context(bruno.stream(**pictures, **TINY, steps=5000))
            next(event for event in events if isinstance(event, Accepted))
        assert begun(fleet) == [4] * NUMBER
        assert requests.get(f"{fleet.gateway.url}/health", timeout=60).json()["health"] == "ready"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_ends_under_load_and_no_painting_is_lost(
    fleet: Fleet, bruno: Bruno, pictures: dict[str, bytes], how: signal.Signals
) -> None:
    until(lambda: not any(begun(fleet)))
    accepted, before = threading.Barrier(NUMBER + 1), len(written(fleet))

    def paint(seed: int) -> Painting:
        with bruno.stream(**pictures, **TINY, steps=60, seed=seed) as events:
            next(event for event in events if isinstance(event, Accepted))
            accepted.wait(120)
            return events.painting()

    with ThreadPoolExecutor() as pool:
        painting = [pool.submit(paint, seed) for seed in range(NUMBER)]
        accepted.wait(120)
        process_of(fleet, 0).send_signal(how)
        got = [each.result() for each in painting]
    assert [one.seed for one in got] == list(range(NUMBER))
    assert sum(map(has_retried, got)) == 1
    # The second request went to another server. The gateway writes once a stream has ended.
    until(lambda: len(tried(fleet, before)) == NUMBER + 1)
    assert tried(fleet, before).count(fleet.settings.addresses[0]) == 1


def tried(fleet: Fleet, before: int) -> list[str]:
    """The servers of all requests but the first ones."""
    lines = written(fleet)[before:]
    return [line["server"] for line in lines if line["backend"] == "fleet"]


def test_a_reload_drops_nothing(fleet: Fleet, bruno: Bruno, pictures: dict[str, bytes]) -> None:
    with load(bruno, pictures) as got:
        for wanted in (2, 4, 6, 8):
            fleet.gateway.reload()
            until(lambda wanted=wanted: len(got) >= wanted)
    assert not any(map(has_retried, got))


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_all_are_replaced_by_a_second_version_and_nobody_hears_of_it(
    fleet: Fleet, bruno: Bruno, pictures: dict[str, bytes], weights: Path, tmp_path: Path
) -> None:
    second = version_of(tmp_path, weights, "9.9.9")
    with load(bruno, pictures) as got:
        fleet.replace(0, second)
        assert not any(map(has_retried, got))
        # From here on a process of the gateway from before a reload may have a client's connection,
        # and send a last request to a server that drains: the client takes it elsewhere.
        canary(fleet, bruno, pictures)
        for number in range(1, NUMBER):
            fleet.replace(number, second)
        before = len(got)
        until(lambda: len(got) >= before + 4)
    versions = [painting.record["versions"]["bruno"] for painting in got]
    assert versions[0] != "9.9.9"
    assert set(versions[-2:]) == {"9.9.9"}


def canary(fleet: Fleet, bruno: Bruno, pictures: dict[str, bytes]) -> None:
    """The first server, which has the new version, paints for whoever asks for it alone."""
    first, *others = fleet.settings.addresses
    whole = fleet.gateway.settings
    fleet.gateway.reload(replace(whole, servers=tuple(others), canary=(first,)))
    until(lambda: fleet.gateway.ready("canary") == 1)
    with requests.Session() as session:
        for word, is_new in (("always", True), ("never", False)):
            session.headers["X-Bruno-Canary"] = word
            with Bruno(bruno.url, token=fleet.gateway.key, session=session) as client:
                painting = client.paint(**pictures, **TINY, steps=3)
            assert (painting.record["versions"]["bruno"] == "9.9.9") is is_new
    fleet.gateway.reload(whole)
    until(lambda: fleet.gateway.ready() == NUMBER)


def version_of(folder: Path, weights: Path, version: str) -> Path:
    """An archive of the handler as it is now, under another version."""
    handler = shutil.copytree(HANDLER, folder / "handler", ignore=shutil.ignore_patterns("*.pyc"))
    source = handler / "painter" / "version.py"
    text, count = re.subn(r'(VERSION\b.*= )"[^"]+"', rf'\1"{version}"', source.read_text())
    assert count == 1
    source.write_text(text)
    build_archive(folder / "bruno.mar", handler, weights)
    return folder / "bruno.mar"
