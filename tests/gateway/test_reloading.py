"""Keys and servers come and go under streams that go on."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import keys
from settings import StartError

from .conftest import Make, check_problem, eventually, send
from .upstream import Received, Upstream

EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_stream_goes_on_while_its_key_goes_and_another_comes(
    make_gateway: Make, make_upstream: Callable[..., Upstream]
) -> None:
    let = threading.Event()

    def tell(received: Received) -> None:
        received.line.sendall(EVENTS + b"6\r\nbegun\n\r\n")
        assert let.wait(60)
        received.line.sendall(b"6\r\nended\n\r\n0\r\n\r\n")

    gateway = make_gateway(make_upstream(paints=tell).address)
    with send(gateway, data=b"a form", stream=True) as answer:
        told = answer.iter_lines(chunk_size=1)
        assert next(told) == b"begun"
        gateway.keys.write_text("")
        new = keys.add_key(gateway.keys, "new")
        gateway.reload()
        check_problem(send(gateway, data=b"a form"), 401, "unauthorized")
        let.set()
        assert list(told) == [b"ended"]
    headers = {"Authorization": f"Bearer {new}"}
    assert send(gateway, data=b"a form", headers=headers).text == "begun\nended\n"


def test_servers_come_and_go_and_who_was_ready_stays_it(
    make_gateway: Make, make_upstream: Callable[..., Upstream]
) -> None:
    first, second = make_upstream(), make_upstream()
    gateway = make_gateway(first.address)
    gateway.reload(replace(gateway.settings, servers=(first.address, second.address)))
    assert send(gateway, data=b"a form").status_code == 200
    eventually(lambda: gateway.ready() == 2)
    first.close()
    gateway.reload(replace(gateway.settings, servers=(second.address,)))
    assert gateway.ready() == 1
    assert send(gateway, data=b"a form").status_code == 200
    assert len(second.requests) == 1


def test_what_cannot_be_taken_changes_nothing(make_gateway: Make, upstream: Upstream) -> None:
    gateway = make_gateway(upstream.address)
    with pytest.raises(StartError, match="host:port"):
        gateway.reload(replace(gateway.settings, servers=("nonsense",)))
    assert gateway.settings.servers == (upstream.address,)
    gateway.reload()
    assert send(gateway, data=b"a form").status_code == 200


def test_a_canary_by_header_and_by_weight(
    make_gateway: Make, make_upstream: Callable[..., Upstream]
) -> None:
    old, new = make_upstream(), make_upstream()
    gateway = make_gateway(old.address, canary=(new.address,), more={"CANARY": 30})
    eventually(lambda: gateway.ready("canary") == 1)
    for _ in range(10):
        send(gateway, data=b"a form", headers={"X-Bruno-Canary": "never"})
    assert (len(old.requests), len(new.requests)) == (10, 0)
    for _ in range(10):
        send(gateway, data=b"a form", headers={"X-Bruno-Canary": "always"})
    assert (len(old.requests), len(new.requests)) == (10, 10)
    for _ in range(200):
        send(gateway, data=b"a form")
    # Of 200 by chance 30 of 100: 60 with a deviation of 6.5, and six of those either way.
    assert 20 < len(new.requests) - 10 < 100
    new.close()
    answers = [send(gateway, data=b"a form").status_code for _ in range(30)]
    assert answers.count(200) >= 29


def test_a_key_is_made_and_printed_once(tmp_path: Path) -> None:
    words = [sys.executable, keys.__file__, str(tmp_path / "keys.map")]
    made = [subprocess.run([*words, "a.b-c"], capture_output=True, text=True) for _ in range(2)]
    assert len({run.stdout for run in made}) == 2
    lines = (tmp_path / "keys.map").read_text().splitlines()
    assert [line.split()[1] for line in lines] == ["a.b-c"] * 2
    assert not any(run.stdout.strip() in line for run in made for line in lines)
    refused = subprocess.run([*words, "a b"], capture_output=True, text=True, check=False)
    assert (refused.returncode, "a name must be" in refused.stderr) == (2, True)
