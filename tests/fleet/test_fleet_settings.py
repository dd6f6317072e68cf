"""What a fleet is told, and a server of it that ends again and again."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import fleet as fleet_module
import member as member_module
from fleet_settings import read_fleet_settings
from member import Member
from settings import StartError, read_settings
from supervisor import RESTARTS_MOST, WITHIN_SECONDS, Restarts

OWN = "a-token-of-my-own"


def test_servers_have_ports_and_cards_of_their_own() -> None:
    told = {"PORT": "9000", "N": "3", "DEVICE": "cuda", "CUDA_VISIBLE_DEVICES": "2,3,5,7"}
    settings = read_fleet_settings(told)
    assert settings.addresses == ["127.0.0.1:9020", "127.0.0.1:9040", "127.0.0.1:9060"]
    environments = [settings.environment(number) for number in range(3)]
    assert [each["CUDA_VISIBLE_DEVICES"] for each in environments] == ["2", "3", "5"]
    assert [read_settings(each).port for each in environments] == [9020, 9040, 9060]
    assert settings.gateway.more == {"BRUNO_GATEWAY_PLACES": "68"}
    named = read_fleet_settings({"N": "2", "DEVICE": "cuda"})
    assert [named.environment(n)["CUDA_VISIBLE_DEVICES"] for n in range(2)] == ["0", "1"]


def test_servers_on_one_processor_share_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("fleet_settings.usable_cores", lambda: 8)
    for number, threads in ((1, "8"), (3, "2"), (16, "1")):
        environment = read_fleet_settings({"N": str(number)}).environment(0)
        assert environment["OMP_NUM_THREADS"] == threads


def test_a_gateway_alone_before_servers_elsewhere() -> None:
    told = {"SERVERS": "a:1, b.example:2", "CANARY": "c:3", "BRUNO_TOKEN": OWN, "N": "5"}
    settings = read_fleet_settings(told)
    assert (settings.number, settings.addresses) == (0, [])
    assert settings.gateway.servers == ("a:1", "b.example:2")
    assert (settings.gateway.canary, settings.gateway.token) == (("c:3",), OWN)


@pytest.mark.parametrize(
    ("told", "url", "places"),
    [
        ({}, "http://127.0.0.1:8080", "8"),
        ({"TLS": "a.pem", "PLACES": "3", "QUEUE": "5"}, "https://127.0.0.1:8080", "3"),
        ({"TLS": "", "PLACES": ""}, "http://127.0.0.1:8080", "8"),
    ],
)
def test_what_the_configuration_is_told_goes_on_to_it(
    told: dict[str, str], url: str, places: str
) -> None:
    named = {f"BRUNO_GATEWAY_{name}": value for name, value in told.items()}
    gateway = read_fleet_settings(named).gateway
    assert gateway.url == url
    kept = {name: value for name, value in named.items() if value}
    assert gateway.more == kept | {"BRUNO_GATEWAY_PLACES": places}


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"N": "0"}, "N must be a whole number from 1 to 64, not '0'"),
        ({"N": "many"}, "N must be"),
        ({"SERVERS": "a:1"}, "SERVERS needs BRUNO_TOKEN"),
        ({"KEYS": "/nowhere"}, "KEYS names no file: /nowhere"),
        ({"N": "3", "DEVICE": "cuda", "CUDA_VISIBLE_DEVICES": "0"}, "N=3 needs as many cards"),
        ({"SERVER": "other"}, "SERVER must be"),
    ],
)
def test_what_cannot_be_is_one_sentence(told: dict[str, str], words: str) -> None:
    with pytest.raises(StartError, match=words):
        read_fleet_settings(told)


def test_the_command_says_it_and_ends_with_2() -> None:
    run = subprocess.run(
        [sys.executable, fleet_module.__file__],
        env={"N": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert run.stderr.startswith("make fleet: N must be")


def test_a_port_in_use_is_told_before_anything_starts(free_port: int) -> None:
    settings = read_fleet_settings({"PORT": str(free_port), "N": "2", "SERVER": "asgi"})
    told = pytest.raises(StartError, match=f"Port {free_port + 40} .* is in use")
    with socket.create_server(("127.0.0.1", free_port + 40)), told:
        fleet_module.Fleet(settings)


def test_a_server_that_ends_again_and_again_is_given_up_once_and_for_ten_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = tmp_path / "ends.py"
    launcher.write_text("print('no weights')")
    monkeypatch.setattr(member_module, "LAUNCHER", launcher)
    now: list[Any] = [0.0]
    monkeypatch.setattr("member.time.monotonic", lambda: now[0])
    one = Member({"DRAIN": "0"}, tmp_path / "log")
    one._restarts = Restarts(lambda: now[0])
    told = []
    for _ in range(RESTARTS_MOST + 2):
        one._process.wait(60)
        assert one.mend() == ""  # not so soon
        now[0] += member_module.AGAIN_SECONDS
        told.append(one.mend())
    again = [f"ended and is started again ({number} of 3): no weights" for number in (1, 2, 3)]
    given_up = "ended and is given up for now, after 3 restarts in 10 minutes: no weights"
    assert told == [*again, given_up, ""]
    now[0] += WITHIN_SECONDS
    assert one.mend() == again[0]
    one.stop()
    assert one.has_ended
