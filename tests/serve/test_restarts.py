"""A server that ends is started again, and nobody loses a painting; orphans end by themselves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

import serve
from bruno import Bruno
from serving import find_port
from supervisor import RESTARTS_MOST, WITHIN_SECONDS, Restarts
from watchdog import Watchdog, gray_picture

TINY = {"size": 64, "steps": 3}
PATIENCE = 120.0


@pytest.fixture(params=["torchserve", "asgi"])
def served(
    request: pytest.FixtureRequest, archive: Path, tmp_path: Path
) -> Iterator[subprocess.Popen[str]]:
    """serve.py as `make serve` runs it; what it prints goes to `printed` in the test's folder."""
    command = [sys.executable, serve.__file__, "--archive", str(archive)]
    environment = {**os.environ, "PORT": str(find_port()), "SERVER": request.param}
    with (tmp_path / "printed").open("w") as printed:
        process = subprocess.Popen(
            command, env=environment, stdout=printed, stderr=subprocess.STDOUT, text=True
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def printed_with(folder: Path, words: str, served: subprocess.Popen[str]) -> str:
    """All that was printed, once these words are among it."""
    while words not in (text := (folder / "printed").read_text()):
        assert served.poll() is None, text
        time.sleep(0.1)
    return text


def test_a_server_that_is_killed_is_started_again_under_its_clients(
    served: subprocess.Popen[str], tmp_path: Path, pictures: dict[str, bytes]
) -> None:
    printed = printed_with(tmp_path, "Logs: ", served)
    url, keys = re.findall(r"BRUNO_URL=(\S+) BRUNO_KEY_FILE=(\S+)", printed)[0]
    bruno = Bruno(url, key_file=keys)
    with ThreadPoolExecutor(3) as pool:
        streams = [
            iter(bruno.stream(pictures["content"], pictures["style"], size=64, steps=5000, seed=i))
            for i in range(2)
        ]
        for stream in streams:
            next(stream)
        (first,) = psutil.Process(served.pid).children()
        first.kill()
        goes_on = [pool.submit(next, stream) for stream in streams]
        printed_with(tmp_path, "it is ready to paint again", served)
        for event in goes_on:
            event.result(300)
        bruno.close()
    others = psutil.Process(served.pid).children(recursive=True)
    assert first not in others
    served.kill()
    assert psutil.wait_procs(others, timeout=100)[1] == []


def test_three_restarts_in_ten_minutes_are_enough() -> None:
    now = 0.0
    restarts = Restarts(lambda: now)
    assert [restarts.try_one() for _ in range(RESTARTS_MOST)] == [1, 2, 3]
    now = WITHIN_SECONDS - 1
    assert restarts.try_one() is None
    now = WITHIN_SECONDS
    assert restarts.try_one() == 1


def test_the_watchdog_has_a_server_paint_and_misses_one_that_is_gone(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchdog.ASKED_EVERY", 1e6)
    monkeypatch.setattr("watchdog.PAINTED_EVERY", 0.0)
    assert gray_picture().startswith(b"\x89PNG")
    finished = []
    monkeypatch.setattr(Watchdog, "_ask", _noting(Watchdog._ask, finished))
    assert Watchdog(server.url, server.token, PATIENCE)._lives()
    assert b"event: painting" in finished[-1]
    gone = Watchdog(f"http://127.0.0.1:{find_port()}", server.token, PATIENCE)
    assert not gone._lives()
    assert not gone.is_lost
    gone.lost_seconds = -1.0
    assert gone.is_lost


class _Full(BaseHTTPRequestHandler):
    """Says of every request when it may come again."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(503)
        self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Writes nothing."""


def test_a_server_that_says_when_to_come_again_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchdog.ASKED_EVERY", 1e6)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Full) as full:
        threading.Thread(target=full.serve_forever).start()
        try:
            assert Watchdog(f"http://127.0.0.1:{full.server_port}", "token", PATIENCE)._lives()
        finally:
            full.shutdown()


def _noting(ask: Any, found: list[Any]) -> Any:
    def asks(self: Watchdog, body: dict[str, Any]) -> Any:
        found.append(ask(self, body))
        return found[-1]

    return asks
