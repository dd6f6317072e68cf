"""The gateway before each of the two real servers: what is hostile is refused, the rest painted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from programs import needs

from bruno import AuthenticationError, Bruno, ServerFullError
from gateway_process import GatewayProcess
from gateway_settings import GatewaySettings
from serving import find_port

from .conftest import Contract
from .hostile import HOSTILE, NAMELESS

pytestmark = [needs("haproxy"), pytest.mark.usefixtures("unharmed")]

TINY: dict[str, Any] = {"size": 64, "steps": 3, "preview_every": 0}
FORM = "multipart/form-data; boundary=x"


@dataclass(frozen=True)
class Gate:
    """A gateway before one of the servers."""

    process: GatewayProcess
    contract: Contract

    def send(self, **what: Any) -> requests.Response:
        key = {"Authorization": f"Bearer {self.process.key}"}
        headers = key | what.pop("headers", {})
        url = f"{self.process.url}/predictions/bruno"
        return requests.post(url, headers=headers, timeout=60, **what)

    def check(self, status: int, body: bytes, kind: str) -> None:
        """Raises where the answer is not a problem with this status."""
        answer = self.send(data=body, headers={"Content-Type": kind})
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.status_code == status
        self.contract.check(answer.json(), "Problem")


@pytest.fixture(scope="session")
def gate(server: Any, contract: Contract) -> Iterator[Gate]:
    more = {"BRUNO_GATEWAY_GUESSES": "2"}
    address = urlsplit(server.url).netloc
    settings = GatewaySettings(find_port(), server.token, (address,), more=more)
    process = GatewayProcess(settings)
    end = time.monotonic() + 60
    while not process.ready():
        assert time.monotonic() < end, process.log()
        time.sleep(0.05)
    yield Gate(process, contract)
    process.stop()


def test_it_paints_streams_and_describes(gate: Gate, pictures: dict[str, bytes]) -> None:
    with Bruno(gate.process.url, token=gate.process.key) as bruno:
        assert bruno.state() == "ready"
        assert bruno.describe()["name"] == "bruno"
        with bruno.stream(**pictures, **TINY) as events:
            painting = events.painting()
    assert max(painting.width, painting.height) == 64


def test_a_form_of_any_client_paints(gate: Gate, pictures: dict[str, bytes]) -> None:
    plain = {name: str(value) for name, value in TINY.items()}
    answer = gate.send(files=pictures, data=plain)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")


@pytest.mark.parametrize("hostile", [*HOSTILE, *NAMELESS])
def test_hostile_forms_are_problems(gate: Gate, hostile: str) -> None:
    kind, body = {**HOSTILE, **NAMELESS}[hostile]
    gate.check(422 if hostile in NAMELESS else 400, body, kind)


def hostile(number: int) -> bytes:
    """A form of 6 MiB that TorchServe's own decoder would keep."""
    head = (b'name=""', b'name="content"\r\nContent-Type: multipart/mixed')[number % 2]
    return b"--x\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n--x--\r\n" % (
        head,
        bytes(6 << 20),
    )


@pytest.mark.slow
def test_hostile_forms_leave_no_memory_behind(gate: Gate, server: Any) -> None:
    for number in range(60):
        gate.check(422 if number % 2 == 0 else 400, hostile(number), FORM)
    before = memory(server)  # by now the heap has the size that it needs for them
    for number in range(60):
        gate.check(422 if number % 2 == 0 else 400, hostile(number), FORM)
    assert memory(server) - before < 100 << 20  # they are 360 MiB


def memory(server: Any) -> int:
    """Bytes that all processes of a server have."""
    return sum(process.memory_info().rss for process in server.process.members())


KINDS = {
    "application/x-www-form-urlencoded": b"%zz=%&&==",
    "text/plain": b"hello",
    "": b"{",
    "application/json": b"[" * 10**5,
}


@pytest.mark.parametrize("kind", KINDS)
def test_other_kinds_are_problems(gate: Gate, kind: str) -> None:
    gate.check(400, KINDS[kind], kind)


def test_guesses_end(gate: Gate) -> None:
    with Bruno(gate.process.url, token="wrong", retries=0) as bruno:  # noqa: S106
        for _ in range(3):
            with pytest.raises(AuthenticationError):
                bruno.describe()
        with pytest.raises(ServerFullError) as refused:
            bruno.describe()
    assert (refused.value.code, refused.value.retry_after) == ("too_many", 60)
