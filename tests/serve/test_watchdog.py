"""What the watchdog takes for a sign of life, of a real server and of those that say nonsense."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import readiness
from serving import find_port
from watchdog import LOST_SECONDS, Watchdog, gray_picture

Answer = Callable[[BaseHTTPRequestHandler, bytes], None]
READY = json.dumps({"health": "ready", "running": 0}).encode()
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
# What is no answer, and what says all the same when to come again.
BROKEN = {
    "a chunk that is cut": (CHUNKED + b"20\r\n" + READY[:9], False),
    "no HTTP": (b"what?\r\n\r\n", False),
    "JSON of something else": (b'HTTP/1.1 200 OK\r\n\r\n"what?"', True),
    "another's description": (b"HTTP/1.1 200 OK\r\n\r\n{}", True),
    "full, and cut": (CHUNKED.replace(b"200 OK\r\n", b"503 Full\r\nRetry-After: 1\r\n"), True),
    "gone, and cut": (CHUNKED.replace(b"200 OK\r\n", b"502 Gone\r\n"), False),
}


@pytest.fixture(autouse=True)
def asked_by_tests_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchdog.ASKED_EVERY", 1e6)
    monkeypatch.setattr("watchdog.PAINTED_EVERY", 0.0)


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """The address of a server that answers each request so, with the bytes that it is told."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer(self, self.rfile.read(int(self.headers["Content-Length"])))

        def log_message(self, *_: Any) -> None:
            """Writes nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def test_it_has_a_server_paint_and_misses_one_that_is_gone(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gray_picture().startswith(b"\x89PNG")
    finished: list[Any] = []
    monkeypatch.setattr(Watchdog, "_ask", _noting(Watchdog._ask, finished))
    assert Watchdog(server.url, server.token)._lives()
    assert b"event: painting" in finished[-1]
    gone = Watchdog(f"http://127.0.0.1:{find_port()}", server.token)
    assert not gone._lives()
    assert not gone.is_lost
    monkeypatch.setattr("watchdog.LOST_SECONDS", -1.0)
    assert gone.is_lost


def _noting(ask: Any, found: list[Any]) -> Any:
    def asks(self: Watchdog, body: dict[str, Any]) -> Any:
        found.append(ask(self, body))
        return found[-1]

    return asks


@pytest.mark.parametrize("how", BROKEN)
def test_it_outlives_an_answer_that_is_broken(how: str) -> None:
    said, lives = BROKEN[how]
    with answering(lambda line, _: line.wfile.write(said) and None) as url:
        assert Watchdog(url, "token")._lives() is lives
        if not lives:
            assert readiness.ask(url, "token", {"describe": True}) is None


def test_each_event_of_a_painting_that_takes_long_is_a_sign_of_life() -> None:
    seen = list[bool]()

    def answer(line: BaseHTTPRequestHandler, body: bytes) -> None:
        if b"describe" in body:
            line.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n" + READY)
            return
        line.wfile.write(CHUNKED)
        for event in (b"event: accepted\n\n", b"event: progress\n\n"):
            dog.answered = time.monotonic() - LOST_SECONDS - 1
            line.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            end = time.monotonic() + 60
            while dog.is_lost and time.monotonic() < end:
                time.sleep(0.01)
            seen.append(not dog.is_lost)
        line.wfile.write(b"0\r\n\r\n")

    with answering(answer) as url:
        dog = Watchdog(url, "token")
        assert dog._lives()
    assert seen == [True, True]
