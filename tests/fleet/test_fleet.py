"""Three real servers behind the real gateway: they share, and lose no painting."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from programs import needs

from bruno import Accepted, Bruno, Painting
from fleet import Fleet
from three_servers import (
    NUMBER,
    TINY,
    begun,
    canaries_of,
    has_retried,
    load,
    mended,
    process_of,
    slowed,
    start,
    tried,
    until,
    version_of,
    written,
)

pytestmark = needs("haproxy")


@pytest.fixture(scope="module")
def fleet(archive: Path, monkeypatch_module: pytest.MonkeyPatch) -> Iterator[Fleet]:
    monkeypatch_module.setenv("OMP_NUM_THREADS", "1")
    made = start(archive)
    try:
        made.wait_until_ready()
        yield made
    finally:
        made.stop()


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


def test_a_reload_drops_nothing(fleet: Fleet, bruno: Bruno, pictures: dict[str, bytes]) -> None:
    with load(bruno, pictures) as got:
        for wanted in (2, 4, 6, 8):
            fleet.gateway.reload()
            until(lambda wanted=wanted: len(got) >= wanted)
    assert not any(map(has_retried, got))


def test_a_server_that_slows_to_a_tenth_gets_less(
    fleet: Fleet, bruno: Bruno, pictures: dict[str, bytes]
) -> None:
    before = len(written(fleet))
    with slowed(process_of(fleet, 0)), load(bruno, pictures) as got:
        until(lambda: len(got) >= 8)
    until(lambda: len(tried(fleet, before)) >= len(got))
    servers = tried(fleet, before)
    assert NUMBER * servers.count(fleet.settings.addresses[0]) < len(servers)


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
        assert 0 < canaries_of(fleet, session, 200) < 50
    fleet.gateway.reload(whole)
    until(lambda: fleet.gateway.ready() == NUMBER)
