"""How much one client may ask for, and how many may wait, each with an answer that says when."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from keys import add_key

from .conftest import Make, check_problem, eventually, parsed, raw, send
from .upstream import Received, Upstream, paint

DESCRIBE = {"json": {"describe": True}}


class Held:
    """A server that paints when it is let, and everybody who waits for it."""

    def __init__(self, make_upstream: Callable[..., Upstream], pool: ThreadPoolExecutor) -> None:
        self._let = threading.Event()
        self._pool = pool
        self.upstream = make_upstream(paints=self._paint)

    def _paint(self, received: Received) -> None:
        self._let.wait(60)
        paint(received)

    def ask(self, gateway: Any, **what: Any) -> Future[Any]:
        """A request that is being painted, or waits."""
        before = self.begun(gateway)
        asked = self._pool.submit(send, gateway, data=b"a form", **what)
        eventually(lambda: asked.done() or self.begun(gateway) > before)
        return asked

    def begun(self, gateway: Any) -> int:
        """How many are with a server, and in the gateway's queue, as canaries or not."""
        rows = [line.split(",") for line in gateway.ask("show stat -1 2 -1").splitlines()]
        told = [dict(zip(rows[0], row, strict=False)) for row in rows[1:]]
        return sum(int(each["scur"]) for each in told if each["# pxname"] in ("fleet", "canary"))

    def let(self) -> None:
        self._let.set()


@pytest.fixture
def held(make_upstream: Callable[..., Upstream]) -> Iterator[Held]:
    with ThreadPoolExecutor() as pool:
        one = Held(make_upstream, pool)
        yield one
        one.let()


def test_one_client_has_so_many_at_once_and_others_have_theirs(
    make_gateway: Make, held: Held
) -> None:
    gateway = make_gateway(held.upstream.address, more={"AT_ONCE": 2})
    other = add_key(gateway.keys, "other")
    gateway.reload()
    begun = [held.ask(gateway), held.ask(gateway)]
    refused = send(gateway, data=b"a form")
    check_problem(refused, 429, "too_many")
    assert "owner has 2 requests" in refused.json()["detail"]
    begun.append(held.ask(gateway, headers={"Authorization": f"Bearer {other}"}))
    held.let()
    assert [each.result().status_code for each in begun] == [200] * 3
    assert send(gateway, data=b"a form").status_code == 200


def test_one_client_has_so_many_in_a_minute(make_gateway: Make, upstream: Upstream) -> None:
    gateway = make_gateway(upstream.address, more={"PER_MINUTE": 3})
    assert [send(gateway, data=b"a form").status_code for _ in range(3)] == [200] * 3
    check_problem(send(gateway, data=b"a form"), 429, "too_many")


def test_a_server_has_its_places_and_the_line_its_end(make_gateway: Make, held: Held) -> None:
    gateway = make_gateway(held.upstream.address, more={"PLACES": 1, "QUEUE": 2, "WAIT": "60s"})
    begun = [held.ask(gateway) for _ in range(3)]
    eventually(lambda: held.upstream.requests)
    assert len(held.upstream.requests) == 1
    refused = send(gateway, data=b"a form")
    check_problem(refused, 503, "full")
    assert refused.json()["detail"].startswith("2 requests wait")
    assert send(gateway, "GET", "/health").json() == {"health": "full"}
    # Who asks for a description waits for no place.
    assert send(gateway, **DESCRIBE).json()["health"] == "ready"
    held.let()
    assert [each.result().status_code for each in begun] == [200] * 3


def test_canaries_have_a_queue_of_their_own(
    make_gateway: Make, make_upstream: Callable[..., Upstream], held: Held
) -> None:
    few = {"PLACES": 1, "QUEUE": 1, "WAIT": "60s"}
    new = make_upstream(paints=held.upstream.paints)
    gateway = make_gateway(held.upstream.address, canary=(new.address,), more=few)
    eventually(lambda: gateway.ready("canary") == 1)
    begun = []
    for word in ("never", "always"):
        headers = {"X-Bruno-Canary": word}
        begun += [held.ask(gateway, headers=headers) for _ in range(2)]
        refused = send(gateway, data=b"a form", headers=headers)
        check_problem(refused, 503, "full")
        assert refused.json()["detail"].startswith("1 requests wait")
    held.let()
    assert [each.result().status_code for each in begun] == [200] * 4
    assert [len(each.requests) for each in (held.upstream, new)] == [2, 2]
    # Where the others are gone, nobody is a canary without having asked for it.
    held.upstream.close()
    eventually(lambda: gateway.ready() == 0)
    check_problem(send(gateway, data=b"a form"), 503, "unavailable")
    assert send(gateway, data=b"a form", headers=headers).status_code == 200


def test_a_slow_server_gets_less(make_gateway: Make, held: Held, upstream: Upstream) -> None:
    gateway = make_gateway(held.upstream.address, upstream.address)
    before = len(upstream.requests)
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(send, gateway, data=b"a form") for _ in range(30)]
        # Two of the three who ask are held at most: a server with more is asked by nobody.
        eventually(lambda: len(upstream.requests) - before >= 28)
        held.let()
        assert [each.result().status_code for each in asked] == [200] * 30
    assert len(held.upstream.requests) <= 2


def test_whoever_waits_too_long_is_told(make_gateway: Make, held: Held) -> None:
    gateway = make_gateway(held.upstream.address, more={"PLACES": 1, "WAIT": "200ms"})
    first = held.ask(gateway)
    check_problem(send(gateway, data=b"a form"), 503, "full")
    held.let()
    assert first.result().status_code == 200


def test_whoever_leaves_the_line_is_never_painted(make_gateway: Make, held: Held) -> None:
    gateway = make_gateway(held.upstream.address, more={"PLACES": 1, "WAIT": "60s"})
    first = held.ask(gateway)
    send_and_leave(gateway, held)
    eventually(lambda: held.begun(gateway) == 1)
    held.let()
    assert first.result().status_code == 200
    assert len(held.upstream.requests) == 1


def send_and_leave(gateway: Any, held: Held) -> None:
    """Leaves once it waits: who has left before the gateway looked keeps a place until WAIT."""
    head = f"POST /predictions/bruno HTTP/1.1\r\nHost: bruno\r\nAuthorization: Bearer {gateway.key}"
    request = f"{head}\r\nContent-Length: 6\r\n\r\na form".encode()
    where = urlsplit(gateway.url)
    with socket.create_connection((where.hostname, where.port)) as client:
        client.sendall(request)
        eventually(lambda: held.begun(gateway) == 2)


BEGUN = b"POST /predictions/bruno HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"


def test_a_body_that_does_not_come_takes_no_place(make_gateway: Make, upstream: Upstream) -> None:
    gateway = make_gateway(upstream.address, more={"SILENCE": "300ms"})
    before = len(upstream.requests)
    begun = BEGUN % gateway.key.encode() + b"Content-Length: 1000\r\n\r\nbegun"
    check_problem(parsed(raw(gateway, begun)), 408, "body_too_slow")
    assert len(upstream.requests) == before
